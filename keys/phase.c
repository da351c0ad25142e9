#include "keys/parts.h"

const char *keys_phase_word(enum keys_phase phase)
{
    switch (phase) {
    case KEYS_SIGNING:
        return "signing";
    case KEYS_STAGED:
        return "staged";
    case KEYS_VERIFYING:
        return "verifying";
    case KEYS_RETIRED:
        return "retired";
    }
    return "?";
}

/* The day in which the last tag was made does not count, and the clocks of two nodes may be a day apart. */
int64_t keys_afterlife(const struct keys_key *key)
{
    return (int64_t)(key->lifetime + 1 + BV_SKEW_DAYS) * BV_DAY_SECONDS;
}

void keys_times(struct keys_times *out, const struct keys_ring *ring, size_t i)
{
    const struct keys_key *key = &ring->key[i];

    out->signs_from = key->sign_from;
    out->signs_until = out->verifies_until = KEYS_UNKNOWN;
    if (i + 1 < ring->count) {
        out->signs_until = ring->key[i + 1].sign_from;
        out->verifies_until = out->signs_until + keys_afterlife(key);
    }
    out->purgeable_from = out->verifies_until;
}

enum keys_phase keys_phase(const struct keys_ring *ring, size_t i, int64_t now)
{
    struct keys_times times;

    keys_times(&times, ring, i);
    if (times.signs_from > now)
        return KEYS_STAGED;
    if (times.signs_until > now)
        return KEYS_SIGNING;
    return times.verifies_until >= now ? KEYS_VERIFYING : KEYS_RETIRED;
}
