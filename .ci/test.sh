#!/usr/bin/env bash
# All tests once, then the given packages under the race detector: .ci/test.sh PACKAGE...
# Three packages at a time: most of them wait for servers more than they compute.
# Ends with the claims that could not be tested, and their count; with CI=true a skip is a failure.
set -uo pipefail
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
results=$(mktemp)
trap 'rm -f "$results"' EXIT
status=0

go build -o "$results.claims" ./.ci/claims || exit 1
trap 'rm -f "$results" "$results.claims"' EXIT

echo "== go test ./..."
go test -json -p 3 -timeout 30m ./... | "$results.claims" -append "$results" || status=1
echo "== go test -race $*"
go test -json -p 3 -race -short -timeout 30m "$@" | "$results.claims" -append "$results" || status=1

"$results.claims" -report "$results" || status=1
exit $status
