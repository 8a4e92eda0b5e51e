# The disk: a GPT disk with an EFI partition labelled ESP and an ext4 partition labelled root. The installer's
# `punktfunk-install` makes them; by hand, on an empty disk /dev/DISK:
#
#   sfdisk /dev/DISK <disk.sfdisk
#   mkfs.vfat -n ESP /dev/disk/by-partlabel/ESP
#   mkfs.ext4 -L root /dev/disk/by-partlabel/root
{
  fileSystems."/" = {
    device = "/dev/disk/by-label/root";
    fsType = "ext4";
  };
  fileSystems."/boot" = {
    device = "/dev/disk/by-label/ESP";
    fsType = "vfat";
    options = [ "umask=0077" ];
  };
}
