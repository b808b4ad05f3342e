#!/usr/bin/env bash
# Builds and passes every test. The last line is "N passed, N failed".
#
# usage: ./test.sh           everything, within 30 minutes on 2 cores
#        ./test.sh --quick   the inner loop: one build with sanitizers, unit and plugin tests, layers
#        ./test.sh --long    everything, with longer fuzzing and more crashes
set -u
cd "$(dirname "$0")" || exit 1

mode=${1:-}
case "$mode" in
"" | --quick | --long) ;;
*)
    echo "usage: ./test.sh [--quick | --long]" >&2
    exit 2
    ;;
esac

jobs=$(nproc)
logs=build/logs
mkdir -p "$logs"
passed=0
failed=0

# gate NAME MINUTES COMMAND...: one check. Its output is shown only when it fails.
gate() {
    local name=$1 minutes=$2 began=$SECONDS
    shift 2
    if timeout --kill-after=30 "$((minutes * 60))" "$@" >"$logs/$name.log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf 'ok      %-28s %4ds\n' "$name" "$((SECONDS - began))"
        return 0
    fi
    failed=$((failed + 1))
    printf 'FAILED  %-28s %4ds  (%s)\n' "$name" "$((SECONDS - began))" "$logs/$name.log"
    tail -n 60 "$logs/$name.log" | sed 's/^/    /'
    return 1
}

# tests NAME MINUTES PRESET CTEST-ARGUMENTS...: a run of ctest; each of its tests counts.
tests() {
    local name=$1 minutes=$2 preset=$3 began=$SECONDS
    shift 3
    timeout --kill-after=30 "$((minutes * 60))" ctest --test-dir "build/$preset" --output-on-failure -j "$jobs" "$@" \
        >"$logs/$name.log" 2>&1 </dev/null
    local code=$? total bad
    total=$(sed -n 's/.* tests failed out of \([0-9]*\)$/\1/p' "$logs/$name.log" | tail -n 1)
    bad=$(sed -n 's/.*, \([0-9]*\) tests failed out of [0-9]*$/\1/p' "$logs/$name.log" | tail -n 1)
    if [ -z "$total" ] || [ "$total" -eq 0 ]; then
        total=1 bad=1 # ctest did not finish, or found nothing to run
    elif [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + total - bad))
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ]; then
        printf 'ok      %-28s %4ds  %d tests\n' "$name" "$((SECONDS - began))" "$total"
    else
        printf 'FAILED  %-28s %4ds  %d of %d tests (%s)\n' "$name" "$((SECONDS - began))" "$bad" "$total" "$logs/$name.log"
        grep -nE '\*\*\*|ERROR|FAIL|error:' "$logs/$name.log" | tail -n 60 | sed 's/^/    /'
    fi
}

configure_and_build() {
    cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" ${2:+--target} ${2:-}
}

finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

tools/install_packages.sh build run test || {
    failed=1
    finish
}
gate clients 5 tools/install_clients.sh
export -f configure_and_build
export jobs

gate layers 1 python3 tools/check_layers.py
gate buffers 1 python3 tools/check_buffers.py
gate format 2 tools/check_format.sh
gate lua 1 luacheck --quiet scripts
gate words 1 tools/check_words.sh

gate build-asan 15 bash -c 'configure_and_build asan' || finish
if [ "$mode" = --quick ]; then
    tests unit-and-plugins 5 asan -L 'unit|plugin'
    finish
fi
export SWITCHBOARD_TEST_LONG=${mode#--}
tests asan 15 asan -LE 'integration|crash'
gate build-clang 10 bash -c 'configure_and_build clang'
tests processes "$([ "$mode" = --long ] && echo 180 || echo 15)" clang -j $((2 * jobs)) -L 'integration|crash' # they mostly wait
tests simulation 6 clang -L simulation
gate same-digest 5 tests/simulation/compare_builds.sh build/asan/switchboard-sim build/clang/switchboard-sim 40
if [ "$mode" = --long ]; then
    gate seeds 90 build/clang/switchboard-sim --start 100000 --minutes 60
    gate mutants 120 build/clang/switchboard-sim-mutants --mutant all --seeds 2000
fi
gate tidy 15 tools/check_tidy.sh build/clang
gate build-tsan 10 bash -c 'configure_and_build tsan threaded'
tests tsan 5 tsan -L threaded
gate build-release 10 bash -c 'configure_and_build release'
gate imports 1 python3 tools/check_imports.py build/release/plugins
gate demo 3 ./demo.sh --check
if [ -d tests/fuzz ]; then
    gate fuzz 15 tools/fuzz.sh "$([ "$mode" = --long ] && echo 60 || echo 5)"
fi
finish
