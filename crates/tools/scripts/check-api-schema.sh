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
host=
trap '[ -z "$host" ] || kill "$host"' EXIT
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks=$checks,response_schema_conformance,unsupported_method

# ask LANE HEADER [fake_host options]: events never end, so they are not asked for.
ask() {
    echo "== $1"
    "$target/debug/examples/fake_host" --port "$port" "${@:3:$options}" >/dev/null &
    host=$!
    curl --silent --output /dev/null --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/health"
    "$venv/bin/st" run crates/api/openapi.json --url "http://127.0.0.1:$port" --header "$2" \
        --header "Origin: http://127.0.0.1:$port" --exclude-path /api/v1/events --checks "$checks" --max-examples 30 \
        --suppress-health-check all --generation-database none --seed 1 --no-color "${@:3+$options}"
    kill "$host"
    wait "$host" 2>/dev/null || true
    host=
}

options=0 ask admin "Authorization: Bearer fake-token" "$@"
options=1 ask device "X-Lane: device" --device "$@"
options=0 ask nobody "X-Lane: open" "$@"
