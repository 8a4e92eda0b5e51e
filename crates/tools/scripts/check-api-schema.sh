#!/usr/bin/env bash
# Asks the API, over its fake host, everything that its OpenAPI document allows and much that it does not: no answer
# may be a 5xx or differ from the document. Needs python3 and, the first time, PyPI.
#
#   check-api-schema.sh [--max-examples N] [schemathesis options]
set -euo pipefail
cd "$(dirname "$0")/../../.."

version=4.32.5
port=${PORT:-47993}
target=$(cargo metadata --format-version 1 --no-deps --offline | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
venv=$target/schemathesis-$version
if [ ! -x "$venv/bin/st" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "schemathesis==$version"
fi

cargo build --quiet --locked -p punktfunk-api --example fake_host
work=$(mktemp -d)
"$target/debug/examples/fake_host" --port "$port" >"$work/host.log" 2>&1 &
host=$!
trap 'kill "$host" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    curl --silent --output /dev/null "http://127.0.0.1:$port/health" && break
    sleep 0.1
done
token=$(sed -n 's/.* token \([^ ]*\).*/\1/p' "$work/host.log")

# Each lane's credentials on this plain connection: the token, and nobody. Events never end, so they are not asked for.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks=$checks,response_schema_conformance,unsupported_method
for credential in "Authorization: Bearer $token" "X-Nobody: 1"; do
    echo "== ${credential%% *}"
    "$venv/bin/st" run crates/api/openapi.json --url "http://127.0.0.1:$port" --header "$credential" \
        --exclude-path /api/v1/events --checks "$checks" --max-examples 30 --suppress-health-check all \
        --generation-database none --seed 1 --no-color "$@"
done
