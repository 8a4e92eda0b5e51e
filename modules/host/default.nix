# The host itself: its program, its user and its unit.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  payload = ../../images/payload;
  sysusers = import ./sysusers.nix { inherit lib; } (payload + "/sysusers.d/punktfunk.conf");
in
{
  imports = [ ./settings.nix ];

  options.services.punktfunk = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether this machine is a punktfunk streaming host.";
    };

    package = lib.mkOption {
      type = lib.types.package;
      defaultText = lib.literalExpression "the flake's punktfunk-host";
      description = "The package that holds `punktfunk-host`. The flake's modules set it.";
    };

    payload = lib.mkOption {
      type = lib.types.package;
      default = pkgs.runCommand "punktfunk-payload" { } ''
        mkdir -p $out/lib
        cp -r ${payload}/. $out/lib/
      '';
      defaultText = lib.literalExpression "the files of images/payload";
      internal = true;
      description = "Units, tmpfiles and udev rules: the very files that the disk images ship.";
    };
  };

  config = lib.mkIf cfg.enable {
    users = { inherit (sysusers) users groups; };
    environment.etc."punktfunk/punktfunk.toml".source = cfg.configFile;
    environment.systemPackages = [ cfg.package ];

    systemd.packages = [ cfg.payload ];
    systemd.tmpfiles.packages = [ cfg.payload ];
    # What the unit file cannot know: where programs are, and that NixOS ignores its [Install].
    systemd.services.punktfunk-host = {
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ cfg.configFile ];
      serviceConfig.ExecStart = [
        ""
        "${lib.getExe cfg.package} serve"
      ];
    };
  };
}
