#!/bin/sh
# The rules of the house: format, manuals, architecture, size, static analysis.
# Prints what breaks one, and fails then.  Needs a build in build/opt.
set -u

found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT
trap 'exit 1' HUP INT TERM

# Each line of standard input is a fault, after a text that says of what kind.
# Faults are kept in a file: at the end of a pipeline, a variable would be lost.
report() {
    sed "s|^|lint: $1: |" >>"$found"
}

sources=$(git ls-files -co --exclude-standard 'bv/*.[ch]' 'keys/*.[ch]' 'milter/*.[ch]' 'tools/*.[ch]' 'test/*.[ch]')
product=$(echo "$sources" | grep -v '^test/')

# Format and manuals.
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources 2>&1 | grep 'error:' | report format
mandoc -T lint -W warning doc/*.[1-8] 2>&1 | report manual
git ls-files -co --exclude-standard '*.sh' .ci/run .githooks/pre-commit | xargs shellcheck -f gcc 2>&1 | report shell
git ls-files -co --exclude-standard '*.c' '*.h' '*.sh' '*.py' '*.mk' Makefile 'doc/*' README |
    xargs grep -nE '[[:blank:]]+$' | report 'blank at the end of a line'

# One file per foreign library.
only_in() {
    # shellcheck disable=SC2086
    grep -lE "$1" $product | grep -vx "$2" | report "only $2 may say ${1%%|*}"
}
only_in '<libmilter/|smfi_' 'milter/session.[ch]'
only_in '<jansson.h>' keys/json.c
only_in '<openssl/' bv/mac.c
only_in '<confuse.h>' milter/conf.c
only_in '<unbound.h>|ub_' milter/dns.c
only_in '<microhttpd.h>' milter/metrics.c
only_in '<curl/|curl_|CURL' keys/store_etcd.c
# The clock is read in one place of the daemon and in one of the tools; keys/lock.c only waits by it.
# shellcheck disable=SC2086
grep -nE '\b(time|gettimeofday|clock_gettime)\((NULL|&|CLOCK)' $product |
    grep -vE '^(milter/clock|tools/args|keys/lock)\.c:' | report 'reads the clock'
# Includes point one way, and are written from the root.
grep -nE '#include "(keys|milter|tools)/' bv/*.[ch] | report 'bv knows nothing above it'
grep -nE '#include "(milter|tools)/' keys/*.[ch] | report 'keys knows nothing above it'
grep -nE '#include "tools/' milter/*.[ch] | report 'milter knows nothing above it'
# shellcheck disable=SC2086
grep -nE '#include "[^/"]*"' $product | report 'include from the root'
# shellcheck disable=SC2086
grep -nE '^ *# *if' $product | grep -vE '^[^:]*\.h:[0-9]*:#ifndef [A-Z_]+_H$|^milter/(log|reload|dns)\.c:' |
    report 'conditional compilation'

# Purity: what the object files ask the rest of the world for.
nm_undefined() {
    for object in "$@"; do
        nm -u "build/opt/$object" | awk -v o="$object" '{ print o ": " $2 }'
    done
}
libc='mem(cpy|cmp|set|r?chr|move|mem)|str(len|chr|cpy|cmp|rchr|ncat|n?casecmp|casestr|spn|cspn|pbrk|dup)|stpcpy|__(mem|str|stp)[a-z]*_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
own='bv_|lex_'
# shellcheck disable=SC2046
nm_undefined $(git ls-files -co --exclude-standard 'bv/*.c' | sed 's/c$/o/') |
    grep -vE "^[^:]*: ($libc|($own).*)\$" |
    grep -vE '^bv/mac.o: (EVP_|OSSL_PARAM_|CRYPTO_memcmp|OPENSSL_cleanse)' | report 'bv is pure, but needs'
for object in axis settle bounce net problems names prefixes bogus bogus_read bogus_action guard guard_cache answers dns_server policy_guard lines tables exceptions exceptions_read policy verdict message storm netstring report mime plain phrases; do
    nm_undefined "milter/$object.o"
done | grep -vE "^[^:]*: ($libc|keys_signing|keys_at|(bv|lex|keys_time|net|names|prefixes|bogus|guard|lines|domains|exceptions|verdict|event|action|result|problem|problems|policy|report|mime|plain|phrases)_.*)\$" |
    grep -vE ': (malloc|calloc|free|qsort|inet_(pton|ntop)|strtoul|__errno_location|(__)?v?snprintf(_chk)?)$' |
    report 'the policy is pure, but needs'
nm build/opt/bv/*.o | awk '$2 ~ /^[BbDdC]$/ { print $3 }' | report 'bv has no state, but keeps'

# Sizes.  A file over 250 lines needs a reason, given here; one over 400 a split.
reasons='milter/dns.c:the-one-file-that-knows-libunbound milter/session.c:the-one-file-that-may-say-smfi_ keys/store_etcd.c:the-one-file-that-knows-libcurl'
for file in $product; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 400 ] || echo "$file: $lines" | report "over 400 lines"
    case " $reasons" in
    *" $file:"*) ;;
    *) [ "$lines" -le 250 ] || echo "$file: $lines" | report "over 250 lines without a reason" ;;
    esac
done
# shellcheck disable=SC2086
awk 'FNR == 1 { start = 0 }
     /^{/ { start = FNR }
     /^}/ && start { if (FNR - start - 1 > 50) print FILENAME ":" start ": " FNR - start - 1 " lines"; start = 0 }' \
    $product | report 'function over 50 lines'
# shellcheck disable=SC2086
grep -rnE '\b(TODO|FIXME|XXX)\b' $product README doc | report 'unfinished'

# Static analysis.
# shellcheck disable=SC2046,SC2086
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=0 \
    --suppress=missingIncludeSystem --suppress=ctuuninitvar -I. -DBV_VERSION='""' -DBV_SYSCONFDIR='""' \
    --template='{file}:{line}: {id}: {message}' $(echo "$product" | grep '\.c$') 2>&1 | report cppcheck
if [ "${LINT_FAST:-}" != 1 ]; then
    # shellcheck disable=SC2046
    clang-tidy --quiet --warnings-as-errors='*' \
        --checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,-bugprone-implicit-widening-of-multiplication-result,-bugprone-narrowing-conversions,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.Uninitialized,performance-*,misc-redundant-expression' \
        $(echo "$product" | grep '\.c$') -- -std=c11 -D_GNU_SOURCE -I. -DBV_VERSION='""' -DBV_SYSCONFDIR='""' 2>/dev/null |
        grep -E '(error|warning):' | report clang-tidy
fi

if [ -s "$found" ]; then
    cat "$found" >&2
    echo "lint: $(wc -l <"$found") faults" >&2
    exit 1
fi
echo "lint: clean"
