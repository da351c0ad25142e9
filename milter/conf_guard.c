#include "milter/conf_guard.h"

#include <stdlib.h>

#include "milter/conf_check.h"
#include "milter/dns_server.h"
#include "milter/lines.h"

static void put_guard(const struct conf_taking *t, enum action *dst)
{
    static const char *const words[] = {"off", "reject", "mark", NULL};
    static const enum action actions[] = {ACTION_ACCEPT, ACTION_REJECT, ACTION_MARK};

    *dst = actions[conf_word(t, t->value.text, words)];
}

void conf_take_guard_recipients(const struct conf_taking *t)
{
    put_guard(t, &t->conf->policy.guard_recipients);
}

void conf_take_guard_senders(const struct conf_taking *t)
{
    put_guard(t, &t->conf->policy.guard_senders);
}

void conf_take_guard_match(const struct conf_taking *t)
{
    static const char *const words[] = {"all", "any", NULL};

    t->conf->guard.any = conf_word(t, t->value.text, words) == 1;
}

void conf_take_guard_networks(const struct conf_taking *t)
{
    conf_put_text(t, &t->conf->guard.networks, t->value.text);
}

void conf_take_guard_exempt(const struct conf_taking *t)
{
    conf_put_list(t, &t->conf->guard.exempt);
    if (t->conf->guard.exempt == NULL || names_init(&t->conf->policy.guard_exempt, t->value.n + 1) != 0) {
        conf_no_memory(t);
        return;
    }
    for (char **item = t->conf->guard.exempt; *item != NULL; item++) {
        struct bv_str name;
        bool below;
        for (char *p = *item; *p != '\0'; p++)
            *p = bv_lower(*p);
        if (lines_domain(&name, &below, bv_str(*item)))
            names_add(&t->conf->policy.guard_exempt, below, name, 0);
        else
            conf_refuse(t, *item, "is no domain");
    }
}

void conf_take_guard_timeout(const struct conf_taking *t)
{
    conf_put_duration(t, &t->conf->guard.timeout, "1s", "30s");
}

void conf_take_guard_trust_anchor(const struct conf_taking *t)
{
    conf_put_text(t, &t->conf->guard.trust_anchor, t->value.text);
}

void conf_take_resolver(const struct conf_taking *t)
{
    conf_put_list(t, &t->conf->guard.resolver);
    for (char **item = t->conf->guard.resolver; item != NULL && *item != NULL; item++) {
        const char *wrong = dns_server_check(*item);
        if (wrong != NULL)
            conf_refuse(t, *item, wrong);
    }
}
