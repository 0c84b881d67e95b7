#!/bin/sh
# Installs the Debian packages of the given lists (build, test, all) that are missing, and a Node.js
# that the front-end tools accept. Starts no service. Needs root or sudo only when something is
# missing.
set -eu
cd "$(dirname "$0")/.."

wanted=""
for list in "$@"; do
  wanted="$wanted $(grep -v '^#' "scripts/packages-$list.txt")"
done
# A Node.js of the machine's own serves as well as Debian's.
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"

missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] && continue
  # The mail server of this machine is not replaced; the tests that want Postfix skip themselves.
  if [ "$package" = postfix ] && [ -e /usr/sbin/sendmail ]; then
    echo "setup: leaving out postfix, as this machine has another mail server" >&2
    continue
  fi
  missing="$missing $package"
done

if [ -n "$missing" ]; then
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
      echo "setup: these packages are missing and neither root nor sudo is at hand:$missing" >&2
      exit 1
    }
    sudo=sudo
  fi
  echo "setup: installing$missing"
  $sudo apt-get update -qq
  # No package may start a service of its own here, also not at the next boot: Postfix without
  # /etc/postfix/main.cf does not start.
  case " $missing " in *" postfix "*)
    echo "postfix postfix/main_mailer_type select No configuration" | $sudo debconf-set-selections ;;
  esac
  $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# The front-end tools (Vite 8) need Node 20.19 or newer; Debian 12 has 18. npm's package `node` brings
# one into the tree (./node), which scripts/with-node.sh puts first on PATH.
node_ok() {
  "$1" -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||a===20&&b>=19?0:1)' 2>/dev/null
}
if ! node_ok node && ! { [ -x node/bin/node ] && node_ok node/bin/node; }; then
  echo "setup: the system's Node.js is too old for the front-end tools; fetching one into ./node"
  npm install --silent --no-save --prefix node node@22
  mkdir -p node/bin
  ln -sf ../node_modules/node/bin/node node/bin/node
fi
