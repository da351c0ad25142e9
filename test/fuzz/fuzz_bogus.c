/* Tables of networks: what is read is whole, the longest network counts, and of the same one the first line. */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "milter/bogus.h"

enum { ADDRESSES = 64 };

static struct problems problems;

static int count_lines(struct bv_str text)
{
    int n = 1;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static bool is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

static void check_entries(const struct bogus *b, int lines)
{
    CHECK(b->n > 0 && b->n <= (size_t)lines);
    for (size_t i = 0; i < b->n; i++) {
        const struct bogus_entry *entry = &b->entry[i];
        CHECK(memchr(entry->kind, '\0', sizeof entry->kind) != NULL);
        CHECK(entry->bogus == (entry->kind[0] != '\0'));
        CHECK(entry->bits <= 128 && is_printable(entry->kind));
        CHECK(entry->bogus || !entry->sentence);
    }
}

static void check_problems(const struct bogus *b, int lines)
{
    CHECK(problems.n > 0 && b->n == 0 && b->entry == NULL);
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++)
        CHECK(problems.item[i].line >= 0 && problems.item[i].line <= lines && problems.item[i].text[0] != '\0');
}

static bool same(const struct bogus_entry *a, const struct bogus_entry *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->sentence == b->sentence && a->bits == b->bits && strcmp(a->kind, b->kind) == 0;
}

/* From the octets of the table, and next to its networks; every second one is of IPv4. */
static struct net_addr make_address(struct bv_str text, size_t i)
{
    unsigned char octets[NET_OCTETS] = {0};
    struct net net;
    struct net_addr a = {.family = NET_IP};
    char word[NET_TEXT];
    size_t start = text.n * i / ADDRESSES, n = 0;

    while (start > 0 && text.p[start - 1] != '\n')
        start--;
    while (start + n < text.n && n < sizeof word - 1 && strchr(" \t\n/", text.p[start + n]) == NULL)
        n++;
    memcpy(word, text.p + start, n);
    word[n] = '\0';
    if (net_read(&net, word) == NULL) {
        memcpy(a.ip, net.ip, sizeof a.ip);
        a.ip[NET_OCTETS - 1] ^= (unsigned char)(i % 3);
        return a;
    }
    for (size_t k = 0; k < NET_OCTETS && k < text.n; k++)
        octets[k] = (unsigned char)text.p[(i * 7 + k) % text.n];
    if (i % 2)
        net_addr_v4(&a, octets);
    else
        net_addr_v6(&a, octets);
    return a;
}

/* No other address is inside it. */
static bool is_plain(const struct net_addr *a)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(a->ip, mapped, sizeof mapped) == 0;
}

/* The table twice says what it says once; what the built-in list adds is as long as what the table has, or longer. */
static void compare(const struct bogus *b, struct bv_str text)
{
    struct bogus twice, more;
    size_t n = 2 * text.n + 1;
    char *copy = malloc(n);

    CHECK(copy != NULL);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\n';
    memcpy(copy + text.n + 1, text.p, text.n);
    CHECK(bogus_read(&twice, "table", (struct bv_str){copy, n}, false, &problems) == 0);
    CHECK(bogus_read(&more, "table", text, true, &problems) == 0 && more.n > b->n);
    for (size_t i = 0; i < ADDRESSES; i++) {
        struct net_addr a = make_address(text, i);
        const struct bogus_entry *found = bogus_find(b, &a), *of_more = bogus_find(&more, &a);
        CHECK(same(found, bogus_find(&twice, &a)));
        if (found != NULL && of_more != NULL && is_plain(&a))
            CHECK(same(found, of_more) || of_more->bits > found->bits);
    }
    free(copy);
    bogus_free(&twice);
    bogus_free(&more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bv_str text = {(const char *)data, size};
    struct bogus b;

    memset(&problems, 0, sizeof problems);
    if (bogus_read(&b, "table", text, false, &problems) == 0) {
        CHECK(problems.n == 0);
        check_entries(&b, count_lines(text));
        compare(&b, text);
    } else {
        check_problems(&b, count_lines(text));
    }
    bogus_free(&b);
    return 0;
}
