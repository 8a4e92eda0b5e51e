{ lib, ... }:
let
  volatile = {
    services.punktfunk.enable = true;
    fileSystems."/" = {
      device = "none";
      fsType = "tmpfs";
    };
  };
in
{
  cases = {
    persisted.config = lib.mkMerge [
      volatile
      { services.punktfunk.storage.persistAt = "/persist/punktfunk"; }
    ];

    on-a-disk-of-its-own.config = lib.mkMerge [
      volatile
      {
        fileSystems."/var" = {
          device = "/dev/disk/by-label/var";
          fsType = "ext4";
        };
      }
    ];

    lost-at-each-start = {
      config = volatile;
      fails = [
        "The root file system is a tmpfs and /var/lib/punktfunk is on it"
        "all clients would have to pair again"
        ''services.punktfunk.storage.persistAt = "/persist/punktfunk";''
      ];
    };

    relative-path = {
      config = lib.mkMerge [
        volatile
        { services.punktfunk.storage.persistAt = "persist"; }
      ];
      fails = [
        "A definition for option `services.punktfunk.storage.persistAt' is not of type `null or absolute path'."
      ];
    };
  };

  vm = {
    name = "punktfunk-storage";
    nodes.machine = {
      services.punktfunk.enable = true;
      services.punktfunk.storage.persistAt = "/persist/punktfunk";
    };
    testScript = ''
      machine.wait_for_unit("punktfunk-host.service")
      machine.succeed("test -e /persist/punktfunk/state.db")
      assert machine.succeed("stat -c %U:%a /persist/punktfunk").strip() == "punktfunk:700"
      assert machine.succeed("stat -c %U:%a /persist/punktfunk-player").strip() == "player:700"
    '';
  };
}
