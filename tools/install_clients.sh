#!/usr/bin/env bash
# Installs the clients of tests/clients, pinned by their lock file, into build/clients. Does nothing when they are there.
#
# usage: tools/install_clients.sh
set -euo pipefail
cd "$(dirname "$0")/.."

from=tests/clients
to=build/clients
mkdir -p "$to"
exec 9>"$to/.lock"
flock 9
cmp -s "$from/package-lock.json" "$to/node_modules/.installed" && exit 0
# Node.js has certificates of its own; those that the machine trusts besides, a proxy's for one, count as well.
export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
cp "$from/package.json" "$from/package-lock.json" "$to/"
(cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
cp "$from/package-lock.json" "$to/node_modules/.installed"
