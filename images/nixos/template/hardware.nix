# The hardware. Better than this: what `nixos-generate-config --show-hardware-config` prints on the machine.
{
  boot.initrd.availableKernelModules = [
    "ahci"
    "nvme"
    "sd_mod"
    "usb_storage"
    "usbhid"
    "xhci_pci"
  ];
  hardware.enableRedistributableFirmware = true;
}
