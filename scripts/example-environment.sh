#!/bin/sh
# The example project gets a virtual environment with pytest of its own, if there is none yet.
# Usage: example-environment.sh ARGUMENTS OF WINNOW…
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
for argument in "$@"; do
  case "$argument" in
    examples/* | ./examples/*) project=$here/${argument#./} ;;
  esac
done
[ -n "${project:-}" ] && [ -d "$project" ] || exit 0
[ -x "$project/.venv/bin/python" ] && "$project/.venv/bin/python" -c "import pytest" 2>/dev/null && exit 0
echo "winnow: making an environment with pytest for $project (once)…" >&2
if ! python3 -m venv "$project/.venv"; then
  echo "winnow: python3 cannot make virtual environments; install its venv module (Debian: apt install python3-venv)." >&2
  exit 1
fi
"$project/.venv/bin/python" -m pip install --quiet --disable-pip-version-check pytest
