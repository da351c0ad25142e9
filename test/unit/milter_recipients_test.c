#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "milter/message.h"
#include "test/unit/milter_sample.h"

/*
 * Random messages, through policy and settling, into what an MTA makes of the
 * changes: every recipient that is wanted gets the message, once, and no other.
 */

enum { TEXT = 128, MOST = 6, LIST = 2 * MOST, MESSAGES = 30000 };

static struct sample sample;

static const char *const texts[] = {
    "<user@d.example>",
    "<user@D.EXAMPLE>",
    "<\"user\"@d.example>",
    "<@r.example:user@d.example>",
    "user@d.example",
    "<user%d.example@o.example>",
    "<User@d.example>",
    "<other@d.example>",
    "<" VALID "@d.example>",
    "<" VALID "@D.Example>",
    "<\"" VALID "\"@d.example>",
    "<PRVS=3785935954=user@d.example>",
    "<PRVS=3785935954=User@d.example>",
    "<user+prvs=3785935954@d.example>",
    "<" VALID_LAST "@d.example>",
    "<" VERIFYING "@d.example>",
    "<" EXPIRED "@d.example>",
    "<" RETIRED "@d.example>",
    "<" FORGED "@d.example>",
    "<" MALFORMED "@d.example>",
    "<user@mark.example>",
    "<" MARK_VALID "@mark.example>",
    "<" MARK_EXPIRED "@mark.example>",
    "<prvs=3785000000=user@mark.example>",
    "<user@accept.example>",
    "<" ACCEPT_VALID "@accept.example>",
    "<" ACCEPT_EXPIRED "@accept.example>",
    "<user@hold.example>",
    "<" HOLD_VALID "@hold.example>",
    "<" HOLD_EXPIRED "@hold.example>",
    "<user@drop.example>",
    "<" DROP_VALID "@drop.example>",
    "<" DROP_EXPIRED "@drop.example>",
    "<prvs=3785000000=user@drop.example>",
    "<user@dead.example>",
    "<" SILENT_VALID "@silent.example>",
    "<\"a b\"@d.example>",
    "<@>",
    "<user>",
    "<user@o.example>",
    "<" VALID "@o.example>",
};

/* The recipients of a message as an MTA keeps them. */
struct list {
    size_t n;
    char item[LIST][TEXT];
};

static struct bv_str bare(const char *text)
{
    struct bv_str s = bv_str(text);

    return s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>' ? (struct bv_str){s.p + 1, s.n - 2} : s;
}

/* Postfix compares what is quoted as what it means, Sendmail as it is written; letters count in both. */
static bool matches(const char *a, const char *b, bool postfix)
{
    char text[2][TEXT];

    if (!postfix)
        return bv_str_same(bare(a), bare(b));
    for (int i = 0; i < 2; i++) {
        struct bv_str s = bare(i == 0 ? a : b);
        size_t n = 0;
        for (size_t j = 0; j < s.n; j++)
            if (s.p[j] != '"')
                text[i][n++] = s.p[j];
        text[i][n] = '\0';
    }
    return strcmp(text[0], text[1]) == 0;
}

static void list_delete(struct list *l, const char *text, bool postfix)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++)
        if (!matches(l->item[i], text, postfix))
            memmove(l->item[kept++], l->item[i], TEXT);
    l->n = kept;
}

static void list_add(struct list *l, const char *text)
{
    assert_true(l->n < LIST);
    snprintf(l->item[l->n++], TEXT, "%s", text);
}

/* The mailbox that a recipient leads to as it is spelled, tag and all. */
static void mailbox(char dst[TEXT], const char *text)
{
    struct bv_addr a, inner;

    bv_addr_read(&a, bv_str(text));
    while (strstr(text, "%d.example@") != NULL && bv_addr_inner(&inner, &a))
        a = inner;
    if (a.shape != BV_MAILBOX || bv_addr_write(dst, TEXT, bv_addr_local(&a), bv_addr_domain(&a)) == 0)
        snprintf(dst, TEXT, "%s", text);
    for (char *at = strrchr(dst, '@'); at != NULL && *at != '\0'; at++)
        *at = bv_lower(*at);
}

static size_t list_count(const struct list *l, const char *wanted)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        char box[TEXT];
        mailbox(box, l->item[i]);
        n += strcmp(box, wanted) == 0;
    }
    return n;
}

