# Updates of the system: new generations, fetched and built on a schedule, tried when the machine starts next, and taken back
# by the boot loader when they do not stream. It is the disk image's mechanism: systemd-boot counts the tries,
# punktfunk-gate.service is in the way of boot-complete.target, systemd-bless-boot.service ends the trial.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
  inherit (cfg.updates) rebootWindow;
  inherit (config.boot) loader;
  # Came with nixpkgs 26.11.
  canCount = options.boot.loader.systemd-boot ? bootCounting;

  menu =
    if loader.systemd-boot.xbootldrMountPoint != null then
      loader.systemd-boot.xbootldrMountPoint
    else
      loader.efi.efiSysMountPoint;
  follow =
    "${lib.getExe cfg.updates.package} --os-release /etc/os-release --esp ${menu}"
    + " --systemctl ${config.systemd.package}/bin/systemctl";
  report = "/run/punktfunk-gate/report.json";

  mayRestart = pkgs.writeShellApplication {
    name = "punktfunk-may-restart";
    runtimeInputs = [
      cfg.package
      pkgs.coreutils
      pkgs.jq
    ];
    text = builtins.readFile ./may-restart.sh;
  };
  isTime = text: builtins.match "([01][0-9]|2[0-3]):[0-5][0-9]" text != null;
