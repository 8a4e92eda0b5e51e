# The machine as a disk image for a stick or a disk, which starts by UEFI and grows to the size of its disk at its first start:
# `system.build.image`. What it is made from lies in its /etc/nixos.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:
{
  # The labels are those of the template's disk.nix.
  system.build.image = import (modulesPath + "/../lib/make-disk-image.nix") {
    inherit config lib pkgs;
    name = "punktfunk-image";
    baseName = "punktfunk";
    format = "raw";
    partitionTableType = "efi";
    label = "root";
    # Several generations with their kernels; and room until the first start.
    bootSize = "1024M";
    additionalSpace = "1024M";
    copyChannel = false;
    contents = [
      {
        source = import ./etc-nixos.nix { inherit pkgs; };
        target = "/etc/nixos";
        mode = "D755,F644";
      }
    ];
  };

  boot.growPartition = true;
  fileSystems."/".autoResize = true;

  # It is started by machines that have not seen it: by the file that all firmware looks for, not by an entry in its memory.
  boot.loader.efi.canTouchEfiVariables = false;
  boot.initrd.availableKernelModules = [
    "uas"
    "virtio_blk"
    "virtio_pci"
  ];
}
