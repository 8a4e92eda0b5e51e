# Files of the README's machine, with its state kept elsewhere: its configuration, closed and open, and what NixOS would
# write beside the payload.
{
  lib,
  toml,
  machine,
}:
let
  persisted = {
    services.punktfunk.storage.persistAt = "/persist/punktfunk";
  };
  open = {
    services.punktfunk.pairing.policy = "open";
  };
  config = machine persisted;
  host = config.systemd.services.punktfunk-host;
  mount = lib.head config.systemd.mounts;

  lines = key: values: lib.concatMapStringsSep "" (value: "${key}=${value}\n") values;
  path = lib.concatMapStringsSep ":" (package: "${package}/bin") host.path;
in
{
  "require.toml" = toml config;
  "open.toml" = toml (machine {
    imports = [
      persisted
      open
    ];
  });

  "overrides.conf" = ''
    [Service]
    Environment=PATH=${path}:/usr/bin
  ''
  + lib.concatStringsSep "" (lib.mapAttrsToList lines host.serviceConfig);

  "var-lib-punktfunk.mount" = ''
    [Unit]
    ${lines "Requires" mount.requires}${lines "After" mount.after}
    [Mount]
    What=${mount.what}
    Where=${mount.where}
    Type=${mount.type}
    Options=${mount.options}
  '';
  "tmpfiles.conf" = lib.concatMapStringsSep "" (rule: "${rule}\n") config.systemd.tmpfiles.rules;

  # The store paths of the programs that these files name.
  programs = lib.concatMapStringsSep "\n" toString (
    host.path
    ++ [
      config.services.punktfunk.package
      config.services.punktfunk.session.application
    ]
  );
}
