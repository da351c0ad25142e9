#include <stdio.h>
#include <string.h>

#include "test/sim/sim.h"

/* The MAC has 24 bits: once in some million times a wrong one fits. */
bool judge_chance(struct world *w, int node, const struct bv_addr *to, const struct bv_result *got)
{
    const struct edition *e = &w->edition[w->node[node].edition];
    struct bv_str domain = bv_addr_domain(to);
    unsigned char want[BV_MAC_OCTETS];
    struct bv_mac mac = {NULL};
    struct bv_tag tag;
    char text[2][BV_ADDR_TEXT + 8];
    bool fits = false;

    bv_tag_read(&tag, to);
    int i = tag.kind == BV_TAG_PRVS ? model_find(e, tag.key) : NONE;
    if ((got->status != BV_VALID && got->status != BV_EXPIRED) || i == NONE)
        return false;
    const struct life *life = &w->life[e->key[i].life];
    if (bv_mac_init(&mac, life->algorithm, life->secret, KEYS_SECRET_NEW) != 0)
        return false;
    snprintf(text[0], sizeof text[0], "%u%03u%.*s@%.*s", tag.key, tag.stamp, (int)tag.local.n, tag.local.p,
             (int)domain.n, domain.p);
    for (size_t k = 0; k <= strlen(text[0]); k++)
        text[1][k] = bv_lower(text[0][k]);
    for (int k = 0; k < 2; k++)
        fits |= bv_mac_compute(&mac, want, bv_str(text[k])) == 0 && memcmp(want, tag.mac, sizeof want) == 0;
    bv_mac_free(&mac);
    if (fits)
        world_check(w, CHECK_VERDICT, node, ++w->tally.chance <= 2, "too many MACs fit by chance");
    return fits;
}

/* Whether the sender has a right to this bounce. */
static bool is_genuine(const struct world *w, int node, const struct message *m)
{
    const struct life *life = &w->life[m->life];
    int64_t ahead = w->node[node].skew - m->skew;
    int64_t age = w->now - m->sent + (ahead > 0 ? ahead : 0);

    return !m->faulty && !w->node[node].faulty && age <= life->lifetime * (int64_t)DAY &&
           life->revoked == NONE && !life->forced;
}

/* Whether no copy could be in time: neither for the node that has the bounce, nor for the one that signed. */
static bool is_excused(const struct world *w, int node, const struct message *m)
{
    const struct scenario *s = w->s;
    const struct life *life = &w->life[m->life];
    bool late = s->late > 0 || s->outage > 0;
    bool overdue = m->sent + m->skew - life->until >= DAY - s->spread;

    return (!w->node[node].life[m->life].seen && (late || life->unheralded)) ||
           (overdue && (late || s->revoke > 0));
}

static void judge_genuine(struct world *w, int node, const struct message *m, const struct bv_result *got)
{
    if (got->status != BV_VALID && is_excused(w, node, m))
        w->tally.excused++;
    else
        world_check(w, CHECK_GENUINE, node, got->status == BV_VALID, "%s, %lld s old, is %s", m->tagged,
                    (long long)(w->now - m->sent), bv_status_word(got->status));
}

/* What must not be, whatever the keys are. */
static void judge_old(struct world *w, int node, const struct message *m, const struct bv_result *got,
                      int64_t day)
{
    const struct edition *e = &w->edition[w->node[node].edition];
    const struct life *life = &w->life[m->life];
    long last = m->day + (long)life->lifetime;
    bool valid = got->status == BV_VALID;
    int at = model_find(e, life->number);
    bool other = at != NONE && e->key[at].life != m->life;

    if (day > last)
        world_check(w, CHECK_LATE, node, !valid, "%s, good until day %ld, is valid on %lld", m->tagged, last,
                    (long long)day);
    if (day < m->day - 1)
        world_check(w, CHECK_EARLY, node, !valid, "%s, made on day %ld, is valid on %lld", m->tagged, m->day,
                    (long long)day);
    if (life->revoked != NONE && e->generation >= w->edition[life->revoked].generation)
        world_check(w, CHECK_REVOKED, node, !valid, "%s is valid", m->tagged);
    if (other || day - m->day > 900)
        world_check(w, CHECK_ROUND, node, !valid, "%s of day %ld is valid on %lld", m->tagged, m->day,
                    (long long)day);
    if (day <= last && !life->displaced && !is_excused(w, node, m) && !w->node[node].faulty)
        world_check(w, CHECK_OTHER_KEY, node, got->status != BV_FORGED, "%s counts as forged", m->tagged);
}

/*
 * A result's other members, with a MAC that fits.  The day of a tag that its key did not outlive cannot be told
 * from the same one a thousand days before.
 */
static bool result_fits(const struct world *w, const struct message *m, const struct bv_result *got,
                        int64_t day)
{
    long last = m->day + (long)w->life[m->life].lifetime;
    bool told = got->status == BV_VALID || (day > last && day - last < 900);

    if (got->status != BV_VALID && got->status != BV_EXPIRED)
        return true;
    return got->key == (int)w->life[m->life].number && got->local.n > 0 && (!told || got->expires == last);
}

void judge(struct world *w, int node, const struct message *m, const struct bv_addr *to,
           const struct bv_result *got, bool altered)
{
    const struct edition *e = &w->edition[w->node[node].edition];
    int64_t clock = world_clock(w, node);
    enum bv_status want = model_verdict(w, m, e, clock);

    if ((altered || want == BV_FORGED) && judge_chance(w, node, to, got))
        return;
    if (altered) {
        world_check(w, CHECK_ALTERED, node, got->status == BV_FORGED || got->status == BV_UNKNOWN_KEY,
                    "once %s, it is %s", m->tagged, bv_status_word(got->status));
        return;
    }
    world_check(w, CHECK_VERDICT, node, got->status == want && result_fits(w, m, got, clock / DAY),
                "%s of day %ld is %s, and should be %s", m->tagged, m->day, bv_status_word(got->status),
                bv_status_word(want));
    judge_old(w, node, m, got, clock / DAY);
    if (is_genuine(w, node, m))
        judge_genuine(w, node, m, got);
}
