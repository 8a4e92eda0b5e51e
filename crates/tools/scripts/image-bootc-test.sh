#!/usr/bin/env bash
# Boots a deployment of the bootc flavour in a virtual machine and uses it (`punktfunk-tools vm-bootc --help`). It is built first
# where it is missing: three versions, signed by a key that is made for it, of which the last is broken. Arguments go to the trial.
set -euo pipefail
cd "$(dirname "$0")/../../.."

work=$PWD/target/image
key=$work/test-key

# What the later versions have beside the first one.
extra=$work/bootc/extra
crates/tools/scripts/image-test-material.sh "$work" "$extra-broken"
mkdir -p "$extra-newer/etc/punktfunk"
echo newer >"$extra-newer/etc/punktfunk/newer"
{ cat images/appliance/etc/punktfunk/punktfunk.toml; echo '# newer'; } >"$extra-newer/etc/punktfunk/punktfunk.toml"

image() { # FOLDER VERSION [EXTRA]
  [ -e "$work/bootc/$1/commit" ] ||
    GNUPGHOME=$key KEYRING=$key/public.gpg SIGN_WITH='punktfunk image test' REMOTE=http://10.0.2.2:47998 \
      OUTPUT=$work/bootc/$1 VERSION=$2 EXTRA=${3:-} crates/tools/scripts/image-bootc.sh
}
image test-1 0.1.1
# The others hold the same programs, and no disk.
export PROGRAMS=${PROGRAMS:-$work/programs} DISK=no
image test-2 0.1.2 "$extra-newer"
image test-3 0.1.3 "$extra-broken"
cargo run --locked --quiet -p punktfunk-tools -- vm-bootc --first "$work/bootc/test-1" --newer "$work/bootc/test-2" \
  --broken "$work/bootc/test-3" --repository "$work/bootc/repo" --key "$key" "$@"
