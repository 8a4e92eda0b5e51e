#!/usr/bin/env bash
# Runs fuzz targets one after the other: fuzz.sh [SECONDS] [TARGET...], 600 s and all targets unless told otherwise.
# Each starts from its checked-in seeds and from what earlier runs found (fuzz/corpus, not checked in). Ends with one
# line per target and exits 1 when one has a finding, whose bytes are then under fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../../.."

seconds=${1:-600}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(control pairing datagrams media)

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: cargo-fuzz is missing; installing it (cargo install cargo-fuzz)"
  cargo install --locked cargo-fuzz
fi
# Coverage instrumentation and the address sanitizer are unstable options of rustc; this opens them on stable.
export RUSTC_BOOTSTRAP=1

summary=() findings=0
for target in "${targets[@]}"; do
  mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
  log="fuzz/artifacts/$target/run.log"
  echo "fuzz: $target for $seconds s, log in $log"
  # The sanitizer multiplies memory: what the targets themselves use is bounded by their own checks.
  if cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/corpus-seeds/$target" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=8192 -use_value_profile=1 \
    -print_final_stats=1 >"$log" 2>&1; then
    found="no finding"
  else
    found="FINDING, see $log"
    findings=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  reached=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1 || true)
  summary+=("$(printf '%-10s %12s executions, %s: %s' "$target" "${runs:-0}" "${reached:-no coverage}" "$found")")
done

printf '%s\n' "${summary[@]}"
exit "$findings"
