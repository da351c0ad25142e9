/* Key files: a ring that reads can be written, and reads back the same. */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "keys/keys.h"

static void check_same(const struct keys_ring *a, const struct keys_ring *b)
{
    CHECK(strcmp(a->id, b->id) == 0 && a->generation == b->generation && a->updated == b->updated);
    CHECK(strcmp(a->updated_by, b->updated_by) == 0 && a->signing_since == b->signing_since);
    CHECK(a->count == b->count && a->purged_count == b->purged_count);
    for (size_t i = 0; i < a->count; i++) {
        const struct keys_key *x = &a->key[i], *y = &b->key[i];
        CHECK(x->number == y->number && x->algorithm == y->algorithm && x->lifetime == y->lifetime);
        CHECK(x->created == y->created && x->sign_from == y->sign_from && strcmp(x->comment, y->comment) == 0);
        CHECK(x->secret_len == y->secret_len && memcmp(x->secret, y->secret, x->secret_len) == 0);
    }
    for (size_t i = 0; i < a->purged_count; i++)
        CHECK(a->purged[i].number == b->purged[i].number && a->purged[i].purged == b->purged[i].purged &&
              a->purged[i].reusable == b->purged[i].reusable);
}

/* What every reader relies on. */
static void check_sane(const struct keys_ring *ring)
{
    unsigned seen = 0;

    CHECK(ring->count <= KEYS_MAX && ring->purged_count <= KEYS_MAX);
    CHECK(strlen(ring->id) == KEYS_ID_LEN && ring->generation >= 1 && ring->generation <= KEYS_GENERATION_MAX);
    for (size_t i = 0; i < ring->count; i++) {
        const struct keys_key *key = &ring->key[i];
        CHECK(key->number < BV_KEY_NUMBERS && (seen & 1u << key->number) == 0);
        seen |= 1u << key->number;
        CHECK(key->lifetime >= BV_LIFETIME_MIN && key->lifetime <= BV_LIFETIME_MAX);
        CHECK(key->secret_len >= KEYS_SECRET_MIN && key->secret_len <= KEYS_SECRET_MAX);
        CHECK(i == 0 || ring->key[i - 1].sign_from < key->sign_from);
    }
}

/* At any time at most one key signs, and it is the one that the core is given. */
static void check_times(const struct keys_ring *ring)
{
    struct keys_macs macs;
    struct bv_keys keys;

    CHECK(keys_macs_init(&macs, ring) == 0);
    for (size_t i = 0; i < ring->count; i++) {
        int64_t now = ring->key[i].sign_from;
        size_t signing = 0;
        for (size_t j = 0; j < ring->count; j++)
            signing += keys_phase(ring, j, now) == KEYS_SIGNING;
        CHECK(signing == 1 && keys_signing(ring, now) == (int)i);
        const struct bv_key *key = keys_at(&keys, ring, &macs, now);
        CHECK(key != NULL && key->number == ring->key[i].number && key->honoured);
    }
    keys_macs_free(&macs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys_ring ring, again;
    static const struct keys_ring wiped;
    struct keys_error err = {.text = ""};
    size_t n = 0, n2 = 0;

    keys_json_setup();
    if (keys_json_read(&ring, (struct bv_str){(const char *)data, size}, &err) != 0) {
        CHECK(err.text[0] != '\0' && strpbrk(err.text, "\r\n") == NULL);
        CHECK(memcmp(&ring, &wiped, sizeof ring) == 0);
        return 0;
    }
    check_sane(&ring);
    check_times(&ring);
    char *text = keys_json_write(&ring, &n, &err);
    CHECK(text != NULL && n > 0 && text[n - 1] == '\n');
    CHECK(keys_json_read(&again, (struct bv_str){text, n}, &err) == 0);
    CHECK(again.checksummed);
    check_same(&ring, &again);
    char *text2 = keys_json_write(&again, &n2, &err);
    CHECK(text2 != NULL && n2 == n && memcmp(text, text2, n) == 0);
    CHECK(keys_may_follow(&ring, &again, &err) == 0);
    keys_json_free(text, n);
    keys_json_free(text2, n2);
    return 0;
}
