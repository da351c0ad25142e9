#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"

/* A small edit of SAMPLE, and a piece of what is said about it. */
struct bad {
    const char *name, *from, *to, *said;
    int line; /* 0: a place in the schema, not in the text */
};

#define ID           "\"6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab\""
#define T50          "tttttttttttttttttttttttttttttttttttttttttttttttttt"
#define T200         T50 T50 T50 T50
#define B64          "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define SEVEN(text)  text text text text text text text
#define TWELVE(text) text text text text text text text text text text text text
#define B64_252      TWELVE(SEVEN("MDEy")) /* 252 octets */

static const struct bad bad[] = {
    /* text that is no JSON */
    {"empty", SAMPLE, "", "'[' or '{' expected", 1},
    {"blank", SAMPLE, " \n ", "'[' or '{' expected", 2},
    {"cut off", "]}\n", "]", "expected", 12},
    {"cut off in a secret", "Njc4OWFi", NULL, "premature end", 9},
    {"trailing garbage", "]}\n", "]}\n}", "end of file expected", 13},
    {"a second object", "]}\n", "]}\n{}", "end of file expected", 13},
    {"a comma too many", "]}\n", "],}\n", "string or '}' expected", 12},
    {"a comma missing", "\"version\":1,", "\"version\":1", "'}' expected", 2},
    {"a comment", "\"version\"", "/* x */\"version\"", "expected", 1},
    {"single quotes", "\"version\"", "'version'", "expected", 1},
    {"byte order mark", "{\"format\"", "\xef\xbb\xbf{\"format\"", "expected", 1},
    {"bad UTF-8", "root@gw1", "root@\xff", "unable to decode", 3},
    {"overlong UTF-8", "root@gw1", "root@\xc0\xaf", "unable to decode", 3},
    {"NUL escape", "root@gw1", "root\\u0000", "\\u0000", 3},
    {"lone surrogate", "\\ude00", "", "invalid Unicode", 8},
    {"newline in a string", "root@gw1", "root\n", "unexpected newline", 3},
    {"newline in a secret", "MDEyMzQ1Njc4OWFi", "MDEyMzQ1Njc4\nOWFi", "unexpected newline", 9},
    {"a secret without quotes", "\"" B64 "\"", "MDEyMzQ1Njc4", "invalid token", 9},
    {"a number too big", "\"generation\":7", "\"generation\":99999999999999999999", "too big", 2},
    {"duplicate at the top", "\"version\":1", "\"version\":1,\"version\":1", "duplicate", 1},
    {"duplicate in a key", "\"number\":4", "\"number\":4,\"number\":4", "duplicate", 6},
    {"duplicate in a tombstone", "\"number\":2", "\"number\":2,\"number\":2", "duplicate", 11},
    {"an array", SAMPLE, "[]", "one JSON object", 0},
    /* members of the file */
    {"unknown member", "\"version\"", "\"colour\":1,\"version\"", "colour: unknown member", 0},
    {"unknown member with a long name", "\"version\"", "\"" B64 "\":1,\"version\"",
     "?: unknown member, its name", 0},
    {"no format", "\"format\":\"bv-keyring\",", "", "format: is missing", 0},
    {"other format", "bv-keyring", "bv-keys", "format: must be \"bv-keyring\"", 0},
    {"format is a number", "\"bv-keyring\"", "1", "format: must be a string, not a whole number", 0},
    {"no version", "\"version\":1,", "", "version: is missing", 0},
    {"version 0", "\"version\":1", "\"version\":0", "version: 0 is not in 1..1", 0},
    {"version 2", "\"version\":1", "\"version\":2", "version: 2 is not in 1..1", 0},
    {"version is a string", "\"version\":1", "\"version\":\"1\"",
     "version: must be a whole number, not a string", 0},
    {"no id", "\"id\":" ID ",", "", "id: is missing", 0},
    {"id too short", "456789ab\"", "456789a\"", "id: is no UUID", 0},
    {"id too long", "456789ab\"", "456789abc\"", "id: is no UUID", 0},
    {"id without hyphens", "6f1c2d3e-4a5b", "6f1c2d3ea4a5b", "id: is no UUID", 0},
    {"id with another letter", "6f1c2d3e", "6f1c2d3g", "id: is no UUID", 0},
    {"no generation", "\"generation\":7,", "", "generation: is missing", 0},
    {"generation 0", "\"generation\":7", "\"generation\":0", "generation: 0 is not in 1..1000000000000000", 0},
    {"negative generation", "\"generation\":7", "\"generation\":-7", "generation: -7 is not in", 0},
    {"generation past 10^15", "\"generation\":7", "\"generation\":1000000000000001", "is not in 1..", 0},
    {"generation with a point", "\"generation\":7", "\"generation\":7.0",
     "whole number, not a number with a point", 0},
    {"generation is null", "\"generation\":7", "\"generation\":null",
     "generation: must be a whole number, not null", 0},
    {"no updated", "\"updated\":\"2026-11-21T12:00:00Z\",", "", "updated: is missing", 0},
    {"updated with an offset", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00+00:00",
     "updated: is no UTC time like", 0},
    {"updated is a number", "\"2026-11-21T12:00:00Z\"", "1795262400", "updated: must be a string", 0},
    {"no updated_by", "\"updated_by\":\"root@gw1\",", "", "updated_by: is missing", 0},
    {"updated_by too long", "root@gw1", T200 "t", "updated_by: 201 octets, at most 200", 0},
    {"newline in updated_by", "root@gw1", "root\\n", "updated_by: holds a control character", 0},
    {"DEL in updated_by", "root@gw1", "root\\u007f", "updated_by: holds a control character", 0},
    {"C1 in updated_by", "root@gw1", "root\\u009b", "updated_by: holds a control character", 0},
    {"no signing_since", "\"signing_since\":\"2026-11-01T00:00:00Z\",", "", "signing_since: is missing", 0},
    {"no such day", "\"signing_since\":\"2026-11-01", "\"signing_since\":\"2026-11-31",
     "signing_since: is no UTC", 0},
    /* keys */
    {"no keys", "\"keys\"", "\"purged\"", "duplicate", 11},
    {"keys misspelled", "\"keys\"", "\"key\"", "key: unknown member", 0},
    {"keys is an object", SAMPLE_KEY4 ",\n" SAMPLE_KEY3 "]", "]", "keys: is empty", 0},
    {"a key is a number", SAMPLE_KEY3, "3", "keys[1]: must be an object, not a whole number", 0},
    {"eleven keys", SAMPLE_KEY3, "1,2,3,4,5,6,7,8,9,10", "keys: 11 entries, at most 10", 0},
    {"unknown member in a key", "\"number\":3", "\"Number\":3", "keys[1].Number: unknown member", 0},
    {"no number", "\"number\":3,", "", "keys[1].number: is missing", 0},
    {"number 10", "\"number\":3", "\"number\":10", "keys[1].number: 10 is not in 0..9", 0},
    {"number -1", "\"number\":3", "\"number\":-1", "keys[1].number: -1 is not in 0..9", 0},
    {"number is a string", "\"number\":3", "\"number\":\"3\"", "keys[1].number: must be a whole number", 0},
    {"one number twice", "\"number\":3", "\"number\":4", "keys[1].number: another key has the number 4", 0},
    {"no algorithm", "\"algorithm\":\"hmac-sha1\",", "", "keys[1].algorithm: is missing", 0},
    {"other algorithm", "\"hmac-sha1\"", "\"hmac-md5\"", "keys[1].algorithm: must be hmac-sha1 or", 0},
    {"upper-case algorithm", "\"hmac-sha1\"", "\"HMAC-SHA1\"", "keys[1].algorithm: must be hmac-sha1 or", 0},
    {"algorithm is a truth value", "\"hmac-sha1\"", "true",
     "keys[1].algorithm: must be a string, not a truth value", 0},
    {"no secret", "\"secret\":\"" B64 "\",", "", "keys[1].secret: is missing", 0},
    {"secret is a number", "\"" B64 "\"", "123456", "keys[1].secret: must be a string", 0},
    {"secret is empty", B64, "", "keys[1].secret: 0 octets, at least 16", 0},
    {"secret of 15 octets", B64, "MDEyMzQ1Njc4OWFiY2Rl", "keys[1].secret: 15 octets, at least 16", 0},
    {"secret of 257 octets", B64, B64_252 "MDEyMDE=", "keys[1].secret: more than 256 octets", 0},
    {"secret of 260 octets", B64, B64_252 "MDEyMDEyMDE=", "keys[1].secret: more than 256 octets", 0},
    {"secret of a thousand octets", B64, B64_252 B64_252 B64_252 B64_252,
     "keys[1].secret: more than 256 octets", 0},
    {"secret without padding", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
     "keys[1].secret: is no base64", 0},
    {"secret with padding too much", B64, B64 "====", "keys[1].secret: is no base64", 0},
    {"padding inside", B64, "MDEyMzQ1Njc4OQ==YmNkZWYwMTIz", "keys[1].secret: is no base64", 0},
    {"three pads", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZ===", "keys[1].secret: is no base64", 0},
    {"a pad before the last", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZW=Z",
     "keys[1].secret: is no base64", 0},
    {"bits behind the end", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ=", "keys[1].secret: is no base64",
     0},
    {"bits behind two pads", "bW5vcA==", "bW5vcB==", "no base64", 0},
    {"base64url", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk_-Y=", "keys[1].secret: is no base64", 0},
    {"a blank in the secret", B64,
     "MDEyMzQ1 Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZW=", "keys[1].secret: is no base64", 0},
    {"a newline escape in the secret", B64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\\n",
     "keys[1].secret: is no base64", 0},
    {"no lifetime", "\"lifetime_days\":7,", "", "keys[1].lifetime_days: is missing", 0},
    {"lifetime 0", "\"lifetime_days\":7", "\"lifetime_days\":0", "keys[1].lifetime_days: 0 is not in 1..180",
     0},
    {"lifetime 400", "\"lifetime_days\":7", "\"lifetime_days\":400",
     "keys[1].lifetime_days: 400 is not in 1..180", 0},
    {"lifetime 181", "\"lifetime_days\":180", "\"lifetime_days\":181",
     "keys[0].lifetime_days: 181 is not in 1..180", 0},
    {"no created", "\"created\":\"2026-11-01T00:00:00Z\",", "", "keys[1].created: is missing", 0},
    {"created in words", "\"created\":\"2026-11-01T00:00:00Z\"", "\"created\":\"today\"",
     "keys[1].created: is no UTC", 0},
    {"no sign_from", ",\"sign_from\":\"2026-11-01T00:00:00Z\"", "", "keys[1].sign_from: is missing", 0},
    {"sign_from twice", "\"sign_from\":\"2026-11-01T00:00:00Z\"", "\"sign_from\":\"2026-11-21T13:00:00Z\"",
     "keys[1].sign_from: the same as that of key 4", 0},
    {"comment is an array", "\"lifetime_days\":7", "\"lifetime_days\":7,\"comment\":[]",
     "keys[1].comment: must be a string", 0},
    {"comment too long", "\"lifetime_days\":7", "\"lifetime_days\":7,\"comment\":\"" T200 "t\"",
     "keys[1].comment: 201 octets", 0},
    {"escape in a comment", "<&>", "\\u001b[2J", "keys[0].comment: holds a control character", 0},
    /* tombstones */
    {"purged is an object", "\"purged\":[{\"number\":2", "\"purged\":{\"number\":2", "expected", 12},
    {"purged is null", SAMPLE_PURGED, "\"purged\":null", "purged: must be an array, not null", 0},
    {"a tombstone is a string", SAMPLE_PURGED, "\"purged\":[\"2\"]", "purged[0]: must be an object", 0},
    {"eleven tombstones", SAMPLE_PURGED, "\"purged\":[1,2,3,4,5,6,7,8,9,10,11]", "purged: 11 entries", 0},
    {"unknown member in a tombstone", "\"reusable\"", "\"secret\":\"\",\"reusable\"",
     "purged[0].secret: unknown", 0},
    {"tombstone without number", "\"number\":2,", "", "purged[0].number: is missing", 0},
    {"tombstone number 11", "\"number\":2", "\"number\":11", "purged[0].number: 11 is not in 0..9", 0},
    {"tombstone of a live key", "\"number\":2", "\"number\":4", "purged[0].number: a key has the number 4", 0},
    {"two tombstones of a number", "\"number\":0", "\"number\":2", "purged[1].number: another entry has", 0},
    {"tombstone without purged", "\"purged\":\"2026-11-20T00:00:00Z\",", "", "purged[0].purged: is missing", 0},
    {"tombstone without reusable", ",\"reusable\":\"2029-08-16T00:00:00Z\"", "",
     "purged[0].reusable: is missing", 0},
    {"reusable is no time", "2029-08-16T00:00:00Z", "never", "purged[0].reusable: is no UTC", 0},
    /* the checksum */
    {"wrong checksum", "\"version\":1", "\"version\":1,\"checksum\":\"sha256:00\"", "checksum: does not fit",
     0},
    {"checksum of another file", "\"generation\":7", "\"generation\":8,\"checksum\":\"sha256:" SAMPLE_SUM "\"",
     "checksum: does not fit", 0},
    {"checksum without its word", "\"version\":1", "\"version\":1,\"checksum\":\"" SAMPLE_SUM "\"",
     "checksum: does not", 0},
    {"checksum is null", "\"version\":1", "\"version\":1,\"checksum\":null",
     "checksum: must be a string, not null", 0},
};

static bool is_zero(const void *p, size_t n)
{
    const unsigned char *bytes = p;

    while (n > 0 && bytes[n - 1] == 0)
        n--;
    return n == 0;
}

/* What is wrong with the answer to a bad text; NULL: nothing. */
static const char *judge(const struct bad *b, const char *text, struct keys_error *err)
{
    struct keys_ring ring;

    memset(&ring, 1, sizeof ring);
    if (keys_json_read(&ring, bv_str(text), err) == 0)
        return "accepted";
    if (strstr(err->text, b->said) == NULL)
        return "another text";
    if (err->line != b->line || (b->line == 0 && err->column != 0) || err->sys != 0)
        return "another place";
    if (!is_zero(&ring, sizeof ring))
        return "the ring is not wiped";
    /* both secrets, in base64 and in clear */
    if (strstr(err->text, "MDEy") || strstr(err->text, "YWJj") || strstr(err->text, "0123") ||
        strstr(err->text, "abcd"))
        return "a secret is shown";
    return NULL;
}

static void test_bad(void **state)
{
    char text[SAMPLE_SIZE];
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keys_error err = {-1, -1, -1, ""};
        const char *wrong = "the sample does not hold what is edited";
        if (sample_edit(text, SAMPLE, bad[i].from, bad[i].to))
            wrong = judge(&bad[i], text, &err);
        if (wrong != NULL) {
            print_error("%s: %s: %d:%d: %s\n", bad[i].name, wrong, err.line, err.column, err.text);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad)};

    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
