{ lib, pkgs, ... }:
let
  driver = choice: {
    services.punktfunk = {
      enable = true;
      gpu.driver = choice;
    };
  };
in
{
  cases = {
    auto.config = driver "auto";
    nvidia.config = driver "nvidia";
    amd.config = driver "amd";
    intel.config = driver "intel";
    none.config = driver "none";

    # Both concerns open devices to the host.
    nvidia-and-input = {
      imports = [ ../input ];
      config = lib.mkMerge [
        (driver "nvidia")
        { services.punktfunk.input.virtualDevices = true; }
      ];
    };

    unknown-driver = {
      config = driver "nouveau";
      fails = [
        "A definition for option `services.punktfunk.gpu.driver' is not of type"
        ''one of "auto", "nvidia", "amd", "intel", "none"''
      ];
    };

    driver-for-another-kernel = {
      config = lib.mkMerge [
        (driver "nvidia")
        {
          boot.kernelPackages = pkgs.linuxPackages;
          hardware.nvidia.package = pkgs.linuxPackages_latest.nvidiaPackages.stable;
        }
      ];
      fails = [
        "hardware.nvidia.package was built for kernel"
        "but this machine boots kernel"
        "hardware.nvidia.package = config.boot.kernelPackages.nvidiaPackages.stable;"
      ];
    };

    libraries-of-another-version = {
      config = lib.mkMerge [
        (driver "nvidia")
        { hardware.graphics.extraPackages = [ pkgs.nvidia-x11-old ]; }
      ];
      fails = [
        "nvidia-x11-470.1-6.18.1 is in the configuration, but hardware.nvidia.package is version 595.10."
        "NVIDIA's kernel module refuses libraries of another version"
      ];
    };
  };

  vm = {
    name = "punktfunk-gpu";
    nodes.machine = driver "auto";
    testScript = ''
      machine.wait_for_unit("punktfunk-host.service")
      machine.succeed("test -e /run/opengl-driver/lib")
    '';
  };
}
