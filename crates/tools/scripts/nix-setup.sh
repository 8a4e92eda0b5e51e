#!/usr/bin/env bash
# Prints a command that runs Nix, and gets it first where there is none: Debian trixie's packages unpacked below
# target/nix, used in place. It evaluates; nothing is installed into the system and nothing is fetched from Nix caches.
set -euo pipefail
cd "$(dirname "$0")/../../.."

cache=$PWD/target/nix
root=$cache/root
wrapper=$cache/nix

if command -v nix >/dev/null; then
  echo nix
  exit 0
fi

if [ ! -x "$wrapper" ]; then
  crates/tools/scripts/setup.sh nix >&2
  echo "nix-setup: unpacking Nix into target/nix" >&2
  rm -rf "$root"
  mkdir -p "$cache/conf" "$cache/home"
  mmdebstrap --quiet --variant=extract --include=nix-bin,libgcc-s1,libc6 trixie "$root" >&2
  cat >"$cache/conf/nix.conf" <<'CONF'
sandbox = false
build-users-group =
substituters =
experimental-features = nix-command flakes
CONF
  cat >"$wrapper.new" <<WRAPPER
#!/bin/sh
export NIX_CONF_DIR='$cache/conf' NIX_STORE_DIR='$cache/store' NIX_STATE_DIR='$cache/state' NIX_LOG_DIR='$cache/log'
export HOME='$cache/home' XDG_CACHE_HOME='$cache/home/.cache'
exec '$root/usr/lib64/ld-linux-x86-64.so.2' --library-path '$root/usr/lib/x86_64-linux-gnu' --argv0 nix '$root/usr/bin/nix' "\$@"
WRAPPER
  chmod +x "$wrapper.new"
  # Last, so that a broken set-up is made anew.
  mv "$wrapper.new" "$wrapper"
fi
echo "$wrapper"
