#include "tools/cmd_sync.h"

#include <stdio.h>
#include <string.h>

#include "keys/store.h"
#include "tools/args.h"

enum {
    AGAIN = 3600,   /* seconds until the same is said again */
    AWAY_AGAIN = 60 /* and another reason of being away */
};

int64_t sync_clock(void)
{
    int64_t now = 0;

    tool_now(&now, NULL);
    return now;
}

/* Whether it has been said, and not long ago. */
static bool is_known(const struct sync_trouble *t, const char *name, const char *text, bool away, int64_t now)
{
    int64_t ago = now - t->said;

    if (!t->there || ago < 0 || ago >= AGAIN)
        return false;
    if (strcmp(t->text, text) == 0 && strncmp(t->name, name, sizeof t->name - 1) == 0)
        return true;
    return t->away && away && ago < AWAY_AGAIN;
}

static void say(const struct sync_trouble *t, const char *name, const struct keys_error *err)
{
    char place[32] = "", since[KEYS_TIME_LEN + 1], again[KEYS_TIME_LEN + 32] = "";

    keys_time_write(since, t->since);
    if (err->line > 0)
        snprintf(place, sizeof place, ":%d:%d", err->line, err->column);
    if (t->there)
        snprintf(again, sizeof again, " (trouble since %s)", since);
    tool_say("%s%s: %s%s%s", name, place, err->text, store_is_url(name) ? "; the key file stays as it is" : "",
             again);
}

void sync_complain(struct sync_trouble *t, const char *name, const struct keys_error *err, bool away)
{
    int64_t now = sync_clock();

    if (is_known(t, name, err->text, away, now))
        return;
    if (!t->there)
        t->since = now;
    say(t, name, err);
    t->there = true;
    t->away = away;
    t->said = now;
    snprintf(t->name, sizeof t->name, "%s", name);
    snprintf(t->text, sizeof t->text, "%s", err->text);
}

void sync_content(struct sync_trouble *t, const char *url)
{
    if (t->there)
        tool_say("%s: %s again, after %lld s", url, t->away ? "answers" : "is good",
                 (long long)(sync_clock() - t->since));
    t->there = false;
}
