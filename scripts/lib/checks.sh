# The checks that are more than one command. Sourced by scripts/test; each runs in a subshell of its own.

# What the bare crate may weigh, and what it may never hold: TLS, HTTP, databases, bindings to C.
MOST_CRATES_BARE=60
MOST_CRATES_DEFAULT=120
NEVER_BARE='openssl.*|native-tls|ring|rustls.*|aws-lc.*|hyper.*|reqwest|http|h2|rusqlite|sqlx.*|redb|.*-sys'
# What nothing may bring in, tests included: a second TLS stack, a second generation of hashes.
NEVER='openssl|openssl-sys|native-tls|ring'

set_up() {
    if ! command -v cargo >/dev/null; then
        echo "no cargo: install a Rust toolchain first (rust-version is in Cargo.toml)"
        return 1
    fi
    local tool
    for tool in fmt clippy; do
        has cargo "$tool" && continue
        command -v rustup >/dev/null || { echo "no cargo-$tool, and no rustup to add it with"; return 1; }
        rustup component add "${tool/fmt/rustfmt}"
    done
    # Rust links with the C compiler, and the feature `sqlite` compiles SQLite with it.
    if ! command -v cc >/dev/null; then
        command -v apt-get >/dev/null || { echo "no cc, and no apt-get to install it with: install a C compiler"; return 1; }
        local sudo=
        [ "$(id -u)" = 0 ] || sudo="sudo -n"
        $sudo apt-get update
        $sudo apt-get install -y --no-install-recommends gcc libc6-dev
    fi
    notice "$(rustc --version), $(nproc 2>/dev/null || echo '?') cores"
}

check_rust_version() {
    local stated used
    stated=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    used=$(toolchain)
    if [ "$stated" != "$used" ]; then
        notice "Cargo.toml states $stated, this is $used"
        [ "${CI:-}" != true ] # elsewhere cargo itself refuses a toolchain that is too old
    fi
}

# Major and minor of the toolchain in use.
toolchain() { rustc --version | sed 's/^rustc \([0-9]*\.[0-9]*\).*/\1/'; }

# The names under [features] in Cargo.toml but `default`, which has a step of its own.
features() {
    awk '/^\[/ { on = ($0 == "[features]") } on && /^[a-z0-9_-]+ *=/ { print $1 }' Cargo.toml | grep -vx default
}

# Tests in Cargo.toml with `harness = false`: they speak for themselves, and not the language of nextest.
own_harness() {
    awk '/^\[/ { on = ($0 == "[[test]]") } on && $1 == "name" { gsub(/"/, "", $3); name = $3 }
         on && /^harness *= *false/ { print name }' Cargo.toml
}

# All but those, as nextest writes it.
with_a_harness() {
    own_harness | awk 'BEGIN { printf "all()" } { printf " - binary(%s)", $1 }'
}

# crates OPTIONS...: `name version`, one a line, of what a build of the library takes.
crates() {
    cargo tree --locked --edges normal,build --prefix none --format '{p}' "$@" | awk '{ print $1, $2 }' | sort -u
}

check_dependencies() {
    local bare default count found
    bare=$(crates --no-default-features)
    default=$(crates)
    count=$(wc -l <<<"$bare")
    notice "bare: $count crates (at most $MOST_CRATES_BARE)"
    [ "$count" -le "$MOST_CRATES_BARE" ] || { echo "too many: $count"; return 1; }
    found=$(grep -E "^($NEVER_BARE) " <<<"$bare" || true)
    [ -z "$found" ] || { printf 'not in the bare crate, please:\n%s\n' "$found"; return 1; }
    count=$(wc -l <<<"$default")
    notice "default: $count crates (at most $MOST_CRATES_DEFAULT)"
    [ "$count" -le "$MOST_CRATES_DEFAULT" ] || { echo "too many: $count"; return 1; }
    # The build script of Cedar's parser hashes with an older digest; none of it is in a program. The checksums of
    # `object_store` speak the older traits, and bring no hash of that generation.
    found=$({
        crates --all-features --target all --edges normal,build,dev | grep -E "^($NEVER) "
        cargo tree --locked --all-features --target all --edges normal,dev --prefix none --format '{p}' |
            grep -E "^(digest v0\.9|(md-5|sha1|sha2|sha3|blake2) v0\.(9|10)|hmac v0\.1[012])\."
    } || true)
    [ -z "$found" ] || { printf 'nowhere, please:\n%s\n' "$found"; return 1; }
}

# docs [--all-features] [--cfg NAME]: warnings are errors; `docsrs` opens the unstable badges as docs.rs does.
docs() {
    local options=() flags="-D warnings"
    while [ $# -gt 0 ]; do
        case "$1" in
            --cfg) flags="$flags --cfg $2"; shift 2 ;;
            *) options+=("$1"); shift ;;
        esac
    done
    RUSTDOC="$PWD/scripts/rustdoc-unstable" RUSTDOCFLAGS="$flags" cargo doc --no-deps --lib "${options[@]}"
}

check_api() {
    local stated
    stated=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if [ "$stated" != "$(toolchain)" ]; then
        # Not an excuse in CI: check_rust_version has failed before.
        notice "not compared: rustdoc's JSON changes with the toolchain, and the listing was made with $stated"
        return
    fi
    scripts/api --check
}

check_peers() {
    cargo clippy --locked --manifest-path benches/peers/Cargo.toml --target-dir "$TARGET_DIR/peers" -- -D warnings
}

# A clean build of the bare crate where every call of a C compiler fails: it needs none. That a build script with a
# compiler at hand uses it all the same is looked for in what such a build, made before, has left: a library of objects.
check_bare_build() {
    local dir=$TARGET_DIR/bare begun=$SECONDS found
    rm -rf "$dir"
    # `cc` as rustc's linker is not meant: it is none of these variables.
    env -u CC_x86_64_unknown_linux_gnu -u CXX_x86_64_unknown_linux_gnu \
        CC=false CXX=false HOST_CC=false TARGET_CC=false \
        cargo build --locked --lib --no-default-features --target-dir "$dir"
    notice "built from clean in $((SECONDS - begun)) s (at most 60 on two idle cores), without a C compiler"
    found=$(find "$TARGET_DIR"/debug/build -path '*/blake3-*/out/*' -name '*.a')
    rm -rf "$dir"
    [ -z "$found" ] || { printf 'C was compiled:\n%s\n' "$found"; return 1; }
}
