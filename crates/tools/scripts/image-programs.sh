#!/usr/bin/env bash
# Builds the programs of an image against the libraries of Debian 13: DIRECTORY/usr/bin. Needs root, and the console built.
#   image-programs.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../../.."
programs=$(realpath --canonicalize-missing "$1")
work=$PWD/target/image
[ -e web/dist/index.html ] || { echo "image: web/dist is empty: run \`make console\` first" >&2; exit 1; }
run() { crates/tools/scripts/image-root.sh "$@"; }

cargo fetch --locked --quiet
# No path of this machine in the programs, so that two machines build the same.
flags="--remap-path-prefix=$PWD=/src --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
run env --unset=SOURCE_DATE_EPOCH RUSTFLAGS="$flags" CARGO_PROFILE_RELEASE_DEBUG=false CARGO_TARGET_DIR="$work/cargo" \
  cargo build --release --locked --offline --quiet -p punktfunk-host -p punktfunk-client -p punktfunk-update
mkdir -p "$programs/usr/bin"
for program in punktfunk-host punktfunk punktfunk-update; do
  run strip -o "$programs/usr/bin/$program" "$work/cargo/release/$program"
done
