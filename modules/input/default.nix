# Virtual input devices for the host alone.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  modules = builtins.readFile ../../images/payload/modules-load.d/punktfunk.conf;
  isModule = line: line != "" && !lib.hasPrefix "#" line;
in
{
  imports = [ ../host ];

  options.services.punktfunk.input.virtualDevices = lib.mkOption {
    type = lib.types.bool;
    default = false;
    description = ''
      Whether the host's user, and nobody else but root, may make virtual input devices (`/dev/uinput`, `/dev/uhid`).
      Keyboard and pointer of a session do not need it; the host of this version makes no other devices, but its health
      says when it could not.
    '';
  };

  config = lib.mkIf (cfg.enable && cfg.input.virtualDevices) {
    boot.kernelModules = lib.filter isModule (lib.splitString "\n" modules);
    services.udev.packages = [ cfg.payload ];
    systemd.services.punktfunk-host.serviceConfig.DeviceAllow = [
      "/dev/uinput rw"
      "/dev/uhid rw"
    ];
  };
}
