# The concerns by name: every folder here with a test. Profiles and hardware descriptions only combine them.
let
  isConcern = name: builtins.pathExists (./. + "/${name}/test.nix");
  names = builtins.filter isConcern (builtins.attrNames (builtins.readDir ./.));
in
builtins.listToAttrs (
  map (name: {
    inherit name;
    value = ./. + "/${name}";
  }) names
)
