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
    local name=$1 call=example_${1//-/_} program dir shared=${GARLAND_SHARED:-$PWD/../shared}
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

# An account at a provider of the example's own: connected, refreshed, given back, and no token readable in what is kept.
example_connect() {
    garland --demo | tee told
    grep -q "^archive is connected$" told
    grep -q "has another token$" told
    grep -q "^generation 2 of its tokens, Connected$" told
    [ -z "$(grep -aElr "(access|refresh)-[0-9]" connect.db*)" ]
    garland --demo --disconnect | tee told
    grep -q "^archive is disconnected, there too$" told
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

# The samples, if they lie beside this repository, or files of its own making: the vault holds nothing readable, the
# keys change without an object being touched, and what comes back is what there was.
example_sealed_backup() {
    local sealed
    mkdir pictures
    if [ -d "$shared/samples" ]; then
        cp -R "$shared/samples" pictures/samples
        chmod -R u+w pictures
    fi
    mkdir -p pictures/ceremony
    echo "the vows nobody has heard yet" >pictures/ceremony/vows.txt
    : >pictures/ceremony/empty.xmp
    head -c 4000000 /dev/urandom >pictures/ceremony/film.mov
    sealed=(pictures --vault vault --restored restored --key studio.key)
    garland "${sealed[@]}" | tee first
    grep -q " 0 object bytes written" first
    grep -q " 0 differ" first
    diff -r -x .garland pictures restored
    [ -z "$(grep -rl "vows nobody has heard" vault)" ]
    [ -z "$(find vault -name '*vows*' -o -name '*samples*' -o -name '*film*')" ]
    [ "$(find vault -name '*.sealed' -type f -not -path '*/.garland/*' | wc -l)" = "$(find pictures -type f | wc -l)" ]
    touch stamp
    garland "${sealed[@]}" --quiet
    [ -z "$(find vault restored -name .garland -prune -o -type f -cnewer stamp -print)" ]
}

# A wedding of its own making: the table, what a change would do, what open pages are told, from the first plans on.
example_sections() {
    garland --plain | tee told
    for phase in planning pre_wedding wedding_day post_wedding; do
        grep -q ": $phase$" told
    done
    grep -q "gus   +photos" told
    grep -q "flo   may watch no longer" told
}

# Three hours of the Saturday in which nothing goes wrong and none of its promises may be broken, and a moment of it watched.
example_load() {
    garland --simulate --hours 3 --plain | tee told
    [ "$(grep -c "^  holds " told)" = 5 ]
    garland --at 15:29 --seconds 1 --plain | tee seen
    grep -q "wedding_day" seen
}

same_files() {
    diff -r -x .garland a b
    diff -r -x .garland a c
}
