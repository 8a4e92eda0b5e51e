# Evaluated configuration as text that can be compared.
{ lib }:
let
  isBare = key: builtins.match "[A-Za-z0-9_-]+" key != null;
  quoted = key: if isBare key then key else builtins.toJSON key;
  isTable = value: lib.isAttrs value && value.type or null != "derivation";

  tables =
    path: table:
    let
      own = lib.filterAttrs (_: value: !isTable value) table;
      heading = lib.optionalString (path != [ ] && own != { }) "\n[${lib.concatMapStringsSep "." quoted path}]\n";
      line = key: value: "${quoted key} = ${builtins.toJSON value}\n";
    in
    heading
    + lib.concatStringsSep "" (lib.mapAttrsToList line own)
    + lib.concatStringsSep "" (lib.mapAttrsToList (key: tables (path ++ [ key ])) (lib.filterAttrs (_: isTable) table));

  # Store paths are named, not hashed: what they are made of is not what is compared.
  value =
    what:
    if lib.isAttrs what then
      if isTable what then lib.mapAttrs (_: value) what else "<${what.name}>"
    else if lib.isList what then
      map value what
    else
      what;

  # What an option of a fresh record says when nobody set it.
  isSilent =
    value:
    lib.elem value [
      null
      ""
      [ ]
    ];

  # What `config` says other than `plain`, a line for each option.
  differences =
    path: plain: config:
    lib.concatMap (
      key:
      let
        here = path ++ [ key ];
        line = what: "${lib.concatMapStringsSep "." quoted here} = ${builtins.toJSON what}\n";
        new = value config.${key};
        inner = differences here (if isTable (plain.${key} or null) then plain.${key} else { }) config.${key};
      in
      if isTable config.${key} && (inner != [ ] || plain ? ${key}) then
        inner
      else
        lib.optional (if plain ? ${key} then value plain.${key} != new else !isSilent new) (
          line (if isTable config.${key} then { } else new)
        )
    ) (lib.attrNames config);
in
{
  # A TOML file of the settings, as `pkgs.formats.toml` would write it.
  toml = tables [ ];

  differences = plain: config: lib.concatStringsSep "" (differences [ ] plain config);
}
