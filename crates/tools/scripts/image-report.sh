#!/usr/bin/env bash
# Says how large an image is and what takes the space; fails if it is larger than promised.
#   image-report.sh DIRECTORY VERSION
set -euo pipefail
output=$1 version=$2
image=$output/punktfunk_$version
mib() { echo $(($(stat --format=%s "$1") >> 20)); }

echo "punktfunk $version"
echo "  $(mib "$image.raw") MiB to flash (boot partition 512, root $(mib "$image"_*.root.raw), hashes $(mib "$image"_*.verity.raw));"
echo "  $(mib "$image.efi") MiB kernel with initial RAM disk; $(jq '.components | length' "$image.cdx.json") packages and crates"
echo "What takes the space before compression, in MiB:"
sort --field-separator=$'\t' --key=4 --numeric-sort --reverse "$image.manifest" |
  awk -F '\t' '{ sum += $4; if (NR <= 20) printf "  %6.1f  %s\n", $4 / 1024, $1; else rest += $4 }
    END { printf "  %6.1f  %d others\n  %6.1f  in all, and our programs\n", rest / 1024, NR - 20, sum / 1024 }'
limit=2560
if [ "$(mib "$image.raw")" -ge $limit ]; then
  echo "image: larger than $limit MiB" >&2
  exit 1
fi
