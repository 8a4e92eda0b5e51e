{
  description = "punktfunk: a streaming host for games and desktops";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    crane.url = "github:ipetkov/crane";
  };

  outputs =
    {
      self,
      nixpkgs,
      crane,
    }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEachSystem = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      packagesOf = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system};

      concerns = import ./modules/concerns.nix;
      # A module, with the packages that this flake builds.
      withPackages = module: {
        imports = [
          module
          (
            { options, pkgs, ... }:
            {
              services.punktfunk = {
                package = lib.mkDefault (packagesOf pkgs).punktfunk-host;
              }
              // lib.optionalAttrs (options.services.punktfunk ? updates) {
                updates.package = lib.mkDefault (packagesOf pkgs).punktfunk-update;
              };
            }
          )
        ];
      };
    in
    {
      packages = forEachSystem (
        pkgs:
        import ./images/nixos/packages.nix { inherit crane pkgs; }
        // lib.optionalAttrs (pkgs.stdenv.hostPlatform.system == "x86_64-linux") {
          inherit (self.nixosConfigurations.appliance.config.system.build) image;
          installer = self.nixosConfigurations.installer.config.system.build.isoImage;
        }
      );

      nixosModules =
        lib.mapAttrs (_: withPackages) (
          concerns
          // {
            default = ./modules;
            appliance = ./modules/profiles/appliance.nix;
            desktop = ./modules/profiles/desktop.nix;
          }
        )
        // {
          image = ./images/nixos/image.nix;
          pc = ./modules/hardware/pc.nix;
        };

      nixosConfigurations = {
        appliance = lib.nixosSystem {
          modules = [
            self.nixosModules.appliance
            self.nixosModules.image
            self.nixosModules.pc
            ./images/nixos/template/configuration.nix
            { nixpkgs.hostPlatform = "x86_64-linux"; }
          ];
        };
        installer = lib.nixosSystem {
          modules = [
            ./images/nixos/installer.nix
            {
              # Not to be fetched again.
              isoImage.storeContents = [ self.nixosConfigurations.appliance.config.system.build.toplevel ];
              nixpkgs.hostPlatform = "x86_64-linux";
            }
          ];
        };
      };

      checks = forEachSystem (
        pkgs:
        let
          packages = packagesOf pkgs;
          testOf =
            concern:
            import (concern + "/test.nix") {
              inherit lib;
              pkgs = pkgs // packages;
            };
          vmTest =
            name: concern:
            lib.nameValuePair "vm-${name}" (
              pkgs.testers.runNixOSTest {
                imports = [ (testOf concern).vm ];
                defaults.imports = [ self.nixosModules.default ];
              }
            );
        in
        {
          inherit (packages)
            punktfunk-host
            punktfunk
            punktfunk-update
            console
            docs
            ;
        }
        // lib.listToAttrs (lib.mapAttrsToList vmTest concerns)
      );

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (packagesOf pkgs).workspace ];
          packages = [
            pkgs.cargo
            pkgs.cargo-nextest
            pkgs.clippy
            pkgs.foot
            pkgs.rustfmt
            pkgs.sway
            pkgs.weston
            pkgs.xclock
            pkgs.xlogo
            pkgs.xwayland
          ];
        };
      });

      apps = forEachSystem (
        pkgs:
        let
          packages = packagesOf pkgs;
        in
        {
          default = {
            type = "app";
            program = lib.getExe packages.punktfunk-host;
            meta.description = "The streaming host";
          };
          demo = {
            type = "app";
            program = lib.getExe packages.demo;
            meta.description = "Streams a real desktop to a real client on this machine and prints one table";
          };
        }
      );

      formatter = forEachSystem (
        pkgs:
        pkgs.writeShellApplication {
          name = "format-nix";
          runtimeInputs = [
            pkgs.git
            pkgs.nixfmt
          ];
          # As wide as the Rust files.
          text = "git ls-files -z '*.nix' | xargs -0 nixfmt --width=120";
        }
      );

      templates.appliance = {
        path = ./images/nixos/template;
        description = "A PC that boots into punktfunk";
      };
      templates.default = self.templates.appliance;
    };
}
