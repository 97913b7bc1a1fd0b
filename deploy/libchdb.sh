#!/usr/bin/env bash
# Fetches the ClickHouse engine as a library (libchdb) into the cache, verified, once.
# EARSHOT_LIBCHDB may name a library instead; then nothing is fetched.
set -euo pipefail

version=26.7.3-stable.1
target="${XDG_CACHE_HOME:-$HOME/.cache}/earshot/chdb-26.7.3/libchdb.so"
say() { echo "libchdb: $*" >&2; }

if [[ -n "${EARSHOT_LIBCHDB:-}" ]]; then
  [[ -r "$EARSHOT_LIBCHDB" ]] || { say "EARSHOT_LIBCHDB=$EARSHOT_LIBCHDB cannot be read"; exit 1; }
  exit 0
fi
[[ -s "$target" ]] && exit 0

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)         package=lib-linux-x64-gnu
                        sum=36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5 ;;
  Linux-aarch64)        package=lib-linux-arm64-gnu; sum= ;;
  Darwin-arm64)         package=lib-darwin-arm64; sum= ;;
  Darwin-x86_64)        package=lib-darwin-x64; sum= ;;
  *) say "no library for $(uname -sm): put a clickhouse server in earshot.yaml (clickhouse.addr)"; exit 1 ;;
esac
if [[ -z "$sum" && "${EARSHOT_UNVERIFIED:-}" != 1 ]]; then
  say "no checksum of $package is on record; EARSHOT_UNVERIFIED=1 fetches it all the same, and prints its sum"
  exit 1
fi

command -v npm >/dev/null || { say "npm is missing: install Node.js 18 or newer (Debian: apt-get install nodejs npm)"; exit 1; }
mkdir -p "$(dirname "$target")"
# On the same file system as the target, so that the last step is one atomic rename.
scratch=$(mktemp -d "$(dirname "$target")/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

say "fetching $package $version (178 MB) ..."
npm install --prefix "$scratch" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
  "@chdb/$package@$version" >&2
found=$(find "$scratch" \( -name libchdb.so -o -name libchdb.dylib \) -type f | head -n 1)
[[ -n "$found" ]] || { say "the package $package holds no libchdb"; exit 1; }

if command -v sha256sum >/dev/null; then got=$(sha256sum "$found"); else got=$(shasum -a 256 "$found"); fi
got=${got%% *}
if [[ -n "$sum" && "$got" != "$sum" ]]; then
  say "checksum is $got, not $sum: the download is damaged or not what it claims to be; nothing was installed"
  exit 1
fi
chmod 755 "$found"
mv -f "$found" "$target"
say "installed $target (sha256 $got)"
