#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <cmocka.h>

#include "test/unit/keys_make.h"

static const struct {
    const char *name, *ring;
    unsigned number;
    const char *after;  /* the keys that are left, and where they begin */
    const char *stones; /* behind "| " in a description */
    int heir;           /* its number; -1: none */
    bool fresh, own;
} rows[] = {
    {"the only key", "3@-20", 3, "4@-20", "3:777600", 4, true, false},
    {"the only key, since just now", "3@0/2", 3, "4@0/2", "3:345600", 4, true, false},
    {"signing, the one before verifies", "2@-30 3@-5", 3, "2@-30 4@-5", "3:777600", 4, true, false},
    {"signing, the one before retired", "2@-30 3@-20", 3, "2@-30 4@-20", "3:777600", 4, true, false},
    {"signing, with a staged key", "3@-20 7@1", 3, "7@-20", "3:777600", 7, false, false},
    {"signing, with two", "3@-20 7@1 5@2", 3, "7@-20 5@2", "3:777600", 7, false, false},
    {"signing, with a staged key a second away", "3@-20 7@1s", 3, "7@-20", "3:777600", 7, false, false},
    {"signing, one before retired, one staged", "2@-30 3@-20 7@1", 3, "2@-30 7@-20", "3:777600", 7, false,
     false},
    {"verifying", "2@-30 3@-5", 2, "3@-5", "2:345600", -1, false, false},
    {"verifying, another before it", "1@-60 2@-30 3@-5", 2, "1@-60 3@-30", "2:345600", -1, false, false},
    {"retired", "2@-30 3@-20 x7@1", 2, "3@-20", "2:0 7:86400", -1, false, false},
    {"staged", "2@-30 3@2", 3, "2@-30", "3:0", -1, false, false},
    {"staged, and soon to begin", "2@-30 3@1", 3, "2@-30", "3:777600", -1, false, false},
    {"staged, nothing signs", "2@2 3@3", 2, "3@3", "2:0", -1, false, false},
    {"the only key, staged", "2@5", 2, "3@5", "2:0", 3, true, false},
    {"the number after it is taken", "4@-30 3@-5", 3, "4@-30 5@-5", "3:777600", 5, true, false},
    {"a free tombstone goes", "3@-5 x4@0", 3, "4@-5", "3:777600", 4, true, false},
    {"9 is followed by 0", "9@-5", 9, "0@-5", "9:777600", 0, true, false},
    {"no number is free but its own", "0@-9 1@-8 2@-7 4@-6 5@-5 6@-4 7@-3 8@-2 9@-1 3@-1s", 3,
     "0@-9 1@-8 2@-7 4@-6 5@-5 6@-4 7@-3 8@-2 9@-1 3@-1s", NULL, 3, true, true},
    {"nor beside tombstones", "9@-3 3@-1 x0@1 x1@1 x2@1 x4@1 x5@1 x6@1 x7@1 x8@1s", 3, "9@-3 3@-1",
     "0:86400 1:86400 2:86400 4:86400 5:86400 6:86400 7:86400 8:1", 3, true, true},
    {"a retired key's number is not taken", "0@-99 1@-8 2@-7 4@-6 5@-5 6@-4 7@-3 8@-2 9@-1 3@-1s", 3,
     "0@-99 1@-8 2@-7 4@-6 5@-5 6@-4 7@-3 8@-2 9@-1 3@-1s", NULL, 3, true, true},
};

static void check_keys(const char *name, const struct keys_ring *ring, const struct keys_ring *before, size_t r)
{
    struct keys_ring want;

    make_ring(&want, rows[r].after);
    if (ring->count != want.count)
        fail_msg("%s: %zu keys", name, ring->count);
    for (size_t i = 0; i < want.count; i++) {
        const struct keys_key *key = &ring->key[i];
        int was = keys_find(before, key->number);
        bool fresh = rows[r].fresh && (int)key->number == rows[r].heir;
        if (key->number != want.key[i].number || key->sign_from != want.key[i].sign_from ||
            key->lifetime != want.key[i].lifetime)
            fail_msg("%s: key %u from %lld", name, key->number, (long long)(key->sign_from - NOW));
        if (fresh ? key->created != NOW || key->secret_len != KEYS_SECRET_NEW
                  : memcmp(key->secret, before->key[was].secret, KEYS_SECRET_NEW) != 0)
            fail_msg("%s: the secret of key %u", name, key->number);
        if (fresh && was >= 0 && memcmp(key->secret, before->key[was].secret, KEYS_SECRET_NEW) == 0)
            fail_msg("%s: the old secret", name);
    }
}

static void test_rows(void **state)
{
    struct keys_ring ring, before;
    struct keys_revoked out;
    struct keys_error err;
    char after[DESCRIPTION];

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const char *name = rows[r].name;
        make_ring(&ring, rows[r].ring);
        before = ring;
        memset(&out, 0x55, sizeof out);
        if (keys_revoke(&ring, rows[r].number, "me@here", NOW, &out, &err) != 0)
            fail_msg("%s: %s", name, err.text);
        check_keys(name, &ring, &before, r);
        describe(after, &ring);
        if (strcmp(strchr(after, '|') + 1 + (rows[r].stones != NULL),
                   rows[r].stones == NULL ? "" : rows[r].stones) != 0)
            fail_msg("%s: %s", name, after);
        int heir = out.heir < 0 ? -1 : (int)ring.key[out.heir].number;
        if (heir != rows[r].heir || out.fresh != rows[r].fresh || out.own_number != rows[r].own)
            fail_msg("%s: heir %d", name, heir);
        if ((keys_signing(&before, NOW) < 0) != (keys_signing(&ring, NOW) < 0))
            fail_msg("%s: who signs?", name);
        expect_stamp(name, &ring, &before, NOW);
    }
}

static void test_heir(void **state)
{
    struct keys_revoked out;
    struct keys_error err;
    struct keys_ring ring, before;

    (void)state;
    make_ring(&ring, "3@-20/30");
    ring.key[0].algorithm = BV_HMAC_SHA256;
    strcpy(ring.key[0].comment, "the old one");
    assert_int_equal(keys_revoke(&ring, 3, "me@here", NOW, &out, &err), 0);
    assert_int_equal(ring.key[0].algorithm, BV_HMAC_SHA256);
    assert_int_equal(ring.key[0].lifetime, 30);
    assert_string_equal(ring.key[0].comment, "");
    /* once more, under another number */
    assert_int_equal(keys_revoke(&ring, 4, "me@here", NOW, &out, &err), 0);
    assert_int_equal(ring.key[0].number, 5);
    assert_int_equal(ring.purged_count, 2);
    before = ring;
    assert_int_equal(keys_revoke(&ring, 3, "me@here", NOW, &out, &err), -1);
    assert_string_equal(err.text, "no key has the number 3");
    assert_int_equal(keys_revoke(&ring, 8, "me@here", NOW, &out, &err), -1);
    assert_true(same_rings(&ring, &before));
    ring.generation = KEYS_GENERATION_MAX;
    assert_int_equal(keys_revoke(&ring, 5, "me@here", NOW, &out, &err), -1);
    assert_non_null(strstr(err.text, "generation"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_heir)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
