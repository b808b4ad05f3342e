#!/usr/bin/env bash
# Builds what bench.py measures, as it is installed (RelWithDebInfo), and measures it. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake -S . -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build build/bench --target switchboard switchboard-localservices bench_bare bench_bare_webhook plugins/all core/all -- --quiet
exec python3 -B bench/bench.py "$@"
