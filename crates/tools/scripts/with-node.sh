#!/usr/bin/env bash
# Runs a command in web/ with a Node.js that the console's tools need, and with their packages installed. Where the
# system's is too old (Debian 12), one comes from the npm registry into web/.node.
#   with-node.sh npm run build
set -euo pipefail
cd "$(dirname "$0")/../../../web"

fits() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

if ! { command -v node && command -v npm; } >/dev/null; then
  ../crates/tools/scripts/setup.sh node
fi
if ! { command -v node && command -v npm; } >/dev/null; then
  echo "console: building the console needs Node.js 20.19 or newer, and npm. Install them and try again." >&2
  exit 1
fi
if ! fits node; then
  if ! fits .node/node_modules/node/bin/node; then
    echo "console: Node.js $(node --version) is too old, getting a newer one for this folder"
    npm install --prefix .node --no-save --no-audit --no-fund --loglevel=error node@22 >&2
  fi
  PATH="$PWD/.node/node_modules/node/bin:$PATH"
  export PATH
fi
# Again only when the list of packages has changed.
if ! cmp -s package-lock.json node_modules/.package-lock.installed; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.package-lock.installed
fi
exec "$@"
