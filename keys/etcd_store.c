#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys/etcd_answer.h"
#include "keys/etcd_ask.h"
#include "keys/etcd_login.h"
#include "keys/etcd_wire.h"
#include "keys/parts.h"
#include "keys/store_parts.h"

enum { HTTP_OK = 200 };

struct etcd {
    struct store store; /* first */
    struct etcd_url url;
    struct store_login login;
    struct wire *wire;
    struct wire_answer answer;
    char token[ETCD_TOKEN_MAX + 1]; /* "" while there is none */
    int64_t now;                    /* the revision of the store at the last load(); 0: not known */
    int64_t revision;               /* of what was loaded; 0: there was nothing */
};

static struct bv_str answer_text(const struct etcd *e)
{
    return (struct bv_str){e->answer.text, e->answer.n};
}

static int refused(const struct etcd *e, struct keys_error *err)
{
    return etcd_login_refused(&e->login, &e->url, e->answer.status, answer_text(e), err);
}

/* Asks for a token. */
static int log_in(struct etcd *e, struct keys_error *err)
{
    char password[ETCD_PASSWORD_MAX + 1];
    char *body = NULL;
    size_t n = 0;
    int result = -1;

    if (etcd_login_password(password, &e->login, err) == 0)
        body = etcd_ask_login(e->login.user, password, &n, err);
    if (body != NULL &&
        wire_ask(&e->answer, e->wire, ETCD_PATH_LOGIN, (struct bv_str){body, n}, "", true, err) == 0)
        result = e->answer.status == HTTP_OK ? etcd_read_login(e->token, answer_text(e), err) : refused(e, err);
    bv_wipe(password, sizeof password);
    keys_json_free(body, n);
    return result;
}

/* Asks with a token, if there is a user. A token that was kept may have expired: then once more with a new one. */
static int ask(struct etcd *e, const char *path, struct bv_str body, bool repeatable, struct keys_error *err)
{
    bool kept = *e->token != '\0';

    for (;;) {
        if (e->login.user != NULL && *e->token == '\0' && log_in(e, err) != 0)
            return -1;
        if (wire_ask(&e->answer, e->wire, path, body, e->token, repeatable, err) != 0)
            return -1;
        if (e->answer.status == HTTP_OK)
            return 0;
        bv_wipe(e->token, sizeof e->token);
        if (!kept || e->answer.status / 100 != 4)
            return refused(e, err);
        kept = false;
    }
}

static int load_text(struct etcd_value *out, struct etcd *e, struct keys_error *err)
{
    size_t n = 0;
    char *body = etcd_ask_range(e->url.key, &n, err);
    int result = body == NULL ? -1 : ask(e, ETCD_PATH_RANGE, (struct bv_str){body, n}, true, err);

    *out = (struct etcd_value){.now = 0};
    if (result == 0)
        result = etcd_read_range(out, answer_text(e), e->url.key, err);
    bv_wipe(e->answer.text, e->answer.n);
    keys_json_free(body, n);
    return result;
}

static int load(struct keys_ring *out, struct store *s, struct keys_error *err)
{
    struct etcd *e = (struct etcd *)s;
    struct etcd_value value;
    int result = load_text(&value, e, err);

    e->now = value.now;
    e->revision = value.revision;
    if (result != 0 && err->sys == EFBIG) {
        err->sys = 0;
    } else if (result == 0 && value.revision == 0) {
        result = keys_fail(err, "there is no keyring");
        err->sys = ENOENT;
    } else if (result == 0 && value.n == 0) {
        result = keys_fail(err, "is empty");
    } else if (result == 0 && value.n > KEYS_FILE_MAX) {
        result = keys_fail(err, "is larger than %d octets", KEYS_FILE_MAX);
    } else if (result == 0) {
        result = keys_json_read(out, (struct bv_str){value.text, value.n}, err);
    }
    keys_json_free(value.text, value.n);
    return result;
}

