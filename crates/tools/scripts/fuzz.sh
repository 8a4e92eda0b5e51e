#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET...]: runs targets one after the other, all of them for 600 s unless told otherwise. Each
# starts from its checked-in seeds and from what earlier runs found (fuzz/corpus, not checked in). Ends with one line
# per target and exits 1 when one has a finding, whose bytes are then under fuzz/artifacts.
#
# fuzz.sh keep [TARGET...]: adds to the checked-in seeds what of fuzz/corpus reaches code that no seed reaches, so
# that the tests replay it (crates/proto/tests/fuzz_corpus.rs).
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

longest=8192

# The last number that libFuzzer printed for this statistic.
statistic() { sed -n "s/^stat::$2: *//p" "$1" | tail -1; }

summary=() status=0
for target in "${targets[@]}"; do
  corpus="fuzz/corpus/$target" seeds="fuzz/corpus-seeds/$target" log="fuzz/artifacts/$target/run.log"
  mkdir -p "$corpus" "fuzz/artifacts/$target"
  # Watching comparisons guides the fuzzer to magic numbers, but makes a GF(2^16) decode four times as slow.
  build=()
  [ "$target" != media ] || build=(--no-trace-compares)
  if [ "$seconds" = keep ]; then
    before=$(find "$seeds" -type f | wc -l)
    cargo fuzz run "${build[@]}" "$target" "$seeds" "$corpus" -- -set_cover_merge=1 -use_counters=0 \
      -max_len=$longest >"$log" 2>&1
    summary+=("$target: $(($(find "$seeds" -type f | wc -l) - before)) new seeds")
    continue
  fi
  echo "fuzz: $target for $seconds s, log in $log"
  # The limit allows for the sanitizer; what a target may use by itself is its own check.
  if cargo fuzz run "${build[@]}" "$target" "$corpus" "$seeds" -- -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -max_len=$longest -use_value_profile=1 -print_final_stats=1 >"$log" 2>&1; then
    outcome="no finding"
  else
    # Also interrupted runs and builds that fail end here.
    outcome=$(sed -n 's/.*Test unit written to /FINDING: /p' "$log" | tail -1)
    outcome="${outcome:-NOT FINISHED}, see $log"
    status=1
  fi
  reached=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1 || true)
  summary+=("$target: $(statistic "$log" number_of_executed_units) executions, $reached, $outcome")
done

printf '%s\n' "${summary[@]}"
exit "$status"
