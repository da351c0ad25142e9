#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>

#include "keys/keys.h"
#include "milter/background.h"
#include "milter/clock.h"
#include "milter/conf.h"
#include "milter/counters.h"
#include "milter/limits.h"
#include "milter/listen.h"
#include "milter/log.h"
#include "milter/map.h"
#include "milter/metrics.h"
#include "milter/outlet.h"
#include "milter/reload.h"
#include "milter/rights.h"
#include "milter/session.h"
#include "milter/snapshot.h"
#include "milter/starting.h"

enum { EXIT_USAGE = 2 };

enum mode { MODE_SERVE, MODE_TEST, MODE_PRINT };

struct options {
    const char *conf_path;
    enum mode mode;
    bool background, verbose;
};

static void say(const char *text)
{
    outlet_say(LOG_ERR, text);
}

static const char usage[] = "usage: bvmilter [-c FILE] [-t | -T] [-d] [-v] [-h | -V]";

static int misused(const char *what, const char *word)
{
    char text[OUTLET_TEXT];

    snprintf(text, sizeof text, "%s \"%s\"", what, word);
    say(text);
    say(usage);
    return EXIT_USAGE;
}

static int say_problems(struct problems *problems)
{
    char text[PROBLEM_LINE];

    rights_advise(problems);
    for (size_t i = 0; i < problems->n && i < PROBLEMS_KEPT; i++) {
        problem_write(text, sizeof text, &problems->item[i]);
        say(text);
    }
    if (problems->n > PROBLEMS_KEPT) {
        snprintf(text, sizeof text, "%zu more problems", problems->n - PROBLEMS_KEPT);
        say(text);
    }
    return EXIT_FAILURE;
}

/* Key material never goes to a core file. */
static void forbid_cores(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* A reload frees as much as it takes: large blocks go back to the system instead of making holes. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 18);
    mallopt(M_TRIM_THRESHOLD, 1 << 18);
}

/* No fault of the configuration: a key file may be put in place before its key signs. */
static void warn_of_no_key(const struct snapshot *s)
{
    const struct conf *conf = snapshot_conf(s);
    char text[PROBLEM_LINE];

    if (keys_signing(snapshot_ring(s), clock_now()) >= 0 || !domains_need_keys(&conf->policy.domains))
        return;
    snprintf(text, sizeof text, "%s: no key signs at this time; our users' mail %s (on_fault)", conf->keyring,
             conf->policy.on_fault == ACTION_ACCEPT ? "leaves without tags" : "is put off");
    outlet_say(LOG_WARNING, text);
}

/* All that is wrong, in one run: settings, tables, socket, user, key file. */
static int test_configuration(const char *path, struct problems *problems)
{
    static struct problems first;
    struct conf conf;
    bool loaded = conf_load(&conf, path, &first) == 0;

    if (loaded && listen_check(&conf, &first) == 0)
        listen_give_up_root(&conf, &first); /* whether the daemon's own user can read it all */
    struct snapshot *s = snapshot_build(path, problems);
    if (s != NULL)
        warn_of_no_key(s);
    snapshot_put(s);
    if (problems->n > 0)
        say_problems(problems);
    if (first.n > 0 && (loaded || problems->n == 0)) /* else they are the same */
        say_problems(&first);
    conf_free(&conf);
    return problems->n + first.n == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_configuration(const char *path, struct problems *problems)
{
    struct conf conf;
    bool printed = conf_load(&conf, path, problems) == 0 && conf_print(stdout, path, problems) == 0;

    conf_free(&conf);
    if (!printed)
        return say_problems(problems);
    return outlet_flush() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void say_start(const struct conf *conf, const struct snapshot *s)
{
    log_info("bvmilter %s serves on %s, rows of domains: %zu", BV_VERSION, conf->listen,
             snapshot_conf(s)->policy.domains.n);
    for (size_t i = 0; i < conf->policy.sign_networks.n; i++)
        if (net_is_everywhere(&conf->policy.sign_networks.item[i]))
            log_warn("sign_networks names all addresses: strangers' mail is signed, and no bounce is judged");
    if (!listen_is_local(conf->listen))
        log_warn("%s: whoever reaches it can have addresses signed; a firewall must keep strangers away",
                 conf->listen);
}

static void remove_sockets(void)
{
    listen_remove();
    map_stop();
}

static int serve(const struct options *o, struct problems *problems)
{
    static struct conf conf; /* its strings are used until the end */
    int ready = -1;

    reload_hold_signals();
    if (conf_load(&conf, o->conf_path, problems) != 0)
        return say_problems(problems);
    listen_find_passed();
    if (o->background && background_enter(&ready) != 0) {
        say(strerror(errno));
        return EXIT_FAILURE;
    }
    reload_block_signals();
    limits_raise();
    if (listen_open(&conf, problems) != 0)
        return say_problems(problems);
    struct snapshot *s = NULL;
    if (map_open(&conf, problems) == 0 && metrics_open(&conf, problems) == 0 &&
        listen_give_up_root(&conf, problems) == 0) {
        forbid_cores();                             /* another user may be dumped again, prctl(2) */
        s = snapshot_build(o->conf_path, problems); /* with the rights that reloads will have */
    }
    if (s == NULL || snapshot_install(s, problems) != 0) {
        remove_sockets();
        return say_problems(problems);
    }
    counters_start(clock_now());
    log_open(o->background, o->verbose);
    say_start(&conf, s);
    if (log_start() != 0 || starting_open() != 0 || map_start() != 0 || metrics_start() != 0 ||
        reload_start(o->conf_path, &conf) != 0) {
        say("cannot start a thread");
        remove_sockets();
        return EXIT_FAILURE;
    }
    background_serves(ready);
    session_run();
    log_error("libmilter has given up");
    remove_sockets();
    log_stop();
    return EXIT_FAILURE;
}

static int print(const char *text)
{
    puts(text);
    return outlet_flush() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns -1 when there is something to do, else the exit status. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option longer[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":c:tTdvhV", longer, NULL)) != -1) {
        const char letter[] = {'-', (char)(c == ':' || c == '?' ? optopt : c), '\0'};
        if (c == 'c')
            o->conf_path = optarg;
        else if ((c == 't' && o->mode == MODE_PRINT) || (c == 'T' && o->mode == MODE_TEST))
            return misused("-t and -T cannot go together:", letter);
        else if (c == 't' || c == 'T')
            o->mode = c == 't' ? MODE_TEST : MODE_PRINT;
        else if (c == 'd')
            o->background = true;
        else if (c == 'v')
            o->verbose = true;
        else if (c == 'h' || c == 'V')
            return print(c == 'h' ? usage : "bvmilter " BV_VERSION);
        else if (c == ':')
            return misused("a file is missing after", letter);
        else
            return misused("unknown option", optopt == 0 || strchr("hV", optopt) ? argv[optind - 1] : letter);
    }
    return optind < argc ? misused("unknown argument", argv[optind]) : -1;
}

int main(int argc, char **argv)
{
    struct options o = {.conf_path = CONF_DEFAULT_PATH};
    static struct problems problems;

    keys_json_setup();
    forbid_cores();
    give_memory_back();
    outlet_open();
    int status = read_options(&o, argc, argv);
    if (status >= 0)
        return status;
    if (o.mode == MODE_TEST)
        return test_configuration(o.conf_path, &problems);
    if (o.mode == MODE_PRINT)
        return print_configuration(o.conf_path, &problems);
    return serve(&o, &problems);
}
