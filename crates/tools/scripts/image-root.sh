#!/usr/bin/env bash
# Runs a command in a Debian 13 system that builds the image: made once, below target/image. The repository, the Rust
# toolchain and cargo's registry are where they are outside. Needs root.
#   image-root.sh mkosi --version
set -euo pipefail
cd "$(dirname "$0")/../../.."

packages=(
  # building the programs
  build-essential cmake pkg-config clang libclang-dev
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libpixman-1-dev libxkbcommon-dev
  libpipewire-0.3-dev
  # building the image
  mkosi ca-certificates
)
list=$(IFS=,; echo "${packages[*]}")
root=$PWD/target/image/root-$(echo "$list" | cksum | cut -d' ' -f1)
if [ ! -e "$root" ]; then
  echo "image: making a system of Debian 13 to build in" >&2
  mkdir -p "${root%/*}"
  rm -rf "$root.new"
  mmdebstrap --quiet --variant=apt --include="$list" trixie "$root.new" >&2
  mv "$root.new" "$root"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"

cargo_home=${CARGO_HOME:-$HOME/.cargo}
toolchain=$(rustc --print sysroot)
# A root of its own and not a chroot: mkosi makes user namespaces, which the kernel refuses in one.
exec unshare --mount --propagation private bash -euc '
  root=$1 repository=$2 toolchain=$3 cargo_home=$4
  shift 4
  mount --bind "$root" "$root"
  for shared in "$repository" "$toolchain" "$cargo_home"; do
    mkdir -p "$root$shared"
    mount --bind "$shared" "$root$shared"
  done
  mount -o remount,ro,bind "$root$toolchain"
  for system in proc sys dev; do mount --rbind "/$system" "$root/$system"; done
  mount -t tmpfs tmpfs "$root/run"
  umount --lazy "$root/sys/fs/cgroup" 2>/dev/null || true
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mkdir -p "$root/sys/fs/cgroup/image.$$"
  echo $$ >"$root/sys/fs/cgroup/image.$$/cgroup.procs"
  mkdir -p "$root/old"
  cd "$root"
  pivot_root . old
  umount --lazy /old
  cd "$repository"
  exec env -i HOME=/root TERM=dumb LANG=C.UTF-8 CARGO_HOME="$cargo_home" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}" \
    PATH="$toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" nice "$@"
' _ "$root" "$PWD" "$toolchain" "$cargo_home" "$@"
