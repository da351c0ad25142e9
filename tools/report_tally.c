#include "tools/report_tally.h"

#include <stdlib.h>
#include <string.h>

int report_tally_init(struct report_tally *t, uint32_t size, uint64_t seed)
{
    bool good = true;

    *t = (struct report_tally){
        .since = REPORT_NEVER, .until = INT64_MAX, .first = REPORT_NEVER, .last = REPORT_NEVER};
    for (int i = 0; i < BV_KEY_NUMBERS; i++)
        t->key[i].last_signed = t->key[i].last_valid = REPORT_NEVER;
    t->day = calloc(REPORT_DAYS, sizeof *t->day);
    for (int i = 0; i < REPORT_LISTS; i++)
        good = report_top_init(&t->top[i], size, seed) == 0 && good;
    if (good && t->day != NULL)
        return 0;
    report_tally_free(t);
    return -1;
}

void report_tally_free(struct report_tally *t)
{
    free(t->day);
    t->day = NULL;
    for (int i = 0; i < REPORT_LISTS; i++)
        report_top_free(&t->top[i]);
}

static void add(struct report_tally *t, enum report_list list, const char *name, unsigned column,
                uint64_t times)
{
    report_top_add(&t->top[list], bv_str(name), column, times);
}

static void later(int64_t *last, int64_t time)
{
    if (time > *last)
        *last = time;
}

static void add_key(struct report_tally *t, const struct report_line *l, int64_t time)
{
    struct report_key *k = &t->key[l->key];

    if (l->event == EVENT_SIGN && l->verdict == VERDICT_SIGNED) {
        k->signed_ += l->times;
        later(&k->last_signed, time);
    } else if (l->event == EVENT_STRIP && l->verdict == VERDICT_VALID) {
        k->stripped += l->times;
    } else if (l->event == EVENT_BOUNCE && l->verdict == VERDICT_VALID) {
        k->valid += l->times;
        later(&k->last_valid, time);
    } else if (l->event == EVENT_BOUNCE && l->verdict == VERDICT_EXPIRED) {
        k->expired += l->times;
    } else if (l->event == EVENT_BOUNCE && l->verdict == VERDICT_FORGED) {
        k->forged += l->times;
    }
}

static void add_bin(struct report_tally *t, int column, int64_t time, uint64_t times)
{
    if (time < 0 || bv_day(time) >= REPORT_DAYS)
        return;
    t->day[bv_day(time)].count[column] += times;
    t->hour[time % BV_DAY_SECONDS / 3600].count[column] += times;
}

static void add_sign(struct report_tally *t, const struct report_line *l, int64_t time)
{
    struct report_address from;
    bool is_signed = l->verdict == VERDICT_SIGNED;
    enum report_signing column = l->action == ACTION_TEMPFAIL ? REPORT_NOT_NOW
                                 : is_signed                  ? REPORT_WAS_SIGNED
                                                              : REPORT_LEFT_ALONE;

    report_address_read(&from, l->from);
    add(t, REPORT_SIGN_DOMAINS, from.domain, column, l->times);
    if (column == REPORT_WAS_SIGNED)
        add_bin(t, REPORT_SIGNED, time, l->times);
}

static void add_bounce(struct report_tally *t, const struct report_line *l, int64_t time)
{
    enum report_outcome outcome = report_outcome(l->action);
    enum report_fault fault = report_fault(l->verdict);
    struct report_address rcpt;
    char client[REPORT_TEXT], network[REPORT_TEXT];

    report_address_read(&rcpt, l->rcpt);
    report_clean(client, sizeof client, l->client);
    report_network(network, l->client);
    add_bin(t, (int)outcome, time, l->times);
    add(t, REPORT_BOUNCE_DOMAINS, rcpt.domain, outcome, l->times);
    add(t, REPORT_NETWORKS, network, outcome, l->times);
    add(t, REPORT_CLIENTS, client, outcome, l->times);
    if (fault == REPORT_UNTAGGED || fault == REPORT_BAD_TAG)
        add(t, REPORT_FORGED, rcpt.address, fault, l->times);
    if (outcome == REPORT_MARKED) {
        add(t, REPORT_MARKED_DOMAINS, rcpt.domain, fault, l->times);
        add(t, REPORT_MARKED_CLIENTS, client, fault, l->times);
    }
}

