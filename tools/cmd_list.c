#include "tools/cmd.h"

#include <string.h>

enum { COLUMNS = 8, CELL = 24 };

/* A key or a tombstone: the cells, then the comment, which is last and as long as it likes. */
struct row {
    char cell[COLUMNS][CELL];
    char comment[KEYS_TEXT_MAX + 1];
};

static const struct row head = {
    .cell = {"number", "state", "algorithm", "signs from", "signs until", "verifies until", "purgeable from",
             "fingerprint"},
    .comment = "comment",
};

static void fill_key(struct row *row, const struct keys_ring *ring, size_t i, const char *fingerprint,
                     int64_t now)
{
    const struct keys_key *key = &ring->key[i];
    struct keys_times times;

    keys_times(&times, ring, i);
    snprintf(row->cell[0], CELL, "%u", key->number);
    snprintf(row->cell[1], CELL, "%s", keys_phase_word(keys_phase(ring, i, now)));
    snprintf(row->cell[2], CELL, "%s", bv_algorithm_word(key->algorithm));
    keys_time_write(row->cell[3], times.signs_from);
    keys_time_write(row->cell[4], times.signs_until);
    keys_time_write(row->cell[5], times.verifies_until);
    keys_time_write(row->cell[6], times.purgeable_from);
    strcpy(row->cell[7], fingerprint);
    strcpy(row->comment, key->comment);
}

static void fill_tombstone(struct row *row, const struct keys_tombstone *stone)
{
    char when[KEYS_TIME_LEN + 1];

    for (int i = 0; i < COLUMNS; i++)
        strcpy(row->cell[i], "-");
    snprintf(row->cell[0], CELL, "%u", stone->number);
    strcpy(row->cell[1], "purged");
    keys_time_write(when, stone->reusable);
    snprintf(row->comment, sizeof row->comment, "number reusable from %s", when);
}

static void widen(int width[COLUMNS], const struct row *row)
{
    for (int i = 0; i < COLUMNS; i++)
        if (width[i] < (int)strlen(row->cell[i]))
            width[i] = (int)strlen(row->cell[i]);
}

static void print_row(const int width[COLUMNS], const struct row *row)
{
    for (int i = 0; i < COLUMNS - 1; i++)
        printf("%-*s  ", width[i], row->cell[i]);
    if (*row->comment == '\0')
        printf("%s\n", row->cell[COLUMNS - 1]);
    else
        printf("%-*s  %s\n", width[COLUMNS - 1], row->cell[COLUMNS - 1], row->comment);
}

static void print_table(const struct keys_ring *ring, char fingerprint[KEYS_MAX][KEYS_FINGERPRINT + 1],
                        int64_t now)
{
    struct row row[KEYS_MAX + KEYS_MAX];
    int width[COLUMNS] = {0};
    size_t n = 0;

    for (size_t i = 0; i < ring->count; i++)
        fill_key(&row[n++], ring, i, fingerprint[i], now);
    for (size_t i = 0; i < ring->purged_count; i++)
        fill_tombstone(&row[n++], &ring->purged[i]);
    widen(width, &head);
    for (size_t i = 0; i < n; i++)
        widen(width, &row[i]);
    print_row(width, &head);
    for (size_t i = 0; i < n; i++)
        print_row(width, &row[i]);
    printf("id %s, generation %lld\n", ring->id, (long long)ring->generation);
}

/* Prints ", NAME: TIME". */
static void print_json_time(const char *name, int64_t t)
{
    printf(", \"%s\": ", name);
    cmd_json_time(t);
}

static void print_json_key(const struct keys_ring *ring, size_t i, const char *fingerprint, int64_t now)
{
    const struct keys_key *key = &ring->key[i];
    struct keys_times times;

    keys_times(&times, ring, i);
    printf("{\"number\": %u, \"state\": \"%s\", \"algorithm\": \"%s\", \"lifetime_days\": %u", key->number,
           keys_phase_word(keys_phase(ring, i, now)), bv_algorithm_word(key->algorithm), key->lifetime);
    print_json_time("signs_from", times.signs_from);
    print_json_time("signs_until", times.signs_until);
    print_json_time("verifies_until", times.verifies_until);
    print_json_time("purgeable_from", times.purgeable_from);
    printf(", \"fingerprint\": \"%s\", \"comment\": ", fingerprint);
    cmd_json_string(key->comment);
    putchar('}');
}

static void print_json(const struct keys_ring *ring, char fingerprint[KEYS_MAX][KEYS_FINGERPRINT + 1],
                       int64_t now)
{
    printf("{\"id\": \"%s\", \"generation\": %lld", ring->id, (long long)ring->generation);
    print_json_time("signing_since", ring->signing_since);
    printf(", \"keys\": [");
    for (size_t i = 0; i < ring->count; i++) {
        fputs(i == 0 ? "\n  " : ",\n  ", stdout);
        print_json_key(ring, i, fingerprint[i], now);
    }
    printf("\n], \"purged\": [");
    for (size_t i = 0; i < ring->purged_count; i++) {
        printf("%s{\"number\": %u", i == 0 ? "\n  " : ",\n  ", ring->purged[i].number);
        print_json_time("purged", ring->purged[i].purged);
        print_json_time("reusable", ring->purged[i].reusable);
        putchar('}');
    }
    printf("%s]}\n", ring->purged_count == 0 ? "" : "\n");
}

int cmd_list(struct cmd *c, int argc, char **argv)
{
    bool json = false;
    const struct cmd_option options[] = {{.name = "json", .given = &json}, {0}};
    char fingerprint[KEYS_MAX][KEYS_FINGERPRINT + 1];
    struct keys_ring ring;
    struct keys_error err;
    bool whole;

    if (cmd_options(c, options, 0, argc, argv) < 0)
        return c->status;
    if (cmd_load(c, &ring, &err) != 0) {
        tool_say_ring_error(c->file, &err);
        return TOOL_TROUBLE;
    }
    whole = keys_fingerprints(fingerprint, &ring) == 0;
    if (!whole)
        cmd_say_no_fingerprint();
    else if (json)
        print_json(&ring, fingerprint, c->now);
    else
        print_table(&ring, fingerprint, c->now);
    keys_wipe(&ring);
    return tool_flush() == 0 && whole ? TOOL_YES : TOOL_TROUBLE;
}
