#include "keys/store.h"
#include "milter/dns.h"
#include "tools/bvtag.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const struct command {
    const char *name;
    int (*run)(struct bvtag *b, const char *text);
    bool needs_ring, needs_conf;
} commands[] = {
    {"sign", bvtag_sign, true, false},    {"verify", bvtag_verify, true, false},
    {"strip", bvtag_strip, false, false}, {"explain", bvtag_explain, true, true},
    {"mx", bvtag_mx, false, true},
};

static void usage(FILE *to)
{
    fputs("usage: bvtag [-f KEYRING] [-c CONFIG] [--at TIME] [--json] sign|verify|strip|explain ADDRESS...\n"
          "       bvtag [-c CONFIG] [--json] mx DOMAIN...\n"
          "       bvtag -h | -V\n"
          "       \"-\" reads addresses from standard input, one a line\n",
          to);
}

static int misused(const struct command *command, const char *word)
{
    if (word == NULL)
        tool_say("no command");
    else if (command == NULL)
        tool_say("unknown command \"%s\"", word);
    else
        tool_say("%s: no %s", word, command->run == bvtag_mx ? "domain" : "address");
    usage(stderr);
    return TOOL_TROUBLE;
}

struct options {
    const char *keyring, *conf, *at;
    bool json, help, version;
};

/* Returns 0, or -1 after saying what is wrong. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option longer[] = {{"at", required_argument, NULL, 'a'},
                                           {"json", no_argument, NULL, 'j'},
                                           {"help", no_argument, NULL, 'h'},
                                           {"version", no_argument, NULL, 'V'},
                                           {NULL, 0, NULL, 0}};
    int c;

    argv[0] = program_invocation_short_name; /* getopt's messages begin with it */
    while ((c = getopt_long(argc, argv, "+f:c:hV", longer, NULL)) != -1) {
        switch (c) {
        case 'f':
            o->keyring = optarg;
            break;
        case 'c':
            o->conf = optarg;
            break;
        case 'a':
            o->at = optarg;
            break;
        case 'j':
            o->json = true;
            break;
        case 'h':
            o->help = true;
            break;
        case 'V':
            o->version = true;
            break;
        default:
            return -1;
        }
    }
    return 0;
}

static int load_conf(struct bvtag *b, const char *path)
{
    static struct problems problems;
    char text[PROBLEM_LINE];

    if (conf_load(&b->conf, path, &problems) == 0) {
        b->has_conf = true;
        return 0;
    }
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++) {
        problem_write(text, sizeof text, &problems.item[i]);
        tool_say("%s", text);
    }
    return -1;
}

static int load(struct bvtag *b, const struct options *o, const struct command *command)
{
    struct keys_error err;

    b->json = o->json;
    if (tool_now(&b->now, o->at) != 0)
        return -1;
    if ((command->needs_conf || o->conf != NULL) &&
        load_conf(b, o->conf != NULL ? o->conf : CONF_DEFAULT_PATH) != 0)
        return -1;
    if (!command->needs_ring)
        return 0;
    b->keyring_path = tool_keyring(o->keyring, b->has_conf ? b->conf.keyring : NULL);
    if (store_is_url(b->keyring_path)) {
        tool_say("%s: no file; bvkey sync keeps a file like it, and bvkey export writes one", b->keyring_path);
        return -1;
    }
    if (keys_load(&b->ring, b->keyring_path, &err) != 0) {
        tool_say_ring_error(b->keyring_path, &err);
        return -1;
    }
    if (keys_macs_init(&b->macs, &b->ring) != 0) {
        tool_say("the cryptographic library has failed");
        return -1;
    }
    policy_keys_at(&b->keys, &b->ring, &b->macs, b->now);
    return 0;
}

static int worse(int a, int b)
{
    return a > b ? a : b;
}

/* One address a line, in constant memory. */
static int run_lines(struct bvtag *b, const struct command *command)
{
    static struct bvtag_line line;
    FILE *in = bvtag_lines_open();
    int status = TOOL_YES;

    if (in == NULL) {
        tool_say("no memory");
        return TOOL_TROUBLE;
    }
    for (unsigned long number = 1; !ferror(stdout) && bvtag_line_read(&line, in); number++) {
        if (line.fault[0] != '\0') {
            tool_say("standard input:%lu: %s, taken as unreadable", number, line.fault);
            strcpy(line.text, "<@>");
            status = TOOL_TROUBLE;
        }
        status = worse(status, command->run(b, line.text));
    }
    if (ferror(in) && !ferror(stdout)) {
        tool_say("standard input: cannot be read: %s", strerror(errno));
        status = TOOL_TROUBLE;
    }
    fclose(in);
    return status;
}

/* Nothing is what a variable of a script that is not set leaves behind. */
static int run_argument(struct bvtag *b, const struct command *command, const char *text)
{
    if (strcmp(text, "-") == 0)
        return run_lines(b, command);
    if (*text != '\0')
        return command->run(b, text);
    tool_say("an argument is empty; the null sender is written <>");
    return TOOL_TROUBLE;
}

static int run(struct bvtag *b, const struct command *command, char **addresses)
{
    int status = TOOL_YES;

    for (; *addresses != NULL && !ferror(stdout); addresses++)
        status = worse(status, run_argument(b, command, *addresses));
    return tool_flush() == 0 ? status : TOOL_TROUBLE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const struct rlimit none = {0, 0};
    static struct bvtag b;
    struct options o = {.keyring = NULL};

    keys_json_setup();
    setrlimit(RLIMIT_CORE, &none); /* a core file would hold the keys */
    if (read_options(&o, argc, argv) != 0) {
        usage(stderr);
        return TOOL_TROUBLE;
    }
    if (o.help) {
        usage(stdout);
        return tool_printed();
    }
    if (o.version) {
        puts("bvtag " BV_VERSION);
        return tool_printed();
    }
    const struct command *command = optind < argc ? find_command(argv[optind]) : NULL;
    if (command == NULL || optind + 1 >= argc)
        return misused(command, argv[optind]);
    int status = load(&b, &o, command) == 0 ? run(&b, command, argv + optind + 1) : TOOL_TROUBLE;
    keys_macs_free(&b.macs);
    keys_wipe(&b.ring);
    dns_free(b.dns);
    conf_free(&b.conf);
    return status;
}
