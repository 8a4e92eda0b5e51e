# The flake's outputs, with stand-ins for its inputs: names and modules can be looked at, nothing can be built.
{
  evaluate,
  lib,
  pkgs,
}:
let
  self = (import ../../flake.nix).outputs {
    inherit self;
    crane.mkLib = _: { };
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
  };
in
self
