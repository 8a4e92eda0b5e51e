# A machine that does nothing but stream: it boots into the host, says on its screen where the console
# is, stays awake, and has no desktop of its own.
{ lib, ... }:
{
  imports = [ ../. ];

  services.punktfunk = {
    enable = lib.mkDefault true;
    console.welcome = lib.mkDefault true;
    input.virtualDevices = lib.mkDefault true;
    power.stayAwake = lib.mkDefault true;
  };

  boot.loader.systemd-boot.enable = lib.mkDefault true;
  boot.loader.efi.canTouchEfiVariables = lib.mkDefault true;
  networking.hostName = lib.mkDefault "punktfunk";
}
