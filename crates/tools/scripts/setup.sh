#!/usr/bin/env bash
# Installs what building, testing and the demo need on Debian and Ubuntu; elsewhere says plainly what is missing.
# With the name of a group it installs that group instead.
set -euo pipefail

base=(
  # building: FFmpeg, the compositor's renderer and keymaps, PipeWire, and the C toolchain for the crates that bring C
  build-essential cmake pkg-config clang libclang-dev
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
  libpixman-1-dev libxkbcommon-dev libpipewire-0.3-dev libspa-0.2-dev
  # running: keymap data, X11 programs on the embedded display, the second display backend
  xkb-data xwayland libegl1 sway
  # the sound of sessions, and what plays on it in tests
  pipewire pipewire-pulse wireplumber pulseaudio-utils
  # demo and tests: what is shown on the display, and its font
  foot weston x11-apps x11-utils fonts-dejavu-core
  # tests: a test picture in PipeWire where gamescope would be
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-pipewire
  # tests: network namespaces
  iproute2
  # tests: an application that attacks the host from a session
  python3
  # tests: C programs against libpunktfunk_core
  valgrind
  # tests: updates that are signed, fetched and checked, and systemd-sysupdate, which is unpacked and not installed
  gnupg gpgv curl mmdebstrap
)
# `make check-modules`: gets Debian's Nix without installing it
nix=(mmdebstrap)
# `make check-boot`: makes small systems and boots them
boot=(mmdebstrap systemd-container)
# `make image`: a Debian 13 to build the image in, and the report on it
image=(mmdebstrap jq uuid-runtime)
# `make image-test`: machines to boot it in
vm=(qemu-system-x86 ovmf gnupg)
# `make image-bootc`: a base of Debian's packages, the container on it, and its deployment; `make image-bootc-test` starts it
bootc=(mmdebstrap buildah ostree e2fsprogs gnupg qemu-system-x86)
# `make console`: builds the console
node=(nodejs npm)
# `make e2e`: a browser, and fonts for its screenshots
browser=(chromium fonts-dejavu-core fonts-noto-core)

case "${1:-base}" in
  base) packages=("${base[@]}") ;;
  nix) packages=("${nix[@]}") ;;
  boot) packages=("${boot[@]}") ;;
  image) packages=("${image[@]}") ;;
  vm) packages=("${vm[@]}") ;;
  bootc) packages=("${bootc[@]}") ;;
  node) packages=("${node[@]}") ;;
  browser) packages=("${browser[@]}") ;;
  *)
    echo "setup: there is no group \"$1\"; there are base, nix, boot, image, vm, bootc, node and browser" >&2
    exit 2
    ;;
esac

if ! command -v cargo >/dev/null; then
  echo "setup: cargo is missing. Install the Rust toolchain (1.95 or newer): https://rustup.rs" >&2
  exit 1
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  if [ "${1:-base}" != base ]; then
    echo "setup: this is not Debian or Ubuntu, so nothing is installed for you. Needed: ${packages[*]}" >&2
    exit 0
  fi
  echo "setup: this is not Debian or Ubuntu, so nothing is installed for you." >&2
  echo "setup: building needs a C compiler, clang with libclang, cmake, pkg-config, the headers of FFmpeg" >&2
  echo "setup: (libavcodec, libavformat, libavutil, libswscale), pixman-1, xkbcommon and PipeWire; running and testing need" >&2
  echo "setup: PipeWire with its PulseAudio server, WirePlumber, paplay, GStreamer's tools with its base plugins and the one for" >&2
  echo "setup: PipeWire, xkb data, Xwayland, sway, foot, weston's demo clients, xclock and xlogo, and a monospace font." >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing and neither root nor sudo is at hand. Run as root:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
