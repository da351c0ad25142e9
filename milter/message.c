#include "milter/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct message *message_new(const char *from)
{
    size_t n = strlen(from) + 1;
    struct message *m = calloc(1, sizeof *m + n);

    if (m == NULL)
        return NULL;
    m->last = &m->first;
    memcpy(m->from, from, n);
    return m;
}

void message_free(struct message *m)
{
    if (m == NULL)
        return;
    for (struct recipient *r = m->first, *next; r != NULL; r = next) {
        next = r->next;
        free(r);
    }
    free(m->guard_header);
    free(m);
}

/* Sendmail drops a recipient that is added with any other parameter, without a word. */
static bool may_pass_on(const char *param)
{
    return strncasecmp(param, "NOTIFY=", 7) == 0 || strncasecmp(param, "ORCPT=", 6) == 0;
}

static char *join_params(char *dst, char *const *argv)
{
    char *p = dst;

    for (size_t i = 1; argv[i] != NULL; i++) {
        if (!may_pass_on(argv[i]))
            continue;
        if (p > dst)
            *p++ = ' ';
        p = stpcpy(p, argv[i]);
    }
    *p = '\0';
    return p + 1;
}

static uint32_t hash_text(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

void message_fold_domain(char *address)
{
    char *at = strrchr(address, '@');

    for (; at != NULL && *at != '\0'; at++)
        *at = bv_lower(*at);
}

int message_add(struct message *m, const struct decision *d, const char *address, const char *resolved,
                char *const *argv)
{
    size_t n = strlen(argv[0]) + 1 + strlen(address) + 1 + strlen(resolved) + 1 + 1;

    for (size_t i = 1; argv[i] != NULL; i++)
        n += strlen(argv[i]) + 1;
    struct recipient *r = calloc(1, sizeof *r + n);
    if (r == NULL)
        return -1;
    r->decision = *d;
    r->given = r->text;
    r->address = stpcpy(r->given, argv[0]) + 1;
    r->resolved = stpcpy(r->address, address) + 1;
    r->params = stpcpy(r->resolved, resolved) + 1;
    join_params(r->params, argv);
    message_fold_domain(r->address);
    r->hash = hash_text(r->address);
    *m->last = r;
    m->last = &r->next;
    m->stored++;
    m->judged = m->judged || d->event == EVENT_BOUNCE;
    m->by_type = m->by_type || d->by_type;
    return 0;
}

char *message_path(char *dst, const char *address)
{
    dst[0] = '<';
    strcpy(stpcpy(dst + 1, address), ">");
    return dst;
}

bool recipient_other_spelling(char path[BV_ADDR_QUOTED + 2], const struct recipient *r)
{
    struct bv_str given = bv_str(r->given);
    struct bv_addr a;

    bv_addr_read(&a, given);
    size_t n = bv_addr_write(path + 1, BV_ADDR_QUOTED, bv_addr_local(&a), bv_addr_domain(&a));
    if (a.shape != BV_MAILBOX || a.overlong || n == 0)
        return false;
    path[0] = '<';
    path[n + 1] = '>';
    path[n + 2] = '\0';
    return !bv_str_same(given, (struct bv_str){path, n + 2}) &&
           !bv_str_same(given, (struct bv_str){path + 1, n});
}

bool message_has_work(const struct message *m)
{
    if (m->sign.event != EVENT_NONE || m->guard_header != NULL || m->failed)
        return true;
    for (const struct recipient *r = m->first; r != NULL; r = r->next)
        if (r->decision.event != EVENT_NONE)
            return true;
    return false;
}