in
{
  imports = [
    ../console
    ../host
  ];

  options.services.punktfunk.updates = {
    enable = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether the machine updates itself: its configuration is fetched from `flake` and built on a schedule, and what was
        built is tried when the machine starts next. It stays if the host then streams. If not, the machine goes back to
        the generation before by itself, and the host says why. This needs systemd-boot.
      '';
    };

    package = lib.mkOption {
      type = lib.types.package;
      defaultText = lib.literalExpression "the flake's punktfunk-update";
      description = "The package that holds `punktfunk-update`. The flake's modules set it.";
    };

    flake = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "github:ada/machines#streamer";
      description = ''
        The flake that this machine is built from, as `nixos-rebuild --flake` takes it. Which versions it gets is said by
        the flake's `flake.lock`: something has to renew that, for example a job where the flake is kept.
      '';
    };

    dates = lib.mkOption {
      type = lib.types.str;
      default = "04:40";
      example = "Sun 04:40";
      description = "When new generations are fetched and built, as in systemd.time(7). It goes on beside a stream, at the lowest priority.";
    };

    rebootWindow = lib.mkOption {
      type = lib.types.nullOr (
        lib.types.submodule {
          options = {
            lower = lib.mkOption {
              type = lib.types.str;
              example = "03:00";
              description = "From when on, as HH:MM.";
            };
            upper = lib.mkOption {
              type = lib.types.str;
              example = "06:00";
              description = "Until when, as HH:MM. May be earlier than `lower`: then it is on the next day.";
            };
          };
        }
      );
      default = null;
      example = lib.literalExpression ''{ lower = "03:00"; upper = "06:00"; }'';
      description = ''
        When the machine may restart by itself to try a new generation. It does so only while no session runs and none is
        kept. Without it the machine never does: a new generation is tried when somebody restarts it.
      '';
    };
  };

  config = lib.mkIf (cfg.enable && cfg.updates.enable) (
    lib.mkMerge [
      {
        system.autoUpgrade = {
          enable = true;
          inherit (cfg.updates) dates flake;
          operation = "boot";
        };
        # Not at the cost of a stream: neither what evaluates nor what builds.
        nix.daemonCPUSchedPolicy = lib.mkDefault "idle";
        nix.daemonIOSchedClass = lib.mkDefault "idle";
        environment.systemPackages = [ cfg.updates.package ];

        # A kernel that panics tries again, which counts.
        boot.kernelParams = [ "panic=30" ];

        systemd.services = {
          nixos-upgrade.serviceConfig = {
            CPUSchedulingPolicy = "idle";
            IOSchedulingClass = "idle";
            # What is noted here would be found at the next start, too.
            ExecStartPost = [ "-${follow} observe" ];
          };

          punktfunk-gate = {
            requiredBy = [ "boot-complete.target" ];
            # It says something about the start of a system, not about a configuration that was switched to later.
            restartIfChanged = false;
            serviceConfig.ExecStart = [
              ""
              "${lib.getExe cfg.package} gate --report ${report}"
            ];
            serviceConfig.ExecStopPost = [
              ""
              "+${follow} verdict --report ${report} --result \${SERVICE_RESULT}/\${EXIT_STATUS}"
            ];
          };

          # Before the host, which reads it when it starts.
          punktfunk-generations = {
            description = "What became of the last update of this system";
            wantedBy = [ "multi-user.target" ];
            before = [ "punktfunk-host.service" ];
            serviceConfig = {
              Type = "oneshot";
              ExecStart = [ "${follow} observe" ];
              StateDirectory = "punktfunk-update";
              StateDirectoryMode = "0755";
              UMask = "0022";
              # It reads boot menu, firmware variables and links, and writes its own folder.
              CapabilityBoundingSet = "";
              LockPersonality = true;
              MemoryDenyWriteExecute = true;
              NoNewPrivileges = true;
              PrivateDevices = true;
              PrivateNetwork = true;
              PrivateTmp = true;
              ProtectClock = true;
              ProtectControlGroups = true;
              ProtectHome = true;
              ProtectHostname = true;
              ProtectKernelLogs = true;
              ProtectKernelModules = true;
              ProtectKernelTunables = true;
              ProtectSystem = "strict";
              RestrictAddressFamilies = "none";
              RestrictNamespaces = true;
              RestrictRealtime = true;
              RestrictSUIDSGID = true;
              SystemCallArchitectures = "native";
              SystemCallFilter = [
                "@system-service"
                "~@privileged @resources"
              ];
            };
          };

          punktfunk-restart = lib.mkIf (rebootWindow != null) {
            description = "Restart into a new generation while nobody streams";
            startAt = [ "*:0/10" ];
            serviceConfig = {
              Type = "oneshot";
              ExecCondition = [ "${lib.getExe mayRestart} ${rebootWindow.lower} ${rebootWindow.upper}" ];
              ExecStart = [ "${follow} apply" ];
            };
          };
        };

        assertions = [
          {
            assertion = cfg.updates.flake != null;
            message = ''
              services.punktfunk.updates is on, but nothing says where this machine's configuration is fetched from, so it
              would never be updated.
              Name the flake, for example: services.punktfunk.updates.flake = "github:ada/machines#streamer";
            '';
          }
          {
            assertion = loader.systemd-boot.enable;
            message = ''
              services.punktfunk.updates needs systemd-boot, which counts how often a new generation was tried. With another
              boot loader a generation that does not stream would stay, and nobody could reach the machine.
              Write boot.loader.systemd-boot.enable = true; or leave services.punktfunk.updates.enable out and update by hand.
            '';
          }
          {
            assertion = canCount;
            message = ''
              services.punktfunk.updates needs boot.loader.systemd-boot.bootCounting, which this nixpkgs does not have: a
              generation that does not stream would stay, and nobody could reach the machine.
              Take nixpkgs 26.11 or newer, or leave services.punktfunk.updates.enable out and update by hand.
            '';
          }
          {
            assertion = !config.system.autoUpgrade.allowReboot;
            message = ''
              system.autoUpgrade.allowReboot restarts the machine without asking whether somebody streams.
              Leave it out, and write for example
              services.punktfunk.updates.rebootWindow = { lower = "03:00"; upper = "06:00"; };
            '';
          }
          {
            assertion = rebootWindow != null -> isTime rebootWindow.lower && isTime rebootWindow.upper;
            message = ''
              services.punktfunk.updates.rebootWindow is ${rebootWindow.lower or ""} to ${rebootWindow.upper or ""}, of which one is no
              time of day, so the machine would restart at a wrong time, or never.
              Write hours and minutes with two digits each, for example { lower = "03:00"; upper = "06:00"; }
            '';
          }
        ];
      }
      (lib.optionalAttrs canCount {
        boot.loader.systemd-boot.bootCounting.enable = true;
      })
    ]
  );
}
