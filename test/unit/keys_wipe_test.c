#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "keys/edit.h"
#include "test/unit/keys_sample.h"
#include "test/unit/keys_scratch.h"

/* Pieces of the secrets, in base64, in clear, in hex; these copies are in no writable memory. */
static const char *const needles[] = {"MDEyMzQ1Njc4OWFi", "YWJjZGVmZ2hpamts", "0123456789abcdef0123",
                                      "abcdefghijklmnop", "6162636465666768696a"};

enum { CHUNK = 65536, LONGEST = 32 };
static char chunk[CHUNK + LONGEST];

static const char *find(const char *text, size_t n)
{
    for (size_t i = 0; i < sizeof needles / sizeof *needles; i++)
        if (memmem(text, n, needles[i], strlen(needles[i])) != NULL)
            return needles[i];
    return NULL;
}

/* Whether a line of /proc/self/maps is of memory without a file, and not what a sanitizer only reserved. */
static bool is_ours(const char *line, unsigned long from, unsigned long to)
{
    enum { RESERVED = 64 << 20 };
    char mode[5] = "", path[32] = "";
    unsigned long inode = 1;

    sscanf(line, "%*s %4s %*s %*s %lu %31s", mode, &inode, path);
    return strcmp(mode, "rw-p") == 0 && inode == 0 && strncmp(path, "[v", 2) != 0 && to - from < RESERVED;
}

/* Looks through the heap and the stack of this process. Returns what was found there, or NULL. */
static const char *search_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    const char *found = NULL;
    unsigned long from, to;
    char line[512];

    assert_non_null(maps);
    assert_true(mem >= 0);
    while (found == NULL && fgets(line, sizeof line, maps) != NULL) {
        assert_int_equal(sscanf(line, "%lx-%lx", &from, &to), 2);
        if (!is_ours(line, from, to))
            continue;
        for (; found == NULL && from < to; from += CHUNK) {
            size_t left = to - from; /* the next mapping may be one that is not ours */
            ssize_t n = pread(mem, chunk, left < sizeof chunk ? left : sizeof chunk, (off_t)from);
            if (n > 0)
                found = find(chunk, (size_t)n);
        }
    }
    memset(chunk, 0, sizeof chunk);
    close(mem);
    fclose(maps);
    return found;
}

/* In a function of its own, so that its ring is gone from the stack's live part. */
static __attribute__((noinline)) void use_ring(const char *path)
{
    struct keys_new how = {.lifetime = 7, .sign_from = 1800000000, .by = "me@here"};
    struct keys_error err;
    struct keys_ring ring;

    assert_int_equal(keys_load(&ring, path, &err), 0);
    assert_int_equal(keys_rotate(&ring, &how, 1800000000, &err), 2);
    assert_int_equal(keys_save(&ring, path, &err), 0);
    assert_int_equal(keys_load(&ring, path, &err), 0);
    keys_wipe(&ring);
}

/* What the edits work on: where search_memory() does not look, since it is shared. */
struct desk {
    struct keys_ring ring, from;
    struct keys_key key;
    struct keys_rule rule;
    struct keys_new how;
    struct keys_revoked revoked;
    enum keys_fate fate[KEYS_MAX];
    struct keys_error err;
};

static const char by[] = "me@here";

static int edit_revoke(struct desk *d)
{
    return keys_revoke(&d->ring, 4, by, 1800000000, &d->revoked, &d->err);
}

static int edit_purge(struct desk *d)
{
    return keys_purge(&d->ring, &d->rule, by, 1800000000, d->fate, &d->err) == 1 ? 0 : -1;
}

static int edit_both(struct desk *d)
{
    return keys_rotate_and_purge(&d->ring, &d->how, &d->rule, 1800000000, d->fate, &d->err) == 1 ? 0 : -1;
}

static int edit_add(struct desk *d)
{
    return keys_add(&d->ring, &d->key, by, 1800000000, &d->err) == 2 ? 0 : -1;
}

static int edit_add_twice(struct desk *d)
{
    return edit_add(d) == 0 && keys_add(&d->ring, &d->key, by, 1800000000, &d->err) == -1 ? 0 : -1;
}

static int edit_import(struct desk *d)
{
    return keys_import(&d->ring, &d->from, true, by, 1800000000, &d->err) == 1 ? 0 : -1;
}

