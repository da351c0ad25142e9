#include "keys/etcd_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys/etcd_url.h"
#include "keys/object.h"
#include "keys/parts.h"

/* What makes an answer bad is of no use to who reads the error, and may quote it. */
static int not_etcd(struct keys_error *err)
{
    keys_fail(err, "what answers there is no etcd 3.4 or later, or not as a whole");
    err->sys = EPROTO;
    return -1;
}

/* Reads a number above 0. */
static int read_number(int64_t *out, const struct object *o, const char *member)
{
    struct bv_str text;
    char *end;

    if (object_string(&text, o, member) != 0 || text.n == 0 || text.n > 19 ||
        strspn(text.p, "0123456789") != text.n)
        return -1;
    errno = 0;
    *out = strtoll(text.p, &end, 10);
    return errno == 0 && *out > 0 ? 0 : -1;
}

static int read_value(struct etcd_value *out, const struct object *item, const char *key)
{
    char want[(ETCD_KEY_MAX + 2) / 3 * 4 + 1];
    struct bv_str text;

    keys_base64_write(want, (const unsigned char *)key, strlen(key));
    if (object_string(&text, item, "key") != 0 || !bv_str_same(text, bv_str(want)) ||
        read_number(&out->revision, item, "mod_revision") != 0)
        return -1;
    if (!object_has(item, "value"))
        return 0;
    if (object_string(&text, item, "value") != 0)
        return -1;
    out->text = malloc(text.n + 1);
    if (out->text == NULL)
        return -1;
    out->n = keys_base64_read((unsigned char *)out->text, text.n, text);
    return out->n > 0 || text.n == 0 ? 0 : -1;
}

static int read_range(struct etcd_value *out, const struct object *root, const char *key)
{
    struct object head, item;
    size_t n = 0;

    if (object_inside(&head, root, "header") != 0 || read_number(&out->now, &head, "revision") != 0)
        return -1;
    if (!object_has(root, "kvs"))
        return 0;
    if (object_array(&n, root, "kvs", 1) != 0)
        return -1;
    return n == 0 ? 0 : object_item(&item, root, "kvs", 0) != 0 ? -1 : read_value(out, &item, key);
}

int etcd_read_range(struct etcd_value *out, struct bv_str text, const char *key, struct keys_error *err)
{
    struct object root;
    int result = object_parse(&root, text, err);

    *out = (struct etcd_value){.now = 0};
    if (result == 0)
        result = read_range(out, &root, key);
    object_free(&root);
    return result == 0 ? 0 : not_etcd(err);
}

int etcd_read_put(bool *done, struct bv_str text, struct keys_error *err)
{
    struct object root, head;
    int64_t now;
    int result = object_parse(&root, text, err);

    if (result == 0 &&
        (object_inside(&head, &root, "header") != 0 || read_number(&now, &head, "revision") != 0))
        result = -1;
    *done = result == 0 && object_true(&root, "succeeded");
    object_free(&root);
    return result == 0 ? 0 : not_etcd(err);
}

int etcd_read_login(char token[ETCD_TOKEN_MAX + 1], struct bv_str text, struct keys_error *err)
{
    struct object root;
    struct bv_str found;
    int result = object_parse(&root, text, err);

    if (result == 0)
        result = object_string(&found, &root, "token");
    /* It becomes a field of a header. */
    if (result == 0 && found.n > 0 && found.n <= ETCD_TOKEN_MAX && keys_text_clean(found.p))
        memcpy(token, found.p, found.n + 1);
    else
        result = -1;
    object_free(&root);
    return result == 0 ? 0 : not_etcd(err);
}

enum etcd_news etcd_read_watch(struct bv_str line)
{
    enum etcd_news news = ETCD_OVER;
    struct object root, result;
    struct keys_error err;

    if (object_parse(&root, line, &err) == 0 && object_inside(&result, &root, "result") == 0 &&
        !object_true(&result, "canceled"))
        news = object_has(&result, "events") ? ETCD_CHANGED : ETCD_QUIET;
    object_free(&root);
    return news;
}

/* Words only, none of them as long as a piece of a secret. */
static bool is_harmless(struct bv_str text)
{
    enum { WORD = 20 };
    size_t word = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
        word = text.p[i] == ' ' ? 0 : word + 1;
        if (word > WORD)
            return false;
    }
    return text.n > 0 && text.n < ETCD_REASON;
}

void etcd_read_reason(char dst[ETCD_REASON], struct bv_str text)
{
    struct object root;
    struct bv_str reason;
    struct keys_error err;

    *dst = '\0';
    if (object_parse(&root, text, &err) == 0 &&
        (object_string(&reason, &root, "error") == 0 || object_string(&reason, &root, "message") == 0) &&
        is_harmless(reason))
        snprintf(dst, ETCD_REASON, "%s", reason.p);
    object_free(&root);
}
