#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/bvtag_look.h"
#include "tools/cmd.h"

static const char *kind_of(const struct bvtag *b, const struct net_addr *a)
{
    const struct bogus_entry *found = bogus_find(&b->conf.guard.bogus, a);

    return found != NULL ? found->kind : "";
}

static void print_host(const struct look *l, const struct bvtag *b, const struct guard_host *h)
{
    char address[NET_TEXT];

    if (l->facts.implicit)
        printf("MX:       none; mail goes to the domain itself\n");
    else
        printf("MX:       %u %s\n", h->preference, h->name[0] != '\0' ? h->name : ".");
    for (size_t i = 0; i < h->n; i++) {
        const char *kind = kind_of(b, &h->address[i]);
        net_addr_write(address, &h->address[i]);
        printf("address:  %s%s%s\n", address, *kind != '\0' ? ", bogus: " : "", kind);
    }
    if (h->some_failed)
        puts("address:  some could not be looked up");
    else if (h->n == 0 && h->name[0] != '\0')
        puts("address:  none");
}

static void print_text(const struct look *l, const struct bvtag *b)
{
    printf("domain:   %s\n", l->name);
    if (l->asked && l->facts.mx == GUARD_DNS_FAILED)
        puts("MX:       could not be looked up");
    for (size_t i = 0; i < l->facts.n; i++)
        print_host(l, b, &l->facts.host[i]);
    if (l->facts.more)
        puts("          and more, which the guard does not look at");
    if (l->asked)
        printf("TTL:      %u seconds; the verdict is kept for %u\n", l->facts.ttl, l->verdict.ttl);
    printf("verdict:  %s", guard_word(l->verdict.result));
    printf(l->verdict.kind[0] != '\0' ? " (%s)\n" : "\n", l->verdict.kind);
    printf("as a recipient's: %s\nas a sender's: %s\nmap mx:   %s\n", l->recipient, l->sender, l->map);
    if (l->row[0] != '\0')
        printf("ours:     %s\n", l->row);
    for (size_t i = 0; i < l->n_faults; i++)
        printf("fault:    %s\n", l->fault[i]);
}

static void print_json_host(const struct bvtag *b, const struct guard_host *h, bool first)
{
    char address[NET_TEXT];

    printf("%s{\"preference\": %u, \"host\": ", first ? "" : ", ", h->preference);
    cmd_json_string(h->name[0] != '\0' ? h->name : ".");
    fputs(", \"addresses\": [", stdout);
    for (size_t i = 0; i < h->n; i++) {
        net_addr_write(address, &h->address[i]);
        fputs(i > 0 ? ", " : "", stdout);
        bvtag_json_text("address", address, true);
        bvtag_json_text("kind", kind_of(b, &h->address[i]), false);
        fputs("}", stdout);
    }
    printf("], \"failed\": %s}", h->some_failed ? "true" : "false");
}

static void print_json(const struct look *l, const struct bvtag *b)
{
    fputs("{\"input\": ", stdout);
    cmd_json_string(l->text);
    bvtag_json_text("domain", l->name, false);
    printf(", \"implicit\": %s, \"mx\": [", l->facts.implicit ? "true" : "false");
    for (size_t i = 0; i < l->facts.n; i++)
        print_json_host(b, &l->facts.host[i], i == 0);
    fputs("]", stdout);
    bvtag_json_number("ttl", (long)l->facts.ttl, l->asked);
    bvtag_json_text("verdict", guard_word(l->verdict.result), false);
    bvtag_json_text("kind", l->verdict.kind, false);
    bvtag_json_text("recipient", l->recipient, false);
    bvtag_json_text("sender", l->sender, false);
    bvtag_json_text("map", l->map, false);
    bvtag_json_text("ours", l->row, false);
    fputs(", \"faults\": [", stdout);
    for (size_t i = 0; i < l->n_faults; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        cmd_json_string(l->fault[i]);
    }
    puts("]}");
}

int bvtag_mx(struct bvtag *b, const char *text)
{
    static struct look l; /* large */

    if (look_gather(&l, b, text) != 0)
        return TOOL_TROUBLE;
    if (b->json)
        print_json(&l, b);
    else
        print_text(&l, b);
    return l.status;
}
