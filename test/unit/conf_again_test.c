#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter/conf.h"

enum { LONG_ROWS = 20000 }; /* over 256 kB: such tables are read side by side */

static char place[] = "/tmp/bv-again-XXXXXX";

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    strcpy(place + strlen(place) - 6, "XXXXXX");
    *state = calloc(1, sizeof(struct problems));
    if (*state == NULL || mkdtemp(place) == NULL || chdir(place) != 0)
        return -1;
    put("c", "domains = \"d\"\nexceptions = \"e\"\n");
    put("d", "one.example reject syntax=subaddress\n");
    put("e", "from robot@one.example no-tag\n");
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    unlink("c");
    unlink("d");
    unlink("e");
    return chdir("/") == 0 && rmdir(place) == 0 ? 0 : -1;
}

static void test_shared(void **state)
{
    static const struct {
        const char *name, *file, *text;
        bool domains, exceptions; /* shared with those of before */
    } rows[] = {
        {"nothing", "e", "from robot@one.example no-tag\n", true, true},
        {"another exception", "e", "from robot@one.example no-tag\nto a.example no-tag\n", true, false},
        {"the same length", "d", "two.example reject syntax=subaddress\n", false, true},
        {"a comment", "d", "#two.example reject syntax=subaddress\nthree.example mark\n", false, true},
        {"the delimiter, which is in the rows", "c",
         "domains = \"d\"\nexceptions = \"e\"\nsubaddress_delimiter = \"-\"\n", false, true},
        {"no exceptions", "c", "domains = \"d\"\nexceptions = \"\"\nsubaddress_delimiter = \"-\"\n", true,
         false},
    };
    struct conf old, new;

    assert_int_equal(conf_load(&old, "c", *state), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(rows[i].file, rows[i].text);
        if (conf_load_again(&new, "c", &old, *state) != 0)
            fail_msg("%s: refused", rows[i].name);
        if ((new.policy.domains.row == old.policy.domains.row) != rows[i].domains)
            fail_msg("%s: domains", rows[i].name);
        if ((new.policy.exceptions.line == old.policy.exceptions.line) != rows[i].exceptions)
            fail_msg("%s: exceptions", rows[i].name);
        conf_free(&old); /* what is shared lives on */
        old = new;
    }
    assert_non_null(domains_find(&old.policy.domains, bv_str("three.example")));
    conf_free(&old);
}

/* A bad table is refused each time, and does no harm to the old one. */
static void test_bad_again(void **state)
{
    struct problems *problems = *state;
    struct conf old, new;

    assert_int_equal(conf_load(&old, "c", problems), 0);
    put("d", "one.example rejct\n");
    for (int i = 0; i < 2; i++) {
        problems->n = 0;
        assert_int_equal(conf_load_again(&new, "c", &old, problems), -1);
        assert_int_equal(problems->n, 1);
        conf_free(&new);
    }
    assert_non_null(domains_find(&old.policy.domains, bv_str("one.example")));
    conf_free(&old);
}

static void put_long(const char *name, const char *before, const char *behind, int bad)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    for (int i = 0; i < LONG_ROWS; i++) {
        fprintf(f, "%s%d%s%s\n", before, i, behind, i < bad ? "x" : "");
    }
    assert_int_equal(fclose(f), 0);
}

/* Every fault of both tables is told, those of one file in the order of their lines. */
static void test_long(void **state)
{
    static const struct {
        const char *name;
        int domains, exceptions; /* rows that are bad */
    } rows[] = {{"good", 0, 0}, {"exceptions", 0, 3}, {"domains", 2, 0}, {"both", 40, 40}};
    struct problems *problems = *state;
    struct conf c;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int bad = rows[i].domains + rows[i].exceptions;
        problems->n = 0;
        put_long("d", "d", ".example reject", rows[i].domains);
        put_long("e", "to l", ".example no-tag", rows[i].exceptions);
        if ((conf_load(&c, "c", problems) == 0) != (bad == 0) || problems->n != (size_t)bad)
            fail_msg("%s: %zu problems", rows[i].name, problems->n);
        for (size_t n = 0; n < problems->n && n < PROBLEMS_KEPT; n++)
            if (strcmp(problems->item[n].path, n < (size_t)rows[i].domains ? "d" : "e") != 0)
                fail_msg("%s: problem %zu is in %s", rows[i].name, n, problems->item[n].path);
        if (bad == 0 && (c.policy.domains.n != LONG_ROWS || c.policy.exceptions.n != LONG_ROWS))
            fail_msg("%s: %zu and %zu rows", rows[i].name, c.policy.domains.n, c.policy.exceptions.n);
        conf_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
