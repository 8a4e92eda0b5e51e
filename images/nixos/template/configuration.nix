# The machine. Options: docs/reference/options.md of punktfunk.
{ pkgs, ... }:
{
  imports = [
    ./disk.nix
    ./hardware.nix
  ];

  networking.hostName = "streamer";
  time.timeZone = "Europe/Berlin";
  # The password is set by hand: `passwd owner` as root, after the first start.
  users.users.owner = {
    isNormalUser = true;
    extraGroups = [ "wheel" ];
  };

  services.punktfunk = {
    gpu.driver = "auto";
    session.application = pkgs.foot;
  };

  system.stateVersion = "26.11";
}
