#!/usr/bin/env bash
# Starts the demo as the README says, pastes the curl line that it prints, stops it, and starts it again.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

start() {
  VITRINA_DATA="$work/data" VITRINA_PORT="$1" npm start --silent >"$2" 2>&1 &
  pid=$!
  for _ in $(seq 300); do
    grep -q '^Vitrina serves' "$2" && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$2"
  echo 'the demo did not start' >&2
  exit 1
}

stop() {
  kill -TERM "$pid"
  wait "$pid" || true
  for _ in $(seq 100); do
    curl --silent --output /dev/null http://127.0.0.1:18231/livez || return 0
    sleep 0.1
  done
  echo 'the demo did not stop' >&2
  exit 1
}

start 18231 "$work/first.log"
cat "$work/first.log"
line=$(sed -n 's/^Try it: //p' "$work/first.log")
answer=$(bash -c "$line --silent --show-error --fail")
echo "answer: $answer"
grep -q '"outputs"' <<<"$answer"
key=$(sed -n 's/^First admin key (shown once): //p' "$work/first.log")
stop

start 18231 "$work/second.log"
cat "$work/second.log"
if grep -q 'First admin key' "$work/second.log"; then echo 'the key was shown twice' >&2; exit 1; fi
line=$(sed -n 's/^Try it: //p' "$work/second.log")
VITRINA_KEY="$key" bash -c "$line --silent --show-error --fail" | grep -q '"outputs"'
stop
echo 'both starts answered'
