# One line a fact, for `make image-test`: what only somebody inside can see.
fact() { echo "fact $1: $2"; }
# Whether a user can open a file for writing.
opens() { if setpriv --reuid "$1" --regid "$1" --init-groups sh -c ": <>$2" 2>/dev/null; then echo yes; else echo no; fi; }

fact state "$(systemctl is-system-running --wait)"
fact failed "$(systemctl --failed --plain --no-legend | awk '{ print $1 }' | tr '\n' ' ')"
fact reset "$(grep -c punktfunk.factory_reset /proc/cmdline || true)"
fact version "$(. /etc/os-release && echo "$IMAGE_ID $IMAGE_VERSION")"
fact machine-id "$(cat /etc/machine-id)"
fact name "$(cat /proc/sys/kernel/hostname)"
for node in uinput uhid; do
  fact "$node" "$(stat --format='%U:%G %a' "/dev/$node") host opens: $(opens punktfunk "/dev/$node"), player opens: $(opens player "/dev/$node")"
done
fact root "$(findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS /)"
fact root-writable "$(touch /usr/x 2>/dev/null && echo yes || echo no)"
fact etc-writable "$(touch /etc/x 2>/dev/null && echo yes || echo no)"
fact passwords "$(cat /etc/passwd /etc/shadow 2>/dev/null | awk -F: '$2 !~ /^(x|[!*].*)$/ { print $1 }' | tr '\n' ' ')"
fact logins "$(systemctl list-units --plain --no-legend '*getty@*' 'ssh*' | awk '{ print $1 }' | tr '\n' ' ')"
fact listens "$(ss --listening --tcp --udp --numeric --processes --no-header | awk '{ print $1 "/" $5 "/" $7 }' | sed 's/users:(("//; s/".*//' | sort -u | tr '\n' ' ')"
fact var "$(df --output=size,used,target -m /var | tail -1)"
fact partitions "$(lsblk --noheadings --list --output PARTLABEL,SIZE --bytes /dev/vda | awk 'NF == 2 { printf "%s=%d ", $1, $2 / 1048576 }')"
fact boot-entry "$(bootctl status 2>/dev/null | sed -n 's/^ *Current Entry: *//p')"
fact entries "$(ls /efi/EFI/Linux /boot/EFI/Linux 2>/dev/null | grep efi$ | tr '\n' ' ')"
fact memory "$(awk '/^MemAvailable/ { print int($2 / 1024) " MiB available" }' /proc/meminfo)"
fact time "$(systemd-analyze time | head -1)"
systemd-analyze critical-chain --no-pager punktfunk-host.service | sed 's/^/chain /'
systemd-analyze blame --no-pager | grep -v '\.device$' | head -15 | sed 's/^/blame /'
journalctl --boot --priority=warning --no-pager --output=short-monotonic | head -150 | sed 's/^/warn /'
echo "trial done"
