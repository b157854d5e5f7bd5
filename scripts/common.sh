# shellcheck shell=bash
# Shared by the scripts beside it; sourced, never run.  The caller has set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# Everything downloaded and every generated benchmark table lies here, outside the repository, keyed by content.
# shellcheck disable=SC2034 # for those who source this
cache=${FREIGHTLAKE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/freightlake}

say() {
    printf '== %s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do
        printf 'hint: %s\n' "$line" >&2
    done
    exit 1
}

# retry TIMES COMMAND...: runs COMMAND until it succeeds, waiting a little longer each time.
retry() {
    local times=$1 attempt
    shift
    for ((attempt = 1; ; attempt++)); do
        "$@" && return 0
        ((attempt < times)) || return 1
        say "attempt $attempt of $times failed, again in $((attempt * 3)) s: $*"
        sleep $((attempt * 3))
    done
}