/* A message under test: what the client gave, what is wanted, and what comes out. */
struct trial {
    struct message *m;
    struct list given;  /* what was accepted at RCPT */
    struct list clean;  /* those of them that stay as they are */
    struct list wanted; /* mailboxes, each once */
    char story[MOST * TEXT + 64];
};

static void want(struct trial *t, const char *box)
{
    for (size_t i = 0; i < t->wanted.n; i++)
        if (strcmp(t->wanted.item[i], box) == 0)
            return;
    list_add(&t->wanted, box);
}

static void give(struct trial *t, const char *text, bool null_sender)
{
    const struct policy_facts facts = {.direction = DIRECTION_INBOUND, .null_sender = null_sender};
    char address[BV_ADDR_QUOTED], box[TEXT], copy[TEXT];
    char *argv[] = {strcpy(copy, text), NULL};
    struct decision d;

    policy_rcpt(&d, address, &sample.policy, &sample.keys, &facts, bv_str(text));
    strcat(strcat(t->story, " "), text);
    if (!d.at_end)
        return;
    if (d.ours)
        assert_int_equal(message_add(t->m, &d, address, "", argv), 0);
    t->m->accepted++;
    list_add(&t->given, text);
    if (d.action == ACTION_REJECT || d.action == ACTION_DISCARD)
        return;
    mailbox(box, d.replace ? address : text);
    want(t, box);
    if (!d.replace)
        list_add(&t->clean, text);
}

/* What the MTA has in the end. An added recipient is merged with one added before, in Sendmail with any. */
static void perform(struct list *l, const struct message *m, bool postfix)
{
    struct list added = {.n = 0};

    for (const struct recipient *r = m->first; r != NULL; r = r->next) {
        char path[TEXT];
        snprintf(path, sizeof path, "<%s>", r->address);
        if (r->add && list_count(postfix ? &added : l, r->address) == 0) {
            list_add(l, path);
            list_add(&added, path);
        }
        if (r->remove) {
            list_delete(l, r->given, postfix);
            list_delete(&added, r->given, postfix);
        }
    }
}

static void check(struct trial *t, bool postfix)
{
    struct list l = t->given;

    perform(&l, t->m, postfix);
    for (size_t i = 0; i < t->wanted.n; i++) {
        const char *box = t->wanted.item[i];
        size_t n = list_count(&l, box), own = list_count(&t->given, box);
        if (n == 0)
            fail_msg("%s is lost:%s", box, t->story);
        /* Whether "user%d.example@o.example" is the same mailbox, the relay knows: rather twice than lost. */
        size_t unsure = strstr(t->story, "%d.example@") != NULL;
        if (n > (own > 1 ? own : 1) + unsure)
            fail_msg("%s gets it %zu times:%s", box, n, t->story);
    }
    for (size_t i = 0; i < l.n; i++) {
        char box[TEXT];
        mailbox(box, l.item[i]);
        if (list_count(&t->wanted, box) == 0)
            fail_msg("%s gets it, and should not:%s", box, t->story);
    }
}

static void try(unsigned *seed, bool null_sender)
{
    struct trial t = {.m = message_new("<>")};
    struct outcome o;
    size_t n = 1 + (size_t)rand_r(seed) % MOST;

    assert_non_null(t.m);
    for (size_t i = 0; i < n; i++)
        give(&t, texts[(size_t)rand_r(seed) % (sizeof texts / sizeof *texts)], null_sender);
    message_settle(t.m, &sample.policy, &o);
    if (t.given.n > 0 && (o.refuse != NULL) != (t.wanted.n == 0))
        fail_msg("%s refused:%s", o.refuse != NULL ? "all are" : "not all are", t.story);
    if (o.refuse == NULL) {
        check(&t, true);
        check(&t, false);
    }
    message_free(t.m);
}

static int setup(void **state)
{
    (void)state;
    sample_init(&sample);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sample_free(&sample);
    return 0;
}

static void test_bounces(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < MESSAGES; i++)
        try(&seed, true);
}

static void test_ordinary_mail(void **state)
{
    unsigned seed = 2;

    (void)state;
    for (int i = 0; i < MESSAGES; i++)
        try(&seed, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ordinary_mail, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