/* The sample's secrets as somebody would give them. */
static int read_secrets(struct desk *d)
{
    static const struct {
        enum keys_format format;
        const char *text;
    } given[] = {
        {KEYS_FORMAT_TEXT, "0123456789abcdef0123456789abcdef\n"},
        {KEYS_FORMAT_RAW, "abcdefghijklmnop"},
        {KEYS_FORMAT_BASE64, "YWJjZGVm Z2hpamtsbW5vcA==\n"},
        {KEYS_FORMAT_BASE64, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
        {KEYS_FORMAT_HEX, "6162636465666768696a6b6c6d6e6f70"},
    };

    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        size_t n = keys_secret_read(d->key.secret, given[i].format, bv_str(given[i].text), &d->err);
        if (n < KEYS_SECRET_MIN)
            return -1;
        keys_secret_weakness(d->key.secret, n);
    }
    return 0;
}

/* Deep in the stack, where nothing that the search calls overwrites what is left. */
static __attribute__((noinline)) int deep(int (*edit)(struct desk *d), struct desk *d)
{
    volatile char pad[65536];

    pad[0] = 0;
    return edit(d) + pad[0];
}

static void test_edits(void **state)
{
    static const struct {
        const char *name;
        int (*edit)(struct desk *d);
    } edits[] = {{"revoke", edit_revoke},          {"purge", edit_purge},
                 {"rotate and purge", edit_both},  {"add", edit_add},
                 {"add, refused", edit_add_twice}, {"reading secrets", read_secrets},
                 {"import", edit_import}};
    struct desk *d = mmap(NULL, sizeof *d, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct keys_error err;

    (void)state;
    assert_true(d != MAP_FAILED);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        memset(d, 0, sizeof *d);
        assert_int_equal(keys_json_read(&d->ring, bv_str(SAMPLE), &err), 0);
        assert_int_equal(keys_json_read(&d->from, bv_str(SAMPLE), &err), 0);
        d->from.generation--;
        d->key = d->ring.key[0];
        d->key.number = 5;
        d->key.sign_from = 1800000000;
        d->rule.expired = true;
        d->how = (struct keys_new){.lifetime = 7, .sign_from = 1800000000, .by = by};
        if (deep(edits[i].edit, d) != 0)
            fail_msg("%s: %s", edits[i].name, d->err.text);
        const char *found = search_memory();
        if (found != NULL)
            fail_msg("after %s: %s", edits[i].name, found);
    }
    munmap(d, sizeof *d);
}

static __attribute__((noinline)) void refuse_ring(const char *path)
{
    struct keys_error err;
    struct keys_ring ring;

    assert_int_equal(keys_load(&ring, path, &err), -1);
}

static void test_nothing_left(void **state)
{
    static const struct {
        const char *name, *from, *to;
    } edits[] = {
        {"the text", "]}\n", "]"},
        {"the text, in a secret", "YWJjZGVmZ2hpamtsbW5v", "YWJjZGVmZ2hpamtsbW5v\n"},
        {"the secret itself",
         "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZW"},
        {"the member behind a secret", "\"lifetime_days\":180", "\"lifetime_days\":181"},
        {"a whole key", "\"number\":3", "\"number\":4"},
        {"the checksum", "\"version\":1", "\"version\":1,\"checksum\":\"none\""},
    };
    char text[SAMPLE_SIZE];
    const char *found;

    (void)state;
    found = search_memory();
    if (found != NULL)
        fail_msg("before: %s", found);
    scratch_put("k.json", SAMPLE, strlen(SAMPLE), 0640);
    use_ring("k.json");
    found = search_memory();
    if (found != NULL)
        fail_msg("after load, rotate, save: %s", found);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        assert_true(sample_edit(text, SAMPLE, edits[i].from, edits[i].to));
        scratch_put("bad.json", text, strlen(text), 0640);
        memset(text, 0, sizeof text);
        refuse_ring("bad.json");
        found = search_memory();
        if (found != NULL)
            fail_msg("after a refusal, %s: %s", edits[i].name, found);
    }
}

/* The search must be able to find something. */
static void test_search(void **state)
{
    char left[100];

    (void)state;
    snprintf(left, sizeof left, "a secret that was left: %s", needles[0]);
    assert_ptr_equal(search_memory(), needles[0]);
    bv_wipe(left, sizeof left);
    assert_null(search_memory());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_left, scratch_setup, scratch_teardown),
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_search),
    };
    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
