# Sourced by the other scripts: installing Debian packages.

# install_debian PACKAGE...: fails where there is no apt-get or no right to use it.
install_debian() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || return 1
        as_root=sudo
    fi
    echo "Installing Debian packages: $*"
    apt_log=$(mktemp)
    if ! { $as_root apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } \
        >"$apt_log" 2>&1 </dev/null; then
        tail -n 5 "$apt_log" >&2
        rm -f "$apt_log"
        return 1
    fi
    rm -f "$apt_log"
}
