#!/usr/bin/env bash
# Makes sure that the programs which the tests call are here: installs them on
# Debian and Ubuntu when run as root (or with password-less sudo), and says
# exactly what is missing elsewhere. HEARTLINE_SKIP_PEERS=1 opts out; the
# summary then says so.
set -euo pipefail

if [ "${HEARTLINE_SKIP_PEERS:-}" = 1 ]; then
  echo 'peers: skipped by HEARTLINE_SKIP_PEERS=1; tests against sipp, baresip, Chromium and PostgreSQL will not run'
  exit 0
fi

# program:debian package:homebrew formula
needed='sipp:sip-tester:sipp
baresip:baresip-core:baresip
chromium:chromium:chromium
sox:sox:sox
pdftotext:poppler-utils:poppler
initdb:postgresql:postgresql
gcc:gcc:gcc
node:nodejs:node
chinese-font:fonts-noto-cjk:font-noto-sans-cjk'

have() {
  case "$1" in
    initdb) command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
    chromium) command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -d '/Applications/Chromium.app' ] ;;
    chinese-font) [ "$(uname)" = Darwin ] || [ -n "$(fc-list :lang=zh-cn 2>/dev/null)" ] ;; # pages are photographed
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=() debian=() brew=()
while IFS=: read -r program package formula; do
  if ! have "$program"; then
    missing+=("$program"); debian+=("$package"); brew+=("$formula")
  fi
done <<<"$needed"
# The message centre of the tests is an npm package beside Playwright.
packages() { [ -d e2e/node_modules/smpp ] || (cd e2e && npm ci --no-audit --no-fund >/dev/null); }
[ ${#missing[@]} -eq 0 ] && { packages; exit; }

if command -v apt-get >/dev/null; then
  sudo=''
  if [ "$(id -u)" != 0 ]; then sudo='sudo -n'; fi
  echo "peers: installing ${debian[*]}"
  if $sudo apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends "${debian[@]}" >/dev/null; then
    packages
    exit
  fi
  echo "peers: could not install; run: sudo apt-get install ${debian[*]}" >&2
  exit 1
fi
echo "peers: missing ${missing[*]}; on macOS run: brew install ${brew[*]}" >&2
echo 'peers: or set HEARTLINE_SKIP_PEERS=1 to leave those tests out' >&2
exit 1
