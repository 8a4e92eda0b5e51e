{ lib, ... }:
{
  cases = {
    enabled.config.services.punktfunk.enable = true;

    disabled.config.services.punktfunk.enable = false;

    settings.config.services.punktfunk = {
      enable = true;
      settings = {
        host.name = "Living room";
        log.level = "debug";
        session.environment.LANG = "de_DE.UTF-8";
      };
    };

    without-package = {
      config.services.punktfunk = {
        enable = true;
        package = lib.mkForce null;
      };
      fails = [
        "A definition for option `services.punktfunk.package' is not of type `package'."
      ];
    };

    misspelled-option = {
      config.services.punktfunk.enabel = true;
      fails = [ "The option `services.punktfunk.enabel' does not exist." ];
    };

    rate-out-of-range = {
      config.services.punktfunk = {
        enable = true;
        settings.encoder.bitrate_kbps = 100;
      };
      fails = [
        "A definition for option `services.punktfunk.settings.encoder.bitrate_kbps' is not of type"
        "integer between 500 and 8000000 (both inclusive)"
      ];
    };

    unknown-level = {
      config.services.punktfunk = {
        enable = true;
        settings.log.level = "loud";
      };
      fails = [
        "A definition for option `services.punktfunk.settings.log.level' is not of type"
        ''one of "error", "warn", "info", "debug", "trace"''
      ];
    };

    text-for-number = {
      config.services.punktfunk = {
        enable = true;
        settings.network.port = "9777";
      };
      fails = [ "A definition for option `services.punktfunk.settings.network.port' is not of type" ];
    };

    # What the modules let pass, because a newer host may know it, the host refuses when the system is built.
    unknown-key = {
      config.services.punktfunk = {
        enable = true;
        settings.netwrok.port = 9000;
      };
      refused = "netwrok: found an unknown key (did you mean network?)";
    };

    unknown-key-in-a-table = {
      config.services.punktfunk = {
        enable = true;
        settings.network.prot = 9000;
      };
      refused = "network.prot: found an unknown key (did you mean port?)";
    };

    rates-that-do-not-fit = {
      config.services.punktfunk = {
        enable = true;
        settings.encoder.bitrate_kbps = 200000;
      };
      refused = "encoder.bitrate_kbps: found 200000, allowed is at most encoder.max_bitrate_kbps";
    };
  };

  vm = {
    name = "punktfunk-host";
    nodes.machine.services.punktfunk.enable = true;
    testScript = ''
      machine.wait_for_unit("punktfunk-host.service")
      machine.succeed("systemd-analyze security --threshold=20 punktfunk-host.service")

      with subtest("host key and trust store are closed to other users"):
          machine.succeed("test -e /var/lib/punktfunk/state.db")
          machine.fail("runuser -u player -- ls /var/lib/punktfunk")
          machine.fail("runuser -u player -- ls /run/punktfunk")

      with subtest("a killed host comes back"):
          old = machine.succeed("systemctl show -P MainPID punktfunk-host.service").strip()
          machine.succeed(f"kill -KILL {old}")
          machine.wait_until_succeeds(
              f"systemctl is-active punktfunk-host.service && test $(systemctl show -P MainPID punktfunk-host.service) != {old}"
          )
    '';
  };
}
