#!/usr/bin/env bash
# Boots what the modules render under a real systemd, with the real host and a real client in it. The system is Debian 13,
# which the images are made of. Needs root and namespaces. JOURNAL=1 also prints what the host said.
set -euo pipefail
cd "$(dirname "$0")/../../.."

usage="usage: check-boot.sh PATH_OF_PUNKTFUNK_HOST PATH_OF_PUNKTFUNK PATH_OF_PUNKTFUNK_UPDATE"
host=${1:?$usage} client=${2:?$usage} update=${3:?$usage}
crates/tools/scripts/setup.sh boot
nix=$(crates/tools/scripts/nix-setup.sh)
cache=$PWD/target/boot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"

# system PACKAGES: prints a root file system with them, made once.
system() {
  local root
  root=$cache/trixie-$(echo "$1" | cksum | cut -d' ' -f1)
  if [ ! -e "$root" ]; then
    echo "check-boot: making a system of Debian 13" >&2
    rm -rf "$root.new"
    mmdebstrap --quiet --variant=minbase --include="systemd,systemd-sysv,dbus,udev$1" trixie "$root.new" >&2
    mv "$root.new" "$root"
  fi
  echo "$root"
}
# One to look at units in, and one to boot.
units=$(system "")
root=$(system ",xkb-data,xwayland,libegl1,foot,x11-apps,fonts-dejavu-core,procps,curl")
# The programs were linked on this machine: what of their libraries Debian 13 has in another version comes along.
libraries=/usr/lib/punktfunk-check/lib
rm -rf "$root$libraries"
mkdir -p "$root$libraries" "$root/etc/ld.so.conf.d"
ldd "$host" "$client" | awk '/=> \// { print $1, $3 }' | sort -u | while read -r name file; do
  [ -e "$root/usr/lib/$(uname -m)-linux-gnu/$name" ] || cp -L "$file" "$root$libraries/$name"
done
echo "$libraries" >"$root/etc/ld.so.conf.d/punktfunk-check.conf"
chroot "$root" ldconfig

# install_payload ROOT: as the images do it.
install_payload() {
  cp -r images/payload/. "$1/usr/lib/"
  install -D "$host" "$1/usr/bin/punktfunk-host"
  install -D "$update" "$1/usr/bin/punktfunk-update"
}

# No line at all may come: systemd 252 exits 0 on keys that it does not know.
install_payload "$units"
unit=/usr/lib/systemd/system/punktfunk-host.service
session=/usr/lib/systemd/system/punktfunk-session@.service
gate=/usr/lib/systemd/system/punktfunk-gate.service
updates=/usr/lib/systemd/system/punktfunk-update.service
chroot "$units" systemd-sysusers punktfunk.conf punktfunk-session.conf
complaints=$(chroot "$units" systemd-analyze verify "$unit" "$session" "${session%@*}.socket" "$gate" "$updates" \
  "${updates%.*}.socket" 2>&1) || true
if [ -n "$complaints" ]; then
  echo "FAILED: systemd-analyze verify: $complaints" >&2
  exit 1
fi
chroot "$units" udevadm verify --no-summary /usr/lib/udev/rules.d/72-punktfunk.rules
chroot "$units" systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" | tail -1
chroot "$units" systemd-analyze security --offline=true --threshold=20 --no-pager "$gate" | tail -1
# It writes partitions, as root.
chroot "$units" systemd-analyze security --offline=true --threshold=50 --no-pager "$updates" | tail -1
# No limit: what is missing from 0 are the walls that games cannot live in. But it may not become worse unnoticed.
chroot "$units" systemd-analyze security --offline=true --threshold=50 --no-pager "$session" | tail -1

# The README's machine, as the modules render it. Their store paths lead to Debian's programs.
mkdir "$work/readme" "$work/results"
awk '/^```nix$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"$work/readme/configuration.nix"
echo '{ }' >"$work/readme/hardware-configuration.nix"
"$nix" eval --offline --impure --file modules/testing/check.nix --arg readme "$work/readme" rendered --write-to "$work/rendered"

install_payload "$root"
install -D "$client" "$root/usr/bin/punktfunk"
install -D -t "$root/usr/lib/punktfunk-check" crates/tools/boot/check crates/tools/boot/hostile
install -D -m 644 crates/tools/boot/punktfunk-check.service "$root/etc/systemd/system/punktfunk-check.service"
for override in "$work"/rendered/*.service.conf; do
  name=$(basename "$override" .conf)
  install -D -m 644 "$override" "$root/etc/systemd/system/$name.d/overrides.conf"
done
install -m 644 "$work"/rendered/*.mount "$work"/rendered/*.service "$root/etc/systemd/system/"
install -D -m 644 "$work/rendered/tmpfiles.conf" "$root/etc/tmpfiles.d/00-nixos.conf"
install -D -m 644 "$work/rendered/require.toml" "$root/etc/punktfunk/punktfunk.toml"
install -D -m 644 "$work/rendered/open.toml" "$root/usr/lib/punktfunk-check/open.toml"
for package in $(cat "$work/rendered/programs"); do
  program=${package#/nix/store/*-}
  mkdir -p "$root$package/bin"
  ln -sfn "/usr/bin/$program" "$root$package/bin/$program"
done
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sfn "$unit" "$root/etc/systemd/system/multi-user.target.wants/punktfunk-host.service"
ln -sfn ../punktfunk-check.service "$root/etc/systemd/system/multi-user.target.wants/punktfunk-check.service"

# A cgroup tree of our own: systemd in the container needs one that it may write.
unshare --mount --propagation private bash -c '
  umount --lazy /sys/fs/cgroup 2>/dev/null
  mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
  mkdir -p "/sys/fs/cgroup/check-boot.$$" && echo $$ >"/sys/fs/cgroup/check-boot.$$/cgroup.procs"
  exec timeout 300 systemd-nspawn --quiet --register=no --keep-unit --private-network --volatile=overlay --console=pipe \
    --directory="$1" --bind="$2:/results" --boot' _ "$root" "$work/results" >"$work/console" 2>&1 || true

if [ ! -e "$work/results/done" ]; then
  cat "$work/console" "$work"/results/* >&2
  echo "FAILED: the system did not come to its end" >&2
  exit 1
fi
cat "$work/results/log"
cp "$work/results/stream.png" "$cache/" 2>/dev/null || true
[ -z "${JOURNAL:-}" ] || cat "$work/results/journal"
! grep -q '^FAILED' "$work/results/log"
