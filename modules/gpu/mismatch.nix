# In what the parts of NVIDIA's driver that a configuration chose do not fit each other. The kernel module refuses
# programs whose libraries are of another version, and a kernel refuses modules built for another kernel.
{ config, lib }:
let
  inherit (config.boot.kernelPackages) kernel;
  driver = config.hardware.nvidia.package;
  builtFor = driver.kernelVersion or kernel.modDirVersion;

  isNvidia =
    package:
    lib.any (prefix: lib.hasPrefix prefix (package.name or "")) [
      "nvidia-x11-"
      "nvidia-open-"
    ];
  ofOtherVersion = lib.filter (package: isNvidia package && !lib.elem driver.version (lib.splitString "-" package.name)) (
    config.boot.extraModulePackages ++ config.hardware.graphics.extraPackages
  );
in
lib.optional (builtFor != kernel.modDirVersion) ''
  hardware.nvidia.package was built for kernel ${builtFor}, but this machine boots kernel ${kernel.modDirVersion}.
  The kernel would refuse the driver and no application could use the GPU.
  Take the driver from the same set as the kernel, for example:
  hardware.nvidia.package = config.boot.kernelPackages.nvidiaPackages.stable;
''
++ map (package: ''
  ${package.name} is in the configuration, but hardware.nvidia.package is version ${driver.version}.
  NVIDIA's kernel module refuses libraries of another version, so no application could use the GPU.
  Remove it from boot.extraModulePackages or hardware.graphics.extraPackages, or set hardware.nvidia.package to its version.
'') ofOtherVersion
