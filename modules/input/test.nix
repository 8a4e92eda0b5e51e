{ ... }:
{
  cases = {
    off.config.services.punktfunk.enable = true;
    on.config.services.punktfunk = {
      enable = true;
      input.virtualDevices = true;
    };
  };

  vm = {
    name = "punktfunk-input";
    nodes.machine = {
      services.punktfunk = {
        enable = true;
        input.virtualDevices = true;
      };
      users.users.player.extraGroups = [ "input" ];
    };
    testScript = ''
      machine.wait_for_unit("punktfunk-host.service")
      for node in ["/dev/uinput", "/dev/uhid"]:
          machine.wait_until_succeeds(f"test $(stat -c %U:%G:%a {node}) = root:punktfunk:660")
          machine.fail(f"runuser -u player -- test -w {node}")
          machine.succeed(f"runuser -u punktfunk -- test -w {node}")
    '';
  };
}
