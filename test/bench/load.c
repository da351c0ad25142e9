/*
 * load - sends a milter messages that it has to sign, as Postfix does, counts
 * and times them, and prints one JSON line.  Status 1: an answer was not as it
 * should be, or no message was measured in the time there is.
 */
#include "test/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "usage: load -n MESSAGES -t SECONDS [-w MESSAGES] [-c CONNECTIONS] [-m MESSAGES] [-r RATE] [-i "
    "CONNECTIONS]\n"
    "            [-H FIELDS] [-B OCTETS] [-R RECIPIENTS] [-d DOMAIN] [-p PID] SOCKET\n"
    "  -n MESSAGES     so many are measured\n"
    "  -t SECONDS      the end, even if they were fewer; there is no load without these two\n"
    "  -w MESSAGES     before them, so many that are not measured (0)\n"
    "  -c CONNECTIONS  at a time (1)\n"
    "  -m MESSAGES     a session (1)\n"
    "  -r RATE         messages a second, by a schedule, and timed from when they were due;\n"
    "                  without it, each comes when one before it has ended, and is timed from MAIL\n"
    "  -i CONNECTIONS  that say nothing after HELO, besides (0)\n"
    "  -H FIELDS       of the header (20)\n"
    "  -B OCTETS       of the body (2000)\n"
    "  -R RECIPIENTS   of a message (1)\n"
    "  -d DOMAIN       of the recipients (outside.example)\n"
    "  -p PID          of the milter, for processor time and memory\n"
    "  SOCKET          unix:PATH or inet:PORT@ADDRESS\n";

static void refuse(const char *what)
{
    fprintf(stderr, "load: %s\n%s", what, usage);
    exit(2);
}

static double number(const char *text, double least, double most)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "load: \"%s\" is not between %g and %g\n", text, least, most);
        exit(2);
    }
    return value;
}

static void take_option(struct load_options *o, int letter)
{
    const struct {
        char letter;
        long *value, most;
    } counts[] = {
        {'n', &o->messages, LOAD_MESSAGES_MAX},
        {'w', &o->warm_up, LOAD_MESSAGES_MAX},
        {'c', &o->connections, LOAD_CONNECTIONS_MAX},
        {'m', &o->per_session, LOAD_MESSAGES_MAX},
        {'i', &o->idle, LOAD_IDLE_MAX},
        {'H', &o->headers, LOAD_HEADERS_MAX},
        {'B', &o->body, LOAD_BODY_MAX},
        {'R', &o->recipients, LOAD_HEADERS_MAX},
    };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].letter == letter) {
            *counts[i].value =
                (long)number(optarg, strchr("wiHB", letter) != NULL ? 0 : 1, (double)counts[i].most);
            return;
        }
    }
    if (letter == 't')
        o->seconds = number(optarg, 0.01, LOAD_SECONDS_MAX);
    else if (letter == 'r')
        o->rate = number(optarg, 0.1, 1e6);
    else if (letter == 'p')
        o->pid = (pid_t)number(optarg, 1, 1 << 30);
    else if (letter == 'd' && strlen(optarg) < LOAD_ADDRESS - 32)
        o->domain = optarg;
    else
        refuse("an option is not known");
}

/* Each idle connection is a descriptor. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct load load = {.o = {.domain = "outside.example",
                                     .per_session = 1,
                                     .connections = 1,
                                     .headers = 20,
                                     .body = 2000,
                                     .recipients = 1}};
    struct load_options *o = &load.o;

    for (int letter; (letter = getopt(argc, argv, "n:t:w:c:m:r:i:H:B:R:d:p:")) != -1;)
        take_option(o, letter);
    if (o->messages == 0 || o->seconds <= 0)
        refuse("-n and -t are needed: a load has an end");
    if (optind + 1 != argc || wire_where(&o->where, argv[optind]) != 0)
        refuse("one socket is needed, unix:PATH or inet:PORT@ADDRESS");
    raise_limit();
    alarm((unsigned)o->seconds + 2 * WIRE_PATIENCE); /* whatever happens */
    if (load_run(&load) != 0)
        return 1;
    load_tell(&load);
    if (load.counted == 0)
        fprintf(stderr, "load: no message was measured in %g seconds\n", o->seconds);
    return load.counted > 0 ? 0 : 1;
}
