#!/usr/bin/env bash
# Builds the runner of Lucene Monitor, which comes with the test data (EARSHOT_DATA), into the
# cache, and prints the folder.
set -euo pipefail
: "${EARSHOT_DATA:?names the folder of the test data, with tools/lucene in it}"
source=$EARSHOT_DATA/tools/lucene
[ -f "$source/LM.java" ] || source=$EARSHOT_DATA/../tools/lucene
[ -f "$source/LM.java" ] || { echo "lucene: there is no tools/lucene/LM.java in or beside $EARSHOT_DATA" >&2; exit 1; }
target="${XDG_CACHE_HOME:-$HOME/.cache}/earshot/lucene-$(cat "$source/LM.java" "$source/pom.xml" | sha256sum | cut -c1-12)"
if [ ! -d "$target" ]; then
  mkdir -p "$(dirname "$target")"
  scratch=$(mktemp -d "$target.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  mvn -q -B -f "$source/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$scratch/jars" >&2
  javac -nowarn -cp "$scratch/jars/*" -d "$scratch/classes" "$source/LM.java" >&2
  mv "$scratch" "$target"
fi
echo "$target"
