{ lib, ... }:
let
  open = more: {
    services.punktfunk = {
      enable = true;
      pairing = {
        policy = "open";
      }
      // more;
    };
  };
  public = {
    networking.interfaces.enp3s0.ipv4.addresses = [
      {
        address = "203.0.113.7";
        prefixLength = 24;
      }
    ];
  };
  fingerprint = lib.concatStringsSep "" (lib.genList (_: "ab") 32);
  refusal = [
    ''services.punktfunk.pairing.policy is "open" and this machine has a public address: ''
    "could use this machine without asking"
    "services.punktfunk.pairing.acknowledgeRisk = true;"
  ];
in
{
  cases = {
    require.config.services.punktfunk = {
      enable = true;
      pairing.policy = "require";
    };

    open.config = open { };

    open-at-home.config = lib.mkMerge [
      (open { })
      {
        networking.interfaces.enp3s0.ipv4.addresses = [
          {
            address = "192.168.1.20";
            prefixLength = 24;
          }
        ];
        networking.interfaces.enp3s0.ipv6.addresses = [
          {
            address = "fd00::20";
            prefixLength = 64;
          }
        ];
      }
    ];

    open-to-the-internet = {
      config = lib.mkMerge [
        (open { })
        public
      ];
      fails = refusal;
    };

    open-to-the-internet-by-networkd = {
      config = lib.mkMerge [
        (open { })
        { systemd.network.networks.wan.address = [ "2001:db8::7/64" ]; }
      ];
      fails = refusal;
    };

    # Shared address space (RFC 6598): the provider's other customers are in it.
    open-to-the-provider = {
      config = lib.mkMerge [
        (open { })
        { systemd.network.networks.wan.address = [ "100.64.0.7/10" ]; }
      ];
      fails = refusal;
    };

    open-around-the-option = {
      config = lib.mkMerge [
        public
        {
          services.punktfunk = {
            enable = true;
            settings.pairing.policy = lib.mkForce "open";
          };
        }
      ];
      fails = refusal;
    };

    open-to-the-internet-on-purpose.config = lib.mkMerge [
      (open { acknowledgeRisk = true; })
      public
    ];

    devices.config.services.punktfunk = {
      enable = true;
      pairing.devices = {
        living-room.fingerprint = fingerprint;
        "Ada's tablet" = {
          fingerprint = lib.concatStringsSep "" (lib.genList (_: "cd") 32);
          access = "view-only";
        };
      };
    };

    device-without-fingerprint = {
      config.services.punktfunk = {
        enable = true;
        pairing.devices.tv.access = "full";
      };
      fails = [
        "The option `services.punktfunk.pairing.devices.tv.fingerprint' was accessed but has no value defined."
      ];
    };

    device-with-a-misspelled-key = {
      config.services.punktfunk = {
        enable = true;
        pairing.devices.tv = {
          inherit fingerprint;
          acces = "full";
        };
      };
      fails = [ "The option `services.punktfunk.pairing.devices.tv.acces' does not exist." ];
    };

    device-with-half-a-fingerprint = {
      config.services.punktfunk = {
        enable = true;
        pairing.devices.tv.fingerprint = "abab";
      };
      refused = "devices.tv.fingerprint: found \"abab\", allowed is the 64 hexadecimal digits";
    };

    device-with-unknown-access = {
      config.services.punktfunk = {
        enable = true;
        pairing.devices.tv = {
          inherit fingerprint;
          access = "everything";
        };
      };
      refused = "devices.tv.access: found \"everything\", allowed is";
    };

    misspelled-policy = {
      config = open { policy = "opne"; };
      fails = [
        "A definition for option `services.punktfunk.pairing.policy' is not of type `one of \"require\", \"open\"'."
        "opne"
      ];
    };

    contradicting-policies = {
      config.services.punktfunk = {
        enable = true;
        settings.pairing.policy = "open";
      };
      fails = [
        "The option `services.punktfunk.settings.pairing.policy' has conflicting definition values:"
      ];
    };
  };

  vm = {
    name = "punktfunk-pairing";
    nodes = {
      closed.services.punktfunk.enable = true;
      opened.services.punktfunk = {
        enable = true;
        pairing.policy = "open";
        # The test's network has addresses that count as public.
        pairing.acknowledgeRisk = true;
      };
    };
    testScript = ''
      import json

      start_all()
      for machine, policy in [(closed, "require"), (opened, "open")]:
          machine.wait_for_unit("punktfunk-host.service")
          status = json.loads(machine.succeed("punktfunk-host ctl status --json"))
          assert status["pairing_policy"] == policy, status
    '';
  };
}
