#include "tools/cmd.h"

#include <string.h>

/* Length of the UTF-8 sequence at p (RFC 3629 4), 0 when there is none. */
static int utf8_length(const unsigned char *p)
{
    unsigned char low = 0x80, high = 0xbf;
    int n;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    /* The second octet rules out overlong forms, surrogates, and what lies past U+10FFFF. */
    if (p[0] == 0xe0)
        low = 0xa0;
    if (p[0] == 0xed)
        high = 0x9f;
    if (p[0] == 0xf0)
        low = 0x90;
    if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (int i = 2; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return n;
}

void cmd_json_string(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    putchar('"');
    while (*p != '\0') {
        int n = utf8_length(p);
        if (n == 0)
            fputs("\\ufffd", stdout);
        else if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            printf("\\u%04x", *p);
        else
            fwrite(p, (size_t)n, 1, stdout);
        p += n == 0 ? 1 : n;
    }
    putchar('"');
}

void cmd_json_time(int64_t t)
{
    char text[KEYS_TIME_LEN + 1];

    keys_time_write(text, t);
    if (strcmp(text, "-") == 0)
        fputs("null", stdout);
    else
        cmd_json_string(text);
}
