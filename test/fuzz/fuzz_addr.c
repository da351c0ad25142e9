/* Addresses as a client may type them: what is read can be written and read again. */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "bv/bv.h"

static void check_shape(const struct bv_addr *a)
{
    struct bv_str local = bv_addr_local(a), domain = bv_addr_domain(a);
    bool non_ascii = false;

    if (a->shape != BV_MAILBOX) {
        CHECK(a->local_len == 0 && a->domain_len == 0);
        return;
    }
    CHECK(local.n > 0 && local.n <= BV_LOCAL_KEPT && domain.n <= BV_DOMAIN_MAX);
    CHECK(local.p[local.n] == '@');
    for (size_t i = 0; i < local.n; i++)
        non_ascii |= (unsigned char)local.p[i] > 127;
    for (size_t i = 0; i < domain.n; i++) {
        non_ascii |= (unsigned char)domain.p[i] > 127;
        CHECK((unsigned char)domain.p[i] > ' ');
    }
    CHECK(a->non_ascii == non_ascii);
    CHECK(!a->overlong || (a->needs_quotes && local.n == BV_LOCAL_KEPT));
}

static bool same_mailbox(const struct bv_addr *a, const struct bv_addr *b)
{
    return b->shape == BV_MAILBOX && bv_str_same(bv_addr_local(a), bv_addr_local(b)) &&
           bv_str_same(bv_addr_domain(a), bv_addr_domain(b));
}

static bool has_control(struct bv_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

static void check_write(const struct bv_addr *a)
{
    struct bv_str local = bv_addr_local(a), domain = bv_addr_domain(a);
    char text[BV_ADDR_QUOTED + 2] = "<";
    struct bv_addr back;
    size_t n = bv_addr_write(text + 1, BV_ADDR_QUOTED, local, domain);

    CHECK(n == strlen(text + 1));
    CHECK((n == 0) == has_control(local));
    if (n == 0)
        return;
    CHECK((text[1] == '"') == (a->overlong ? text[1] == '"' : a->needs_quotes));
    text[n + 1] = '>';
    if (a->domain_len > 0) { /* without a domain, '%' and '!' mean more */
        bv_addr_read(&back, (struct bv_str){text, n + 2});
        CHECK(same_mailbox(a, &back));
        CHECK(a->overlong || back.needs_quotes == a->needs_quotes);
    }
    for (size_t size = 0; size <= n + 1; size += 1 + size / 4) {
        char *small = malloc(size + 1);
        CHECK(small != NULL);
        size_t written = bv_addr_write(small, size, local, domain);
        CHECK(written == 0 || (written == n && n < size));
        CHECK(size == 0 || small[written] == '\0');
        free(small);
    }
}

/* Each percent leads to a shorter local part, so that following them ends. */
static void check_percent(struct bv_addr a)
{
    struct bv_addr inner;

    while (bv_addr_inner(&inner, &a)) {
        check_shape(&inner);
        CHECK(inner.shape == BV_MAILBOX && inner.domain_len > 0 && inner.local_len < a.local_len);
        a = inner;
    }
}

static void check_tag(const struct bv_addr *a)
{
    struct bv_keys none = {.decoy = NULL};
    struct bv_result result;
    struct bv_tag tag;

    bv_tag_read(&tag, a);
    enum bv_tagging why = bv_taggable(a);
    bool tagged = tag.kind == BV_TAG_PRVS || tag.kind == BV_TAG_BROKEN;
    CHECK(tagged == (why == BV_ALREADY_TAGGED));
    CHECK(a->shape == BV_MAILBOX || why == BV_NO_MAILBOX);
    bv_verify(&result, a, &none, 20778);
    CHECK(result.status != BV_VALID && result.status != BV_EXPIRED && result.status != BV_FAULT);
    CHECK((result.status == BV_UNKNOWN_KEY) == (tag.kind == BV_TAG_PRVS));
    CHECK((result.key >= 0) == (tag.kind == BV_TAG_PRVS));
    CHECK(tag.kind != BV_TAG_PRVS || (tag.key <= 9 && tag.stamp < BV_STAMPS && tag.local.n > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bv_addr a;

    memset(&a, 0x55, sizeof a);
    bv_addr_read(&a, (struct bv_str){(const char *)data, size});
    check_shape(&a);
    check_tag(&a);
    if (a.shape == BV_MAILBOX) {
        check_write(&a);
        check_percent(a);
    }
    return 0;
}
