#include "tools/cmd.h"

void cmd_say_no_fingerprint(void)
{
    tool_say("a fingerprint cannot be computed: no memory, or the cryptographic library fails");
}

int cmd_print_key(const struct keys_ring *ring, size_t i, int64_t now)
{
    const struct keys_key *key = &ring->key[i];
    char fingerprint[KEYS_FINGERPRINT + 1], when[KEYS_TIME_LEN + 1];
    int result = keys_fingerprint(fingerprint, key);

    keys_time_write(when, key->sign_from);
    printf("key %u: %s, fingerprint %s, %s, lifetime %u days, signs from %s\n", key->number,
           keys_phase_word(keys_phase(ring, i, now)), result == 0 ? fingerprint : "-",
           bv_algorithm_word(key->algorithm), key->lifetime, when);
    if (result != 0)
        cmd_say_no_fingerprint();
    return result;
}

void cmd_print_end(const struct keys_ring *ring, size_t i)
{
    char signs[KEYS_TIME_LEN + 1], verifies[KEYS_TIME_LEN + 1], purgeable[KEYS_TIME_LEN + 1];
    struct keys_times times;

    keys_times(&times, ring, i);
    keys_time_write(signs, times.signs_until);
    keys_time_write(verifies, times.verifies_until);
    keys_time_write(purgeable, times.purgeable_from);
    printf("key %u: signs until %s, verifies until %s, purgeable from %s\n", ring->key[i].number, signs,
           verifies, purgeable);
}

void cmd_print_moved(const struct keys_ring *before, const struct keys_ring *after, int except)
{
    char begins[KEYS_TIME_LEN + 1];
    struct keys_times old, new;

    for (size_t i = 0; i < after->count; i++) {
        const struct keys_key *key = &after->key[i];
        int was = keys_find(before, key->number);
        if (was < 0)
            continue;
        keys_times(&old, before, (size_t)was);
        keys_times(&new, after, i);
        keys_time_write(begins, new.signs_from);
        if (old.signs_from != new.signs_from && (int)i != except)
            printf("key %u: signs from %s, in the place of the key that is gone\n", key->number, begins);
        if (old.signs_until != new.signs_until &&new.signs_until != KEYS_UNKNOWN)
            cmd_print_end(after, i);
    }
}

/* When the last tag of a key was made, or would be, and when it expires. */
static void last_tag(char made[KEYS_TIME_LEN + 1], char expires[KEYS_TIME_LEN + 1],
                     const struct keys_ring *ring, size_t i, int64_t now)
{
    struct keys_times times;

    keys_times(&times, ring, i);
    keys_time_write(made, times.signs_until < now ? times.signs_until : now);
    keys_time_write(expires, keys_last_tag(ring, i, now));
}

void cmd_print_gone(const struct keys_ring *before, size_t i, int64_t now, const char *what, bool dry)
{
    char made[KEYS_TIME_LEN + 1], expires[KEYS_TIME_LEN + 1];

    last_tag(made, expires, before, i, now);
    printf("key %u: %s; ", before->key[i].number, what);
    switch (keys_phase(before, i, now)) {
    case KEYS_SIGNING:
    case KEYS_VERIFYING:
        printf("bounces to its tags, issued until %s and good until %s, %s\n", made, expires,
               dry ? "would be refused" : "are refused from now on");
        break;
    case KEYS_RETIRED:
        printf("its last tag expired at %s\n", expires);
        break;
    case KEYS_STAGED:
        puts("it had not signed yet");
        break;
    }
}

void cmd_print_fates(const struct keys_ring *before, const enum keys_fate fate[KEYS_MAX], int64_t now, bool dry,
                     const char *hint)
{
    char made[KEYS_TIME_LEN + 1], expires[KEYS_TIME_LEN + 1];

    for (size_t i = 0; i < before->count; i++) {
        switch (fate[i]) {
        case KEYS_STAYS:
            break;
        case KEYS_GOES:
            cmd_print_gone(before, i, now, dry ? "to be purged" : "purged", dry);
            break;
        case KEYS_LIVE:
            last_tag(made, expires, before, i, now);
            printf("key %u: stays; its tags, issued until %s, are good until %s%s\n", before->key[i].number,
                   made, expires, hint);
            break;
        }
    }
}
