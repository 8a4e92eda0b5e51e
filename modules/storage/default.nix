# What must outlive a start: host key, trust store, the applications' settings and saved games.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  state = "/var/lib/punktfunk";
  home = "/var/lib/punktfunk-player";
  at = cfg.storage.persistAt;
  updates = cfg.updates.enable or false;
  rootIsVolatile = (config.fileSystems."/" or { }).fsType or null == "tmpfs";
  isKept = lib.any (mount: config.fileSystems ? ${mount}) [
    state
    "/var/lib"
    "/var"
  ];

  # Mounted after the directory was made; `nofail` keeps it from being ordered before local-fs.target, which that waits
  # for. Host and sessions do not start without theirs: StateDirectory= requires its mounts.
  bind = description: what: where: {
    inherit description what where;
    type = "none";
    options = "bind,nofail";
    requires = [ "systemd-tmpfiles-setup.service" ];
    after = [ "systemd-tmpfiles-setup.service" ];
  };
in
{
  imports = [
    ../host
    ../session
  ];

  options.services.punktfunk.storage.persistAt = lib.mkOption {
    type = lib.types.nullOr lib.types.path;
    default = null;
    example = "/persist/punktfunk";
    description = ''
      Where the host's state really is, for a machine whose root file system is made anew at every start: a directory on a
      file system that is kept. It is mounted at `/var/lib/punktfunk`. Settings and saved games of applications are kept
      beside it, in a directory whose name ends with `-player`; that is mounted at `/var/lib/punktfunk-player`. So is what
      is known of updates, in one whose name ends with `-update`.
    '';
  };

  config = lib.mkIf cfg.enable {
    systemd.mounts = lib.mkIf (at != null) (
      [
        (bind "State of punktfunk" at state)
        (bind "Home of punktfunk's sessions" "${at}-player" home)
      ]
      ++ lib.optional updates (bind "What is known of updates" "${at}-update" "/var/lib/punktfunk-update")
    );
    systemd.tmpfiles.rules = lib.mkIf (at != null) (
      [
        "d ${at} 0700 punktfunk punktfunk -"
        "d ${at}-player 0700 player player -"
      ]
      ++ lib.optional updates "d ${at}-update 0755 root root -"
    );

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
