# What the scripts share. Source it; it runs nothing by itself.
#
#   log TEXT...            a line on stderr
#   die TEXT...            the same, and exit 1
#   cache_dir              the folder for tools and builds that checkouts share
#   need_packages NAME...  installs Debian packages that are missing
#   need_nvrtc             NVIDIA's run-time compiler; sets NVRTC, the folder that it is in
# shellcheck shell=bash

log() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
    log "$@"
    exit 1
}

# ASSAY_CACHE, or assay/ in the user's cache folder.
cache_dir() {
    local directory="${ASSAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}"
    mkdir -p "$directory" || die "cannot create $directory: set ASSAY_CACHE to a folder that can be written"
    printf '%s\n' "$directory"
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs apt-get, as root if need be.
apt_get() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "installing packages needs root: run 'apt-get $*' as root, then try again"
        as_root=(sudo)
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" >&2
}

# Debian and its relatives only; elsewhere the names say what to install.
# Fails, without leaving the script, if a package cannot be had.
need_packages() {
    local name missing=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        log "this system has no apt-get: make sure that it has what these Debian packages hold: $*"
        return 0
    fi
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    log "installing ${missing[*]}"
    # A list of packages that is missing or old names versions that are gone.
    apt_get install --no-install-recommends "${missing[@]}" ||
        { apt_get update && apt_get install --no-install-recommends "${missing[@]}"; } ||
        { log "cannot install ${missing[*]}"; return 1; }
}

readonly nvrtc=12.9.86

# From PyPI: it compiles without a GPU, and without anything else of CUDA.
need_nvrtc() {
    local python
    python=$(cache_dir)/nvrtc-$nvrtc
    need_packages python3 python3-venv || die "install them, then try again"
    if [ ! -e "$python/installed" ]; then
        rm -rf "$python"
        log "fetching NVIDIA's compiler (nvidia-cuda-nvrtc-cu12 $nvrtc)"
        python3 -m venv "$python" >&2
        "$python/bin/pip" install --quiet "nvidia-cuda-nvrtc-cu12==$nvrtc" >&2 ||
            die "cannot fetch nvidia-cuda-nvrtc-cu12 $nvrtc from PyPI: see the message above, then try again"
        touch "$python/installed"
    fi
    # shellcheck disable=SC2034
    NVRTC=$(find "$python" -name 'libnvrtc.so.12' -printf '%h' -quit)
    [ -n "$NVRTC" ] || die "$python has no compiler: remove it, then try again"
}
