#!/usr/bin/env bash
# Real audio, and conversations that an AI agent hands over, become tickets, on this machine alone: builds Switchboard, makes
# the recordings of a few support calls, starts local stand-ins for Exotel, Zoho Desk and the agent, and runs the shipped
# engine.conf without any key.
#
# usage: ./demo.sh          runs, shows the tickets, and ends
#        ./demo.sh --keep   leaves the engine and the services running
#        ./demo.sh --check  also fails when a ticket is missing, doubled or misclassified
set -euo pipefail
cd "$(dirname "$0")"

mode=${1:-}
case "$mode" in
"" | --keep | --check) ;;
*)
    echo "usage: ./demo.sh [--keep | --check]" >&2
    exit 2
    ;;
esac

work=build/demo
build=build/release
log=$work/engine.log
services=
engine=

stop() {
    [ -z "$engine" ] || kill "$engine" 2>/dev/null || true
    [ -z "$services" ] || kill "$services" 2>/dev/null || true
}
trap stop EXIT

echo "== building (the first time takes a few minutes)"
mkdir -p "$work"
tools/install_packages.sh build run
if ! { cmake --preset release && cmake --build --preset release --target all switchboard-localservices; } >"$work/build.log" 2>&1; then
    tail -n 40 "$work/build.log" >&2
    echo "the build failed: see $work/build.log" >&2
    exit 1
fi

echo "== speaking the calls"
rm -rf "$work/audio" "$work/var"
python3 tools/demo/make_audio.py tools/demo/calls.json "$work/audio"

echo "== starting the local services"
rm -f "$work/ports.json"
"$build/bin/switchboard-localservices" --scenario "$work/audio/scenario.json" --env-file "$work/services.env" \
    --ports-file "$work/ports.json" >"$work/services.log" 2>&1 &
services=$!
for _ in $(seq 100); do
    [ -s "$work/ports.json" ] && break
    kill -0 "$services" 2>/dev/null || { cat "$work/services.log" >&2; exit 1; }
    sleep 0.1
done
control=$(sed -n 's/.*"control":"\([^"]*\)".*/\1/p' "$work/ports.json")

# The environment wins over a .env of yours, so that the demo speaks to nobody else.
set -a
# shellcheck disable=SC1091
. "$work/services.env"
DEEPGRAM_API_KEY='' OPENAI_API_KEY='' TRANSCRIBER=pocketsphinx
EXOTEL_SINCE=24h EXOTEL_POLL_INTERVAL=2s
AI_AGENT_TOKEN=demo-agent-token
SWITCHBOARD_DATA=$PWD/$work/var SWITCHBOARD_LISTEN=127.0.0.1:0 SWITCHBOARD_ADMIN=127.0.0.1:0
set +a

fail() {
    tail -n 30 "$1" >&2
    echo "the engine failed: see $1" >&2
    exit 1
}

# Starts the engine with its log in $1 and the other arguments, and finds out where it listens.
start_engine() {
    local log=$1
    shift
    "$build/switchboard" run "$@" >"$log" 2>&1 &
    engine=$!
    for _ in $(seq 100); do
        address=$(sed -n 's/.*listening for webhooks.* host=\([^ ]*\) port=\([0-9]*\).*/http:\/\/\1:\2/p' "$log")
        [ -z "$address" ] || return 0
        kill -0 "$engine" 2>/dev/null || fail "$log"
        sleep 0.1
    done
    fail "$log"
}

wait_for_engine() {
    wait "$engine" || fail "$1"
    engine=
}

escalate() {
    python3 tools/demo/escalate.py "$address" tools/demo/escalations.json "$@"
}

check() {
    [ "$mode" != --check ] || python3 tools/demo/show.py "$control" --check tools/demo/calls.json tools/demo/escalations.json
}

count_tickets() {
    cat "$@" | grep -c 'created Zoho Desk ticket' || true
}

echo "== running engine.conf until every conversation has ended; meanwhile the agent hands over three, each twice"
began=$SECONDS
start_engine "$log" --once
escalate
wait_for_engine "$log"
echo
python3 tools/demo/show.py "$control"
echo
check
made=$(count_tickets "$log")

echo "== running it again: the same calls are listed, the same conversations handed over, nothing is made twice"
start_engine "$work/again.log"
escalate 10
kill "$engine"
wait_for_engine "$work/again.log"
if ! "$build/switchboard" run --once >"$work/once.log" 2>&1; then
    fail "$work/once.log"
fi
again=$(count_tickets "$work/again.log" "$work/once.log")
echo "   first run: $made tickets in $((SECONDS - began)) s; second run: $again"
[ "$again" -eq 0 ] || exit 1
check

cat <<TXT

Where to look:
  $log   what the engine said
  SWITCHBOARD_DATA=$work/var $build/switchboard records   the journal; 'show 2' tells one call's whole story
  scripts/classify.lua, scripts/zoho_ticket.lua   change a rule, and run this again
TXT
if [ "$mode" = --keep ]; then
    start_engine "$work/kept.log"
    trap - EXIT
    admin=$(sed -n 's/.*listening for operators.* host=\([^ ]*\) port=\([0-9]*\).*/http:\/\/\1:\2/p' "$work/kept.log")
    cat <<TXT
  $control/control/tickets   the helpdesk's own view
  $admin/metrics   the engine's, and /healthz, /readyz; its log is in $work/kept.log
  export SWITCHBOARD=$address AI_AGENT_TOKEN=$AI_AGENT_TOKEN   for the examples of docs/ESCALATIONS.md

left running: services (pid $services) and engine (pid $engine); end them with: kill $engine $services
TXT
fi
