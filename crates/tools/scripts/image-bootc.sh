#!/usr/bin/env bash
# Builds the bootc flavour of the image on a base of Debian's packages: a container, checked, an ostree commit of it, and a disk
# with that deployed, to be started in QEMU. Says what it took. Needs root.
#   VERSION=1.2.3  the version, in place of that of the repository and its number of commits
#   OUTPUT=DIR     where the disk goes, in place of target/image/bootc/VERSION; DISK=no: no disk
#   PROGRAMS=DIR   programs that were built before (target/image/programs), in place of building them
#   EXTRA=DIR      files on top of the image's own
#   SIGN_WITH=ID   signs the commit with this key of gpg's, in GNUPGHOME
#   REMOTE=URL     where the deployed system looks for upgrades; KEYRING=FILE are the keys that may sign them
set -euo pipefail
cd "$(dirname "$0")/../../.."

crates/tools/scripts/setup.sh bootc
begun=$SECONDS
step() { echo "image-bootc: $1 ($((SECONDS - begun)) s)" >&2; }

version=$(crates/tools/scripts/image-version.sh)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$PWD/target/image/bootc
output=${OUTPUT:-$work/$version}
programs=${PROGRAMS:-$PWD/target/image/programs}
branch=punktfunk/bootc
tag=localhost/punktfunk:$version
mkdir -p "$work" "$output"
rm -f "$output/commit"

# The kernel has overlayfs, but not what OCI runtimes want.
buildah() { command buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay "$@"; }

# What the disk image is made of, without what only slots need, and with what only ostree needs.
packages() {
  sed -n '/^Packages=$/,/^[A-Z#]/s/^    \([a-z0-9].*\)/\1/p' images/disk/mkosi.conf |
    grep --line-regexp --invert-match --extended-regexp 'curl|dosfstools|gpgv|systemd-(boot|boot-efi|container|repart)'
  printf '%s\n' ostree ostree-boot dracut
}
make_base() {
  step "making a base of Debian's packages"
  rm -rf --one-file-system "$work/base"
  mmdebstrap --quiet --variant=essential --components=main,non-free-firmware --include="$(packages | paste --serial --delimiters=,)" \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook='sync-in images/bootc/debian/tree /' trixie "$work/base" >&2
  images/bootc/debian/layout "$work/base"
  container=$(buildah from scratch)
  cp -a "$work/base/." "$(buildah mount "$container")/"
  buildah config --label containers.bootc=1 --label ostree.bootable=true "$container"
  buildah commit --quiet --rm "$container" "$base" >/dev/null
  rm -rf --one-file-system "$work/base"
}
base=localhost/base:$({ packages; find images/bootc/debian -type f -exec cat {} +; } | cksum | cut -d' ' -f1)
buildah inspect --type image "$base" >/dev/null 2>&1 || make_base

if [ -z "${PROGRAMS:-}" ]; then
  step "building the programs against Debian 13"
  crates/tools/scripts/image-programs.sh "$programs"
fi
# Below the repository, for the container's sake.
rm -rf "$work/programs"
mkdir -p "$work/programs/usr"
cp -a "$programs/usr/bin" "$work/programs/usr/bin"

step "building the container $tag"
buildah build --quiet --isolation chroot --pull-never --timestamp "$SOURCE_DATE_EPOCH" --file images/bootc/Containerfile --tag "$tag" \
  --build-arg BASE="$base" --build-arg PROGRAMS="${work#"$PWD"/}/programs" --build-arg VERSION="$version" . >/dev/null

container=$(buildah from --pull-never "$tag")
trap 'buildah rm "$container" >/dev/null' EXIT
root=$(buildah mount "$container")
[ -z "${EXTRA:-}" ] || cp -a "$EXTRA/." "$root/"
# The places where buildah puts files of its own while the container is built.
find "$root"/etc/{hostname,hosts} -maxdepth 0 -empty -delete 2>/dev/null || true
rm -rf "$root"/run/*
buildah commit --quiet --timestamp "$SOURCE_DATE_EPOCH" "$container" "$tag" >/dev/null
step "checking its layout"
cargo run --locked --quiet -p punktfunk-tools -- bootc-lint "$root"
! command -v bootc >/dev/null || bootc container lint --rootfs "$root"

step "committing it"
repository=$work/repo
[ -e "$repository/config" ] || ostree --repo="$repository" init --mode=archive
# As bootc does when it takes a container: what the image has in /etc is the default, of which each deployment has a copy.
mv "$root/etc" "$root/usr/etc"
kargs=$(sed -n 's/^kargs = \["\(.*\)"\]$/\1/p' "$root"/usr/lib/bootc/kargs.d/*.toml | sed 's/", "/ /g')
commit=$(ostree --repo="$repository" commit --branch="$branch" --tree=dir="$root" --subject="punktfunk $version" \
  --add-metadata-string=version="$version" --timestamp="@$SOURCE_DATE_EPOCH" ${SIGN_WITH:+--gpg-sign="$SIGN_WITH"})
size=$(du --summarize --block-size=1M "$root" | cut -f1)

disk=$output/punktfunk_$version.ext4
make_disk() {
  step "deploying it"
  rm -f "$disk"
  truncate --size=8G "$disk"
  mkfs.ext4 -q -L punktfunk "$disk"
  mkdir -p "$work/mount"
  mount -o loop "$disk" "$work/mount"
  trap 'umount "$work/mount"; buildah rm "$container" >/dev/null' EXIT
  deployed=$work/mount/ostree/repo
  ostree admin init-fs --modern "$work/mount"
  ostree admin os-init --sysroot="$work/mount" punktfunk
  ostree --repo="$deployed" config set sysroot.readonly true
  # What starts it is not here: `bootc install` brings a boot loader, the trial is one.
  ostree --repo="$deployed" config set sysroot.bootloader none
  trusted=(--no-gpg-verify)
  [ -z "${KEYRING:-}" ] || trusted=("--gpg-import=$KEYRING")
  ostree --repo="$deployed" remote add "${trusted[@]}" punktfunk "${REMOTE:-file:///nonexistent}" >&2
  ostree --repo="$deployed" pull-local --remote=punktfunk "$repository" "$commit" >/dev/null
  ostree --repo="$deployed" refs --create="punktfunk:$branch" "$commit"
  args=(--karg=root=LABEL=punktfunk --karg=rw)
  for karg in $kargs; do args+=("--karg-append=$karg"); done
  ostree admin deploy --sysroot="$work/mount" --os=punktfunk "${args[@]}" "punktfunk:$branch" >/dev/null
}
[ "${DISK:-}" = no ] || make_disk
echo "$commit" >"$output/commit"
step "done"
echo "Built in $((SECONDS - begun)) s: $tag, $size MiB; commit ${commit::12} in $repository, $(du --summarize --block-size=1M "$repository" | cut -f1) MiB"
[ "${DISK:-}" = no ] || echo "Deployed on $disk, $(du --block-size=1M "$disk" | cut -f1) MiB"
