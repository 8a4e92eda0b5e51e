# A desktop PC that also streams: bootloader, sleep and desktop stay as their owner set them.
{ lib, ... }:
{
  imports = [ ../. ];

  services.punktfunk.enable = lib.mkDefault true;
}
