#!/bin/sh
# The rivals on the same events: run.sh STORE_BENCH FOLDER EVENTS. Prints rows with "rival". What cannot
# be had is skipped, and said so on standard error.
set -eu
bench=$(realpath "$1")
mkdir -p "$2"
data=$(realpath "$2")
events=$3
cd "$(dirname "$0")"
with_node=../../scripts/with-node.sh

command -v zstd >/dev/null 2>&1 || {
  echo "rivals: zstd is not installed: all rivals are skipped" >&2
  exit 0
}
corpus=$data/corpus.ndjson.zst
questions=$data/questions.json
echo "rivals: writing $events events to $corpus" >&2
"$bench" --events "$events" --print-corpus "$questions" | zstd -q -3 -f -o "$corpus"
status=0

# Finds an absent address, a busy one, and a word of any case; each answer is a count of lines.
asked() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$questions"; }
grep_row() {
  row=$1; least=$2; shift 2
  begin=$(date +%s%N)
  found=$(zstd -dcq "$corpus" | grep -c "$@" || true)
  ms=$(( ($(date +%s%N) - begin) / 1000000 ))
  if [ "$found" -lt "$least" ]; then
    echo "WRONG ANSWER of zstd_grep, $row: $found lines instead of $least or more" >&2
    status=1
    return
  fi
  echo "{\"row\":\"$row\",\"value\":$ms,\"unit\":\"ms\",\"events\":$events,\"rival\":\"zstd_grep\"}"
}
bytes=$(stat -c %s "$corpus")
echo "{\"row\":\"disk_mb_raw\",\"value\":$((bytes / 1000000)),\"unit\":\"MB\",\"events\":$events,\"rival\":\"zstd_grep\"}"
grep_row absent_ms 0 -F nobody.at.all@nowhere.example
grep_row busy_count_ms "$(asked busy_count)" -F "$(asked busy)"
grep_row word_count_newest_50_ms "$(asked mailbox)" -iw mailbox

# Not `npm ci`: the lock file lacks the packages of other platforms, which it would miss.
if ! command -v npm >/dev/null 2>&1 ||
   ! $with_node npm install --no-save --silent --no-audit --no-fund >/dev/null 2>&1; then
  echo "rivals: npm or its packages cannot be had: DuckDB and chdb are skipped" >&2
  exit "$status"
fi
for rival in duckdb chdb; do
  rm -rf "${data:?}/$rival"
  mkdir -p "$data/$rival"
  $with_node node "$rival.mjs" "$corpus" "$questions" "$data/$rival" || {
    echo "rivals: $rival ended with an error" >&2
    status=1
  }
  rm -rf "${data:?}/$rival"
done
rm -f "$corpus"
exit "$status"
