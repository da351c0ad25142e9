#include "milter/storm.h"

#include <stdio.h>
#include <string.h>

/* No window and no quiet time is as long; a leap is cut to it, so that sums of leaps never overflow. */
enum { LEAP_MAX = 2 * BV_DAY_SECONDS };

static size_t slot_of(int64_t second)
{
    return (size_t)(second % STORM_SECONDS);
}

static void window_add(struct storm_window *w, int64_t second)
{
    w->bucket[slot_of(second)]++;
    w->sum++;
}

static void window_forget(struct storm_window *w, int64_t second)
{
    w->sum -= w->bucket[slot_of(second)];
    w->bucket[slot_of(second)] = 0;
}

static void drop_idle_clients(struct storm *s)
{
    for (size_t i = 0; i < s->clients;) {
        if (s->client[i].window.sum > 0)
            i++;
        else
            s->client[i] = s->client[--s->clients];
    }
}

/* The clock of its own follows the caller's; what is older than a minute is forgotten. */
static void advance(struct storm *s, int64_t now)
{
    int64_t step = now < s->wall ? 0 : now - s->wall;

    s->wall = now;
    step = step > LEAP_MAX ? LEAP_MAX : step;
    for (int64_t i = 0; i < step && i < STORM_SECONDS; i++) {
        int64_t oldest = s->clock + 1 + i;
        window_forget(&s->all, oldest);
        for (size_t c = 0; c < s->clients; c++)
            window_forget(&s->client[c].window, oldest);
    }
    s->clock += step;
    if (step > 0)
        drop_idle_clients(s);
}

static bool is_high(const struct storm *s, const struct storm_limits *limits)
{
    return limits->threshold > 0 && s->all.sum >= (unsigned long)limits->threshold;
}

static enum storm_change judge(struct storm *s, const struct storm_limits *limits)
{
    if (is_high(s, limits))
        s->last_high = s->clock;
    if (s->on && (limits->threshold <= 0 || s->clock - s->last_high >= limits->quiet)) {
        s->on = false;
        return STORM_ENDS;
    }
    if (s->on || !is_high(s, limits))
        return STORM_SAME;
    s->on = true;
    s->since = s->clock;
    s->total = s->all.sum;
    return STORM_BEGINS;
}

static bool same_client(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && (a->family != NET_IP || memcmp(a->ip, b->ip, sizeof a->ip) == 0);
}

/* The client's place.  When there is none, it takes that of the idlest, and its count, as an upper bound. */
static struct storm_client *place_of(struct storm *s, const struct net_addr *addr)
{
    struct storm_client *idlest = &s->client[0];

    for (size_t i = 0; i < s->clients; i++) {
        if (same_client(&s->client[i].addr, addr))
            return &s->client[i];
        if (s->client[i].window.sum < idlest->window.sum)
            idlest = &s->client[i];
    }
    if (s->clients < STORM_CLIENTS) {
        idlest = &s->client[s->clients++];
        *idlest = (struct storm_client){.exact_from = s->clock};
    } else {
        idlest->exact_from = s->clock + STORM_SECONDS;
    }
    idlest->addr = *addr;
    return idlest;
}

enum storm_change storm_note(struct storm *s, const struct storm_limits *limits, int64_t now,
                             const struct net_addr *client)
{
    enum storm_change change = storm_tick(s, limits, now);

    window_add(&s->all, s->clock);
    window_add(&place_of(s, client)->window, s->clock);
    if (s->on)
        s->total++;
    return change != STORM_SAME ? change : judge(s, limits);
}

enum storm_change storm_tick(struct storm *s, const struct storm_limits *limits, int64_t now)
{
    advance(s, now);
    return judge(s, limits);
}

bool storm_has(const struct storm *s, const struct net_addr *client)
{
    for (size_t i = 0; i < s->clients; i++)
        if (same_client(&s->client[i].addr, client))
            return s->client[i].window.sum > 0;
    return false;
}

/* The busiest client that is not among those marked; its mark is set. */
static const struct storm_client *next_busiest(const struct storm *s, bool marked[STORM_CLIENTS])
{
    size_t best = s->clients;

    for (size_t i = 0; i < s->clients; i++)
        if (!marked[i] && (best == s->clients || s->client[i].window.sum > s->client[best].window.sum))
            best = i;
    if (best == s->clients)
        return NULL;
    marked[best] = true;
    return &s->client[best];
}

void storm_describe_begin(char dst[STORM_TEXT], const struct storm *s)
{
    bool marked[STORM_CLIENTS] = {false};
    size_t n = (size_t)snprintf(dst, STORM_TEXT, "%lu invalid bounces in a minute", s->all.sum);
    char addr[NET_TEXT];

    for (int i = 0; i < STORM_TOP; i++) {
        const struct storm_client *c = next_busiest(s, marked);
        if (c == NULL)
            return;
        net_addr_write(addr, &c->addr);
        n += (size_t)snprintf(dst + n, STORM_TEXT - n, "%s %s %s%lu", i == 0 ? "; top clients" : ",", addr,
                              s->clock < c->exact_from ? "at most " : "", c->window.sum);
    }
}

void storm_describe_end(char dst[STORM_TEXT], const struct storm *s)
{
    long seconds = (long)(s->clock - s->since);

    if (seconds < 120)
        snprintf(dst, STORM_TEXT, "%lu invalid bounces in %ld seconds", s->total, seconds);
    else if (seconds < 2 * 3600)
        snprintf(dst, STORM_TEXT, "%lu invalid bounces in %ld minutes", s->total, seconds / 60);
    else
        snprintf(dst, STORM_TEXT, "%lu invalid bounces in %ld hours", s->total, seconds / 3600);
}
