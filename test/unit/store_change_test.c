#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "keys/edit.h"
#include "keys/store.h"
#include "test/unit/keys_scratch.h"

enum { NOW = 1795262400 };

static void make(struct keys_ring *ring, int64_t generation)
{
    const struct keys_new how = {BV_HMAC_SHA1, 7, NOW, "root@gw1"};
    struct keys_error err;

    assert_int_equal(keys_create(ring, &how, NOW, &err), 0);
    ring->generation = generation;
}

static void save(const struct keys_ring *ring, const char *path)
{
    struct keys_error err;

    unlink(path);
    if (keys_save_new(ring, path, &err) != 0)
        fail_msg("%s", err.text);
}

/* ---- store_change() of a file */

static int calls, answer;

static int edit(struct keys_ring *ring, void *arg, struct keys_error *err)
{
    calls++;
    *(int64_t *)arg = ring->generation;
    if (ring->generation == 0)
        make(ring, 1);
    else
        ring->generation++;
    strcpy(err->text, "edit says no");
    return answer;
}

static void test_change(void **state)
{
    static const struct {
        const char *name;
        bool there;
        enum store_start start;
        int answer, result;
        int64_t edited, after; /* generations; -1: not called, no file */
        const char *said;
    } rows[] = {
        {"a change", true, STORE_THERE, 1, 1, 7, 8, ""},
        {"many changes", true, STORE_THERE, 3, 3, 7, 8, ""},
        {"no change", true, STORE_THERE, 0, 0, 7, 7, ""},
        {"a refusal", true, STORE_THERE, -1, -1, 7, 7, "edit says no"},
        {"none there", false, STORE_THERE, 1, -1, -1, -1, "cannot be opened"},
        {"a new one", false, STORE_NEW, 1, 1, 0, 1, ""},
        {"a new one, and there is one", true, STORE_NEW, 1, -1, 0, 7, "is there already"},
        {"either, none there", false, STORE_EITHER, 1, 1, 0, 1, ""},
        {"either, one there", true, STORE_EITHER, 1, 1, 7, 8, ""},
        {"either, refused", false, STORE_EITHER, -1, -1, 0, -1, "edit says no"},
    };
    struct keys_ring ring;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.text = ""};
        int64_t edited = -1;
        struct store *s = store_open("k.json", &(struct store_login){0}, &err);
        int result;

        assert_non_null(s);
        make(&ring, 7);
        unlink("k.json");
        if (rows[i].there)
            save(&ring, "k.json");
        calls = 0;
        answer = rows[i].answer;
        result = store_change(s, &ring, rows[i].start, edit, &edited, &err);
        if (result != rows[i].result || edited != rows[i].edited || calls != (rows[i].edited >= 0))
            fail_msg("%s: %d, generation %lld, %d calls", rows[i].name, result, (long long)edited, calls);
        if (result < 0 && strstr(err.text, rows[i].said) == NULL)
            fail_msg("%s: %s", rows[i].name, err.text);
        result = keys_load(&ring, "k.json", &err);
        if ((result == 0 ? ring.generation : -1) != rows[i].after)
            fail_msg("%s: generation %lld after it", rows[i].name, (long long)ring.generation);
        store_close(s);
    }
}

static void test_bad_file(void **state)
{
    struct keys_error err;
    struct keys_ring ring;
    int64_t edited = -1;
    struct store *s = store_open("k.json", &(struct store_login){0}, &err);

    (void)state;
    scratch_put("k.json", "{", 1, 0640);
    assert_int_equal(store_change(s, &ring, STORE_EITHER, edit, &edited, &err), -1);
    assert_int_equal(edited, -1);
    assert_int_equal(store_load(&ring, s, &err), -1);
    assert_int_equal(err.sys, 0);
    store_close(s);
}

/* ---- store_mirror() */

enum local { NONE, BROKEN, LOCAL_5, LOCAL_7, LOCAL_9, OTHER_CONTENT, OTHER_RING };

static void test_mirror(void **state)
{
    static const struct {
        const char *name;
        enum local local;
        int result;
        int64_t was;
        const char *said;
    } rows[] = {
        {"no file", NONE, 1, 0, ""},
        {"an older one", LOCAL_5, 1, 5, ""},
        {"the same", LOCAL_7, 0, 7, ""},
        {"a newer one", LOCAL_9, -1, 9,
         "generation 9 is newer than 7 in URL, and stays; to bring it there, run: bvkey -f URL import k.json"},
        {"other content", OTHER_CONTENT, -1, 7, "generation 7 has other content than in URL, and stays"},
        {"another ring of a lower generation", OTHER_RING, -1, 5, "is the keyring "},
        {"a broken file", BROKEN, -1, 0, "end of file"},
    };
    struct keys_ring ring, local, after;
    struct keys_error err;

    (void)state;
    make(&ring, 7);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t was = 0;
        int result;

        local = ring;
        if (rows[i].local == OTHER_RING)
            make(&local, 5);
        local.generation = rows[i].local == LOCAL_9 ? 9 : rows[i].local == LOCAL_7 ? 7 : 5;
        if (rows[i].local == OTHER_CONTENT) {
            local.generation = 7;
            strcpy(local.updated_by, "root@gw2");
        }
        unlink("k.json");
        unlink("k.json.lock");
        if (rows[i].local == BROKEN)
            scratch_put("k.json", "{", 1, 0640);
        else if (rows[i].local != NONE)
            save(&local, "k.json");
        err.text[0] = '\0';
        result = store_mirror("k.json", &ring, "URL", -1, &was, &err);
        if (result != rows[i].result || was != rows[i].was || strstr(err.text, rows[i].said) == NULL)
            fail_msg("%s: %d, was %lld, %s", rows[i].name, result, (long long)was, err.text);
        if (rows[i].local != BROKEN && keys_load(&after, "k.json", &err) != 0)
            fail_msg("%s: %s", rows[i].name, err.text);
        if (rows[i].local != BROKEN && keys_same(&after, result < 0 ? &local : &ring, &err) != 1)
            fail_msg("%s: the file is another one", rows[i].name);
        if ((access("k.json.lock", F_OK) == 0) != (result > 0))
            fail_msg("%s: the lock", rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_change, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_bad_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_mirror, scratch_setup, scratch_teardown),
    };

    keys_json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
