#!/bin/sh
# Makes sure that there is a Chromium for the tests that look at the editor.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian.sh

for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null 2>&1; then
        exit 0
    fi
done
install_debian chromium fonts-dejavu-core || {
    echo "The tests need a browser; install Chromium or Google Chrome so that it is on the PATH." >&2
    exit 1
}
