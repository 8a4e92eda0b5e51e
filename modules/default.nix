# All of punktfunk: every concern.
{
  imports = builtins.attrValues (import ./concerns.nix);
}
