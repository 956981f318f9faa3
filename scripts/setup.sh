#!/bin/sh
# Installs what the engine needs and bundles it. Everything goes into node_modules/ and dist/ of this checkout.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null 2>&1; then
  echo "winnow: npm is not on PATH; install Node.js 20 or newer, which brings it, and try again." >&2
  exit 1
fi
if [ ! -x node_modules/.bin/node ]; then
  echo "winnow: installing the engine's packages (once)…" >&2
  npm ci --include=dev --no-audit --no-fund --loglevel=error >&2
fi
sh scripts/build.sh
