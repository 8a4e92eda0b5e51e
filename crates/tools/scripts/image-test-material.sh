#!/usr/bin/env bash
# What the trials of both flavours of the image need beside them, below the folder WORK: a key that signs (WORK/test-key), and what
# makes an image's host end at once, for the folder BROKEN of an image's extra files.
#   image-test-material.sh WORK BROKEN
set -euo pipefail

key=$1/test-key
if [ ! -e "$key/public.gpg" ]; then
  rm -rf "$key"
  mkdir -p -m 700 "$key"
  gpg --homedir "$key" --batch --quiet --passphrase '' --quick-generate-key 'punktfunk image test' ed25519 sign never
  gpg --homedir "$key" --batch --quiet --export >"$key/public.gpg"
fi
mkdir -p "$2/usr/lib/systemd/system/punktfunk-host.service.d"
printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >"$2/usr/lib/systemd/system/punktfunk-host.service.d/broken.conf"
