# What /etc/nixos of a new machine holds: the template, and this repository, which its flake takes.
{ pkgs }:
pkgs.runCommand "punktfunk-etc-nixos" { } ''
  cp -r --no-preserve=mode ${./template} $out
  cp -r --no-preserve=mode ${../..} $out/punktfunk
''
