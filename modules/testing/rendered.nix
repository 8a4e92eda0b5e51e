# Files of the README's machine, with its state kept elsewhere: its configuration, closed and open, and what NixOS would
# write beside the payload; and its unit of updates.
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
  inherit (config.systemd.services) punktfunk-host;
  session = config.systemd.services."punktfunk-session@";

  updates =
    (machine {
      services.punktfunk.updates = {
        enable = true;
        flake = "path:/etc/nixos";
      };
    }).systemd.services.punktfunk-generations;

  written = value: if value == true then "yes" else toString value;
  setting = key: value: lines key (map written (if lib.isList value then value else [ value ]));
  lines = key: values: lib.concatMapStringsSep "" (value: "${key}=${value}\n") values;
  path = lib.concatMapStringsSep "" (package: "${package}/bin:");
  overrides = unit: ''
    [Service]
    Environment=PATH=${path unit.path}/usr/bin
    ${lib.concatStringsSep "" (lib.mapAttrsToList lines unit.serviceConfig)}'';
  mountUnit = mount: ''
    [Unit]
    ${lines "Requires" mount.requires}${lines "After" mount.after}
    [Mount]
    What=${mount.what}
    Where=${mount.where}
    Type=${mount.type}
    Options=${mount.options}
  '';
in
{
  "require.toml" = toml config;
  "open.toml" = toml (machine {
    imports = [
      persisted
      open
    ];
  });

  "punktfunk-host.service.conf" = overrides punktfunk-host;
  "punktfunk-session@.service.conf" = overrides session;
  "punktfunk-generations.service" = ''
    [Unit]
    Description=${updates.description}
    ${lines "Before" updates.before}
    [Service]
    ${lib.concatStringsSep "" (lib.mapAttrsToList setting updates.serviceConfig)}'';
  "var-lib-punktfunk.mount" = mountUnit (builtins.elemAt config.systemd.mounts 0);
  "var-lib-punktfunk\\x2dplayer.mount" = mountUnit (builtins.elemAt config.systemd.mounts 1);
  "tmpfiles.conf" = lib.concatMapStringsSep "" (rule: "${rule}\n") config.systemd.tmpfiles.rules;

  # The store paths of the programs that these files name.
  programs = lib.concatMapStringsSep "\n" toString (
    session.path
    ++ [
      config.services.punktfunk.package
      config.services.punktfunk.updates.package
      config.services.punktfunk.session.application
    ]
  );
}
