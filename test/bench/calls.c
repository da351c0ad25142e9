/* What is measured: each does it once. */
#include "test/bench/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "test/bench/bench.h"

static const unsigned char secret[] = "0123456789abcdef0123456789abcdef";
static const char tagged_text[] = "<prvs=3785000000=firstname.lastname@example.com>";
static const char plain_text[] = "<firstname.lastname@example.com>";
/* What the MAC of such an address is computed over: as long as that. */
static const char input_text[] = "3785firstname.lastname@example.com";

void bench_die(const char *what)
{
    fprintf(stderr, "bench: %s failed\n", what);
    exit(2);
}

static EVP_MAC_CTX *bare_context(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    char digest[] = "SHA1";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};

    EVP_MAC_free(hmac);
    if (ctx == NULL || EVP_MAC_init(ctx, secret, sizeof secret - 1, params) != 1)
        bench_die("EVP_MAC_init");
    return ctx;
}

void worker_init(struct worker *w, const struct domains *domains)
{
    struct bv_addr a;
    char text[BV_TAGGED];

    memset(w, 0, sizeof *w);
    w->bare = bare_context();
    if (bv_mac_init(&w->mac, BV_HMAC_SHA1, secret, sizeof secret - 1) != 0)
        bench_die("bv_mac_init");
    w->keys.by_number[3] = (struct bv_key){3, 7, true, &w->mac};
    w->keys.decoy = &w->mac;
    w->policy = (struct policy){.sign_authenticated = true, .action = ACTION_REJECT, .domains = *domains};
    w->policy_keys = (struct policy_keys){.all = w->keys, .today = BENCH_TODAY};
    w->policy_keys.signing = &w->policy_keys.all.by_number[3];
    bv_addr_read(&a, bv_str(plain_text));
    if (bv_sign(text, &a, &w->keys.by_number[3], BV_PREFIX, BENCH_TODAY) != BV_TAGGABLE)
        bench_die("bv_sign");
    snprintf(w->tagged, sizeof w->tagged, "<%s>", text);
}

void worker_free(struct worker *w)
{
    EVP_MAC_CTX_free(w->bare);
    bv_mac_free(&w->mac);
}

/* ---- what is measured: each does it once ------------------------------------------- */

static void do_bare(struct worker *w)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t n = 0;

    if (EVP_MAC_init(w->bare, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(w->bare, (const unsigned char *)input_text, sizeof input_text - 1) != 1 ||
        EVP_MAC_final(w->bare, digest, &n, sizeof digest) != 1)
        bench_die("EVP_MAC");
    w->sink += digest[0];
}

static void do_sign(struct worker *w)
{
    struct bv_addr a;
    char tagged[BV_TAGGED];

    bv_addr_read(&a, (struct bv_str){plain_text, sizeof plain_text - 1});
    if (bv_sign(tagged, &a, &w->keys.by_number[3], BV_PREFIX, BENCH_TODAY) != BV_TAGGABLE)
        bench_die("bv_sign");
    w->sink += (unsigned char)tagged[9];
}

static void verify(struct worker *w, const char *text, size_t n, enum bv_status want)
{
    struct bv_addr a;
    struct bv_result result;
    char original[BV_ADDR_QUOTED];

    bv_addr_read(&a, (struct bv_str){text, n});
    bv_verify(&result, &a, &w->keys, BENCH_TODAY);
    if (result.status != want)
        bench_die("bv_verify");
    w->sink += bv_addr_write(original, sizeof original, result.local, bv_addr_domain(&a));
}

static void do_verify(struct worker *w)
{
    verify(w, w->tagged, strlen(w->tagged), BV_VALID);
}

static void do_verify_forged(struct worker *w)
{
    verify(w, tagged_text, sizeof tagged_text - 1, BV_FORGED);
}

static void do_policy_mail(struct worker *w)
{
    struct decision d;
    struct bv_addr a;
    char tagged[BV_TAGGED];

    bv_addr_read(&a, (struct bv_str){plain_text, sizeof plain_text - 1});
    policy_mail(&d, tagged, &w->policy, &w->policy_keys, DIRECTION_OUTBOUND, &a);
    if (d.verdict != VERDICT_SIGNED)
        bench_die("policy_mail");
    w->sink += (unsigned char)tagged[9];
}

static void rcpt(struct worker *w, struct bv_str text, enum event want)
{
    const struct policy_facts facts = {.direction = DIRECTION_INBOUND, .null_sender = want == EVENT_BOUNCE};
    struct decision d;
    char address[BV_ADDR_QUOTED];

    policy_rcpt(&d, address, &w->policy, &w->policy_keys, &facts, text);
    if (d.event != want)
        bench_die("policy_rcpt");
    w->sink += (unsigned char)address[0];
}

static void do_policy_rcpt_bounce(struct worker *w)
{
    rcpt(w, bv_str(w->tagged), EVENT_BOUNCE);
}

static void do_policy_rcpt_ordinary(struct worker *w)
{
    rcpt(w, (struct bv_str){plain_text, sizeof plain_text - 1}, EVENT_NONE);
}

static void do_policy_rcpt_stranger(struct worker *w)
{
    static const char stranger[] = "<firstname.lastname@no.such.stranger.example>";

    rcpt(w, (struct bv_str){stranger, sizeof stranger - 1}, EVENT_NONE);
}

const struct call calls[] = {
    {"bare EVP_MAC", do_bare, 0},
    {"sign", do_sign, 3.0},
    {"verify", do_verify, 3.0},
    {"verify, forged", do_verify_forged, 3.0},
    {"policy_mail", do_policy_mail, 0},
    {"policy_rcpt, bounce", do_policy_rcpt_bounce, 0},
    {"policy_rcpt, ordinary", do_policy_rcpt_ordinary, 0},
    {"policy_rcpt, stranger", do_policy_rcpt_stranger, 0},
};

const size_t call_count = sizeof calls / sizeof *calls;
