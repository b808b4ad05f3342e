#!/usr/bin/env bash
# Builds the fuzzers and runs each from its corpus. Ends with 1 when one of them found something; the input is kept in
# build/fuzz/findings and belongs into tests/fuzz/corpus once it is mended.
#
# usage: tools/fuzz.sh SECONDS [FUZZER...]      seconds for each fuzzer
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-}
case "$seconds" in
'' | *[!0-9]*)
    echo "usage: tools/fuzz.sh SECONDS [FUZZER...]" >&2
    exit 2
    ;;
esac
shift
jobs=$(nproc)
cmake --preset fuzz >/dev/null && cmake --build --preset fuzz -j "$jobs" --target fuzzers sb_audio || exit 1

findings=$PWD/build/fuzz/findings
mkdir -p "$findings"
export SWITCHBOARD_LIB_DIR=$PWD/build/fuzz/lib
# The model of a helper library's own allocations is not ours to judge: leaks are looked for by the replay tests.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1

# Words that a fuzzer's input is made of: its own, or those of JSON for what reads JSON.
dictionary() {
    case "$1" in
    conf | server) echo "-dict=tests/fuzz/dict/$1.dict" ;;
    record | agents | import | value | fold_* | routes_*) echo "-dict=tests/fuzz/dict/json.dict" ;;
    esac
}

run() {
    local name=$1 log=build/fuzz/$1.log work
    work=$(mktemp -d)
    # shellcheck disable=SC2046 # no dictionary is no argument
    if timeout --kill-after=5 $((seconds + 60)) "build/fuzz/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=60 \
        -rss_limit_mb=2048 -max_len=8192 $(dictionary "$name") \
        -artifact_prefix="$findings/$name-" "$work" "tests/fuzz/corpus/$name" \
        >"$log" 2>&1; then
        printf 'ok      %-20s %s\n' "$name" "$(grep -o 'Done [0-9]* runs' "$log")"
    else
        printf 'FAILED  %-20s %s\n' "$name" "$log"
        tail -n 30 "$log" | sed 's/^/    /'
        touch "build/fuzz/failed"
    fi
    rm -rf "$work"
}
export -f run dictionary
export seconds findings
rm -f build/fuzz/failed
if [ $# -gt 0 ]; then
    printf '%s\n' "$@"
else
    find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
fi | xargs -P "$jobs" -I NAME bash -c 'run NAME'
# Of fuzzers that ended by a finding; others may be running now.
find /dev/shm -maxdepth 1 -name 'switchboard-fuzz-*' -mmin +60 -exec rm -rf {} +
[ ! -e build/fuzz/failed ]
