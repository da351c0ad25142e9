#include "keys/parts.h"

#include <string.h>

void keys_wipe(struct keys_ring *ring)
{
    bv_wipe(ring, sizeof *ring);
}

int keys_find(const struct keys_ring *ring, unsigned number)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->key[i].number == number)
            return (int)i;
    return -1;
}

int keys_find_purged(const struct keys_ring *ring, unsigned number)
{
    for (size_t i = 0; i < ring->purged_count; i++)
        if (ring->purged[i].number == number)
            return (int)i;
    return -1;
}

int keys_signing(const struct keys_ring *ring, int64_t now)
{
    for (size_t i = ring->count; i-- > 0;)
        if (ring->key[i].sign_from <= now)
            return (int)i;
    return -1;
}

bool keys_number_free(const struct keys_ring *ring, unsigned number, int64_t now)
{
    int stone = keys_find_purged(ring, number);

    return (stone < 0 || ring->purged[stone].reusable <= now) && keys_find(ring, number) < 0;
}

int keys_fingerprint(char dst[KEYS_FINGERPRINT + 1], const struct keys_key *key)
{
    unsigned char digest[BV_DIGEST_OCTETS];
    int result = bv_sha256(digest, (struct bv_str){(const char *)key->secret, key->secret_len});

    dst[0] = '\0';
    if (result == 0)
        keys_hex(dst, digest, KEYS_FINGERPRINT / 2);
    return result;
}

int keys_fingerprints(char dst[KEYS_MAX][KEYS_FINGERPRINT + 1], const struct keys_ring *ring)
{
    int result = 0;

    for (size_t i = 0; i < ring->count; i++)
        if (keys_fingerprint(dst[i], &ring->key[i]) != 0)
            result = -1;
    return result;
}

int keys_macs_init(struct keys_macs *out, const struct keys_ring *ring)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ring->count; i++) {
        const struct keys_key *key = &ring->key[i];
        if (bv_mac_init(&out->mac[i], key->algorithm, key->secret, key->secret_len) != 0) {
            keys_macs_free(out);
            return -1;
        }
    }
    return 0;
}

void keys_macs_free(struct keys_macs *m)
{
    for (size_t i = 0; i < KEYS_MAX; i++)
        bv_mac_free(&m->mac[i]);
}

const struct bv_key *keys_at(struct bv_keys *out, const struct keys_ring *ring, struct keys_macs *macs,
                             int64_t now)
{
    const struct bv_key *signing = NULL;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < ring->count; i++) {
        const struct keys_key *key = &ring->key[i];
        enum keys_phase phase = keys_phase(ring, i, now);

        out->by_number[key->number] =
            (struct bv_key){key->number, key->lifetime, phase != KEYS_RETIRED, &macs->mac[i]};
        if (phase == KEYS_SIGNING)
            signing = &out->by_number[key->number];
    }
    if (ring->count > 0)
        out->decoy = &macs->mac[0];
    return signing;
}
