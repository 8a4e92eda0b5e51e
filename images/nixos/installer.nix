# The installer: a system that starts from a stick or disc, says what to do, and installs the template with one command. It
# touches no disk by itself.
{
  lib,
  modulesPath,
  pkgs,
  ...
}:
let
  install = pkgs.writeShellApplication {
    name = "punktfunk-install";
    # nixos-install and nixos-generate-config are the installer's.
    runtimeInputs = [
      pkgs.coreutils
      pkgs.dosfstools
      pkgs.e2fsprogs
      pkgs.gawk
      pkgs.gnugrep
      pkgs.nano
      pkgs.systemd
      pkgs.util-linux
    ];
    text = ''
      template=${import ./etc-nixos.nix { inherit pkgs; }}
      ${builtins.readFile ./punktfunk-install.sh}
    '';
  };
in
{
  imports = [ (modulesPath + "/installer/cd-dvd/installation-cd-minimal.nix") ];

  environment.systemPackages = [ install ];
  nix.settings.experimental-features = [
    "flakes"
    "nix-command"
  ];

  services.getty.helpLine = lib.mkForce ''

    This installs punktfunk on a disk of this machine, which needs a network cable.

      sudo punktfunk-install          lists the disks
      sudo punktfunk-install DISK     asks, erases DISK, and installs

    Nothing is changed before you have typed the name of a disk twice.
  '';
}
