#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "milter/names.h"

enum { EXACT = 4, BELOW = 7 };

static const struct {
    unsigned space;
    const char *name;
    int number;
} sample[] = {
    {EXACT, "d.example", 0},   {BELOW, "d.example", 1},   {BELOW, "a.d.example", 2},
    {EXACT, "b.d.example", 3}, {EXACT, "MiXeD.Name", 4},  {BELOW, "top", 5},
    {EXACT, "x", 6},           {BELOW, "c.top", 7},       {EXACT, "far.c.top", 900},
    {0, "d.example", 12},      {EXACT, "u@d.example", 8}, {EXACT, "p\xc3\xbc.example", 9},
    {EXACT, "a[b", 10},        {EXACT, "a@c", 11},
};

enum { SAMPLES = sizeof sample / sizeof *sample };

static void fill(struct names *s)
{
    assert_int_equal(names_init(s, SAMPLES), 0);
    for (size_t i = 0; i < SAMPLES; i++)
        assert_int_equal(names_add(s, sample[i].space, bv_str(sample[i].name), sample[i].number), -1);
    assert_int_equal(s->n, SAMPLES);
}

static const struct {
    const char *row;
    unsigned space;
    const char *name;
    int want;
} find_rows[] = {
    {"the first", EXACT, "d.example", 0},
    {"another space", BELOW, "d.example", 1},
    {"space 0", 0, "d.example", 12},
    {"no such space", 5, "d.example", -1},
    {"asked in capitals", EXACT, "D.EXAMPLE", 0},
    {"in the set with capitals", EXACT, "mixed.name", 4},
    {"capitals in both", EXACT, "mIxEd.nAmE", 4},
    {"one letter", EXACT, "x", 6},
    {"an address", EXACT, "U@D.example", 8},
    {"octets over 127", EXACT, "P\xc3\xbc.example", 9},
    {"octets over 127 have no case", EXACT, "p\xc3\x9c.example", -1},
    {"'[' and '{' are no letters", EXACT, "a{b", -1},
    {"'@' and '`' are no letters", EXACT, "a`c", -1},
    {"a beginning", EXACT, "d.exampl", -1},
    {"an end", EXACT, ".example", -1},
    {"something before", EXACT, "ad.example", -1},
    {"something behind", EXACT, "d.examplea", -1},
    {"a parent is not looked for", BELOW, "z.a.d.example", -1},
    {"empty", EXACT, "", -1},
};

static void test_find(void **state)
{
    struct names s;

    (void)state;
    fill(&s);
    for (size_t i = 0; i < sizeof find_rows / sizeof *find_rows; i++) {
        int got = names_find(&s, find_rows[i].space, bv_str(find_rows[i].name));
        if (got != find_rows[i].want)
            fail_msg("%s: %d, expected %d", find_rows[i].row, got, find_rows[i].want);
    }
    names_free(&s);
}

static const struct {
    const char *row, *domain;
    int want;
} domain_rows[] = {
    {"itself", "d.example", 0},
    {"child", "z.d.example", 1},
    {"grandchild", "y.z.d.example", 1},
    {"nearest parent", "z.a.d.example", 2},
    {"below is not itself, the parent has it", "a.d.example", 1},
    {"exact before the parent", "b.d.example", 3},
    {"the child of an exact one", "z.b.d.example", 1},
    {"top", "other.top", 5},
    {"top is not itself", "top", -1},
    {"nearest of two", "y.c.top", 7},
    {"exact before the nearest of two", "far.c.top", 900},
    {"in capitals", "FAR.C.TOP", 900},
    {"a child in capitals", "Y.C.Top", 7},
    {"only ends alike", "ad.example", -1},
    {"stranger", "stranger.example", -1},
    {"leading dot", ".d.example", 1},
    {"trailing dot", "d.example.", -1},
    {"two dots", "z..d.example", 1},
    {"a dot", ".", -1},
    {"empty", "", -1},
};

static void test_find_domain(void **state)
{
    struct names s;

    (void)state;
    fill(&s);
    for (size_t i = 0; i < sizeof domain_rows / sizeof *domain_rows; i++) {
        int got = names_find_domain(&s, EXACT, BELOW, bv_str(domain_rows[i].domain));
        if (got != domain_rows[i].want)
            fail_msg("%s: %d, expected %d", domain_rows[i].row, got, domain_rows[i].want);
    }
    names_free(&s);
}

static const struct {
    const char *row, *local, *domain;
    int want;
} address_rows[] = {
    {"itself", "u", "d.example", 8},
    {"in capitals", "U", "D.Example", 8},
    {"another local part", "v", "d.example", 0},
    {"an end of the local part", "xu", "d.example", 0},
    {"a beginning of the local part", "ux", "d.example", 0},
    {"another domain", "u", "z.d.example", 1},
    {"no such domain", "u", "e.example", -1},
    {"no local part", "", "d.example", 0},
    {"no domain", "u", "", -1},
    {"nothing", "", "", -1},
    {"the domain with the @ in it", "", "u@d.example", 8}, /* names are names to the set */
    {"an @ in the local part", "u@u", "d.example", 0},
    {"two @", "u@", "d.example", 0},
};