/* Whose domain it was, the line does not say: the sender's on the way in, the recipient's on the way out. */
static void add_guard(struct report_tally *t, const struct report_line *l)
{
    struct report_address from, rcpt;
    char name[3 * REPORT_TEXT];
    char *end = stpcpy(name, verdict_word(l->verdict));

    report_address_read(&from, l->from);
    report_address_read(&rcpt, l->rcpt);
    end = stpcpy(end, " ");
    if (l->verdict != VERDICT_NO_MAIL)
        end = stpcpy(stpcpy(end, from.domain), " > ");
    strcpy(end, rcpt.domain);
    add(t, REPORT_GUARDED, name, report_outcome(l->action), l->times);
}

static void add_decision(struct report_tally *t, const struct report_line *l, int64_t time)
{
    t->decisions += l->times;
    t->matrix[l->event][l->verdict][l->action] += l->times;
    if (l->key >= 0)
        add_key(t, l, time);
    switch (l->event) {
    case EVENT_SIGN:
        add_sign(t, l, time);
        break;
    case EVENT_BOUNCE:
        add_bounce(t, l, time);
        break;
    case EVENT_GUARD:
        add_guard(t, l);
        break;
    case EVENT_STRIP:
    case EVENT_NONE:
        break;
    }
}

/* Moments without a time come first, and all of one time in the order of the log. */
static bool is_before(const struct report_moment *a, const struct report_moment *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static struct report_moment *place_for(struct report_tally *t, const struct report_moment *m)
{
    struct report_moment *oldest = &t->moment[0];

    if (t->moments < REPORT_TIMELINE)
        return &t->moment[t->moments++];
    for (size_t i = 1; i < REPORT_TIMELINE; i++)
        if (is_before(&t->moment[i], oldest))
            oldest = &t->moment[i];
    return is_before(oldest, m) ? oldest : NULL;
}

static void add_notice(struct report_tally *t, const struct report_line *l, int64_t time)
{
    struct report_moment m = {.time = time, .order = t->moments_seen, .times = l->times, .notice = l->notice};

    t->notices += l->times;
    report_clean(m.text, sizeof m.text, l->text);
    if (l->notice == REPORT_OTHER_NOTICE) {
        add(t, REPORT_NOTICES, m.text, 0, l->times);
        return;
    }
    if (l->notice == REPORT_LOST)
        t->lost += l->lost * l->times;
    t->moments_seen++;
    struct report_moment *place = place_for(t, &m);
    if (place != NULL)
        *place = m;
}

void report_tally_add(struct report_tally *t, const struct report_line *l, int64_t time)
{
    bool ours = l->kind == REPORT_DECISION || l->kind == REPORT_NOTICE;

    t->lines++;
    t->foreign += l->kind == REPORT_FOREIGN;
    t->broken += l->kind == REPORT_BROKEN;
    if (!ours)
        return;
    bool bounded = t->since != REPORT_NEVER || t->until != INT64_MAX;
    if (bounded && (time == REPORT_NEVER || time < t->since || time >= t->until)) {
        t->outside++;
        return;
    }
    t->untimed += time == REPORT_NEVER;
    if (time != REPORT_NEVER && (t->first == REPORT_NEVER || time < t->first))
        t->first = time;
    later(&t->last, time);
    if (l->kind == REPORT_DECISION)
        add_decision(t, l, time);
    else
        add_notice(t, l, time);
}

static int compare(const void *a, const void *b)
{
    return is_before(a, b) ? -1 : is_before(b, a);
}

void report_tally_end(struct report_tally *t)
{
    for (int i = 0; i < REPORT_LISTS; i++)
        report_top_sort(&t->top[i]);
    qsort(t->moment, t->moments, sizeof *t->moment, compare);
}
