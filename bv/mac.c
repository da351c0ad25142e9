#include "bv/bv.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static const char algorithm_word[][16] = {[BV_HMAC_SHA1] = "hmac-sha1", [BV_HMAC_SHA256] = "hmac-sha256"};
static const char algorithm_digest[][8] = {[BV_HMAC_SHA1] = "SHA1", [BV_HMAC_SHA256] = "SHA256"};

enum { ALGORITHMS = sizeof algorithm_word / sizeof *algorithm_word };

const char *bv_algorithm_word(enum bv_algorithm a)
{
    return algorithm_word[a];
}

bool bv_algorithm_from_word(enum bv_algorithm *out, struct bv_str word)
{
    for (int i = 0; i < ALGORITHMS; i++) {
        if (bv_str_same(bv_str(algorithm_word[i]), word)) {
            *out = (enum bv_algorithm)i;
            return true;
        }
    }
    return false;
}

int bv_mac_init(struct bv_mac *m, enum bv_algorithm algorithm, const unsigned char *secret, size_t n)
{
    char digest[8];
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    m->ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds its own reference */
    if (m->ctx == NULL)
        return -1;
    strcpy(digest, algorithm_digest[algorithm]);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(m->ctx, secret, n, params) == 1)
        return 0;
    bv_mac_free(m);
    return -1;
}

void bv_mac_free(struct bv_mac *m)
{
    EVP_MAC_CTX_free(m->ctx);
    m->ctx = NULL;
}

/* Starting again with a NULL key keeps the key's schedule: half the cost of setting it anew. */
int bv_mac_compute(struct bv_mac *m, unsigned char out[BV_MAC_OCTETS], struct bv_str text)
{
    unsigned char digest[BV_DIGEST_OCTETS];
    size_t n = 0;
    int result = -1;

    if (EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1 &&
        EVP_MAC_update(m->ctx, (const unsigned char *)text.p, text.n) == 1 &&
        EVP_MAC_final(m->ctx, digest, &n, sizeof digest) == 1 && n >= BV_MAC_OCTETS)
        result = 0;
    if (result == 0)
        memcpy(out, digest, BV_MAC_OCTETS);
    else
        memset(out, 0, BV_MAC_OCTETS);
    return result;
}

bool bv_mac_same(const unsigned char a[BV_MAC_OCTETS], const unsigned char b[BV_MAC_OCTETS])
{
    return CRYPTO_memcmp(a, b, BV_MAC_OCTETS) == 0;
}

int bv_sha256(unsigned char out[BV_DIGEST_OCTETS], struct bv_str text)
{
    size_t n = 0;

    if (EVP_Q_digest(NULL, "SHA256", NULL, text.p, text.n, out, &n) == 1 && n == BV_DIGEST_OCTETS)
        return 0;
    memset(out, 0, BV_DIGEST_OCTETS);
    return -1;
}

void bv_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}
