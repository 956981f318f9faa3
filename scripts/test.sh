#!/bin/sh
# Sets up whatever the tests need (packages, bundle, Python environments), then runs all of them. Ends with one line
# that counts tests.
set -eu
cd "$(dirname "$0")/.."
# CI and BUILD_NUMBER too: pytest and Node print in another way where they are set.
unset PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYTEST_ADDOPTS PYTEST_PLUGINS VIRTUAL_ENV CI BUILD_NUMBER || true
sh scripts/setup.sh
exec node_modules/.bin/node --disable-warning=ExperimentalWarning scripts/check.ts "$@"
