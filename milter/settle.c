#include "milter/message.h"

#include <string.h>
#include <strings.h>

/* Sendmail's own rules have taken the tag off, by way of the map: then there is nothing to replace. */
static bool is_replaced_by_mta(const struct recipient *r)
{
    return *r->resolved != '\0' && strcasestr(r->resolved, "prvs=") == NULL;
}

static bool is_to_be_replaced(const struct recipient *r)
{
    return r->decision.replace && !is_replaced_by_mta(r);
}

/* Where recipients merge, they do so in any case of letters. */
static bool is_same_address(const struct recipient *a, const struct recipient *b)
{
    if (*a->resolved != '\0')
        return strcasecmp(a->address, b->address) == 0;
    return a->hash == b->hash && strcmp(a->address, b->address) == 0;
}

/* Whether `address` is where it is delivered to anyway: with a tag that stays, or through a relay, it is not. */
static bool stays_as_meant(const struct recipient *r)
{
    const struct decision *d = &r->decision;

    return !r->refused && !is_to_be_replaced(r) && (d->replace || (d->key < 0 && !d->percent));
}

/* The recipients that a replacement must not double: those that stay, and those replaced before. */
static bool is_there_already(const struct message *m, const struct recipient *r)
{
    bool before = true;

    for (const struct recipient *o = m->first; o != NULL; o = o->next) {
        before = before && o != r;
        if (o->hash == r->hash && ((before && o->add) || stays_as_meant(o)) &&
            strcmp(o->address, r->address) == 0)
            return true;
    }
    return false;
}

/* Postfix deletes all copies of a recipient that was given twice; the second time is none. */
static bool is_removed_already(const struct message *m, const struct recipient *r)
{
    for (const struct recipient *o = m->first; o != r; o = o->next)
        if (o->remove && o->hash == r->hash && strcmp(o->given, r->given) == 0)
            return true;
    return false;
}

/* Whether the header has to say something of this recipient. */
static bool is_for_header(const struct recipient *r)
{
    const struct decision *d = &r->decision;

    if (d->event != EVENT_BOUNCE || r->refused)
        return false;
    return verdict_result(d->verdict) != RESULT_FAIL || d->action == ACTION_MARK ||
           d->action == ACTION_QUARANTINE;
}

/*
 * An untagged recipient whose address a valid tag gives back as well: deleting
 * it would take the other with it, so it stays, and is delivered once.
 */
static bool is_given_back(const struct message *m, const struct recipient *r)
{
    if (r->decision.key >= 0)
        return false;
    for (const struct recipient *o = m->first; o != NULL; o = o->next)
        if (o->decision.replace && is_same_address(o, r))
            return true;
    return false;
}

static bool is_unwanted(const struct recipient *r)
{
    return r->decision.action == ACTION_REJECT || r->decision.action == ACTION_DISCARD;
}

/* To an MTA that merges recipients, this one may be one with another that stays, and would take it along. */
static bool is_merged_with_other(const struct message *m, const struct recipient *r)
{
    for (const struct recipient *o = m->first; *r->resolved != '\0' && o != NULL; o = o->next)
        if (!is_unwanted(o) && strcasecmp(o->resolved, r->resolved) == 0)
            return true;
    return false;
}

/* No honest mail brings so many fields of our name. */
static void settle_copies(struct message *m)
{
    for (struct recipient *r = m->first; m->copies >= MESSAGE_COPIES && r != NULL; r = r->next) {
        if (r->decision.event != EVENT_BOUNCE)
            continue;
        r->decision.action = ACTION_REJECT;
        r->decision.replace = r->decision.by_type = false;
    }
}

/* A reply is no bounce: whoever sends it cannot know the tag. */
static void settle_replies(struct message *m, const struct policy *p)
{
    bool reply = m->by_type && (p->reply_types & 1u << report_type(&m->type)) != 0;

    for (struct recipient *r = m->first; reply && r != NULL; r = r->next) {
        if (!r->decision.by_type)
            continue;
        r->decision.verdict = VERDICT_REPLY;
        r->decision.action = ACTION_ACCEPT;
    }
}

/* Returns the recipient whose refusal stands for all when nobody is left. */
static const struct recipient *settle_refusals(struct message *m)
{
    const struct recipient *first = NULL;
    size_t refused = 0;

    for (struct recipient *r = m->first; r != NULL; r = r->next) {
        if (!is_unwanted(r))
            continue;
        if (is_given_back(m, r) || is_merged_with_other(m, r)) {
            r->decision.action = ACTION_ACCEPT;
            continue;
        }
        r->refused = true;
        refused++;
        /* A client that is told of one knows enough; in silence goes only what is all to go so. */
        if (first == NULL || r->decision.action > first->decision.action)
            first = r;
    }
    return refused == m->accepted ? first : NULL;
}

/* The MTA holds a message as a whole, if it can: with anybody else on it, marks must do. */
static const struct recipient *settle_quarantine(struct message *m)
{
    const struct recipient *hold = NULL;
    size_t gone = 0, held = 0;

    for (struct recipient *r = m->first; r != NULL; r = r->next) {
        gone += r->refused;
        held += r->decision.action == ACTION_QUARANTINE;
        hold = hold == NULL && r->decision.action == ACTION_QUARANTINE ? r : hold;
    }
    if (hold == NULL || (gone + held == m->accepted && !m->cannot_hold))
        return hold;
    for (struct recipient *r = m->first; r != NULL; r = r->next)
        if (r->decision.action == ACTION_QUARANTINE)
            r->decision.action = ACTION_MARK;
    return NULL;
}

/* A message has one sender: a destination that wants no tag may decide for the others. */
static void settle_sender(struct message *m, const struct policy *p)
{
    if (!m->sign.replace || m->no_tag == 0 || (p->mixed_tagged && m->no_tag < m->accepted))
        return;
    m->sign.verdict = VERDICT_EXEMPT;
    m->sign.exception = m->no_tag_line;
    m->sign.key = -1;
    m->sign.replace = false;
}

void message_settle(struct message *m, const struct policy *p, struct outcome *out)
{
    settle_sender(m, p);
    settle_copies(m);
    settle_replies(m, p);
    *out = (struct outcome){.only_one = m->accepted == 1, .refuse = settle_refusals(m)};
    out->hold = settle_quarantine(m);
    for (struct recipient *r = m->first; r != NULL; r = r->next) {
        enum result result = verdict_result(r->decision.verdict);
        r->add = !r->refused && is_to_be_replaced(r) && !is_there_already(m, r);
        r->remove = (r->refused || is_to_be_replaced(r)) && !is_removed_already(m, r);
        if (is_for_header(r) && (out->header == NULL || result > verdict_result(out->header->decision.verdict)))
            out->header = r;
    }
}
