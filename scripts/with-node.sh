#!/bin/sh
# Runs a command with the tree's own Node.js first on PATH, when setup had to fetch one.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
[ -x "$here/node/bin/node" ] && PATH="$here/node/bin:$PATH"
export PATH
exec "$@"
