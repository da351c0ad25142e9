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
#include <unistd.h>

#include "keys/keys.h"
#include "test/unit/keys_sample.h"
#include "test/unit/keys_scratch.h"

/* Pieces of the sample's secrets, in base64 and in clear; these copies are in no writable memory. */
static const char *const needles[] = {"MDEyMzQ1Njc4OWFi", "YWJjZGVmZ2hpamts", "0123456789abcdef0123",
                                      "abcdefghijklmnop"};

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
            ssize_t n = pread(mem, chunk, sizeof chunk, (off_t)from);
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
        cmocka_unit_test(test_search),
    };
    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
