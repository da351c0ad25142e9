/*
 * Tags: what is signed verifies on its days and no others, and comes back as it
 * was.  Input: syntax, key number, algorithm, lifetime, day (2 octets), address.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "bv/bv.h"

enum { HEAD = 6, DAYS = 3000, FIRST_DAY = 20000 };

static struct bv_mac macs[2];

static void make_macs(void)
{
    static const unsigned char secret[] = "0123456789abcdef";

    if (macs[0].ctx != NULL)
        return;
    CHECK(bv_mac_init(&macs[0], BV_HMAC_SHA1, secret, sizeof secret) == 0);
    CHECK(bv_mac_init(&macs[1], BV_HMAC_SHA256, secret, sizeof secret) == 0);
}

static enum bv_status status_of(const char *text, const struct bv_keys *keys, long today)
{
    struct bv_addr a;
    struct bv_result result;

    bv_addr_read(&a, bv_str(text));
    bv_verify(&result, &a, keys, today);
    return result.status;
}

/* strip(sign(a)) = a, spelling and all. */
static void check_strip(const char *tagged, const struct bv_addr *a, const struct bv_key *key,
                        enum bv_syntax syntax)
{
    struct bv_addr back;
    struct bv_tag tag;

    bv_addr_read(&back, bv_str(tagged));
    bv_tag_read(&tag, &back);
    CHECK(tag.kind == BV_TAG_PRVS && tag.syntax == syntax && tag.key == key->number);
    CHECK(bv_str_same(tag.local, bv_addr_local(a)));
    CHECK(bv_str_same(bv_addr_domain(&back), bv_addr_domain(a)));
    CHECK(bv_taggable(&back) == BV_ALREADY_TAGGED);
    CHECK(strlen(tagged) + 2 <= BV_PATH_MAX);
    CHECK(back.local_len == a->local_len + BV_TAG_OCTETS);
}

static void check_days(const char *tagged, struct bv_keys *keys, struct bv_key *key, long today)
{
    long lifetime = (long)key->lifetime;
    const long ages[] = {-2, -1, 0, lifetime, lifetime + 1, 500, BV_STAMPS - 2};

    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        bool alive = ages[i] >= -BV_SKEW_DAYS && ages[i] <= lifetime;
        CHECK(status_of(tagged, keys, today + ages[i]) == (alive ? BV_VALID : BV_EXPIRED));
    }
    key->honoured = false;
    CHECK(status_of(tagged, keys, today) == BV_EXPIRED);
    key->honoured = true;
    struct bv_mac *mac = key->mac;
    key->mac = NULL;
    CHECK(status_of(tagged, keys, today) == BV_UNKNOWN_KEY);
    key->mac = mac;
}

static bool has_capital(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            return true;
    return false;
}

/*
 * Letters of the address may change their case, digits of the MAC nothing.
 * With capitals, two MACs fit, and they may well differ in one digit only.
 */
static void check_changes(char *tagged, char *value, const struct bv_keys *keys, long today)
{
    static const char other[] = "1234567890";

    for (int i = 4; i < 10 && !has_capital(tagged); i++) {
        char kept = value[i];
        value[i] = kept >= '0' && kept <= '9' ? other[kept - '0'] : '0';
        CHECK(status_of(tagged, keys, today) == BV_FORGED);
        value[i] = kept;
    }
    for (char *p = tagged; *p != '\0'; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    CHECK(status_of(tagged, keys, today) == BV_VALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bv_keys keys = {.decoy = &macs[0]};
    char tagged[BV_TAGGED] = "x";
    struct bv_addr a;

    if (size < HEAD)
        return 0;
    make_macs();
    enum bv_syntax syntax = (enum bv_syntax)(data[0] % 3);
    struct bv_key *key = &keys.by_number[data[1] % BV_KEY_NUMBERS];
    *key = (struct bv_key){data[1] % BV_KEY_NUMBERS, BV_LIFETIME_MIN + data[3] % BV_LIFETIME_MAX, true,
                           &macs[data[2] % 2]};
    long today = FIRST_DAY + (data[4] * 256 + data[5]) % DAYS;
    bv_addr_read(&a, (struct bv_str){(const char *)data + HEAD, size - HEAD});
    enum bv_tagging why = bv_sign(tagged, &a, key, syntax, today);
    CHECK(why == bv_taggable(&a));
    CHECK((why == BV_TAGGABLE) == (*tagged != '\0'));
    if (why != BV_TAGGABLE)
        return 0;
    check_strip(tagged, &a, key, syntax);
    check_days(tagged, &keys, key, today);
    check_changes(tagged, tagged + 5 + (syntax == BV_PREFIX ? 0 : a.local_len + 1), &keys, today);
    return 0;
}
