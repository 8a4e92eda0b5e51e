#!/usr/bin/env bash
# Builds the flashable image from Debian's packages and this repository, and says what it took and what takes the space.
# Needs root. The console has to be built: `make image` does both.
#   VERSION=1.2.3  the version, in place of that of the repository and its number of commits
#   OUTPUT=DIR     where it goes, in place of target/image/VERSION
#   PROGRAMS=DIR   programs that were built before (target/image/programs), in place of building them
#   EXTRA=DIR      files on top of the image's own, for images of one's own
#   KEYRING=FILE   the OpenPGP keys that may sign updates; without it the image takes none
#   SIGN_WITH=ID   signs the checksums with this key of gpg's
set -euo pipefail
cd "$(dirname "$0")/../../.."

crates/tools/scripts/setup.sh image
begun=$SECONDS
step() { echo "image: $1 ($((SECONDS - begun)) s)" >&2; }
run() { crates/tools/scripts/image-root.sh "$@"; }

version=$(crates/tools/scripts/image-version.sh)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$PWD/target/image
output=${OUTPUT:-$work/$version}
programs=${PROGRAMS:-$work/programs}
mkdir -p "$work/cache" "$work/packages" "$work/work" "$output"
rm -f "$output"/punktfunk_*

if [ -z "${PROGRAMS:-}" ]; then
  step "building the programs against Debian 13"
  crates/tools/scripts/image-programs.sh "$programs"
fi
install -D -m 644 "${KEYRING:-/dev/null}" "$programs/usr/lib/systemd/import-pubring.gpg"

# Where Debian's packages come from: where this machine has its own from.
mirror() { apt-get indextargets --format '$(SITE) $(LABEL)' 'Created-By: Packages' | awk -v label="$1" '$2 == label { print $1; exit }'; }
sources=$work/sandbox/etc/apt/sources.list.d/mkosi.sources
mkdir -p "${sources%/*}"
debian=$(mirror Debian) security=$(mirror Debian-Security)
[ -n "$debian" ] || { echo "image: apt knows no mirror of Debian (apt-get update makes it known)" >&2; exit 1; }
stanza() { printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main non-free-firmware\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n' "$1" "$2"; }
{ stanza "$debian" "trixie trixie-updates"; [ -z "$security" ] || stanza "$security" trixie-security; } >"$sources"

# The boot menu sorts by this: whatever has another name and sorts after the system is never what it starts by itself.
mkdir -p "$work/ukify"
printf 'ID=punktfunk-factory-reset\nNAME=punktfunk\nPRETTY_NAME="punktfunk %s"\nIMAGE_VERSION=%s\n' "$version" "$version" \
  >"$work/ukify/factory-reset.release"
printf '[UKI]\nOSRelease=@/usr/lib/systemd/factory-reset.release\n' >"$work/ukify/ukify.conf"
run install -m 644 "$work/ukify/factory-reset.release" "$work/ukify/ukify.conf" /usr/lib/systemd/

step "building punktfunk $version"
seed=$(uuidgen --sha1 --namespace @dns --name "punktfunk_$version")
run mkosi --directory images/disk --force --image-version "$version" --seed "$seed" --source-date-epoch "$SOURCE_DATE_EPOCH" \
  --sandbox-tree "$work/sandbox" --extra-tree "$programs" ${EXTRA:+--extra-tree "$EXTRA"} --output-directory "$output" \
  --cache-directory "$work/cache" --package-cache-dir "$work/packages" --workspace-directory "$work/work" build >"$output/mkosi.log" 2>&1 || {
  tr '\r' '\n' <"$output/mkosi.log" | tail -30 >&2
  exit 1
}

step "naming what an update takes"
image=$output/punktfunk_$version
for part in root verity; do
  found=$(ls "$image.$part".*.raw)
  uuid=${found#"$image.$part."}
  mv "$found" "${image}_${uuid%.raw}.$part.raw"
done
rm -f "$image" "$image.esp.raw" "$output"/initrd*
crates/tools/scripts/image-sbom.sh "$output" "$version"
(cd "$output" && sha256sum punktfunk_"$version"{.raw,.efi,.packages,_*.root.raw,_*.verity.raw} >SHA256SUMS)
[ -z "${SIGN_WITH:-}" ] || gpg --batch --yes --local-user "$SIGN_WITH" --output "$output/SHA256SUMS.gpg" --detach-sign "$output/SHA256SUMS"
step "done"
crates/tools/scripts/image-report.sh "$output" "$version"
echo "Built in $((SECONDS - begun)) s: $image.raw"
