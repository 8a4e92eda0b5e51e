{ pkgs, ... }:
{
  cases = {
    sound.config.services.punktfunk.enable = true;
    silence.config.services.punktfunk = {
      enable = true;
      settings.audio.enable = false;
    };
  };

  vm = {
    name = "punktfunk-audio";
    nodes.host.services.punktfunk = {
      enable = true;
      session.application = pkgs.foot;
    };
    testScript = ''
      host.wait_for_unit("punktfunk-host.service")
      # It streams a test picture with a tone to itself, and wants to hear it.
      host.succeed("punktfunk-host gate")
    '';
  };
}