/* Whether a text is what the store holds: when it could not be told whether it was put there. */
static bool is_there(struct etcd *e, struct bv_str text)
{
    struct etcd_value value;
    struct keys_error err;
    bool same = load_text(&value, e, &err) == 0 && value.n == text.n && text.n > 0 &&
                memcmp(value.text, text.p, text.n) == 0;

    keys_json_free(value.text, value.n);
    return same;
}

static int doubt(struct keys_error *err)
{
    struct keys_error why = *err;

    keys_fail(err, "%.300s; whether the change was made cannot be told: look with bvkey list", why.text);
    err->sys = why.sys;
    return -1;
}

static enum store_saved save(const struct keys_ring *ring, struct store *s, bool fresh, struct keys_error *err)
{
    struct etcd *e = (struct etcd *)s;
    enum store_saved saved = STORE_FAILED;
    size_t text_n = 0, n = 0;
    char *text = keys_checked_text(ring, &text_n, err), *body = NULL;
    bool done = false;

    if (text != NULL)
        body = etcd_ask_put(e->url.key, fresh ? 0 : e->revision, (struct bv_str){text, text_n}, &n, err);
    if (body == NULL)
        goto out;
    if (ask(e, ETCD_PATH_TXN, (struct bv_str){body, n}, false, err) == 0 &&
        etcd_read_put(&done, answer_text(e), err) == 0)
        saved = done ? STORE_SAVED : STORE_LOST;
    /* An answer that did not come, or is none, tells nothing; all else, that nothing is changed. */
    else if (err->sys == EIO || err->sys == EPROTO || err->sys == EFBIG)
        saved = is_there(e, (struct bv_str){text, text_n}) ? STORE_SAVED : doubt(err);
    /* Ours may have come twice, the second time too late. */
    if (saved == STORE_LOST && is_there(e, (struct bv_str){text, text_n}))
        saved = STORE_SAVED;
out:
    keys_json_free(body, n);
    keys_json_free(text, text_n);
    return saved;
}

static int begin(struct store *s, struct keys_error *err)
{
    (void)s, (void)err;
    return 0;
}

static void end(struct store *s)
{
    (void)s;
}

static void close_etcd(struct store *s)
{
    struct etcd *e = (struct etcd *)s;

    wire_close(e->wire);
    bv_wipe(e, sizeof *e);
    free(e);
}

static const struct store_kind kind = {begin, load, save, end, close_etcd};

struct store *store_open_etcd(const char *name, const struct store_login *login, struct keys_error *err)
{
    struct etcd *e = calloc(1, sizeof *e);

    if (e == NULL) {
        keys_fail_memory(err);
        return NULL;
    }
    e->store = (struct store){&kind, name};
    e->login = *login;
    if (etcd_url_read(&e->url, name, err) == 0 && etcd_login_check(login, &e->url, err) == 0)
        e->wire = wire_open(&e->url, &e->login, err);
    if (e->wire != NULL)
        return &e->store;
    close_etcd(&e->store);
    return NULL;
}

void store_stop_on(struct store *s, int fd)
{
    if (s->kind == &kind)
        wire_stop_on(((struct etcd *)s)->wire, fd);
}

void store_unwatch(struct store *s)
{
    wire_unwatch(((struct etcd *)s)->wire);
}

int store_watch(struct store *s, struct keys_error *err)
{
    struct etcd *e = (struct etcd *)s;
    size_t n = 0;
    char *body;

    if (wire_watching(e->wire))
        return 0;
    /* Not from the first revision on: all that was ever there would come, at once and each time. */
    body = etcd_ask_watch(e->url.key, e->now == 0 ? 0 : e->now + 1, &n, err);
    return body == NULL ? -1 : wire_watch(e->wire, body, n, e->token, err);
}

enum store_news store_wait(struct store *s, int64_t milliseconds)
{
    return wire_wait(((struct etcd *)s)->wire, milliseconds);
}
