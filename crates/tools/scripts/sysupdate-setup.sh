#!/usr/bin/env bash
# Prints a command that is systemd-sysupdate as the images ship it, and gets it first: Debian trixie's packages unpacked below
# target/sysupdate, used in place; systemd-repart lies beside it. Nothing is installed into the system.
set -euo pipefail
cd "$(dirname "$0")/../../.."

cache=$PWD/target/sysupdate
root=$cache/root
wrapper=$cache/systemd-sysupdate

mkdir -p "$cache"
# Tests that run beside each other ask for it at the same time.
exec 9>"$cache/lock"
flock 9
if [ ! -x "$wrapper" ]; then
  crates/tools/scripts/setup.sh boot >&2
  echo "sysupdate-setup: unpacking systemd-sysupdate into target/sysupdate" >&2
  rm -rf "$root"
  mmdebstrap --quiet --variant=extract --include=systemd-container,systemd-repart,libc6,libgcc-s1 trixie "$root" >&2
  # run PROGRAM: a command that runs it with its own libraries.
  run() {
    local libraries=$root/usr/lib/x86_64-linux-gnu
    printf "exec '%s' --library-path '%s:%s/systemd' --argv0 '%s' '%s' \"\$@\"\n" \
      "$root/usr/lib64/ld-linux-x86-64.so.2" "$libraries" "$libraries" "$1" "$(find "$root/usr/lib/systemd/$1" "$root/usr/bin/$1" 2>/dev/null)"
  }
  for program in systemd-import systemd-pull systemd-repart; do
    { echo '#!/bin/sh'; run $program; } >"$cache/$program"
    chmod +x "$cache/$program"
  done
  {
    echo '#!/bin/sh'
    echo "export SYSTEMD_IMPORT_PATH='$cache/systemd-import' SYSTEMD_PULL_PATH='$cache/systemd-pull'"
    run systemd-sysupdate
  } >"$wrapper.new"
  chmod +x "$wrapper.new"
  # Last, so that a broken set-up is made anew.
  mv "$wrapper.new" "$wrapper"
fi
echo "$wrapper"
