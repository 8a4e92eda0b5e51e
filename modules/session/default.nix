# What a session runs, and the user `player` whom it runs as.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  sysusers = import ../host/sysusers.nix { inherit lib; } ../../images/payload/sysusers.d/punktfunk-session.conf;
  inherit (cfg.settings) display session;
in
{
  imports = [
    ../host
    ./gamescope.nix
  ];

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
    users = { inherit (sysusers) users groups; };

    services.punktfunk.settings.session = {
      launcher = lib.mkDefault "service";
      command = lib.mkIf (cfg.session.application != null) (
        [ (lib.getExe cfg.session.application) ] ++ cfg.session.arguments
      );
    };

    # An application without any font shows nothing, or ends.
    fonts.enableDefaultPackages = lib.mkDefault true;

    systemd.services."punktfunk-session@" = {
      path = cfg.session.packages ++ lib.optional cfg.session.x11 pkgs.xwayland;
      # A session is never started again: it ends with the host that a changed configuration restarts.
      restartIfChanged = false;
      serviceConfig.ExecStart = [
        ""
        "${lib.getExe cfg.package} run-session --runtime-dir /run/punktfunk-session/%i"
      ];
    };

    assertions = [
      {
        assertion = session.launcher == "service";
        message = ''
          services.punktfunk.settings.session.launcher is "${session.launcher}", so the application would run as the host's
          user and could read the host's key and change who may connect.
          Leave it out: the application then runs as the user "player", who can do neither.
        '';
      }
      {
        assertion = display.backend != "sway";
        message = ''
          services.punktfunk.settings.display.backend is "sway", which the host would start as its own user, and the
          application with it, who could then read the host's key.
          Leave it out, or write services.punktfunk.settings.display.backend = "embedded";
        '';
      }
    ];

    warnings = lib.optional (session.command == [ ] && display.backend != "synthetic") ''
      services.punktfunk has no application, so a client that connects is told so and sees nothing.
      Name one, for example: services.punktfunk.session.application = pkgs.foot;
    '';
  };
}
