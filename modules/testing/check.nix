# Everything that `make check-modules` looks at, by default with the stand-ins; `lib` may be the real one.
{
  lib ? import ./lib.nix,
  # A folder with the README's configuration.nix.
  readme ? null,
  # What the host prints: `config-schema`, and `check-config --json` of an empty file.
  schema ? ../host/schema.json,
  hostDefaults ? null,
}:
let
  pkgs = import ./packages.nix { inherit lib; };
  print = import ./print.nix { inherit lib; };

  evaluate = modules: evaluateCase { inherit modules; };
  evaluateCase =
    case:
    lib.evalModules {
      specialArgs = {
        inherit pkgs;
        modulesPath = ./nixpkgs/modules;
        # A virtual machine of a test may name the others.
        nodes = lib.mapAttrs (_: _: { system.build.toplevel = pkgs.runCommand "nixos-system" { } ""; }) case.nodes or { };
      };
      modules = [
        (import ./nixos.nix {
          inherit lib;
          lacks = case.lacks or null;
        })
        {
          boot.kernelPackages = lib.mkDefault pkgs.linuxPackages;
          boot.loader.efi.efiSysMountPoint = lib.mkDefault "/boot";
          hardware.nvidia.package = lib.mkDefault pkgs.linuxPackages.nvidiaPackages.stable;
          system.build.toplevel = pkgs.runCommand "nixos-system" { } "";
          systemd.package = lib.mkDefault pkgs.systemd;
        }
      ]
      ++ case.modules;
    };
  # As the flake's modules do.
  package =
    { options, ... }:
    {
      services.punktfunk = {
        package = lib.mkDefault pkgs.punktfunk-host;
      }
      // lib.optionalAttrs (options.services.punktfunk ? updates) {
        updates.package = lib.mkDefault pkgs.punktfunk-update;
      };
    };
  plain = (evaluate [ ]).config;

  # What building a system does: fails when an assertion does.
  built =
    config:
    let
      failed = lib.filter (assertion: !assertion.assertion) config.assertions;
    in
    if failed == [ ] then
      config
    else
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (assertion: "- ${assertion.message}") failed}";

  # Everything the case says, forced: an option that nobody reads is never checked.
  checked =
    case:
    let
      config = built (evaluateCase case).config;
    in
    builtins.deepSeq (print.differences plain config) config;

  concerns = import ../concerns.nix;
  testOf = path: import (path + "/test.nix") { inherit lib pkgs; };
  casesOf =
    path:
    lib.mapAttrs (
      _: case:
      case
      // {
        modules = [
          path
          package
          {
            _file = "test.nix";
            inherit (case) config;
          }
        ]
        ++ case.imports or [ ];
      }
    ) (testOf path).cases;

  # Whole machines. A virtual machine test counts: here only its configuration is evaluated.
  disk.fileSystems."/" = {
    device = "/dev/disk/by-label/root";
    fsType = "ext4";
  };
  profile = file: {
    modules = [
      file
      ../hardware/pc.nix
      package
      disk
    ];
  };
  # What the test driver gives each of its machines.
  testNetwork.networking.interfaces.eth1 = {
    ipv4.addresses = [ { address = "192.168.1.1"; } ];
    ipv6.addresses = [ { address = "2001:db8:1::1"; } ];
  };
  nodes =
    lib.mapAttrs
      (_: node: {
        nodes = node.all;
        modules = [
          ../.
          package
          testNetwork
          node.module
        ];
      })
      (
        lib.listToAttrs (
          lib.concatMap (
            concern:
            let
              vm = (testOf concerns.${concern}).vm;
            in
            lib.mapAttrsToList (
              name: module:
              lib.nameValuePair "${concern}-${name}" {
                inherit module;
                all = vm.nodes;
              }
            ) vm.nodes
          ) (lib.attrNames concerns)
        )
      );
  machines = {
    appliance = profile ../profiles/appliance.nix;
    desktop = profile ../profiles/desktop.nix;
    flake = flake.nixosConfigurations.appliance;
    inherit (flake.nixosConfigurations) installer;
    template = flake.template.nixosConfigurations.streamer;
  }
  // lib.optionalAttrs (readme != null) {
    readme.modules = [
      ../profiles/appliance.nix
      (readme + "/configuration.nix")
      package
      disk
    ];
  };

  flake = import ./flake.nix { inherit evaluate lib pkgs; };

  suites = lib.mapAttrs (_: casesOf) concerns // {
    inherit machines nodes;
  };
  good = lib.filterAttrs (_: case: !(case ? fails || case ? refused));
  settingsOf = config: config.services.punktfunk.configFile.settings;
  isEnabled = case: (evaluate case.modules).config.services.punktfunk.enable or false;

  snapshot =
    case:
    let
      config = checked case;
      settings = lib.optionalString (config.services.punktfunk.enable or false) "${print.toml (settingsOf config)}";
    in
    print.differences plain (
      removeAttrs config [ "assertions" ] // { services = removeAttrs config.services [ "punktfunk" ]; }
    )
    + settings;
  byName = f: lib.concatMap (suite: lib.mapAttrsToList (f suite) suites.${suite}) (lib.attrNames suites);
