# When the machine may sleep.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
in
{
  imports = [ ../host ];

  options.services.punktfunk.power.stayAwake = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = ''
      Whether sleep and hibernation are switched off, so that clients always reach the host. They end a running session.
    '';
  };

  config = lib.mkIf (cfg.enable && cfg.power.stayAwake) {
    systemd.targets =
      lib.genAttrs
        [
          "sleep"
          "suspend"
          "hibernate"
          "hybrid-sleep"
        ]
        (_: {
          enable = false;
        });
  };
}
