# Runs every example once, for real, on folders made for it. Sourced by scripts/test.
#
# An example NAME has a function `example_NAME` here; one without it fails, so that none goes unrun.
# It is called in an empty folder and runs the program by `garland ARGUMENTS...`; what it checks, it checks with
# plain commands, under `set -e`.

examples() {
    local path
    for path in examples/*.rs examples/*/main.rs; do
        [ -e "$path" ] || continue
        path=${path#examples/}
        path=${path%/main.rs}
        echo "${path%.rs}"
    done | sort
}

run_example() { # run_example NAME
    local name=$1 call=example_${1//-/_} program dir
    if ! declare -F "$call" >/dev/null; then
        echo "examples/$name is run by nothing: write $call in scripts/lib/examples.sh"
        return 1
    fi
    cargo build --all-features --example "$name"
    program=$(cd "$TARGET_DIR" && pwd)/debug/examples/$name
    dir=$(mktemp -d)
    trap "rm -rf '$dir'" EXIT
    cd "$dir"
    garland() { "$program" "$@"; }
    "$call"
}

# The program of the README: two folders of its own making, then the same files in both.
example_quickstart() {
    garland
}

# Three folders: the plan writes nothing, carrying it out makes them equal, a second run moves nothing, and what is
# edited in one and deleted in another is so in all.
example_sync() {
    local sync=(a b c --state state.db)
    mkdir -p a/ceremony b c
    echo "first look" >a/ceremony/0001.jpg
    echo "the cake" >b/0002.jpg
    garland plan "${sync[@]}" --json plan.json
    garland plan "${sync[@]}"
    [ "$(find a b c -type f | wc -l)" = 2 ]
    garland run "${sync[@]}" --apply plan.json
    same_files
    sleep 0.1
    touch stamp
    garland run "${sync[@]}"
    [ -z "$(find a b c -name .garland -prune -o -type f -cnewer stamp -print)" ]
    rm c/0002.jpg
    echo "first look, retouched" >a/ceremony/0001.jpg
    garland run "${sync[@]}" --on-conflict duplicate --read-back
    same_files
    [ ! -e a/0002.jpg ]
    grep -q retouched c/ceremony/0001.jpg
}

same_files() {
    diff -r -x .garland a b
    diff -r -x .garland a c
}
