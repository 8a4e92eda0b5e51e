# The sound of sessions: a sound server for each, beside its application and as its user. Whether the rest of the system has
# a PipeWire (`services.pipewire`) makes no difference.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.punktfunk;
in
{
  imports = [ ../session ];

  # What it runs: pipewire, pipewire-pulse and wireplumber.
  config = lib.mkIf (cfg.enable && cfg.settings.audio.enable) {
    systemd.services."punktfunk-session@".path = [
      pkgs.pipewire
      pkgs.wireplumber
    ];
  };
}
