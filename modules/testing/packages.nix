# Stand-ins for the packages that modules and tests name, and for what nixpkgs makes files with.
{ lib }:
let
  package =
    name: attrs:
    {
      inherit name;
      type = "derivation";
      outPath = "/nix/store/00000000000000000000000000000000-${name}";
      meta.mainProgram = name;
    }
    // attrs;
  linuxPackages = version: {
    kernel = package "linux-${version}" { modDirVersion = version; };
    nvidiaPackages.stable = package "nvidia-x11-595.10-${version}" {
      version = "595.10";
      kernelVersion = version;
    };
  };
  names =
    "coreutils dosfstools e2fsprogs foot gamescope gawk git gnugrep intel-media-driver jq nano nvidia-vaapi-driver pipewire punktfunk punktfunk-host"
    + " punktfunk-update systemd util-linux wireplumber xwayland";
in
lib.genAttrs (lib.splitString " " names) (name: package name { })
// {
  inherit lib;
  stdenv.hostPlatform = {
    system = "x86_64-linux";
    isx86_64 = true;
  };
  linuxPackages = linuxPackages "6.18.1";
  linuxPackages_latest = linuxPackages "7.1.0";
  nvidia-x11-old = package "nvidia-x11-470.1-6.18.1" { version = "470.1"; };
  runCommand =
    name: attrs: _:
    package name (attrs.passthru or { } // lib.optionalAttrs (attrs ? meta) { inherit (attrs) meta; });
  writeShellApplication = { name, ... }: package name { };
  formats.toml = _: {
    type = lib.types.attrsOf lib.types.anything;
    generate = name: value: package name { inherit value; };
  };
}
