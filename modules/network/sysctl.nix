# Reads a sysctl.d(5) file of numbers, so that the images and NixOS set the same values.
{ lib }:
file:
let
  lines = lib.filter (line: line != "" && !lib.hasPrefix "#" line) (lib.splitString "\n" (builtins.readFile file));
  entry = line: builtins.match "([^ ]+) = ([0-9]+)" line;
  pair = line: lib.nameValuePair (lib.head (entry line)) (builtins.fromJSON (builtins.elemAt (entry line) 1));
in
lib.listToAttrs (map pair lines)
