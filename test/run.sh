#!/bin/sh
# Runs test programs that speak TAP, and adds them up.
#
#   test/run.sh PROGRAM...
#
# Prints a line a program, what failed and why, what was skipped and why, and
# last "N passed, N failed, N skipped".  A program that dies, or reports no
# test at all, counts as one failure.
set -u

passed=0 failed=0 skipped=0
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

for program in "$@"; do
    start=$(date +%s)
    case $program in
    *.py) set -- python3 "$program" ;;
    *) set -- "$program" ;;
    esac
    CMOCKA_MESSAGE_OUTPUT=TAP "$@" >"$log" 2>&1
    status=$?
    skip=$(grep -c '^ok .*# SKIP' "$log")
    ok=$(($(grep -c '^ok ' "$log") - skip))
    bad=$(grep -c '^not ok ' "$log")
    if [ "$bad" -eq 0 ] && { [ $status -ne 0 ] || [ $((ok + skip)) -eq 0 ]; }; then
        echo "not ok - $program ended with status $status" >>"$log"
        bad=1
    fi
    printf '%-44s %4d ok  %3d failed  %3d skipped  %3d s\n' "$program" "$ok" "$bad" "$skip" $(($(date +%s) - start))
    grep '^ok .*# SKIP' "$log" | sed 's/^/    /'
    if [ "$bad" -gt 0 ]; then
        grep -v '^ok ' "$log" | tail -n 100 | sed 's/^/    /'
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
