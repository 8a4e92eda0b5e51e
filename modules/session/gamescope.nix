# Games on the GPU: every session runs its application in a gamescope of its own, as the user `player`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  inherit (cfg.session) gamescope;
  # Alone this concern knows of no GPU; with all of punktfunk there is the option.
  driver = cfg.gpu.driver or "none";
in
{
  options.services.punktfunk.session.gamescope = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether sessions run in gamescope, which draws on the GPU.";
    };

    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.gamescope;
      defaultText = lib.literalExpression "pkgs.gamescope";
      description = "The gamescope to run: 3.16.22 or newer.";
    };

    arguments = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "--steam" ];
      description = ''
        What gamescope is started with beside mode, backend and application. `--steam` for Steam's own interface,
        `--expose-wayland` for programs that speak no X11.
      '';
    };
  };

  config = lib.mkIf (cfg.enable && gamescope.enable) {
    services.punktfunk.settings.display = {
      backend = "gamescope";
      gamescope.arguments = lib.mkIf (gamescope.arguments != [ ]) gamescope.arguments;
    };

    # It hands out its pictures through a PipeWire of the session. gamescope would like CAP_SYS_NICE; the unit gives no
    # capability to anybody.
    systemd.services."punktfunk-session@" = {
      path = [
        gamescope.package
        pkgs.pipewire
      ];
      # NVIDIA's devices are none of DRM's.
      serviceConfig.DeviceAllow = lib.mkIf (driver == "nvidia") [ "char-nvidia* rw" ];
    };

    assertions = [
      {
        assertion = driver != "none" || cfg.settings.display.gamescope.software or false == true;
        message = ''
          services.punktfunk.session.gamescope is enabled, but no GPU is set up, and gamescope draws on nothing else.
          Name its driver, for example: services.punktfunk.gpu.driver = "amd";
        '';
      }
    ];
  };
}
