#!/usr/bin/env bash
# Boots the image in a virtual machine and uses it (`punktfunk-tools vm --help`). The images are built first where they are
# missing: three versions, signed by a key that is made for it, of which the last is broken. Arguments go to the trial.
set -euo pipefail
cd "$(dirname "$0")/../../.."

work=$PWD/target/image
key=$work/test-key
crates/tools/scripts/image-test-material.sh "$work" "$work/extra-broken"

# Test images look for updates on the machine that they are tested on.
extra() { # NAME
  mkdir -p "$work/extra-$1/etc/punktfunk"
  echo 'source = "http://10.0.2.2:47999"' >"$work/extra-$1/etc/punktfunk/update.toml"
}
extra test
extra broken

image() { # FOLDER VERSION EXTRA
  [ -e "$work/$1/SHA256SUMS.gpg" ] ||
    GNUPGHOME=$key KEYRING=$key/public.gpg SIGN_WITH='punktfunk image test' OUTPUT=$work/$1 VERSION=$2 EXTRA=$work/extra-$3 \
      crates/tools/scripts/image.sh
}
image test-1 0.1.1 test
# The others hold the same programs.
export PROGRAMS=$work/programs
image test-2 0.1.2 test
image test-3 0.1.3 broken
cargo run --locked --quiet -p punktfunk-tools -- vm --image "$work/test-1/punktfunk_0.1.1.raw" --newer "$work/test-2" \
  --broken "$work/test-3" --key "$key" "$@"
