# What this machine needs beyond an ordinary PC: at best what `nixos-generate-config --show-hardware-config` prints on it,
# without its file systems, which are in disk.nix.
{
  boot.kernelModules = [ "kvm-amd" ];
}
