/*
 * What etcd answers: whatever it is, reading ends, a good answer holds what is
 * promised, and no reason that may be shown is a piece of a secret, or steers
 * a terminal.
 */
#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "keys/etcd_answer.h"

static void check_range(struct bv_str text)
{
    struct keys_error err = {.sys = 0};
    struct etcd_value value;
    int result = etcd_read_range(&value, text, "/k", &err);

    CHECK(result == 0 ? value.now > 0 && value.revision >= 0 : err.sys == EPROTO && *err.text != '\0');
    CHECK(result != 0 || value.revision > 0 || value.n == 0);
    CHECK(value.n <= text.n);
    keys_json_free(value.text, value.n);
}

static void check_login(struct bv_str text)
{
    char token[ETCD_TOKEN_MAX + 1] = "";
    struct keys_error err;

    if (etcd_read_login(token, text, &err) != 0)
        return;
    CHECK(*token != '\0' && strpbrk(token, "\r\n") == NULL);
}

static void check_reason(struct bv_str text)
{
    char reason[ETCD_REASON];
    size_t word = 0;

    etcd_read_reason(reason, text);
    for (const char *p = reason; *p != '\0'; p++) {
        word = *p == ' ' ? 0 : word + 1;
        CHECK(*p >= ' ' && *p <= '~' && word <= 20);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bv_str text = {(const char *)data, size};
    struct keys_error err;
    bool done = true;

    keys_json_setup();
    check_range(text);
    check_login(text);
    check_reason(text);
    if (etcd_read_put(&done, text, &err) != 0)
        CHECK(!done);
    CHECK(etcd_read_watch(text) <= ETCD_OVER);
    return 0;
}
