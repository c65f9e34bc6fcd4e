# Steps with a name, a time and a log. Sourced by scripts/test.

STEPS=0
SKIPPED=()

has() { # has cargo nextest: is the subcommand there?
    "$1" "$2" --version >/dev/null 2>&1
}

# step NAME COMMAND...: quiet, unless it fails.
step() { run_step quiet "$@"; }

# show NAME COMMAND...: with its output.
show() { run_step shown "$@"; }

skip() { # skip NAME REASON
    SKIPPED+=("$1: $2")
    printf -- '-- skipped: %s: %s\n' "$1" "$2"
}

# notice TEXT: a line for the reader from inside a quiet step.
notice() { printf '   %s\n' "$*" >&3; }

finish() {
    printf '== %d steps, none failed, %d skipped, %d s\n' "$STEPS" "${#SKIPPED[@]}" "$SECONDS"
    [ "${#SKIPPED[@]}" = 0 ] || printf '   skipped %s\n' "${SKIPPED[@]}"
}

run_step() {
    local mode=$1 name=$2 begun=$SECONDS failed=0
    shift 2
    STEPS=$((STEPS + 1))
    printf -- '-- %s\n' "$name"
    mkdir -p "$TARGET_DIR"
    local log=$TARGET_DIR/step.log
    # A subshell of its own: bash drops `set -e` inside a function whose failure is looked at.
    set +e
    if [ "$mode" = shown ]; then
        (set -e; "$@") 3>&1 2>&1
    else
        (set -e; "$@") 3>&1 >"$log" 2>&1
    fi
    failed=$?
    set -e
    if [ "$failed" != 0 ]; then
        [ "$mode" = shown ] || cat "$log"
        printf '== FAILED: %s (exit %d) after %d s, %d s in all\n' "$name" "$failed" $((SECONDS - begun)) "$SECONDS"
        exit 1
    fi
    printf '   %d s\n' $((SECONDS - begun))
}
