# Stand-ins for the NixOS options that the modules set, with the types of the real ones, and for the packages they name.
{ lib }:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  flag = option types.bool false;
  strings = option (types.listOf types.str) [ ];
  packages = option (types.listOf types.package) [ ];
  table = type: option (types.attrsOf type) { };
  record = options: table (types.submodule { inherit options; });
  any = option types.anything { };

  package =
    name: attrs:
    {
      type = "derivation";
      outPath = "/nix/store/00000000000000000000000000000000-${name}";
      inherit name;
      meta.mainProgram = name;
    }
    // attrs;
  kernelPackages = version: rec {
    kernel = package "linux-${version}" { modDirVersion = version; };
    nvidiaPackages.stable = package "nvidia-x11-595.10-${version}" {
      version = "595.10";
      kernelVersion = version;
    };
  };
  names = [
    "foot"
    "git"
    "intel-media-driver"
    "nvidia-vaapi-driver"
    "punktfunk"
    "punktfunk-host"
    "sway"
    "xwayland"
  ];

  firewall = {
    allowedUDPPorts = option (types.listOf types.ints.unsigned) [ ];
    allowedUDPPortRanges = option (types.listOf (types.attrsOf types.ints.unsigned)) [ ];
  };
  addresses = option (types.listOf (
    types.submodule {
      options.address = mkOption { type = types.str; };
      options.prefixLength = mkOption { type = types.ints.unsigned; };
    }
  )) [ ];
in
{
  pkgs = lib.genAttrs names (name: package name { }) // {
    linuxPackages = kernelPackages "6.18.1";
    linuxPackages_latest = kernelPackages "7.1.0";
    nvidia-x11-old = package "nvidia-x11-470.1-6.18.1" { version = "470.1"; };
    runCommand =
      name: attrs: buildCommand:
      package name (attrs.passthru or { } // { inherit buildCommand; });
    formats.toml = _: {
      type = types.attrsOf types.anything;
      generate = name: value: package name { inherit value; };
    };
  };

  module = { pkgs, ... }: {
    options = {
      assertions = option (types.listOf types.anything) [ ];
      warnings = strings;
      boot.extraModulePackages = packages;
      boot.initrd = {
        availableKernelModules = strings;
        kernelModules = strings;
      };
      boot.kernel.sysctl = table types.ints.unsigned;
      boot.kernelModules = strings;
      boot.kernelPackages = option types.raw pkgs.linuxPackages;
      boot.loader = {
        systemd-boot.enable = flag;
        efi.canTouchEfiVariables = flag;
      };
      environment.etc = record { source = mkOption { type = types.path; }; };
      environment.systemPackages = packages;
      fileSystems = record {
        device = option (types.nullOr types.str) null;
        fsType = option types.str "auto";
        options = strings;
      };
      hardware.cpu = {
        amd.updateMicrocode = flag;
        intel.updateMicrocode = flag;
      };
      hardware.enableRedistributableFirmware = flag;
      hardware.graphics = {
        enable = flag;
        extraPackages = packages;
      };
      hardware.nvidia = {
        modesetting.enable = flag;
        open = flag;
        package = option types.package pkgs.linuxPackages.nvidiaPackages.stable;
      };
      networking.firewall = firewall // {
        interfaces = record firewall;
      };
      networking.hostName = option types.str "nixos";
      networking.interfaces = record {
        wakeOnLan.enable = flag;
        ipv4 = { inherit addresses; };
        ipv6 = { inherit addresses; };
      };
      nixpkgs.config = any;
      services.udev.packages = packages;
      services.xserver.videoDrivers = option (types.listOf types.str) [
        "modesetting"
        "fbdev"
      ];
      system.stateVersion = option types.str "";
      systemd.network.networks = record { address = strings; };
      systemd.packages = packages;
      systemd.services = record {
        path = packages;
        restartTriggers = packages;
        serviceConfig = any;
        wantedBy = strings;
      };
      systemd.targets = record { enable = option types.bool true; };
      systemd.tmpfiles = {
        inherit packages;
        rules = strings;
      };
      time.timeZone = option (types.nullOr types.str) null;
      users.groups = record { };
      users.users = record {
        description = option types.str "";
        extraGroups = strings;
        group = option types.str "";
        home = option types.path "/var/empty";
        isNormalUser = flag;
        isSystemUser = flag;
      };
    };
  };
}
