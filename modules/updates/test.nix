{ lib, ... }:
let
  machine = more: {
    boot.loader.systemd-boot.enable = true;
    services.punktfunk = {
      enable = true;
      updates = {
        enable = true;
        flake = "github:ada/machines#streamer";
      }
      // more;
    };
  };
in
{
  cases = {
    on.config = machine { };

    off.config.services.punktfunk = {
      enable = true;
      updates.flake = "github:ada/machines#streamer";
    };

    restarted-at-night.config = machine {
      dates = "Sun 02:00";
      rebootWindow = {
        lower = "23:30";
        upper = "06:00";
      };
    };

    boot-menu-on-a-partition-of-its-own.config = lib.mkMerge [
      (machine { })
      { boot.loader.systemd-boot.xbootldrMountPoint = "/boot/xbootldr"; }
    ];

    state-kept-elsewhere = {
      imports = [ ../storage ];
      config = lib.mkMerge [
        (machine { })
        { services.punktfunk.storage.persistAt = "/persist/punktfunk"; }
      ];
    };

    from-nowhere = {
      config = machine { flake = null; };
      fails = [
        "nothing says where this machine's configuration is fetched from"
        "would never be updated"
        ''services.punktfunk.updates.flake = "github:ada/machines#streamer";''
      ];
    };

    another-boot-loader = {
      config = lib.mkMerge [
        (machine { })
        { boot.loader.systemd-boot.enable = lib.mkForce false; }
      ];
      fails = [
        "services.punktfunk.updates needs systemd-boot, which counts how often a new generation was tried"
        "nobody could reach the machine"
        "boot.loader.systemd-boot.enable = true;"
      ];
    };

    nixpkgs-that-cannot-count = {
      lacks = "boot.loader.systemd-boot.bootCounting";
      config = machine { };
      fails = [
        "needs boot.loader.systemd-boot.bootCounting, which this nixpkgs does not have"
        "Take nixpkgs 26.11 or newer"
      ];
    };

    restart-without-asking = {
      config = lib.mkMerge [
        (machine { })
        { system.autoUpgrade.allowReboot = true; }
      ];
      fails = [
        "system.autoUpgrade.allowReboot restarts the machine without asking whether somebody streams"
        ''services.punktfunk.updates.rebootWindow = { lower = "03:00"; upper = "06:00"; };''
      ];
    };

    no-time-of-day = {
      config = machine {
        rebootWindow = {
          lower = "3:00";
          upper = "06:00";
        };
      };
      fails = [
        "services.punktfunk.updates.rebootWindow is 3:00 to 06:00, of which one is no time of day"
        "two digits each"
      ];
    };

    switched-at-once = {
      config = lib.mkMerge [
        (machine { })
        { system.autoUpgrade.operation = "switch"; }
      ];
      fails = [ "The option `system.autoUpgrade.operation' has conflicting definition values:" ];
    };
  };

  # A generation that streams is blessed; one whose host does not start is taken back, and the host that runs again says so.
  vm =
    let
      counted = {
        virtualisation.useBootLoader = true;
        virtualisation.useEFIBoot = true;
        boot.loader.efi.canTouchEfiVariables = true;
        boot.loader.systemd-boot.enable = true;
        boot.loader.systemd-boot.bootCounting.tries = 1;
        # nixos-rebuild is played by its last two steps.
        system.switch.enable = true;
        # Part of the boot entries, so it has to outlive a restart.
        environment.etc."machine-id".text = "00000000000000000000000000000000";
        services.punktfunk = {
          enable = true;
          updates.enable = true;
          updates.flake = "path:/etc/nixos";
        };
      };
    in
    {
      name = "punktfunk-updates";
      nodes = {
        machine =
          { nodes, ... }:
          {
            imports = [ counted ];
            system.extraDependencies = [ nodes.broken.system.build.toplevel ];
          };
        broken = {
          imports = [ counted ];
          systemd.services.punktfunk-host.serviceConfig.ExecStart = lib.mkForce [
            ""
            "/run/current-system/sw/bin/false"
          ];
        };
      };
      testScript =
        { nodes, ... }:
        let
          broken = nodes.broken.system.build.toplevel;
        in
        ''
          machine.start(allow_reboot=True)
          machine.wait_for_unit("systemd-bless-boot.service")
          good = machine.succeed("readlink -f /run/current-system").strip()

          with subtest("a generation that was built waits to be tried"):
              machine.succeed("nix-env -p /nix/var/nix/profiles/system --set ${broken}")
              machine.succeed("${broken}/bin/switch-to-configuration boot")
              machine.succeed("systemctl start punktfunk-generations.service")
              machine.succeed("grep --quiet staged /var/lib/punktfunk-update/state.json")

          with subtest("it does not stream and is taken back"):
              machine.send_key("ctrl-alt-delete")
              machine.connected = False
              machine.wait_for_console_text("2 was taken back, 1 runs again")
              machine.wait_for_unit("punktfunk-host.service")
              assert machine.succeed("readlink -f /run/current-system").strip() == good
              machine.succeed("runuser -u punktfunk -- grep --quiet taken_back /var/lib/punktfunk-update/state.json")
        '';
    };
}
