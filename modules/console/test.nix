{ ... }:
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

    one-interface.config = host { network.interfaces = [ "enp3s0" ]; };

    switched-off.config = host { console.enable = false; };

    on-the-screen.config = host { console.welcome = true; };

    closed-firewall.config = host { console.openFirewall = false; };

    secrets.config = host {
      console.passwordFile = "/run/secrets/console";
      console.tokenFile = "/run/secrets/token";
      console.names = [ "den.example.org" ];
      console.port = 8443;
    };

    secret-in-the-store = {
      config = host { console.passwordFile = "/nix/store/0-password"; };
      fails = [ "names a secret in the Nix store" ];
    };

    name-that-is-an-address = {
      config = host { console.names = [ "https://den.example.org" ]; };
      refused = "console.names: found \"https://den.example.org\"";
    };
  };

  vm = {
    name = "punktfunk-console";
    nodes = {
      owned = {
        environment.etc."console-password".text = "correct horse battery staple";
        services.punktfunk = {
          enable = true;
          console.passwordFile = "/etc/console-password";
        };
      };
      fresh.services.punktfunk = {
        enable = true;
        console.welcome = true;
      };
    };
    testScript = ''
      start_all()
      for machine in [owned, fresh]:
          machine.wait_for_unit("punktfunk-host.service")
          machine.wait_until_succeeds("curl --insecure --fail https://localhost:47990/health")
      fresh.wait_until_tty_matches("1", "47990")
    '';
  };
}
