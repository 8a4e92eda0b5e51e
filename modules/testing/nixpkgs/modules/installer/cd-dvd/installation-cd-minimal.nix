# Stands in for nixpkgs' module of this name.
{ pkgs, ... }:
{
  system.build.isoImage = pkgs.runCommand "nixos.iso" { } "";
}
