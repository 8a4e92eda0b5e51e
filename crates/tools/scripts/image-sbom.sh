#!/usr/bin/env bash
# Writes the software bill of materials of an image (CycloneDX, JSON): Debian's packages and the crates in our programs.
#   image-sbom.sh DIRECTORY VERSION
set -euo pipefail
cd "$(dirname "$0")/../../.."
output=$1 version=$2

debian() {
  jq --raw-input --slurp 'split("\n") | map(select(. != "") | split("\t") | {type: "library", name: .[0], version: .[1],
    purl: "pkg:deb/debian/\(.[0])@\(.[1])?arch=\(.[2])&distro=trixie"})' "$output/punktfunk_$version.manifest"
}
crates() {
  cargo tree --locked --offline --quiet -p punktfunk-host -p punktfunk-client -p punktfunk-update --edges normal --prefix none --no-dedupe --format '{p}' |
    awk '$1 !~ /^punktfunk/ && NF { sub(/^v/, "", $2); print $1 "\t" $2 }' | LC_ALL=C sort -u |
    jq --raw-input --slurp 'split("\n") | map(select(. != "") | split("\t") | {type: "library", name: .[0], version: .[1],
      purl: "pkg:cargo/\(.[0])@\(.[1])"})'
}
jq --null-input --arg version "$version" --slurpfile debian <(debian) --slurpfile crates <(crates) '{
  bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
  metadata: {component: {type: "operating-system", name: "punktfunk", version: $version}},
  components: ($debian[0] + $crates[0])
}' >"$output/punktfunk_$version.cdx.json"
