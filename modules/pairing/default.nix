# Who may connect.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  policy = cfg.settings.pairing.policy;
  addresses = import ./addresses.nix { inherit lib; };
  fields = import ../host/options-of-schema.nix { inherit lib; } (lib.importJSON ../host/schema.json);
  public = lib.filter (address: !addresses.isPrivate address) (addresses.declared config);
in
{
  imports = [ ../host ];

  options.services.punktfunk.pairing = {
    devices = lib.mkOption {
      inherit (fields.devices) type default description;
      example = lib.literalExpression ''{ living-room = { fingerprint = "1a2b…"; access = "controller-only"; }; }'';
    };

    policy = lib.mkOption {
      type = lib.types.enum [
        "require"
        "open"
      ];
      default = "require";
      description = ''
        Who may connect. With `"require"` an unknown device waits until it is approved or pairs with a PIN. With `"open"`
        whoever reaches the host can use it without asking, with all rights.
      '';
    };

    acknowledgeRisk = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        That strangers may use this machine. Needed for `policy = "open"` when the machine has an address that is not
        private, because then the network that reaches it may be the internet.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    services.punktfunk.settings.pairing.policy = cfg.pairing.policy;
    services.punktfunk.settings.devices = cfg.pairing.devices;

    assertions = [
      {
        assertion = policy == "open" && public != [ ] -> cfg.pairing.acknowledgeRisk;
        message = ''
          services.punktfunk.pairing.policy is "open" and this machine has a public address: ${lib.concatStringsSep ", " public}.
          Whoever reaches that address could use this machine without asking, with keyboard and pointer.
          Write services.punktfunk.pairing.policy = "require"; or, if strangers shall be able to,
          services.punktfunk.pairing.acknowledgeRisk = true;
        '';
      }
    ];

    warnings = lib.optional (policy == "open") ''
      services.punktfunk.pairing.policy is "open": whoever reaches this host on the network can use it without asking.
    '';
  };
}
