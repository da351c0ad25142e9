#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/sim.h"

static char other_digit(struct world *w, char c, int base)
{
    int value = c <= '9' ? c - '0' : c - 'a' + 10;

    value = (value + (int)rng_between(&w->rng, 1, base - 1)) % base;
    return "0123456789abcdef"[value];
}

/* Changes the key, the day, the MAC, the user or the domain; the text stays one that can be read. */
static void alter(struct world *w, char *text)
{
    char *tag = strstr(text, "prvs=");
    char *user = tag == text ? text + BV_TAG_OCTETS : text;
    char *domain = strrchr(text, '@') + 1;
    int64_t at;

    switch (rng_between(&w->rng, 0, 4)) {
    case 0:
        tag[5] = other_digit(w, tag[5], 10);
        break;
    case 1:
        at = rng_between(&w->rng, 6, 8);
        tag[at] = other_digit(w, tag[at], 10);
        break;
    case 2:
        at = rng_between(&w->rng, 9, 14);
        tag[at] = other_digit(w, tag[at], 16);
        break;
    case 3:
        *user = bv_lower(*user) == 'z' ? 'y' : 'z';
        break;
    default:
        *domain = bv_lower(*domain) == 'q' ? 'p' : 'q';
    }
}

/* Systems on the way spell the letters of an address as they like. */
static void respell(struct world *w, char *text, int how)
{
    for (; *text != '\0'; text++) {
        if (how == RETURN_LOWER || (how == RETURN_MIXED && rng_chance(&w->rng, 300)))
            *text = (char)tolower((unsigned char)*text);
        else if (how == RETURN_UPPER || (how == RETURN_MIXED && rng_chance(&w->rng, 300)))
            *text = (char)toupper((unsigned char)*text);
    }
}

static void verify(struct world *w, int node, const struct message *m, const char *text, bool altered)
{
    struct bv_result result;
    struct bv_keys keys;
    struct bv_addr a;

    node_keys(w, node, &keys);
    bv_addr_read(&a, bv_str(text));
    bv_verify(&result, &a, &keys, bv_day(world_clock(w, node)));
    w->tally.returned++;
    judge(w, node, m, &a, &result, altered);
}

void mail_return(struct world *w, int node, int message, int how)
{
    struct message *m = &w->message[message];
    char text[sizeof m->tagged];

    strcpy(text, m->tagged);
    if (how == RETURN_ALTERED)
        alter(w, text);
    else
        respell(w, text, how);
    if (w->node[node].edition != NONE)
        verify(w, node, m, text, how == RETURN_ALTERED);
    if (--m->returns == 0) {
        *m = (struct message){.address = w->free_message};
        w->free_message = message;
    }
}

/* The tag is as good as a new one of a signing key would be. */
void mail_leak(struct world *w, int node)
{
    struct message m = {.life = (int)rng_between(&w->rng, 0, w->lives - 1),
                        .day = (long)(world_clock(w, node) / DAY),
                        .sent = w->now,
                        .skew = w->node[node].skew};
    const struct life *life = &w->life[m.life];
    struct bv_mac mac = {NULL};
    char text[BV_TAGGED];
    struct bv_addr a;

    if (w->node[node].edition == NONE || bv_mac_init(&mac, life->algorithm, life->secret, KEYS_SECRET_NEW) != 0)
        return;
    const struct bv_key key = {life->number, life->lifetime, true, &mac};
    bv_addr_read(&a, bv_str("victim@example.com"));
    if (bv_sign(text, &a, &key, BV_PREFIX, m.day) == BV_TAGGABLE) {
        const struct edition *e = &w->edition[w->node[node].edition];
        struct bv_result result;
        struct bv_keys keys;
        int at = model_find_life(e, m.life);
        bool ended = at == NONE || model_phase(e, (size_t)at, world_clock(w, node)) == KEYS_RETIRED;

        node_keys(w, node, &keys);
        bv_addr_read(&a, bv_str(text));
        bv_verify(&result, &a, &keys, m.day);
        if (ended && (at != NONE || !judge_chance(w, node, &a, &result)))
            world_check(w, CHECK_ENDED, node, result.status != BV_VALID, "key %u: %s", life->number, text);
    }
    bv_mac_free(&mac);
}
