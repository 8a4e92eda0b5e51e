# The console: its port, its names, the secrets that the configuration keeps in files, and the screen that says where it is.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  inherit (cfg.settings) console;

  # Where systemd puts what LoadCredential hands to the unit: readable by the host alone.
  credential = name: "/run/credentials/punktfunk-host.service/${name}";
  secrets = lib.filterAttrs (_: file: file != null) {
    console-password = cfg.console.passwordFile;
    console-token = cfg.console.tokenFile;
  };
  handed = name: lib.mkIf (secrets ? ${name}) (credential name);

  rules.allowedTCPPorts = [ console.port ];
  secretFile = lib.types.nullOr lib.types.str;
in
{
  imports = [
    ../host
    ../network
  ];

  options.services.punktfunk.console = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether the console is served, over HTTPS with the host's certificate.";
    };

    port = lib.mkOption {
      type = lib.types.ints.between 0 65535;
      default = 47990;
      description = "TCP port of the console.";
    };

    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = ''
        Whether the firewall lets browsers reach the console, on `network.interfaces`. A host without an administrator
        answers nothing but its health and the claim, which needs the code that `punktfunk-host ctl claim` shows.
      '';
    };

    names = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "den.example.org" ];
      description = "Names that browsers may reach the console under, beside the machine's own and its addresses.";
    };

    passwordFile = lib.mkOption {
      type = secretFile;
      default = null;
      example = "/run/secrets/punktfunk-console";
      description = ''
        File with the administrator's password or its argon2 hash, outside the Nix store. Root reads it and hands it to
        the host alone. With it there is no claim.
      '';
    };

    tokenFile = lib.mkOption {
      type = secretFile;
      default = null;
      example = "/run/secrets/punktfunk-token";
      description = "File with a bearer token for programs, of 32 characters or more, likewise.";
    };

    welcome = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether the machine's first screen (`tty1`), and its first serial port where it has one, show where the console is
        and the claim code while nobody has typed it, in place of a login. The other screens (Alt+F2) keep theirs.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    services.punktfunk.settings.console = {
      inherit (cfg.console) enable port names;
      password_file = handed "console-password";
      token_file = handed "console-token";
    };

    systemd.services = lib.mkMerge [
      {
        punktfunk-host.serviceConfig = lib.mkIf (secrets != { }) {
          LoadCredential = lib.mapAttrsToList (name: file: "${name}:${file}") secrets;
        };
      }
      (lib.mkIf cfg.console.welcome {
        "punktfunk-welcome@".serviceConfig.ExecStart = [
          ""
          "${lib.getExe cfg.package} ctl welcome --follow"
        ];
        "punktfunk-welcome@tty1" = {
          overrideStrategy = "asDropin";
          wantedBy = [ "multi-user.target" ];
        };
        "getty@tty1".enable = false;
        "autovt@tty1".enable = false;
        "serial-getty@ttyS0".enable = false;
      })
    ];
    services.udev.extraRules = lib.mkIf cfg.console.welcome (
      builtins.readFile ../../images/appliance/usr/lib/udev/rules.d/73-punktfunk-console.rules
    );

    networking.firewall = lib.mkIf (cfg.console.enable && cfg.console.openFirewall && console.port != 0) (
      if cfg.network.interfaces == [ ] then rules else { interfaces = lib.genAttrs cfg.network.interfaces (_: rules); }
    );

    assertions = [
      {
        assertion = builtins.all (file: builtins.substring 0 11 file != "/nix/store/") (lib.attrValues secrets);
        message = ''
          services.punktfunk.console names a secret in the Nix store, which every user of the machine can read.
          Keep it elsewhere, for example passwordFile = "/run/secrets/punktfunk-console";
        '';
      }
    ];
  };
}
