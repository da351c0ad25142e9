/*
 * Netstrings: read in pieces as they may come, they are what a parser that has
 * all of them before it finds.  Input: a seed for the pieces' lengths, octets.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "milter/netstring.h"

enum { PIECE_MOST = 37 };

/* The length of the netstring at the beginning, 0: it has not ended, or is none. payload is what it holds. */
static size_t whole(struct bv_str *payload, const char *octets, size_t n)
{
    size_t digits = 0, length = 0;

    while (digits < n && digits < 8 && octets[digits] >= '0' && octets[digits] <= '9')
        length = length * 10 + (size_t)(octets[digits++] - '0');
    if (digits == 0 || digits == 8 || (digits > 1 && octets[0] == '0') || length > NETSTRING_MAX)
        return 0;
    if (n - digits < 2 + length || octets[digits] != ':' || octets[digits + 1 + length] != ',')
        return 0;
    *payload = (struct bv_str){octets + digits + 1, length};
    return digits + 1 + length + 1;
}

/* Takes one netstring in pieces. Returns how many octets it took, as `result` says. */
static size_t take(struct netstring *s, enum netstring_result *result, const char *octets, size_t n,
                   unsigned *seed)
{
    size_t at = 0, used;

    *result = NETSTRING_MORE;
    while (at < n && *result == NETSTRING_MORE) {
        *seed = *seed * 1103515245U + 12345U;
        size_t most = 1 + (*seed >> 16) % PIECE_MOST;
        most = most < n - at ? most : n - at;
        *result = netstring_take(s, &used, octets + at, most);
        CHECK(used <= most && (*result != NETSTRING_MORE || used == most));
        at += used;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netstring s = {0};
    struct bv_str want = {0};
    enum netstring_result result;
    bool cut;

    if (size < 1)
        return 0;
    unsigned seed = data[0];
    const char *octets = (const char *)data + 1;
    for (size_t at = 0, n = size - 1; at < n;) {
        size_t length = whole(&want, octets + at, n - at);
        size_t taken = take(&s, &result, octets + at, n - at, &seed);
        CHECK((result == NETSTRING_WHOLE) == (length > 0));
        if (result != NETSTRING_WHOLE)
            break;
        struct bv_str got = netstring_payload(&s, &cut);
        CHECK(taken == length);
        CHECK(cut == (want.n > NETSTRING_KEPT));
        CHECK(got.n == (cut ? NETSTRING_KEPT : want.n) && memcmp(got.p, want.p, got.n) == 0);
        at += taken;
    }
    return 0;
}
