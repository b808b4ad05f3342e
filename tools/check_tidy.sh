#!/usr/bin/env bash
# clang-tidy over the engine and the plugins, with the compile commands of a clang build.
#
# usage: tools/check_tidy.sh BUILD_FOLDER
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/clang}
[ -f "$build/compile_commands.json" ] || {
    echo "there is no $build/compile_commands.json: build that preset first" >&2
    exit 1
}
# One file a run: clang-tidy 14 carries state over and then reports va_lists that are none.
git ls-files 'core/*.c' 'plugins/*.c' | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build"
