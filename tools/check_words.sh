#!/usr/bin/env bash
# Nothing in the tree says that it is unfinished, and nothing names the machine that it was written on.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
self=tools/check_words.sh
if git grep -nIE '\b(TODO|FIXME|XXX|HACK|not implemented)\b' -- ':!*.md' ":!$self"; then
    echo "said to be unfinished: finish it, or write an issue" >&2
    bad=1
fi
if git grep -nIE '/home/[a-z]+/|registry\.[a-z]+\.org' -- . ":!$self"; then
    echo "a path or host that does not belong here" >&2
    bad=1
fi
exit $bad
