#!/usr/bin/env bash
# Fetches Apache Kafka, for the tests against a real broker, into the cache, once.
# EARSHOT_KAFKA_JARS may name a folder with its jars instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target="${EARSHOT_KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/earshot/kafka-4.3.0}"
compgen -G "$target/kafka_2.13-*.jar" >/dev/null && exit 0
mkdir -p "$(dirname "$target")"
scratch=$(mktemp -d "$(dirname "$target")/fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
echo "kafka: fetching Apache Kafka 4.3.0 (43 MB) ..." >&2
mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$scratch/jars" >&2
compgen -G "$scratch/jars/kafka_2.13-*.jar" >/dev/null || { echo "kafka: no broker among the jars" >&2; exit 1; }
rm -rf "$target"
mv "$scratch/jars" "$target"
