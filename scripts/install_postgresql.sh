#!/bin/sh
# Makes sure that there is a PostgreSQL for the tests that have Label Studio use one.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian.sh

# Debian keeps the server off the PATH.
if command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
    exit 0
fi
install_debian postgresql || {
    echo "The tests need PostgreSQL; install it so that its program postgres is on the PATH." >&2
    exit 1
}
