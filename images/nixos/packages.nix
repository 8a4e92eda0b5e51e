# The flake's packages: one build of the workspace, one package for each program.
{ crane, pkgs }:
let
  inherit (pkgs) lib;
  craneLib = crane.mkLib pkgs;

  common = {
    pname = "punktfunk";
    inherit ((lib.importTOML ../../Cargo.toml).workspace.package) version;
    src = lib.fileset.toSource {
      root = ../..;
      fileset = lib.fileset.unions [
        ../../Cargo.lock
        ../../Cargo.toml
        ../../crates
      ];
    };
    strictDeps = true;
    cargoExtraArgs = lib.concatStringsSep " --package punktfunk-" [
      "--locked"
      "client"
      "host"
      "tools"
      "update"
    ];
    # The tests need compositors, network namespaces and fonts: `make test`.
    doCheck = false;

    nativeBuildInputs = [
      pkgs.cmake
      pkgs.pkg-config
      pkgs.rustPlatform.bindgenHook
    ];
    # cmake is for crates that bring C with them; the workspace has nothing to configure.
    dontUseCmakeConfigure = true;
    buildInputs = [
      pkgs.ffmpeg_7
      pkgs.libxkbcommon
      pkgs.pipewire
      pkgs.pixman
    ];
  };

  # What the lock file says is fetched, each package by its own hash: no hash of them all to keep.
  console = pkgs.buildNpmPackage {
    pname = "punktfunk-console";
    inherit (common) version;
    src = lib.fileset.toSource {
      root = ../../web;
      fileset = lib.fileset.difference ../../web (
        lib.fileset.unions [
          (lib.fileset.maybeMissing ../../web/dist)
          (lib.fileset.maybeMissing ../../web/node_modules)
        ]
      );
    };
    npmDeps = pkgs.importNpmLock { npmRoot = ../../web; };
    inherit (pkgs.importNpmLock) npmConfigHook;
    installPhase = ''
      runHook preInstall
      cp -r dist $out
      runHook postInstall
    '';
    meta.description = "Web console of the streaming host";
  };

  workspace = craneLib.buildPackage (
    common
    // {
      cargoArtifacts = craneLib.buildDepsOnly common;
      # The host has it inside.
      preBuild = ''
        mkdir -p web
        cp -r ${console} web/dist
      '';
    }
  );

  program =
    name: description:
    pkgs.runCommand "${name}-${common.version}"
      {
        pname = name;
        inherit (common) version;
        meta = {
          inherit description;
          mainProgram = name;
          license = [
            lib.licenses.mit
            lib.licenses.asl20
          ];
          platforms = lib.platforms.linux;
        };
      }
      ''
        mkdir -p $out/bin
        cp ${workspace}/bin/${name} $out/bin/
      '';
in
rec {
  default = punktfunk-host;
  inherit console workspace;
  punktfunk-host = program "punktfunk-host" "Streaming host for games and desktops";
  punktfunk = program "punktfunk" "The reference client of punktfunk";
  punktfunk-update = program "punktfunk-update" "What becomes of updates of a punktfunk machine";

  # The demo looks for host and client beside itself.
  demo = pkgs.writeShellApplication {
    name = "punktfunk-demo";
    runtimeInputs = [
      pkgs.foot
      pkgs.perl
      pkgs.xwayland
    ];
    text = ''exec ${workspace}/bin/punktfunk-tools demo "$@"'';
  };

  docs = pkgs.runCommand "punktfunk-docs-${common.version}" { } ''
    mkdir -p $out/share/doc
    cp -r ${../../docs} $out/share/doc/punktfunk
  '';
}
