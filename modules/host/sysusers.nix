# Reads a sysusers.d(5) file, so that the images and NixOS declare the same users.
{ lib }:
file:
let
  lines = lib.filter (line: line != "" && !lib.hasPrefix "#" line) (lib.splitString "\n" (builtins.readFile file));
  matching = pattern: lib.filter (found: found != null) (map (builtins.match pattern) lines);

  users = matching ''u ([^ ]+) - "([^"]+)" ([^ ]+)'';
  groups = matching "g ([^ ]+) -";
  members = matching "m ([^ ]+) ([^ ]+)";
  understood = lib.length users + lib.length groups + lib.length members == lib.length lines;

  user =
    found:
    lib.nameValuePair (lib.head found) {
      isSystemUser = true;
      group = lib.head found;
      description = builtins.elemAt found 1;
      home = builtins.elemAt found 2;
      extraGroups = map (member: builtins.elemAt member 1) (lib.filter (member: lib.head member == lib.head found) members);
    };
in
if !understood then
  throw "${toString file} has a line that this reader does not understand: ${toString lines}"
else
  {
    users = lib.listToAttrs (map user users);
    groups = lib.genAttrs (map lib.head (users ++ groups)) (_: { });
  }
