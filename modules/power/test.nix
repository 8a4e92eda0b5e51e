{ ... }:
{
  cases = {
    sleepy.config.services.punktfunk.enable = true;
    awake.config.services.punktfunk = {
      enable = true;
      power.stayAwake = true;
    };
  };

  vm = {
    name = "punktfunk-power";
    nodes.machine.services.punktfunk = {
      enable = true;
      power.stayAwake = true;
    };
    testScript = ''
      machine.wait_for_unit("punktfunk-host.service")
      machine.fail("systemctl suspend")
    '';
  };
}
