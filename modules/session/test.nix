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

    kept-for-a-device-that-comes-back.config.services.punktfunk = {
      enable = true;
      session.application = pkgs.foot;
      settings.session.keep_alive_s = 600;
    };

    command-of-its-own.config.services.punktfunk = {
      enable = true;
      settings.session.command = [ "/run/current-system/sw/bin/steam" ];
    };

    without-x11.config.services.punktfunk = {
      enable = true;
      session.application = pkgs.foot;
      session.x11 = false;
    };

    as-the-hosts-user = {
      config.services.punktfunk = {
        enable = true;
        settings.session.launcher = "child";
      };
      fails = [
        ''services.punktfunk.settings.session.launcher is "child", so the application would run as the host's''
        "could read the host's key and change who may connect."
        "Leave it out"
      ];
    };

    on-sway = {
      config.services.punktfunk = {
        enable = true;
        settings.display.backend = "sway";
      };
      fails = [
        ''services.punktfunk.settings.display.backend is "sway", which the host would start as its own user''
        ''services.punktfunk.settings.display.backend = "embedded";''
      ];
    };

    gamescope = {
      imports = [ ../gpu ];
      config.services.punktfunk = {
        enable = true;
        gpu.driver = "amd";
        session = {
          application = pkgs.foot;
          gamescope.enable = true;
          gamescope.arguments = [ "--expose-wayland" ];
        };
      };
    };

    gamescope-without-a-gpu = {
      imports = [ ../gpu ];
      config.services.punktfunk = {
        enable = true;
        gpu.driver = "none";
        session.application = pkgs.foot;
        session.gamescope.enable = true;
      };
      fails = [
        "services.punktfunk.session.gamescope is enabled, but no GPU is set up, and gamescope draws on nothing else."
        ''services.punktfunk.gpu.driver = "amd";''
      ];
    };

    gamescope-and-another-display = {
      imports = [ ../gpu ];
      config.services.punktfunk = {
        enable = true;
        session.gamescope.enable = true;
        settings.display.backend = "embedded";
      };
      fails = [ "The option `services.punktfunk.settings.display.backend' has conflicting definition values" ];
    };

    unknown-launcher = {
      config.services.punktfunk = {
        enable = true;
        settings.session.launcher = "root";
      };
      fails = [
        "A definition for option `services.punktfunk.settings.session.launcher' is not of type"
        ''one of "child", "service"''
      ];
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

  # A client pairs by PIN and gets pictures of the application, which runs as `player` and can do nothing to the host.
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
      client.execute("punktfunk --mdns off connect host --seconds 20 --record again.ts >&2 &")
      host.wait_until_succeeds("pgrep -u player foot")
      host.fail("pgrep -u punktfunk foot")
      client.wait_until_succeeds("test -s again.ts && ! pgrep punktfunk")
      host.wait_until_fails("pgrep -u player")

      with subtest("the player cannot reach what is the host's"):
          for path in ["/var/lib/punktfunk", "/run/punktfunk"]:
              host.fail(f"runuser -u player -- ls {path}")
          host.fail("runuser -u player -- test -w /run/punktfunk-session/launch.sock")
          host.fail("runuser -u player -- punktfunk-host ctl status")
    '';
  };
}
