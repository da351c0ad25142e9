#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/sim/sim.h"

struct run {
    uint64_t seed;
    double years;
    long messages;
    bool quiet, progress;
};

static int usage(void)
{
    fprintf(stderr, "usage: sim [-s SEED] [-y YEARS] [-n MESSAGES] [-q] [-v] [SCENARIO...]\n");
    for (size_t i = 0; i < scenarios_count; i++)
        fprintf(stderr, "  %-10s %s\n", scenarios[i].name, scenarios[i].about);
    return 2;
}

/* Each scenario has numbers of its own, so that it can be played again alone. */
static uint64_t seed_of(const struct run *run, const struct scenario *s)
{
    struct rng mix = {run->seed};

    for (const char *p = s->name; *p != '\0'; p++)
        mix.state = rng_next(&mix) + (unsigned char)*p;
    return rng_next(&mix);
}

static bool is_named(const struct scenario *s, int names, char **name)
{
    for (int i = 0; i < names; i++)
        if (strcmp(s->name, name[i]) == 0)
            return true;
    return names == 0;
}

static int play_all(const struct run *run, int names, char **name)
{
    int played = 0;

    if (!run->quiet)
        printf("# sim -s %llu -y %g -n %ld\n", (unsigned long long)run->seed, run->years, run->messages);
    for (size_t i = 0; i < scenarios_count; i++) {
        const struct scenario *s = &scenarios[i];
        if (!is_named(s, names, name))
            continue;
        if (!scenario_fits(s)) {
            fprintf(stderr, "sim: %s: copies take longer than the delay allows for\n", s->name);
            return 2;
        }
        world_run(s, seed_of(run, s), run->years, run->messages * s->share / 100, run->progress, run->quiet);
        fflush(stdout);
        played++;
    }
    if (played < (names > 0 ? names : 1))
        return usage();
    return check_report(names == 0, run->quiet) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct run run = {.seed = 1, .years = 3, .messages = 200000, .progress = isatty(STDERR_FILENO) != 0};
    int option;

    while ((option = getopt(argc, argv, "s:y:n:qv")) >= 0) {
        if (option == 's')
            run.seed = strtoull(optarg, NULL, 0);
        else if (option == 'y')
            run.years = strtod(optarg, NULL);
        else if (option == 'n')
            run.messages = strtol(optarg, NULL, 10);
        else if (option == 'q')
            run.quiet = true;
        else if (option == 'v')
            run.progress = true;
        else
            return usage();
    }
    if (run.years < 0.5 || run.years > 20 || run.messages < 10000 || run.messages > 100000000)
        return usage();
    if (run.quiet)
        run.progress = false;
    keys_json_setup();
    return play_all(&run, argc - optind, argv + optind);
}