static void test_find_address(void **state)
{
    struct names s;

    (void)state;
    fill(&s);
    for (size_t i = 0; i < sizeof address_rows / sizeof *address_rows; i++) {
        int got = names_find_address(&s, EXACT, EXACT, BELOW, bv_str(address_rows[i].local),
                                     bv_str(address_rows[i].domain));
        if (got != address_rows[i].want)
            fail_msg("%s: %d, expected %d", address_rows[i].row, got, address_rows[i].want);
    }
    names_free(&s);
}

static void test_add_again(void **state)
{
    struct names s;

    (void)state;
    fill(&s);
    assert_int_equal(names_add(&s, EXACT, bv_str("D.Example"), 55), 0);
    assert_int_equal(names_add(&s, EXACT, bv_str("far.c.top"), 55), 900);
    assert_int_equal(s.n, SAMPLES);
    assert_int_equal(names_find(&s, EXACT, bv_str("d.example")), 0);
    assert_int_equal(names_find(&s, EXACT, bv_str("far.c.top")), 900);
    names_free(&s);
}

static void test_empty(void **state)
{
    struct names none = {.n = 0}, room;

    (void)state;
    assert_int_equal(names_find(&none, 0, bv_str("d.example")), -1);
    assert_int_equal(names_find_domain(&none, 0, 1, bv_str("d.example")), -1);
    assert_int_equal(names_find_address(&none, 0, 1, 2, bv_str("u"), bv_str("d.example")), -1);
    names_free(&none);
    assert_int_equal(names_init(&room, 0), 0);
    assert_int_equal(names_find(&room, 0, bv_str("d.example")), -1);
    assert_int_equal(names_find_domain(&room, 0, 1, bv_str("d.example")), -1);
    names_free(&room);
    assert_null(room.slot);
    assert_null(room.entry);
    names_free(&room);
}

static void number_name(char name[32], size_t i)
{
    snprintf(name, 32, "n%zu.%zu.example", i, i % 7);
}

/* Whatever is added beyond the room is neither kept nor in the way. */
static void test_full(void **state)
{
    enum { ROOM = 100, TRIED = 5000 };
    static char name[TRIED][32];
    struct names s;

    (void)state;
    assert_int_equal(names_init(&s, ROOM), 0);
    for (size_t i = 0; i < TRIED; i++) {
        number_name(name[i], i);
        assert_int_equal(names_add(&s, EXACT, bv_str(name[i]), (int)i), -1);
    }
    assert_true(s.n >= ROOM && s.n <= s.slots / 2);
    for (size_t i = 0; i < TRIED; i++) {
        int want = i < s.n ? (int)i : -1;
        if (names_find(&s, EXACT, bv_str(name[i])) != want)
            fail_msg("%s: %d, expected %d", name[i], names_find(&s, EXACT, bv_str(name[i])), want);
    }
    names_free(&s);
}

/* The same names in three spaces, each with its own numbers; none is lost among the others. */
static void test_many(void **state)
{
    enum { MANY = 30000 };
    static char name[MANY][32];
    struct names s;

    (void)state;
    assert_int_equal(names_init(&s, 3 * MANY), 0);
    for (size_t i = 0; i < MANY; i++) {
        number_name(name[i], i);
        for (unsigned space = 0; space < 3; space++)
            assert_int_equal(names_add(&s, space, bv_str(name[i]), (int)(3 * i + space)), -1);
    }
    for (size_t i = 0; i < MANY; i++)
        for (unsigned space = 0; space < 3; space++)
            if (names_find(&s, space, bv_str(name[i])) != (int)(3 * i + space))
                fail_msg("%s in space %u", name[i], space);
    names_free(&s);
}

/* Names cluster in few slots when the hash is poor: a search is then many steps. */
static void test_spread(void **state)
{
    enum { MANY = 20000, FAR = 64 };
    struct names s;
    char *text = malloc((size_t)MANY * 32);

    (void)state;
    assert_non_null(text);
    assert_int_equal(names_init(&s, MANY), 0);
    for (size_t i = 0; i < MANY; i++) {
        number_name(text + i * 32, i);
        names_add(&s, i % 2 ? EXACT : BELOW, bv_str(text + i * 32), (int)i);
    }
    for (size_t i = 0, run = 0; i < s.slots; i++) {
        run = s.slot[i].entry != 0 ? run + 1 : 0;
        if (run > FAR)
            fail_msg("%zu slots in a row are taken, up to %zu", run, i);
    }
    names_free(&s);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),      cmocka_unit_test(test_find_domain),
        cmocka_unit_test(test_add_again), cmocka_unit_test(test_find_address),
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_full),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
