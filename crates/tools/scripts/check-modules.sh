#!/usr/bin/env bash
# Evaluates the NixOS modules and compares what they render with what is checked in. UPDATE=1 writes instead of comparing;
# NIXPKGS_LIB=DIR takes nixpkgs' own `lib` from there instead of the stand-in.
set -euo pipefail
cd "$(dirname "$0")/../../.."

host=${1:?usage: check-modules.sh PATH_OF_PUNKTFUNK_HOST}
nix=$(crates/tools/scripts/nix-setup.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  echo "FAILED: $1" >&2
}
# same NAME EXPECTED FOUND
same() {
  [ -z "${UPDATE:-}" ] || cp "$3" "$2"
  if diff -u "$2" "$3" >&2; then ok; else bad "$1 differs from $2 (make check-modules UPDATE=1 accepts it)"; fi
}

lib=(--arg lib "import ${NIXPKGS_LIB:-./modules/testing/lib.nix}")
evaluate() { # ATTRIBUTE [OPTIONS]
  "$nix" eval --offline --impure --file modules/testing/check.nix "${lib[@]}" --arg readme "$work/readme" \
    --arg schema "$work/schema.json" --arg hostDefaults "$work/defaults.json" "$@"
}

# The README's whole configuration of a streaming PC.
mkdir "$work/readme"
awk '/^```nix$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md >"$work/readme/configuration.nix"
echo '{ }' >"$work/readme/hardware-configuration.nix"
lines=$(wc -l <"$work/readme/configuration.nix")
if [ "$lines" -ge 1 ] && [ "$lines" -le 15 ]; then ok; else bad "README.md: its configuration.nix has $lines lines, not 1 to 15"; fi

# Options and the host's own schema.
"$host" config-schema >"$work/schema.json"
: >"$work/empty.toml"
"$host" check-config --json --config "$work/empty.toml" >"$work/defaults.json"
same "the host's schema" modules/host/schema.json "$work/schema.json"
evaluate disagreements --raw >"$work/disagreements"
if [ -s "$work/disagreements" ]; then bad "options and the host disagree: $(cat "$work/disagreements")"; else ok; fi

# What every right case renders.
evaluate snapshots --write-to "$work/snapshots"
for found in "$work"/snapshots/*; do
  suite=${found##*/}
  [ "$suite" = machines ] && suite=profiles
  same "what modules/$suite renders" "modules/$suite/expected.txt" "$found"
done
evaluate offers --raw >"$work/offers"
same "what the flake offers" modules/testing/expected.txt "$work/offers"
evaluate reference --raw >"$work/options.md"
same "the page of options" docs/reference/options.md "$work/options.md"

# The host reads every rendered file as it is meant.
evaluate accepted --write-to "$work/accepted"
for file in "$work"/accepted/*; do
  if "$host" check-config --config "$file" >"$work/out" 2>&1; then ok; else bad "${file##*/}: $(cat "$work/out")"; fi
done
evaluate refused --write-to "$work/refused"
for file in "$work"/refused/*; do
  expected=$(sed -n '1s/^# //p' "$file")
  if "$host" check-config --config "$file" >"$work/out" 2>&1; then
    bad "${file##*/}: the host accepts it"
  elif grep -qF -- "$expected" "$work/out"; then
    ok
  else
    bad "${file##*/}: expected \"$expected\", found: $(cat "$work/out")"
  fi
done

# What must not evaluate, each with its message.
evaluate messages --raw >"$work/messages"
for name in $(cut -f1 "$work/messages" | sort -u); do
  if evaluate "wrong.$name" --json >"$work/out" 2>&1; then
    bad "$name: evaluates"
    continue
  fi
  tr -s ' \n' ' ' <"$work/out" >"$work/text"
  while IFS=$'\t' read -r _ text; do
    if grep -qF -- "$text" "$work/text"; then ok; else bad "$name: expected \"$text\", found: $(cat "$work/out")"; fi
  done < <(grep "^$name"$'\t' "$work/messages")
done

# When a machine may restart with an update. The host in `idle` does not run; the others have as many sessions.
mkdir "$work/idle" "$work/with-0" "$work/with-1"
printf '#!/bin/sh\nexec "%s" "$@" --runtime-dir "%s/no-host"\n' "$(realpath "$host")" "$work" >"$work/idle/punktfunk-host"
printf '#!/bin/sh\necho "%s"\n' '{\"sessions\":[]}' >"$work/with-0/punktfunk-host"
printf '#!/bin/sh\necho "%s"\n' '{\"sessions\":[{\"id\":1}]}' >"$work/with-1/punktfunk-host"
chmod +x "$work"/*/punktfunk-host
# may YES_OR_NO HOST LOWER UPPER NOW
may() {
  local found=yes
  PATH=$work/$2:$PATH bash -euo pipefail modules/updates/may-restart.sh "$3" "$4" "$5" 2>"$work/out" || found=no
  if [ "$found" = "$1" ]; then ok; else bad "a restart at $5 between $3 and $4, $2 host: $found. $(cat "$work/out")"; fi
}
may yes idle 03:00 06:00 03:00
may no idle 03:00 06:00 06:00
may no idle 03:00 06:00 23:59
may yes idle 23:30 06:00 23:30
may yes idle 23:30 06:00 00:15
may no idle 23:30 06:00 12:00
may yes with-0 03:00 06:00 04:00
may no with-1 03:00 06:00 04:00

if crates/tools/scripts/check-installer.sh >"$work/out" 2>&1; then ok; else bad "the installer: $(cat "$work/out")"; fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
