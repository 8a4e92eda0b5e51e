# What a session runs. The application is a child of the host: same user, same sandbox.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
in
{
  imports = [ ../host ];

  options.services.punktfunk.session = {
    application = lib.mkOption {
      type = lib.types.nullOr lib.types.package;
      default = null;
      example = lib.literalExpression "pkgs.foot";
      description = "The application that every session starts full screen: the main program of this package.";
    };

    arguments = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "--fullscreen" ];
      description = "What the application is started with.";
    };

    packages = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.git ]";
      description = "Programs that the application finds on its PATH.";
    };

    x11 = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether X11 programs run too, through Xwayland.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.punktfunk.settings.session.command = lib.mkIf (cfg.session.application != null) (
      [ (lib.getExe cfg.session.application) ] ++ cfg.session.arguments
    );

    # An application without any font shows nothing, or ends.
    fonts.enableDefaultPackages = lib.mkDefault true;

    systemd.services.punktfunk-host.path =
      cfg.session.packages
      ++ lib.optional cfg.session.x11 pkgs.xwayland
      ++ lib.optional (cfg.settings.display.backend == "sway") pkgs.sway;

    warnings = lib.optional (cfg.settings.session.command == [ ] && cfg.settings.display.backend != "synthetic") ''
      services.punktfunk has no application, so a client that connects is told so and sees nothing.
      Name one, for example: services.punktfunk.session.application = pkgs.foot;
    '';
  };
}
