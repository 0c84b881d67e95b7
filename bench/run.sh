#!/bin/sh
# Measures the whole chain: starts the release binary on fresh data directories and drives it from
# outside (bench/README.md). Prints a table; takes some four minutes, with --quick one.
#
#   bench/run.sh [BUILD_DIR] [--quick] [--events N] [--no-peer] [--data DIR]
#
# BUILD_DIR holds the binaries postglass and bench/chain_bench (default: build/bench). --data is where
# the data directories are made, and so which disk is measured (default: BUILD_DIR).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/bench
quick=false
peer=true
events=1000000
data_root=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=true events=50000 ;;
    --events) events=$2; shift ;;
    --no-peer) peer=false ;;
    --data) data_root=$2; shift ;;
    -*) echo "bench/run.sh: unknown option $1" >&2; exit 2 ;;
    *) build=$1 ;;
  esac
  shift
done
build=$(cd "$build" && pwd)
server=$build/postglass
bench=$build/bench/chain_bench
for program in "$server" "$bench"; do
  [ -x "$program" ] || { echo "bench/run.sh: $program is not built (make bench)" >&2; exit 2; }
done

seconds=15
paced_seconds=30
if $quick; then seconds=3 paced_seconds=5; fi

work=$(mktemp -d "${data_root:-$build}/chain-bench.XXXXXX")
results=$work/results.tsv
server_pid=
peer_pid=
failed=false

stop() {  # PID: asks it to end and waits; kills it when it does not
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || return 0
  tries=0
  while kill -0 "$1" 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ]; then kill -9 "$1" 2>/dev/null || true; fi
    sleep 0.1
  done
  wait "$1" 2>/dev/null || true
}

clean_up() {
  stop "$server_pid"
  stop "$peer_pid"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

measure() {  # WHAT [OPTION VALUE]…: appends the figures
  echo "measuring: $*" >&2
  what=$1
  shift
  if ! timeout 600 "$bench" "$what" --data "$data" --credentials "$credentials" "$@" >>"$results"; then
    failed=true
    echo "bench/run.sh: $what could not be measured in full" >&2
  fi
}

start_server() {  # [OPTION VALUE]…
  rm -f "$data/listening.json"
  started=$(date +%s%N)
  "$server" serve --data "$data" --http 127.0.0.1:0 --https 127.0.0.1:0 --smtp 127.0.0.1:0 \
    --smtps 127.0.0.1:0 --set log.level=warn "$@" >"$work/server.log" 2>&1 &
  server_pid=$!
}

new_server() {  # NAME: fresh data directory
  data=$work/$1
  credentials=$work/$1.json
  "$server" init --data "$data" --json >"$credentials"
  start_server
  # How fast an empty server starts is no figure of interest; this waits for it.
  "$bench" start --data "$data" --credentials "$credentials" --started "$started" >/dev/null
}

stop_server() {
  stop "$server_pid"
  server_pid=
}

figure() {  # NAME: its value
  awk -F '\t' -v name="$1" '$1 == name { print $2 }' "$results" | tail -n 1
}

: >"$results"

new_server sends
measure fsync --seconds 3
measure api --connections 32 --seconds "$seconds"
measure smtp --connections 16 --seconds "$seconds"
stop_server

new_server paced
measure paced --connections 32 --rate 1000 --seconds "$paced_seconds"
stop_server

new_server store
measure intake --connections 4 --events "$events"
stop_server
start_server
measure start --started "$started"
sleep 5
measure resident
measure lookups --events "$events"
stop_server

# The peer: the same requests to a server that keeps mail in memory.
if $peer; then
  if timeout 120 npm install --silent --no-audit --no-fund --prefix "$work/peer" \
      aws-ses-v2-local >"$work/npm.log" 2>&1; then
    port=$((20000 + $$ % 20000))
    "$work/peer/node_modules/.bin/aws-ses-v2-local" --port "$port" >"$work/peer.log" 2>&1 &
    peer_pid=$!
    tries=0
    until curl -s -o /dev/null "http://localhost:$port/" || [ $tries -gt 100 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
    measure peer --url "http://localhost:$port" --connections 32 --seconds "$seconds"
    stop "$peer_pid"
    peer_pid=
  else
    echo "bench/run.sh: SKIPPED the peer aws-ses-v2-local: npm cannot install it" >&2
    tail -n 3 "$work/npm.log" >&2
  fi
fi

fsync_rate=$(figure "machine: append 4 KiB and fdatasync")
peer_rate=$(figure "peer: sends accepted")
echo
echo "$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1);" \
  "$events events in the store measured last"
awk -F '\t' -v fsync="${fsync_rate:-0}" -v peer="${peer_rate:-0}" '
  {
    beside = ""
    if ($1 ~ /: sends accepted$/ && $1 !~ /^peer|^[0-9]/) {
      if (fsync > 0) beside = sprintf("%.1f x fsync rate", $2 / fsync)
      if (peer > 0 && $1 ~ /API/) beside = beside sprintf(", %.1f x peer", $2 / peer)
    }
    printf "%-66s %10s %-13s %s\n", $1, $2, $3, beside
  }' "$results"
if $failed; then exit 1; fi
