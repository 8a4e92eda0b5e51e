# Stand-ins for the NixOS options that the modules set, with the types of the real ones. `lacks`: one that an older nixpkgs
# does not have.
{
  lib,
  lacks ? null,
}:
let
  inherit (lib) types;
  # Kinds of options; below each the paths of its options, where `*` stands for any name.
  option = type: default: lib.mkOption { inherit type default; };
  highestValue = types.anything // {
    merge = _: defs: lib.foldl' (highest: def: if def.value > highest then def.value else highest) 0 defs;
  };
  # Settings of a unit: lists come together, and nothing else with a list.
  unitOption = types.anything // {
    merge =
      loc: defs:
      if !lib.isList (lib.head defs).value then
        types.anything.merge loc defs
      else if lib.any (def: !lib.isList def.value) defs then
        throw "The definitions for systemd unit options should be either all lists or all non-lists"
      else
        lib.concatMap (def: def.value) defs;
  };
  kinds = {
    anything = option types.anything { };
    flag = option types.bool false;
    highest = option (types.attrsOf highestValue) { };
    list = option (types.listOf types.anything) [ ];
    on = option types.bool true;
    packages = option (types.listOf types.package) [ ];
    path = option (types.nullOr types.path) null;
    value = lib.mkOption { type = types.package; };
    number = option (types.nullOr (types.ints.between 0 255)) null;
    ports = option (types.listOf (types.ints.between 0 65535)) [ ];
    section = option (types.attrsOf unitOption) { };
    strings = option (types.listOf types.str) [ ];
    text = option types.str "";
    unset = option (types.nullOr types.str) null;
  };
  table = ''
    highest boot.kernel.sysctl
    anything boot.kernelPackages hardware.nvidia.package nixpkgs.config
    flag boot.loader.efi.canTouchEfiVariables boot.loader.systemd-boot.enable hardware.enableRedistributableFirmware
    flag boot.loader.systemd-boot.bootCounting.enable system.autoUpgrade.allowReboot system.autoUpgrade.enable
    flag system.switch.enable virtualisation.useBootLoader virtualisation.useEFIBoot
    number boot.loader.systemd-boot.bootCounting.tries
    flag hardware.cpu.amd.updateMicrocode hardware.cpu.intel.updateMicrocode hardware.graphics.enable
    flag boot.growPartition fileSystems.*.autoResize
    flag fonts.enableDefaultPackages hardware.nvidia.modesetting.enable hardware.nvidia.open networking.interfaces.*.wakeOnLan.enable
    flag users.users.*.isNormalUser users.users.*.isSystemUser
    list assertions networking.firewall.allowedUDPPortRanges networking.firewall.interfaces.*.allowedUDPPortRanges
    list systemd.mounts networking.interfaces.*.ipv4.addresses networking.interfaces.*.ipv6.addresses
    on systemd.services.*.enable systemd.targets.*.enable
    packages boot.extraModulePackages environment.systemPackages hardware.graphics.extraPackages services.udev.packages
    anything system.build.image system.build.isoImage system.build.toplevel
    packages isoImage.storeContents system.extraDependencies systemd.packages systemd.services.*.path systemd.services.*.restartTriggers systemd.tmpfiles.packages
    path environment.etc.*.source
    ports networking.firewall.allowedUDPPorts networking.firewall.interfaces.*.allowedUDPPorts
    ports networking.firewall.allowedTCPPorts networking.firewall.interfaces.*.allowedTCPPorts
    strings boot.initrd.availableKernelModules boot.initrd.kernelModules boot.kernelModules fileSystems.*.options
    strings nix.settings.experimental-features services.xserver.videoDrivers systemd.network.networks.*.address systemd.services.*.wantedBy
    on systemd.services.*.restartIfChanged
    section systemd.services.*.serviceConfig
    strings boot.kernelParams systemd.services.*.before systemd.services.*.requiredBy systemd.services.*.startAt
    strings systemd.tmpfiles.rules users.groups.*.members users.users.*.extraGroups warnings
    text fileSystems.*.fsType networking.hostName nixpkgs.hostPlatform system.stateVersion users.users.*.description
    text users.users.*.group
    text boot.loader.efi.efiSysMountPoint environment.etc.*.text system.autoUpgrade.dates system.autoUpgrade.operation
    text services.getty.helpLine services.udev.extraRules systemd.services.*.description
    unset systemd.services.*.overrideStrategy
    unset boot.loader.systemd-boot.xbootldrMountPoint fileSystems.*.device nix.daemonCPUSchedPolicy nix.daemonIOSchedClass
    unset system.autoUpgrade.flake time.timeZone users.users.*.home
    value systemd.package
  '';
  nest = path: value: if path == [ ] then value else { ${lib.head path} = nest (builtins.tail path) value; };
  row = words: map (path: nest (lib.splitString "." path) kinds.${lib.head words}) (builtins.tail words);
  words = line: lib.filter (word: lacks == null || !lib.hasPrefix lacks word) (lib.splitString " " line);
  rows = lib.concatMap (line: row (words line)) (lib.splitString "\n" table);
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
