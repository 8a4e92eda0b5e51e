{
  # A checkout of punktfunk beside this file, or wherever its flake is to be had.
  inputs.punktfunk.url = "path:./punktfunk";
  inputs.nixpkgs.follows = "punktfunk/nixpkgs";

  outputs =
    { nixpkgs, punktfunk, ... }:
    {
      nixosConfigurations.streamer = nixpkgs.lib.nixosSystem {
        modules = [
          punktfunk.nixosModules.appliance
          punktfunk.nixosModules.pc
          ./configuration.nix
          { nixpkgs.hostPlatform = "x86_64-linux"; }
        ];
      };
    };
}
