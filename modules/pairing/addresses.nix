# The addresses that a configuration declares, and which of them only a private network reaches.
{ lib }:
let
  # RFC 1918, loopback and link-local; for IPv6 loopback, unique local and link-local. Shared address space (RFC 6598)
  # is not private: the provider's other customers are in it.
  private = [
    "10\\..*"
    "127\\..*"
    "169\\.254\\..*"
    "172\\.(1[6-9]|2[0-9]|3[01])\\..*"
    "192\\.168\\..*"
    "::1"
    "[fF][cCdD].*"
    "[fF][eE][89abAB].*"
  ];
  withoutPrefix = address: lib.head (lib.splitString "/" address);
in
{
  isPrivate = address: lib.any (pattern: builtins.match pattern address != null) private;

  declared =
    config:
    map withoutPrefix (
      lib.concatMap (interface: map (one: one.address) (interface.ipv4.addresses ++ interface.ipv6.addresses)) (
        lib.attrValues config.networking.interfaces
      )
      ++ lib.concatMap (network: network.address) (lib.attrValues config.systemd.network.networks)
    );
}
