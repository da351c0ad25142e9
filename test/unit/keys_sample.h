/* sample - a good key file, and helpers to make bad ones of it. */
#ifndef TEST_KEYS_SAMPLE_H
#define TEST_KEYS_SAMPLE_H

#include <stdio.h>
#include <string.h>

/* Two keys, the newer one first, and two tombstones; no checksum. */
#define SAMPLE_HEAD                                                                                            \
    "{\"format\":\"bv-keyring\",\"version\":1,\n"                                                              \
    " \"id\":\"6f1c2d3e-4a5b-4c6d-8e7f-0123456789ab\",\"generation\":7,\n"                                     \
    " \"updated\":\"2026-11-21T12:00:00Z\",\"updated_by\":\"root@gw1\",\n"                                     \
    " \"signing_since\":\"2026-11-01T00:00:00Z\",\n"
#define SAMPLE_KEY4                                                                                            \
    "  "                                                                                                       \
    "{\"number\":4,\"algorithm\":\"hmac-sha256\",\"secret\":\"YWJjZGVmZ2hpamtsbW5vcA==\",\"lifetime_days\":"   \
    "180,\n"                                                                                                   \
    "   \"created\":\"2026-11-20T08:00:00Z\",\"sign_from\":\"2026-11-21T13:00:00Z\",\n"                        \
    "   \"comment\":\"gr\\u00fcn \\/ \\\"x\\\" \\\\ \\ud83d\\ude00 <&>\"}"
#define SAMPLE_KEY3                                                                                            \
    "  "                                                                                                       \
    "{\"number\":3,\"algorithm\":\"hmac-sha1\",\"secret\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\",\n" \
    "   \"lifetime_days\":7,\"created\":\"2026-11-01T00:00:00Z\",\"sign_from\":\"2026-11-01T00:00:00Z\"}"
#define SAMPLE_PURGED                                                                                          \
    " \"purged\":[{\"number\":2,\"purged\":\"2026-11-20T00:00:00Z\",\"reusable\":\"2029-08-16T00:00:00Z\"},\n" \
    "  {\"number\":0,\"purged\":\"2026-10-20T00:00:00Z\",\"reusable\":\"2026-12-01T00:00:00Z\"}]"
#define SAMPLE SAMPLE_HEAD " \"keys\":[\n" SAMPLE_KEY4 ",\n" SAMPLE_KEY3 "],\n" SAMPLE_PURGED "}\n"

/* Of SAMPLE in a file: jq -cjS 'del(.checksum)' FILE | sha256sum (jq 1.6) */
#define SAMPLE_SUM "3dcc2763c5cc7dca46a235d4113f43a4a91b5127a2c6a15634734f6b5baad754"

enum { SAMPLE_SIZE = 8192 };

/* Puts text to dst, its first `from` replaced by `to` (NULL: cut off there). Returns false if there is none. */
static inline bool sample_edit(char dst[SAMPLE_SIZE], const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (at == NULL)
        return false;
    snprintf(dst, SAMPLE_SIZE, "%.*s%s%s", (int)(at - text), text, to == NULL ? "" : to,
             to == NULL ? "" : at + strlen(from));
    return true;
}

#endif
