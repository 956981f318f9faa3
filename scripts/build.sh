#!/bin/sh
# Bundles the engine into dist/: one small entry, and chunks that are loaded only where they are needed.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/esbuild engine/src/main.ts --bundle --platform=node --format=esm --target=node22 --splitting \
  --outdir=dist --entry-names=winnow --out-extension:.js=.mjs --log-level=warning --metafile=dist/meta.json \
  --banner:js='import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);'
node_modules/.bin/node scripts/notices.ts dist/meta.json dist/NOTICES.txt
rm dist/meta.json
