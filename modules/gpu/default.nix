# The GPU that applications may use, gamescope among them: driver, firmware, video acceleration. The host itself encodes on
# the processor, and so does the display `embedded` paint.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  driver = cfg.gpu.driver;
  mesa = driver == "auto" || driver == "amd" || driver == "intel";
  mismatch = import ./mismatch.nix { inherit config lib; };
in
{
  imports = [ ../host ];

  options.services.punktfunk.gpu.driver = lib.mkOption {
    type = lib.types.enum [
      "auto"
      "nvidia"
      "amd"
      "intel"
      "none"
    ];
    default = "auto";
    description = ''
      Which driver the GPU gets. Applications of a session may use it, and `services.punktfunk.session.gamescope` needs it;
      the host of this version encodes on the processor whatever stands here.

      - `"auto"`: Mesa, which finds AMD, Intel and virtual GPUs by itself. NVIDIA's driver has to be named.
      - `"nvidia"`: NVIDIA's driver with the open kernel modules (Turing and newer). It is unfree: allow it by
        `nixpkgs.config.allowUnfree = true;`.
      - `"amd"`: Mesa, loaded before the first session.
      - `"intel"`: Mesa with Intel's media driver (Broadwell and newer).
      - `"none"`: nothing is set up; applications draw on the processor.
    '';
  };

  config = lib.mkIf (cfg.enable && driver != "none") (
    lib.mkMerge [
      {
        hardware.graphics.enable = true;
        hardware.enableRedistributableFirmware = lib.mkDefault true;
      }
      (lib.mkIf (mesa && driver != "amd") {
        hardware.graphics.extraPackages = lib.optional pkgs.stdenv.hostPlatform.isx86_64 pkgs.intel-media-driver;
      })
      (lib.mkIf (driver == "amd") {
        boot.initrd.kernelModules = [ "amdgpu" ];
      })
      (lib.mkIf (driver == "nvidia") {
        services.xserver.videoDrivers = [ "nvidia" ];
        hardware.nvidia.open = lib.mkDefault true;
        hardware.nvidia.modesetting.enable = true;
        hardware.graphics.extraPackages = [ pkgs.nvidia-vaapi-driver ];
        systemd.services.punktfunk-host.serviceConfig.DeviceAllow = [ "char-nvidia* rw" ];
        assertions = map (message: {
          assertion = false;
          inherit message;
        }) mismatch;
      })
    ]
  );
}
