#include "tools/bvtag_look.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MS = 1000 };

static int make_dns(struct bvtag *b)
{
    static struct problems problems;
    const struct conf_guard *guard = &b->conf.guard;
    char text[PROBLEM_LINE];

    if (b->dns == NULL)
        b->dns = dns_new(guard->resolver, *guard->trust_anchor != '\0' ? guard->trust_anchor : NULL,
                         b->conf.path, conf_line(&b->conf, "resolver"), &problems);
    if (b->dns != NULL)
        return 0;
    problem_write(text, sizeof text, &problems.item[0]);
    tool_say("%s", text);
    return -1;
}

static void read_name(struct look *l, const char *text)
{
    struct bv_addr a;
    struct bv_str name = bv_str(text);

    if (strchr(text, '@') != NULL) {
        bv_addr_read(&a, name);
        name = bv_addr_domain(&a);
    }
    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    snprintf(l->name, sizeof l->name, "%.*s", (int)(name.n <= BV_DOMAIN_MAX ? name.n : 0), name.p);
}

static const char *why_not_looked_at(const struct policy *p, struct bv_str name)
{
    if (domains_listed(&p->domains, name))
        return "let through: a domain of ours";
    if (names_find_domain(&p->guard_exempt, 0, 1, name) >= 0)
        return "let through: exempt, by mx_guard_exempt";
    return "let through: a name without a dot";
}

static void tell_action(char dst[STORY_TEXT], const struct look *l, const struct conf *conf, bool of_sender)
{
    const char *setting = of_sender ? "mx_guard_senders" : "mx_guard_recipients";
    struct bv_str name = bv_str(l->name);
    char where[STORY_TEXT], header[VERDICT_HEADER];
    struct verdict_reply reply;
    struct decision d;

    story_setting(where, sizeof where, conf, setting);
    policy_guard(&d, &conf->policy, of_sender, &l->verdict);
    if (!policy_may_guard(&conf->policy, name)) {
        snprintf(dst, STORY_TEXT, "%s", why_not_looked_at(&conf->policy, name));
    } else if ((of_sender ? conf->policy.guard_senders : conf->policy.guard_recipients) == ACTION_ACCEPT) {
        snprintf(dst, STORY_TEXT, "let through: the guard is off (%.500s)", where);
    } else if (d.event == EVENT_NONE) {
        snprintf(dst, STORY_TEXT, "let through");
    } else if (d.action == ACTION_MARK) {
        verdict_guard_header(header, &d, name);
        snprintf(dst, STORY_TEXT, "let through, X-MX-Guard: %s (%.150s)", header, where);
    } else {
        verdict_reply(&reply, "", &d);
        snprintf(dst, STORY_TEXT, "%s %s %s (%.300s)", reply.code, reply.status, reply.text, where);
    }
}

static void tell_map(struct look *l, const struct policy *p)
{
    struct verdict_reply reply;
    struct decision d;

    policy_guard(&d, p, false, &l->verdict);
    if (d.event == EVENT_NONE || !policy_may_guard(p, bv_str(l->name)) || l->name[0] == '[') {
        snprintf(l->map, sizeof l->map, "not found");
        return;
    }
    d.action = ACTION_REJECT;
    verdict_reply(&reply, "", &d);
    snprintf(l->map, sizeof l->map, "error:5.4.6 %s", reply.text);
}

static void add_fault(struct look *l, int status, const char *text)
{
    snprintf(l->fault[l->n_faults++], STORY_TEXT, "%s", text);
    if (status > l->status)
        l->status = status;
}

static bool has_failed(const struct guard_facts *facts)
{
    bool failed = facts->mx == GUARD_DNS_FAILED;

    for (size_t i = 0; i < facts->n; i++)
        failed = failed || facts->host[i].some_failed;
    return failed;
}

