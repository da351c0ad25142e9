/*
 * Signs an address with the signing key of a key file, and verifies the result:
 *
 *     cc sign.c $(pkg-config --cflags --libs bv) -o sign
 *     ./sign /etc/bv/keyring.json alice@example.com
 */
#include <stdio.h>
#include <time.h>

#include "bv/bv.h"
#include "keys/keys.h"

static int sign(const struct keys_ring *ring, const char *text, time_t now)
{
    struct keys_macs macs;
    struct bv_keys keys;
    struct bv_addr address;
    struct bv_result result;
    char tagged[BV_TAGGED];

    if (keys_macs_init(&macs, ring) != 0) {
        fprintf(stderr, "sign: the library failed\n");
        return 2;
    }
    const struct bv_key *key = keys_at(&keys, ring, &macs, now);
    bv_addr_read(&address, bv_str(text));
    enum bv_tagging tagging = BV_TAGGING_FAULT;
    if (key != NULL)
        tagging = bv_sign(tagged, &address, key, BV_PREFIX, bv_day(now));
    if (tagging == BV_TAGGABLE) {
        bv_addr_read(&address, bv_str(tagged));
        bv_verify(&result, &address, &keys, bv_day(now));
        printf("%s %s\n", tagged, bv_status_word(result.status));
    } else {
        fprintf(stderr, "sign: %s: %s\n", text, key == NULL ? "no key signs" : bv_tagging_reason(tagging));
    }
    keys_macs_free(&macs);
    return tagging == BV_TAGGABLE ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct keys_error err = {0};
    struct keys_ring ring;

    keys_json_setup(); /* first: the secrets in the file's text are wiped, too */
    if (argc != 3) {
        fprintf(stderr, "usage: sign KEYFILE ADDRESS\n");
        return 2;
    }
    if (keys_load(&ring, argv[1], &err) != 0) {
        fprintf(stderr, "sign: %s: %s\n", argv[1], err.text);
        return 2;
    }
    int status = sign(&ring, argv[2], time(NULL));
    keys_wipe(&ring);
    return status;
}
