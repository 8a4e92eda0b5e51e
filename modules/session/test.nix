{ pkgs, ... }:
{
  cases = {
    application.config.services.punktfunk = {
      enable = true;
      session = {
        application = pkgs.foot;
        arguments = [ "--fullscreen" ];
        packages = [ pkgs.git ];
      };
    };

    command-of-its-own.config.services.punktfunk = {
      enable = true;
      settings.session.command = [ "/run/current-system/sw/bin/steam" ];
    };

    on-sway-without-x11.config.services.punktfunk = {
      enable = true;
      session.application = pkgs.foot;
      session.x11 = false;
      settings.display.backend = "sway";
    };

    too-many-sessions = {
      config.services.punktfunk = {
        enable = true;
        settings.session.max_sessions = 5;
      };
      fails = [
        "A definition for option `services.punktfunk.settings.session.max_sessions' is not of type"
        "integer between 1 and 4 (both inclusive)"
      ];
    };

    application-that-is-no-package = {
      config.services.punktfunk = {
        enable = true;
        session.application = "foot";
      };
      fails = [
        "A definition for option `services.punktfunk.session.application' is not of type `null or package'."
      ];
    };
  };

  # A client pairs by PIN and gets pictures of the application.
  vm = {
    name = "punktfunk-session";
    nodes = {
      host.services.punktfunk = {
        enable = true;
        session.application = pkgs.foot;
      };
      client.environment.systemPackages = [ pkgs.punktfunk ];
    };
    testScript = ''
      import json

      start_all()
      host.wait_for_unit("punktfunk-host.service")
      client.wait_for_unit("multi-user.target")
      pin = json.loads(host.succeed("punktfunk-host ctl pair arm --json"))["pin"]
      client.succeed(f"punktfunk --mdns off pair host --pin {pin}")
      client.succeed("punktfunk --mdns off connect host --seconds 5 --record stream.ts")
      client.succeed("test -s stream.ts")
      assert "foot" in host.succeed("journalctl -u punktfunk-host.service --grep foot --output cat")
    '';
  };
}