/* "v=spf1 -all"; blanks may be more, RFC 7208 4.6.1. */
static bool is_none(const char *text)
{
    const char *term = text + strspn(text + 6, " ") + 6;

    return strncasecmp(term, "-all", 4) == 0 && term[4 + strspn(term + 4, " ")] == '\0';
}

/* RFC 7208 4.5: no other record that begins with v=spf1. */
static bool sends_nothing(const struct answers_texts *texts)
{
    size_t spf = 0, none = 0;

    for (size_t i = 0; i < texts->n; i++) {
        if (strncasecmp(texts->text[i], "v=spf1", 6) != 0 || strchr(" ", texts->text[i][6]) == NULL)
            continue;
        spf++;
        none += is_none(texts->text[i]);
    }
    return spf == 1 && none == 1;
}

/* RFC 7505, and what the M3AAWG recommends for parked domains. */
static void check_no_mail(struct look *l, struct bvtag *b)
{
    struct answers_texts texts;

    dns_text(&texts, b->dns, bv_str(l->name), (int)b->conf.guard.timeout * MS);
    if (l->facts.mx == GUARD_DNS_FAILED)
        add_fault(l, TOOL_TROUBLE, "whether it has a null MX could not be looked up");
    else if (l->verdict.result != GUARD_NULL_MX)
        add_fault(l, TOOL_NO, "it receives no mail, and has no null MX; it should have one MX record: 0 .");
    if (texts.dns == GUARD_DNS_FAILED)
        add_fault(l, TOOL_TROUBLE, "its TXT records could not be looked up");
    else if (!sends_nothing(&texts))
        add_fault(l, TOOL_NO,
                  "it sends no mail, and does not say so; it should have a TXT record: v=spf1 -all");
}

static void check_mail(struct look *l, bool sends)
{
    switch (l->verdict.result) {
    case GUARD_FINE:
        break;
    case GUARD_NULL_MX:
        if (sends)
            add_fault(l, TOOL_NO, "it has a null MX: bounces of its mail cannot come back");
        break;
    case GUARD_BOGUS_MX:
        add_fault(l, TOOL_NO, "its MX leads where others cannot reach it; they may refuse its mail for that");
        break;
    case GUARD_UNKNOWN:
        if (has_failed(&l->facts))
            add_fault(l, TOOL_TROUBLE, "where its MX leads could not be looked up");
        else
            add_fault(l, TOOL_NO, "its MX has no address: bounces of its mail cannot come back");
    }
}

static int status_of_others(const struct look *l)
{
    if (l->verdict.result == GUARD_UNKNOWN)
        return TOOL_TROUBLE;
    return l->verdict.result == GUARD_FINE ? TOOL_YES : TOOL_NO;
}

int look_gather(struct look *l, struct bvtag *b, const char *text)
{
    const struct conf *conf = &b->conf;

    if (make_dns(b) != 0)
        return -1;
    memset(l, 0, sizeof *l);
    l->text = text;
    read_name(l, text);
    const struct domain *row = domains_find(&conf->policy.domains, bv_str(l->name));
    l->asked = l->name[0] != '[';
    if (l->asked) {
        dns_mail_hosts(&l->facts, b->dns, bv_str(l->name), (int)conf->guard.timeout * MS);
        guard_judge(&l->verdict, &l->facts, &conf->guard.bogus, conf->guard.any);
    } else {
        guard_literal(&l->verdict, bv_str(l->name), &conf->guard.bogus);
    }
    tell_action(l->recipient, l, conf, false);
    tell_action(l->sender, l, conf, true);
    tell_map(l, &conf->policy);
    if (row == NULL) {
        l->status = status_of_others(l);
        return 0;
    }
    snprintf(l->row, sizeof l->row, "%s:%d%s", conf->domains, row->line, story_kind(row));
    if (row->kind == DOMAIN_NO_MAIL)
        check_no_mail(l, b);
    else
        check_mail(l, row->kind != DOMAIN_NO_BOUNCES);
    return 0;
}
