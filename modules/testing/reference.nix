# `docs/reference/options.md`, made from the options themselves.
{ lib, options }:
let
  introduction = ''
    <!-- Generated: make check-modules UPDATE=1 -->
    # NixOS options

    What the flake's `nixosModules.default` offers. `settings` is the host's whole configuration file; the options beside it
    say what else the machine needs, and set those keys of it that belong to them.

  '';

  isOption = option: option._type or null == "option";
  isShown = name: option: name != "_module" && name != "_freeformOptions" && !(option.internal or false);

  isLiteral = value: value._type or null == "literalExpression";
  nix =
    value:
    if isLiteral value then
      value.text
    else if lib.isList value then
      "[ ${lib.concatMapStringsSep "" (item: "${nix item} ") value}]"
    else if value == { } then
      "{ }"
    else
      builtins.toJSON value;

  # A table of keys is described by its keys.
  isLeaf = option: entries [ ] (option.type.getSubOptions [ ]) == "";
  field = name: text: "- ${name}: ${text}\n";
  entry =
    path: option:
    "### `services.punktfunk.${lib.concatStringsSep "." path}`\n\n${trimmed option.description}\n\n"
    + lib.optionalString (isLeaf option) (field "Type" option.type.description)
    + lib.optionalString (option ? default || option ? defaultText) (
      field "Default" "`${nix (option.defaultText or option.default)}`"
    )
    + lib.optionalString (option ? example) (field "Example" "`${nix option.example}`")
    + "\n";
  trimmed = text: lib.head (builtins.match "(.*[^\n])\n*" text);

  entries =
    path: tree:
    lib.concatStringsSep "" (
      lib.mapAttrsToList (
        name: option:
        let
          here = path ++ [ name ];
        in
        if isOption option then entry here option + entries here (option.type.getSubOptions here) else entries here option
      ) (lib.filterAttrs isShown tree)
    );
in
introduction + entries [ ] options.services.punktfunk
