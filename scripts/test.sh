#!/bin/sh
# Sets up whatever the tests need (packages, bundle, Python environments), then runs all of them. Ends with one line
# that counts tests.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYTEST_ADDOPTS PYTEST_PLUGINS VIRTUAL_ENV || true
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning scripts/check.ts "$@"
