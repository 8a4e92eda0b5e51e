# Installs a machine that boots into punktfunk: parts the disk that is named as the template says, writes the template to it
# and runs nixos-install. Everything on the disk is lost, so its name has to be typed twice. $template is where the template is.
target=${PUNKTFUNK_INSTALL_TARGET:-/mnt}

disks() { lsblk --nodeps --paths --output NAME,SIZE,TRAN,MODEL >&2; }
refuse() {
  printf '%s\nNothing was changed.\n' "$1" >&2
  exit 1
}
# The partition of the disk that has this name. Another disk may have one of the same name.
partition() { lsblk --noheadings --list --paths --output NAME,PARTLABEL "$disk" | awk -v name="$1" '$2 == name { print $1 }'; }

if [ $# != 1 ]; then
  printf 'Usage: punktfunk-install DISK\nErases the disk and installs punktfunk on it. The disks of this machine:\n' >&2
  disks
  exit 2
fi
disk=$1
if [ "$(lsblk --nodeps --noheadings --output TYPE "$disk" 2>/dev/null)" != disk ]; then
  disks
  refuse "$disk is not one of these disks."
fi
if [ -n "$(lsblk --noheadings --output MOUNTPOINTS "$disk" | tr -d '[:space:]')" ]; then
  refuse "$disk is in use: this system runs from it, or a file system of it is mounted."
fi
if [ "$(id -u)" != 0 ]; then
  refuse "Only root may do that: sudo punktfunk-install $disk"
fi
# The machine finds its file systems by their labels.
while read -r device label; do
  case $label in
    root | ESP)
      if ! lsblk --noheadings --list --paths --output NAME "$disk" | grep --quiet --line-regexp --fixed-strings "$device"; then
        refuse "$device, on another disk, has the label $label too, so the machine might start from it: disconnect that disk."
      fi
      ;;
  esac
done < <(lsblk --noheadings --list --paths --output NAME,LABEL)

lsblk --paths --output NAME,SIZE,FSTYPE,LABEL,MODEL "$disk" >&2
printf 'Everything on %s will be lost. To go on, type its name again: ' "$disk" >&2
read -r again || again=
if [ "$again" != "$disk" ]; then
  refuse "That is not $disk."
fi

wipefs --all "$disk"
sfdisk "$disk" <"$template/disk.sfdisk"
udevadm settle
mkfs.vfat -n ESP "$(partition ESP)"
mkfs.ext4 -F -L root "$(partition root)"
mount "$(partition root)" "$target"
mkdir -p "$target/boot" "$target/etc/nixos"
mount -o umask=0077 "$(partition ESP)" "$target/boot"

cp -r --no-preserve=mode,ownership "$template"/. "$target/etc/nixos"
nixos-generate-config --root "$target" --no-filesystems --show-hardware-config >"$target/etc/nixos/hardware.nix"
printf 'Next comes the configuration: name the machine, yourself, the graphics card. Enter goes on.\n' >&2
read -r _ || true
nano "$target/etc/nixos/configuration.nix"
nixos-install --root "$target" --flake "$target/etc/nixos#streamer"
printf 'Installed. Take the stick out and restart: the screen says what to do next.\n' >&2
