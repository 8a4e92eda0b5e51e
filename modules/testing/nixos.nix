# Stand-ins for the NixOS options that the modules set, with the types of the real ones.
{ lib }:
let
  inherit (lib) types;
  # Kinds of options; below each the paths of its options, where `*` stands for any name.
  option = type: default: lib.mkOption { inherit type default; };
  kinds = {
    anything = option types.anything { };
    flag = option types.bool false;
    list = option (types.listOf types.anything) [ ];
    on = option types.bool true;
    packages = option (types.listOf types.package) [ ];
    path = lib.mkOption { type = types.path; };
    ports = option (types.listOf (types.ints.between 0 65535)) [ ];
    strings = option (types.listOf types.str) [ ];
    text = option types.str "";
    unset = option (types.nullOr types.str) null;
  };
  table = ''
    anything boot.kernel.sysctl boot.kernelPackages hardware.nvidia.package nixpkgs.config
    flag boot.loader.efi.canTouchEfiVariables boot.loader.systemd-boot.enable hardware.enableRedistributableFirmware
    flag hardware.cpu.amd.updateMicrocode hardware.cpu.intel.updateMicrocode hardware.graphics.enable
    flag fonts.enableDefaultPackages hardware.nvidia.modesetting.enable hardware.nvidia.open networking.interfaces.*.wakeOnLan.enable
    flag users.users.*.isNormalUser users.users.*.isSystemUser
    list assertions networking.firewall.allowedUDPPortRanges networking.firewall.interfaces.*.allowedUDPPortRanges
    list systemd.mounts networking.interfaces.*.ipv4.addresses networking.interfaces.*.ipv6.addresses
    on systemd.targets.*.enable
    packages boot.extraModulePackages environment.systemPackages hardware.graphics.extraPackages services.udev.packages
    packages systemd.packages systemd.services.*.path systemd.services.*.restartTriggers systemd.tmpfiles.packages
    path environment.etc.*.source
    ports networking.firewall.allowedUDPPorts networking.firewall.interfaces.*.allowedUDPPorts
    ports networking.firewall.allowedTCPPorts networking.firewall.interfaces.*.allowedTCPPorts
    strings boot.initrd.availableKernelModules boot.initrd.kernelModules boot.kernelModules fileSystems.*.options
    strings services.xserver.videoDrivers systemd.network.networks.*.address systemd.services.*.wantedBy
    on systemd.services.*.restartIfChanged
    strings systemd.services.*.serviceConfig.DeviceAllow systemd.services.*.serviceConfig.ExecStart
    strings systemd.services.*.serviceConfig.LoadCredential
    strings systemd.tmpfiles.rules users.groups.*.members users.users.*.extraGroups warnings
    text fileSystems.*.fsType networking.hostName nixpkgs.hostPlatform system.stateVersion users.users.*.description
    text users.users.*.group
    unset fileSystems.*.device time.timeZone users.users.*.home
  '';
  nest = path: value: if path == [ ] then value else { ${lib.head path} = nest (builtins.tail path) value; };
  row = words: map (path: nest (lib.splitString "." path) kinds.${lib.head words}) (builtins.tail words);
  rows = lib.concatMap (line: row (lib.splitString " " line)) (lib.splitString "\n" table);
  # A name that is any name makes a table of submodules.
  optionsOf =
    tree:
    if tree ? _type then
      tree
    else if tree ? "*" then
      option (types.attrsOf (types.submodule { options = optionsOf tree."*"; })) { }
    else
      lib.mapAttrs (_: optionsOf) tree;
in
{
  options = optionsOf (lib.foldl' lib.recursiveUpdate { } rows);
}