in
{
  # Suite to text: what every case that is right evaluates to.
  snapshots = lib.mapAttrs (
    _: cases: lib.concatStringsSep "\n" (lib.mapAttrsToList (name: case: "==== ${name}\n${snapshot case}") (good cases))
  ) (removeAttrs suites [ "nodes" ]);

  # File name to TOML: what the host has to accept, or to refuse with the text in `refusals`.
  accepted = lib.listToAttrs (
    lib.concatMap (pair: pair) (
      byName (
        suite: name: case:
        lib.optional (!(case ? fails || case ? refused) && isEnabled case) (
          lib.nameValuePair "${suite}.${name}.toml" (print.toml (settingsOf (checked case)))
        )
      )
    )
  );
  refused = lib.listToAttrs (
    lib.concatMap (pair: pair) (
      byName (
        suite: name: case:
        lib.optional (case ? refused) (
          lib.nameValuePair "${suite}.${name}.toml" "# ${case.refused}\n${print.toml (settingsOf (checked case))}"
        )
      )
    )
  );

  # What must not evaluate. `fails` lists texts that the message holds.
  wrong = lib.mapAttrs (_: cases: lib.mapAttrs (_: checked) (lib.filterAttrs (_: case: case ? fails) cases)) suites;
  messages = lib.concatStringsSep "" (
    lib.concatMap (lines: lines) (
      byName (
        suite: name: case:
        map (text: "${suite}.${name}\t${text}\n") (case.fails or [ ])
      )
    )
  );

  # In what options and host disagree: keys that only one of them knows, defaults that differ. Empty when they agree.
  disagreements =
    let
      host = evaluate [
        ../host
        package
      ];
      keysOf =
        isLeaf: children: path: tree:
        if isLeaf tree then
          [ (lib.concatStringsSep "." path) ]
        else
          lib.concatMap (name: keysOf isLeaf children (path ++ [ name ]) (children tree).${name}) (lib.attrNames (children tree));
      options = keysOf (tree: tree._type or null == "option") (
        tree:
        removeAttrs tree [
          "_module"
          "_freeformOptions"
        ]
      ) [ ] (host.options.services.punktfunk.settings.type.getSubOptions [ ]);
      fields = keysOf (tree: !(tree ? properties)) (tree: tree.properties) [ ] (lib.importJSON schema);
      missing = from: lib.filter (key: !lib.elem key from);
      withoutNull = lib.filterAttrsRecursive (_: value: value != null);
      ours = withoutNull host.config.services.punktfunk.settings;
      theirs = withoutNull (lib.importJSON hostDefaults).config;
    in
    lib.concatStringsSep "" (
      map (key: "the host's configuration has ${key}, but there is no option for it\n") (missing options fields)
      ++ map (key: "there is an option for ${key}, but the host's configuration has no such key\n") (missing fields options)
      ++ lib.optional (
        hostDefaults != null && ours != theirs
      ) "the defaults differ from the host's:\n${print.differences theirs ours}"
    );

  # For `make check-boot`.
  rendered = import ./rendered.nix {
    inherit lib;
    toml = config: print.toml (settingsOf config);
    machine = more: checked { modules = machines.readme.modules ++ [ more ]; };
  };

  # The names of what the flake offers; each of its modules evaluates alone.
  offers =
    let
      line = output: of: "${output}: ${lib.concatStringsSep " " (lib.attrNames of)}\n";
      alone = module: (checked { modules = [ module ]; }).services.punktfunk.package.name;
    in
    builtins.deepSeq
      (lib.mapAttrs (_: alone) (
        removeAttrs flake.nixosModules [
          "appliance"
          "desktop"
          "image"
          "pc"
        ]
      ))
      (
        lib.concatMapStringsSep "" (output: line output flake.${output}.x86_64-linux) [
          "apps"
          "checks"
          "devShells"
          "packages"
        ]
        + lib.concatMapStringsSep "" (output: line output flake.${output}) [
          "formatter"
          "nixosConfigurations"
          "nixosModules"
          "templates"
        ]
      );

  reference = import ./reference.nix {
    inherit lib;
    inherit (evaluate [ ../. ]) options;
  };
}
