#!/usr/bin/env bash
# Runs the installer's punktfunk-install where every program that could touch a disk only notes what it was asked for: it must
# not be asked for anything before the owner has typed the disk's name twice, and afterwards for this disk alone.
set -euo pipefail
cd "$(dirname "$0")/../../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
bad() {
  failed=1
  echo "FAILED: $1" >&2
}

mkdir "$work/bin" "$work/target"
for program in sfdisk wipefs mkfs.vfat mkfs.ext4 mount udevadm nano nixos-install nixos-generate-config; do
  printf '#!/bin/sh\necho "%s $*" >>"%s/asked"\n' "$program" "$work" >"$work/bin/$program"
done
printf '#!/bin/sh\necho 0\n' >"$work/bin/id"
# Two disks: sda is empty or in use, sdb has an older installation whose labels are the same.
cat >"$work/bin/lsblk" <<'LSBLK'
#!/bin/sh
case "$*" in
  *TYPE\ /dev/sd[ab]) echo disk ;;
  *TYPE\ /dev/sda1) echo part ;;
  *TYPE\ *) exit 1 ;;
  *MOUNTPOINTS\ /dev/sda) printf '\n%s\n' "$IN_USE" ;;
  *MOUNTPOINTS\ *) echo ;;
  *NAME,LABEL) printf '/dev/sda1 \n%s\n' "$ELSEWHERE" ;;
  *NAME,PARTLABEL\ /dev/sda) printf '/dev/sda \n/dev/sda1 ESP\n/dev/sda2 root\n' ;;
  *--list*NAME\ /dev/sda) printf '/dev/sda\n/dev/sda1\n/dev/sda2\n' ;;
esac
LSBLK
chmod +x "$work"/bin/*

# try NAME EXIT_CODE TYPED [DISK…]: prints what it said.
try() {
  local name=$1 expected=$2 typed=$3 code=0
  shift 3
  : >"$work/asked"
  printf '%b' "$typed" | PATH=$work/bin:$PATH PUNKTFUNK_INSTALL_TARGET=$work/target template=images/nixos/template \
    bash -euo pipefail images/nixos/punktfunk-install.sh "$@" >"$work/said" 2>&1 || code=$?
  [ "$code" = "$expected" ] || bad "$name: exit code $code: $(cat "$work/said")"
}
# refuses NAME TEXT TYPED [DISK…]
refuses() {
  local name=$1 text=$2
  shift 2
  try "$name" 1 "$@"
  grep -qF -- "$text" "$work/said" || bad "$name: expected \"$text\", found: $(cat "$work/said")"
  grep -qF 'Nothing was changed.' "$work/said" || bad "$name: it does not say that nothing was changed"
  [ ! -s "$work/asked" ] || bad "$name: it asked for $(cat "$work/asked")"
}

export IN_USE='' ELSEWHERE=''
try 'without a disk' 2 ''
[ ! -s "$work/asked" ] || bad "without a disk it asked for $(cat "$work/asked")"
refuses 'a partition' '/dev/sda1 is not one of these disks' '/dev/sda1\n' /dev/sda1
refuses 'a file' "$work/said is not one of these disks" "$work/said\n" "$work/said"
refuses 'nothing typed' 'That is not /dev/sda.' '' /dev/sda
refuses 'yes typed' 'That is not /dev/sda.' 'yes\n' /dev/sda
refuses 'another disk typed' 'That is not /dev/sda.' '/dev/sdb\n' /dev/sda
IN_USE=/nix/.ro-store refuses 'the disk it runs from' '/dev/sda is in use' '/dev/sda\n' /dev/sda
ELSEWHERE='/dev/sdb2 root' refuses 'an older installation beside it' '/dev/sdb2, on another disk, has the label root' '/dev/sda\n' /dev/sda
ELSEWHERE='/dev/sda2 root' try 'an older installation on it' 0 '/dev/sda\n\n' /dev/sda
cat >"$work/expected" <<ASKED
wipefs --all /dev/sda
sfdisk /dev/sda
udevadm settle
mkfs.vfat -n ESP /dev/sda1
mkfs.ext4 -F -L root /dev/sda2
mount /dev/sda2 $work/target
mount -o umask=0077 /dev/sda1 $work/target/boot
nixos-generate-config --root $work/target --no-filesystems --show-hardware-config
nano $work/target/etc/nixos/configuration.nix
nixos-install --root $work/target --flake $work/target/etc/nixos#streamer
ASKED
diff -u "$work/expected" "$work/asked" >&2 || bad 'what it does is not what is expected'
[ -s "$work/target/etc/nixos/configuration.nix" ] || bad 'the template is not on the new disk'

[ "$failed" = 0 ] && echo 'the installer asks first'
