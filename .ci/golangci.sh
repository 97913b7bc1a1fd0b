#!/usr/bin/env bash
# Builds golangci-lint, pinned, into the cache: .ci/golangci.sh TARGET
set -euo pipefail
target=$1
mkdir -p "$(dirname "$target")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "golangci-lint: building v2.15.0, once (some minutes) ..." >&2
GOBIN="$scratch" GOFLAGS=-buildvcs=false go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
mv -f "$scratch/golangci-lint" "$target"
