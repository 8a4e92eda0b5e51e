# How clients reach the host: firewall, discovery, socket buffers, Wake-on-LAN.
{ config, lib, ... }:
let
  cfg = config.services.punktfunk;
  inherit (cfg.settings) network session gamestream;
  sysctl = import ./sysctl.nix { inherit lib; } ../../images/payload/sysctl.d/50-punktfunk.conf;

  # Moonlight: HTTPS, HTTP and RTSP; video, control and sound, then those of further sessions. All follow from one port.
  moonlight = {
    tcp = if gamestream.enable then map (offset: gamestream.port + offset) [ (0 - 5) 0 21 ] else [ ];
    udp =
      lib.optional gamestream.enable {
        from = gamestream.port + 9;
        to = gamestream.port + 11;
      }
      ++ lib.optional (gamestream.enable && session.max_sessions > 1) {
        from = gamestream.port + 12;
        to = gamestream.port + 17;
      };
  };

  rules = {
    allowedTCPPorts = moonlight.tcp;
    allowedUDPPorts = [ network.port ] ++ lib.optional network.mdns.enable 5353;
    allowedUDPPortRanges = [
      {
        from = network.media_port;
        to = network.media_port + session.max_sessions - 1;
      }
    ]
    ++ moonlight.udp;
  };
  isFixed = network.port != 0 && network.media_port != null;
in
{
  imports = [ ../host ];

  options.services.punktfunk.network = {
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = ''
        Whether the firewall lets clients in: on the control port, one media port for each session and, with mDNS,
        UDP 5353, with `settings.gamestream.enable` also on the ports that Moonlight uses. The media ports begin right
        after the control port unless `settings.network.media_port` says otherwise.
      '';
    };

    interfaces = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "enp3s0" ];
      description = "The interfaces on which the firewall is opened and the host is announced. Empty: all of them.";
    };

    wakeOnLan = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "enp3s0" ];
      description = "The interfaces that wake the machine when a magic packet arrives.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.punktfunk.settings.network = {
      media_port = lib.mkIf (cfg.network.openFirewall && network.port != 0) (lib.mkDefault (network.port + 1));
      mdns.interfaces = lib.mkDefault cfg.network.interfaces;
    };

    networking.firewall = lib.mkIf (cfg.network.openFirewall && isFixed) (
      if cfg.network.interfaces == [ ] then rules else { interfaces = lib.genAttrs cfg.network.interfaces (_: rules); }
    );
    networking.interfaces = lib.genAttrs cfg.network.wakeOnLan (_: {
      wakeOnLan.enable = true;
    });
    # Of all values that modules ask for, NixOS takes the highest.
    boot.kernel = { inherit sysctl; };

    assertions = [
      {
        assertion = cfg.network.openFirewall -> isFixed;
        message = ''
          services.punktfunk.settings.network leaves a port to the system, so the firewall cannot be opened for it
          and no client would get in.
          Set settings.network.port and settings.network.media_port to numbers, for example 9777 and 9778,
          or open the firewall yourself: services.punktfunk.network.openFirewall = false;
        '';
      }
    ];
  };
}
