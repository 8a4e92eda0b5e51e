# The flake's outputs, with stand-ins for its inputs: names and modules can be looked at, nothing can be built.
{
  evaluate,
  lib,
  pkgs,
}:
let
  nixpkgs = {
    lib = lib // {
      nixosSystem = system: system // { inherit (evaluate system.modules) config; };
    };
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
      _:
      pkgs
      // {
        lib = lib // {
          importTOML = file: fromTOML (builtins.readFile file);
        };
      }
    );
  };
  self = (import ../../flake.nix).outputs {
    inherit nixpkgs self;
    crane.mkLib = _: { };
  };
in
self
// {
  # What an owner gets by `nix flake init -t`.
  template = (import ../../images/nixos/template/flake.nix).outputs {
    inherit nixpkgs;
    punktfunk = self;
  };
}
