#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "bv/bv.h"

static void test_read(void **state)
{
    static const struct {
        const char *name, *arg;
        enum bv_tag_kind kind;
        unsigned key, stamp;
        const char *local;
    } rows[] = {
        {"prefix", "prvs=07853a09e4=user@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"key 9, day 000", "prvs=9000ffffff=user@d.example", BV_TAG_PRVS, 9, 0, "user"},
        {"day 999", "prvs=0999abcdef=user@d.example", BV_TAG_PRVS, 0, 999, "user"},
        {"tag word in capitals", "PRVS=07853a09e4=user@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"hex in capitals", "prvs=07853A09E4=user@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"spelling kept", "prvs=07853a09e4=User.X@d.example", BV_TAG_PRVS, 0, 785, "User.X"},
        {"detail", "prvs=07853a09e4=u+x@d.example", BV_TAG_PRVS, 0, 785, "u+x"},
        {"quoted", "\"prvs=07853a09e4=user\"@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"quoted local part inside", "\"prvs=07853a09e4=a b\"@d.example", BV_TAG_PRVS, 0, 785, "a b"},
        {"no domain", "prvs=07853a09e4=user", BV_TAG_PRVS, 0, 785, "user"},
        {"double tag", "prvs=07853a09e4=prvs=1786aabbcc=u@d.example", BV_TAG_PRVS, 0, 785, "prvs=1786aabbcc=u"},
        {"sub-address", "user+prvs=07853a09e4@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"sub-address with -", "user-prvs=07853a09e4@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"sub-address behind a detail", "user+x+prvs=07853a09e4@d.example", BV_TAG_PRVS, 0, 785, "user+x"},
        {"sub-address in capitals", "user+PRVS=07853A09E4@d.example", BV_TAG_PRVS, 0, 785, "user"},
        {"two sub-address tags", "u+prvs=1786aabbcc-prvs=07853a09e4@d.example", BV_TAG_PRVS, 0, 785,
         "u+prvs=1786aabbcc"},
        {"prefix before sub-address", "prvs=07853a09e4=u+prvs=1786aabbcc@d.example", BV_TAG_PRVS, 0, 785,
         "u+prvs=1786aabbcc"},
        {"9 characters", "prvs=07853a09e=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"11 characters", "prvs=07853a09e4a=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"no local part", "prvs=07853a09e4=@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"no second =", "prvs=07853a09e4@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"word only", "prvs=@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"key no digit", "prvs=a7853a09e4=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"day no digits", "prvs=07a53a09e4=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"no hex", "prvs=07853a09eg=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"user before tag", "prvs=user=07853a09e4@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"ten letters", "prvs=xxxxxxxxxx=user@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"sub-address, short", "user+prvs=07853a09e@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"sub-address, long", "user+prvs=07853a09e44@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"sub-address, empty", "user+prvs=@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"sub-address, no user", "+prvs=07853a09e4@d.example", BV_TAG_BROKEN, 0, 0, ""},
        {"a tagged member in VERP", "list+prvs=07853a09e4=m=o.example@d.example", BV_TAG_NONE, 0, 0, ""},
        {"untagged", "user@d.example", BV_TAG_NONE, 0, 0, ""},
        {"detail only", "user+x@d.example", BV_TAG_NONE, 0, 0, ""},
        {"almost the word", "prv=07853a09e4=user@d.example", BV_TAG_NONE, 0, 0, ""},
        {"word without =", "prvs@d.example", BV_TAG_NONE, 0, 0, ""},
        {"word in the middle", "xprvs=07853a09e4@d.example", BV_TAG_NONE, 0, 0, ""},
        {"tag in the domain", "user@prvs=07853a09e4=d.example", BV_TAG_NONE, 0, 0, ""},
        {"SRS0=", "SRS0=ab=cd=o.example=u@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"SRS0+", "srs0+ab=cd=o.example=u@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"SRS1-", "SRS1-ab=o.example==cd=ef=p.example=u@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"SRS0 and no separator", "srs0user@d.example", BV_TAG_NONE, 0, 0, ""},
        {"a user srs0 with a sub-address tag", "srs0+prvs=3785577db2@d.example", BV_TAG_PRVS, 3, 785, "srs0"},
        {"SRS0 with a hash that reads prvs", "SRS0+prvs=TT=o.example=u@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"SRS0 of a sub-address tag", "SRS0=ab=cd=o.example=u+prvs=3785577db2@d.example", BV_TAG_FOREIGN, 0, 0,
         ""},
        {"SRS0 and a separator only", "SRS0=@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"btv1", "btv1==07853a09e4==user@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"msprvs1", "MSPRVS1=abc=user@d.example", BV_TAG_FOREIGN, 0, 0, ""},
        {"null sender", "<>", BV_TAG_NONE, 0, 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bv_addr a;
        struct bv_tag tag;
        bv_addr_read(&a, bv_str(rows[i].arg));
        bv_tag_read(&tag, &a);
        if (tag.kind != rows[i].kind)
            fail_msg("%s: kind %d, expected %d", rows[i].name, (int)tag.kind, (int)rows[i].kind);
        if (tag.kind != BV_TAG_PRVS)
            continue;
        if (tag.key != rows[i].key || tag.stamp != rows[i].stamp)
            fail_msg("%s: key %u, stamp %u", rows[i].name, tag.key, tag.stamp);
        if (!bv_str_same(tag.local, bv_str(rows[i].local)))
            fail_msg("%s: original \"%.*s\"", rows[i].name, (int)tag.local.n, tag.local.p);
    }
}

#define OCTETS_48 "123456789012345678901234567890123456789012345678"
#define DOMAIN_60 "d2345678901234567890123456789.d2345678901234567890.d2345678."

static void test_taggable(void **state)
{
    static const struct {
        const char *name, *arg;
        enum bv_tagging want;
    } rows[] = {
        {"plain", "user@d.example", BV_TAGGABLE},
        {"needless quotes", "\"user\"@d.example", BV_TAGGABLE},
        {"source route", "@r.example:user@d.example", BV_TAGGABLE},
        {"47 octets", "12345678901234567890123456789012345678901234567@d.example", BV_TAGGABLE},
        {"48 octets", OCTETS_48 "@d.example", BV_TAGGABLE},
        {"49 octets", OCTETS_48 "9@d.example", BV_LOCAL_TOO_LONG},
        {"64 octets", OCTETS_48 "9012345678901234@d.example", BV_LOCAL_TOO_LONG},
        {"quoted blank", "\"a b\"@d.example", BV_NEEDS_QUOTES},
        {"two dots", "a..b@d.example", BV_NEEDS_QUOTES},
        {"UTF-8 local part", "b\xc3\xbc@d.example", BV_NOT_ASCII},
        {"U-label", "u@b\xc3\xbc.example", BV_NOT_ASCII},
        {"SRS0", "SRS0=ab=cd=o.example=u@d.example", BV_FOREIGN_TAG},
        {"SRS1", "SRS1=ab=o.example==cd=ef=p.example=u@d.example", BV_FOREIGN_TAG},
        {"btv1", "btv1==07853a09e4==user@d.example", BV_FOREIGN_TAG},
        {"msprvs1", "msprvs1=abc=user@d.example", BV_FOREIGN_TAG},
        {"prvs", "prvs=07853a09e4=user@d.example", BV_ALREADY_TAGGED},
        {"prvs, broken", "prvs=user@d.example", BV_ALREADY_TAGGED},
        {"prvs, sub-address", "user+prvs=07853a09e4@d.example", BV_ALREADY_TAGGED},
        {"no domain", "postmaster", BV_NO_DOMAIN},
        {"null sender", "<>", BV_NO_MAILBOX},
        {"unreadable", "@", BV_NO_MAILBOX},
        {"path of 256", OCTETS_48 "@" DOMAIN_60 DOMAIN_60 DOMAIN_60 "d23456789", BV_TAGGABLE},
        {"path of 257", OCTETS_48 "@" DOMAIN_60 DOMAIN_60 DOMAIN_60 "d234567890", BV_PATH_TOO_LONG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bv_addr a;
        bv_addr_read(&a, bv_str(rows[i].arg));
        enum bv_tagging got = bv_taggable(&a);
        if (got != rows[i].want)
            fail_msg("%s: %s, expected %s", rows[i].name, bv_tagging_reason(got),
                     bv_tagging_reason(rows[i].want));
    }
}

static void test_days(void **state)
{
    (void)state;
    assert_int_equal(bv_day(0), 0);
    assert_int_equal(bv_day(86399), 0);
    assert_int_equal(bv_day(86400), 1);
    assert_int_equal(bv_day(-1), -1);
    assert_int_equal(bv_day(-86400), -1);
    assert_int_equal(bv_day(1795262400), 20778); /* date -u -d 2026-11-21 +%s */
    assert_int_equal(bv_day(1814399999), 20999); /* the last second before 2027-07-01 */
    assert_int_equal(bv_day(1814400000), 21000);
    assert_int_equal(bv_stamp(20999), 999);
    assert_int_equal(bv_stamp(21000), 0);
    assert_int_equal(bv_stamp(-1), 999);
    assert_int_equal(bv_days_ahead(3, 20999), 4);
    assert_int_equal(bv_days_ahead(999, 21000), 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_taggable),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
