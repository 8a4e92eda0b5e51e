{ pkgs, ... }:
let
  host = more: {
    services.punktfunk = {
      enable = true;
    }
    // more;
  };
in
{
  cases = {
    defaults.config = host { };

    own-ports.config = host {
      settings.network.port = 7000;
      settings.network.media_port = 8000;
      settings.session.max_sessions = 2;
    };

    one-interface.config = host { network.interfaces = [ "enp3s0" ]; };

    without-mdns.config = host { settings.network.mdns.enable = false; };

    closed-firewall.config = host {
      network.openFirewall = false;
      settings.network.port = 0;
    };

    gamestream-on.config = host { settings.gamestream.enable = true; };

    gamestream-on-own-ports.config = host {
      network.interfaces = [ "enp3s0" ];
      settings.gamestream.enable = true;
      settings.gamestream.port = 40000;
      settings.session.max_sessions = 1;
    };

    gamestream-off.config = host { settings.gamestream.port = 40000; };

    gamestream-over-the-console = {
      config = host {
        settings.gamestream.enable = true;
        settings.console.port = 47989;
      };
      refused = "gamestream.port: found 47989 (which takes TCP port 47989), allowed is a port whose neighbours leave console.port alone";
    };

    wake-on-lan.config = host { network.wakeOnLan = [ "enp3s0" ]; };

    own-buffers.config = host { } // {
      boot.kernel.sysctl."net.core.rmem_max" = 16777216;
      boot.kernel.sysctl."net.core.wmem_max" = 212992;
    };

    port-that-changes = {
      config = host { settings.network.port = 0; };
      fails = [
        "leaves a port to the system, so the firewall cannot be opened for it"
        "services.punktfunk.network.openFirewall = false;"
      ];
    };

    media-ports-over-the-control-port = {
      config = host { settings.network.media_port = 9775; };
      refused = "network.media_port: found 9775 (sessions use 9775 to 9778), allowed is a range without network.port";
    };

    port-too-high = {
      config = host { settings.network.port = 70000; };
      fails = [
        "A definition for option `services.punktfunk.settings.network.port' is not of type"
        "integer between 0 and 65535 (both inclusive)"
      ];
    };
  };

  vm = {
    name = "punktfunk-network";
    nodes = {
      host.services.punktfunk.enable = true;
      client.environment.systemPackages = [ pkgs.punktfunk ];
    };
    testScript = ''
      start_all()
      host.wait_for_unit("punktfunk-host.service")
      client.wait_for_unit("multi-user.target")
      client.succeed("punktfunk --mdns off probe host")
      assert host.succeed("sysctl -n net.core.rmem_max").strip() == "8388608"
    '';
  };
}
