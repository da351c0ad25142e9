#include "tools/cmd.h"

#include <string.h>

enum { INPUT_MAX = 4096 };

struct addition {
    const struct cmd *c;
    struct keys_key key;
    struct keys_ring before;
    int index;
};

/* The options as they were given. */
struct wishes {
    unsigned numbers;
    const char *sign_from, *comment, *format;
    bool weak;
};

/* Takes the number, the time and the comment over. Returns 0, or -1 after saying what is wrong. */
static int take_wishes(struct keys_key *key, const struct wishes *w, int64_t now)
{
    enum { DELAY = 3600 };

    if (w->numbers == 0 || (w->numbers & (w->numbers - 1)) != 0) {
        cmd_misused("add: the key needs a number; give one, with --number");
        return -1;
    }
    while ((w->numbers >> key->number & 1) == 0)
        key->number++;
    if (w->sign_from == NULL)
        key->sign_from = now + DELAY;
    else if (strcmp(w->sign_from, "now") == 0)
        key->sign_from = now;
    else if (!keys_time_read(&key->sign_from, bv_str(w->sign_from))) {
        tool_say("--sign-from: \"%s\" is neither \"now\" nor a UTC time like 2026-11-21T12:00:00Z",
                 w->sign_from);
        return -1;
    }
    if (w->comment == NULL)
        return 0;
    if (strlen(w->comment) > KEYS_TEXT_MAX) {
        tool_say("--comment: %zu octets, at most %d", strlen(w->comment), KEYS_TEXT_MAX);
        return -1;
    }
    strcpy(key->comment, w->comment);
    return 0;
}

/* Reads the secret. Returns 0, or -1 after saying what is wrong with it. */
static int take_secret(struct keys_key *key, const struct wishes *w)
{
    enum keys_format format = KEYS_FORMAT_TEXT;
    struct keys_error err;
    char input[INPUT_MAX];
    const char *weakness;
    ssize_t n;

    if (w->format != NULL && !keys_format_from_word(&format, bv_str(w->format))) {
        tool_say("--format: \"%s\" is none of text, raw, base64, hex", w->format);
        return -1;
    }
    n = cmd_read_secret(input, sizeof input);
    if (n >= 0) {
        key->secret_len = keys_secret_read(key->secret, format, (struct bv_str){input, (size_t)n}, &err);
        if (key->secret_len == 0)
            tool_say_error("standard input", &err);
    }
    bv_wipe(input, sizeof input);
    if (key->secret_len == 0)
        return -1;
    weakness = keys_secret_weakness(key->secret, key->secret_len);
    if (weakness == NULL || w->weak)
        return 0;
    tool_say("standard input: the secret is weak: %s; if it cannot be changed, --weak takes it", weakness);
    return -1;
}

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    struct addition *a = arg;

    a->before = *ring;
    a->index = keys_add(ring, &a->key, a->c->who, a->c->now, err);
    return a->index < 0 ? -1 : 1;
}

static int report(const struct addition *a, const struct keys_ring *ring)
{
    size_t i = (size_t)a->index;

    printf("%s: generation %lld\n", a->c->file, (long long)ring->generation);
    bool whole = cmd_print_key(ring, i, a->c->now) == 0;
    if (i + 1 < ring->count)
        cmd_print_end(ring, i);
    if (a->key.secret_len < KEYS_SECRET_MIN)
        printf(
            "key %u: the secret is filled up with zero octets to %d, which changes no tag, and the fingerprint "
            "is of all\n",
            a->key.number, KEYS_SECRET_MIN);
    cmd_print_moved(&a->before, ring, -1);
    return tool_flush() == 0 && whole ? TOOL_YES : TOOL_TROUBLE;
}

int cmd_add(struct cmd *c, int argc, char **argv)
{
    struct addition a = {.c = c, .key = {.algorithm = BV_HMAC_SHA1, .lifetime = 7}};
    struct wishes w = {0};
    const struct cmd_option options[] = {{.name = "number", .numbers = &w.numbers},
                                         {.name = "sign-from", .text = &w.sign_from},
                                         {.name = "lifetime", .days = &a.key.lifetime},
                                         {.name = "algorithm", .algorithm = &a.key.algorithm},
                                         {.name = "comment", .text = &w.comment},
                                         {.name = "format", .text = &w.format},
                                         {.name = "weak", .given = &w.weak},
                                         {0}};
    struct keys_ring ring;
    int status = TOOL_TROUBLE;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (take_wishes(&a.key, &w, c->now) == 0 && take_secret(&a.key, &w) == 0) {
        if (cmd_change(c, &ring, STORE_THERE, edit, &a) > 0)
            status = report(&a, &ring);
        keys_wipe(&ring);
    }
    keys_wipe(&a.before);
    bv_wipe(&a.key, sizeof a.key);
    return status;
}
