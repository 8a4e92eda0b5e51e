# What must outlive a start: host key, trust store, the applications' settings.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  state = "/var/lib/punktfunk";
  at = cfg.storage.persistAt;
  rootIsVolatile = (config.fileSystems."/" or { }).fsType or null == "tmpfs";
  isKept = lib.any (mount: config.fileSystems ? ${mount}) [
    state
    "/var/lib"
    "/var"
  ];
in
{
  imports = [ ../host ];

  options.services.punktfunk.storage.persistAt = lib.mkOption {
    type = lib.types.nullOr lib.types.path;
    default = null;
    example = "/persist/punktfunk";
    description = ''
      Where the host's state really is, for a machine whose root file system is made anew at every start: a directory on a
      file system that is kept. It is mounted at `/var/lib/punktfunk`.
    '';
  };

  config = lib.mkIf cfg.enable {
    # Mounted after the directory was made; `nofail` keeps it from being ordered before local-fs.target, which that waits
    # for. The host does not start without it: StateDirectory= requires its mounts.
    systemd.mounts = lib.optional (at != null) {
      description = "State of punktfunk";
      what = at;
      where = state;
      type = "none";
      options = "bind,nofail";
      requires = [ "systemd-tmpfiles-setup.service" ];
      after = [ "systemd-tmpfiles-setup.service" ];
    };
    systemd.tmpfiles.rules = lib.optional (at != null) "d ${at} 0700 punktfunk punktfunk -";

    assertions = [
      {
        assertion = rootIsVolatile -> at != null || isKept;
        message = ''
          The root file system is a tmpfs and ${state} is on it, so the host would lose its key and every paired device
          at each start: all clients would have to pair again.
          Name a directory that is kept, for example: services.punktfunk.storage.persistAt = "/persist/punktfunk";
        '';
      }
    ];
  };
}
