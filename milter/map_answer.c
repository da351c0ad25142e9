#include <string.h>

#include "milter/clock.h"
#include "milter/counters.h"
#include "milter/drain.h"
#include "milter/log.h"
#include "milter/map_parts.h"
#include "milter/policy.h"
#include "milter/snapshot.h"

/*
 * Never PERM, which would have the MTA refuse or misroute a stranger's mail,
 * and TEMP, which holds it up, for our own faults only.
 */
static size_t not_found(char dst[NETSTRING_ANSWER])
{
    counters_map(COUNTERS_MAP_NOTFOUND);
    return netstring_answer(dst, "NOTFOUND", "");
}

static size_t fault(char dst[NETSTRING_ANSWER])
{
    static _Atomic int64_t said;

    counters_map(COUNTERS_MAP_TEMP);
    if (clock_minute_over(&said))
        log_error("a tag cannot be checked for the map service: no memory, or the cryptographic library fails");
    return netstring_answer(dst, "TEMP", "internal fault");
}

static size_t untag(char dst[NETSTRING_ANSWER], struct bv_str key)
{
    struct snapshot *s = snapshot_get();
    struct snapshot_macs *macs = NULL;
    struct policy_keys keys;
    char address[BV_ADDR_QUOTED];
    bool found = false, failed = true;

    if (snapshot_keys(&keys, &macs, s, clock_now()) == 0) {
        found = policy_untag(address, &failed, &snapshot_conf(s)->policy, &keys, key);
        snapshot_keys_done(s, macs);
    }
    snapshot_put(s);
    if (found) {
        counters_map(COUNTERS_MAP_OK);
        return netstring_answer(dst, "OK", address);
    }
    return failed ? fault(dst) : not_found(dst);
}

static void warn_of_name(struct bv_str name)
{
    enum { SHOWN = 40 };
    static _Atomic int64_t said;
    char text[SHOWN + 1] = "";

    if (!clock_minute_over(&said))
        return;
    for (size_t i = 0; i < name.n && i < SHOWN; i++)
        text[i] = name.p[i] > ' ' && name.p[i] <= '~' ? name.p[i] : '?';
    log_warn("the MTA asks a map that is not served; the maps are \"untag\" and \"mx\", not \"%s\"", text);
}

size_t map_answer(char dst[NETSTRING_ANSWER], struct map_question **waits, struct bv_str question, bool cut)
{
    const char *space = memchr(question.p, ' ', question.n);
    struct bv_str name = {question.p, space != NULL ? (size_t)(space - question.p) : question.n};
    size_t n;

    *waits = NULL;
    if (!drain_enter())
        return 0;
    bool is_mx = bv_str_same(name, bv_str("mx"));
    if (!is_mx && !bv_str_same(name, bv_str("untag"))) {
        warn_of_name(name);
        n = not_found(dst);
    } else if (space == NULL || cut || memchr(space, '\0', question.n - name.n) != NULL) {
        n = not_found(dst); /* a NUL would pass for the end */
    } else {
        struct bv_str key = {space + 1, question.n - name.n - 1};
        n = is_mx ? map_mx(dst, waits, key) : untag(dst, key);
    }
    drain_leave();
    return n;
}
