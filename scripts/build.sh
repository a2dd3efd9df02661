# Building what runs. Source it after lib.sh; it runs nothing by itself.
#
#   need_rust          a compiler that is new enough
#   need_rust_checks   rustfmt and clippy for it
#   build_node         the development chain; sets NODE
#   build_programs     the programs; sets BIN, the folder that they are in
# shellcheck shell=bash

# The oldest compiler that builds everything (rust-version in Cargo.toml).
readonly least_rust_minor=91

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
