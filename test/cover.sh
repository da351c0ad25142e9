#!/bin/sh
# Line coverage of a build with --coverage: a line a file, least covered first.
#
#   test/cover.sh build/cover
set -eu

cd "${1:?a build directory}"
find bv keys milter tools -name '*.gcda' | while read -r data; do
    gcov -n -o "$(dirname "$data")" "$data" 2>/dev/null
done | awk '/^File .(bv|keys|milter|tools)\// { gsub(/\x27/, "", $2); file = $2 }
            /^Lines executed:/ && file != "" { split($2, part, "[:%]"); print part[2] "% of " $4, file; file = "" }' |
    sort -n
