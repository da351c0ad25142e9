#!/bin/sh
# Breaks one rule of the code at a time, in a copy of the tree, and sees that
# the simulation notices.
#
#   test/sim/mutate.sh [NAME...]      names as in test/sim/mutations, without .patch
#
# Each patch says in its head what it breaks, and which check must notice (a
# part of the check's name).  Prints a line a patch; fails if one goes unnoticed.
# Run it from the top directory.  All of them take about two minutes.
set -u

top=$(pwd)
copy=$(mktemp -d) || exit 2
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM
messages=100000 failed=0

# Puts the sources in the copy that are not as they are here.
restore() {
    for source in Makefile test/*/*.mk bv/*.[ch] keys/*.[ch] test/sim/*.[ch]; do
        cmp -s "$source" "$copy/$source" || cp "$source" "$copy/$source" || exit 2
    done
}

# Builds and plays the copy; leaves the checks that failed in $copy/log.
# Returns the simulation's status, or 2 when it could not be built.
play() {
    make -s -C "$copy" VARIANT=mutant CFLAGS=-g build/mutant/test/sim >"$copy/log" 2>&1 || return 2
    (cd "$copy" && build/mutant/test/sim -q -n $messages) >"$copy/log" 2>&1
}

mkdir -p "$copy/bv" "$copy/keys" "$copy/test/fuzz" "$copy/test/bench" "$copy/test/sim"
restore
if ! play; then
    echo "mutate: the simulation does not pass, or cannot be built, as it is:" >&2
    cat "$copy/log" >&2
    exit 2
fi

if [ $# -eq 0 ]; then
    for file in test/sim/mutations/*.patch; do
        set -- "$@" "$(basename "$file" .patch)"
    done
fi
for name in "$@"; do
    file=$top/test/sim/mutations/$name.patch
    caught=$(sed -n 's/^caught by: //p' "$file")
    restore
    if ! patch -s -d "$copy" -p1 <"$file"; then
        echo "$name: does not fit the source any more"
        failed=1
        continue
    fi
    play
    status=$?
    if [ $status -eq 1 ] && grep -q "^not ok.*$caught" "$copy/log"; then
        echo "$name: $(grep -c '^not ok' "$copy/log") checks failed, among them:" \
            "$(grep "^not ok.*$caught" "$copy/log" | sed 's/^not ok [0-9]* - //')"
    else
        echo "$name: NOT NOTICED by \"$caught\" (status $status)"
        cat "$copy/log"
        failed=1
    fi
done
exit $failed
