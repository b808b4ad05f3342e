#!/bin/sh
# Runs the same seeds in two builds of switchboard-sim (two compilers, or one with sanitizers) and compares what every
# seed's journal and services hold in the end.
#
#     compare_builds.sh BINARY OTHER [SEEDS [START]]
set -eu

if [ $# -lt 2 ]; then
    echo "usage: compare_builds.sh BINARY OTHER [SEEDS [START]]" >&2
    exit 2
fi
seeds=${3:-50}
start=${4:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$1" --seeds "$seeds" --start "$start" --digest | sort -n >"$folder/one" &
"$2" --seeds "$seeds" --start "$start" --digest | sort -n >"$folder/other"
wait $!
if [ "$(wc -l <"$folder/one")" -ne "$seeds" ]; then
    echo "$1 told of $(wc -l <"$folder/one") seeds instead of $seeds" >&2
    exit 1
fi
if ! cmp -s "$folder/one" "$folder/other"; then
    echo "the builds differ; first seeds:" >&2
    diff "$folder/one" "$folder/other" | head -6 >&2
    exit 1
fi
echo "$seeds seeds from $start: both builds end the same"
