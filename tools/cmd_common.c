#include "tools/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_AT = 256, OPTION_HELP, OPTION_VERSION, OPTION_OWN, OPTIONS_MAX = 16 };

int cmd_misused(const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    tool_say("%s", text);
    cmd_usage(stderr);
    return TOOL_TROUBLE;
}

static bool takes_value(const struct cmd_option *o)
{
    return o->seconds != NULL || o->age != NULL || o->days != NULL || o->numbers != NULL ||
           o->algorithm != NULL || o->text != NULL;
}

int cmd_number(unsigned *out, const char *name, const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] != '\0') {
        tool_say("%s: \"%s\" is no key number, 0 to 9", name, text);
        return -1;
    }
    *out = (unsigned)(text[0] - '0');
    return 0;
}

static int set_number(const struct cmd_option *o, const char *value)
{
    unsigned number = 0;
    char name[32];

    snprintf(name, sizeof name, "--%s", o->name);
    if (cmd_number(&number, name, value) != 0)
        return -1;
    *o->numbers |= 1U << number;
    return 0;
}

static int set_algorithm(const struct cmd_option *o, const char *value)
{
    if (bv_algorithm_from_word(o->algorithm, bv_str(value)))
        return 0;
    tool_say("--%s: \"%s\" is neither hmac-sha1 nor hmac-sha256", o->name, value);
    return -1;
}

static int set_duration(const struct cmd_option *o, const char *value)
{
    bool age = o->age != NULL;
    int64_t seconds = 0;

    if (age ? !keys_age_read(&seconds, bv_str(value)) : !keys_duration_read(&seconds, bv_str(value))) {
        tool_say("--%s: \"%s\" is no %s", o->name, value,
                 age ? "age like 10d 3w 1m 6m 1y, m being months" : "duration like 30s 15m 1h 7d 3w 1y");
        return -1;
    }
    if (o->days == NULL) {
        *(age ? o->age : o->seconds) = seconds;
        return 0;
    }
    if (seconds % BV_DAY_SECONDS != 0 || seconds < BV_LIFETIME_MIN * BV_DAY_SECONDS ||
        seconds > BV_LIFETIME_MAX * BV_DAY_SECONDS) {
        tool_say("--%s: \"%s\" is not in %d..%d whole days", o->name, value, BV_LIFETIME_MIN, BV_LIFETIME_MAX);
        return -1;
    }
    *o->days = (unsigned)(seconds / BV_DAY_SECONDS);
    return 0;
}

/* Fills what a command's option points to. Returns 0, or -1 after saying what is wrong with the value. */
static int set_option(const struct cmd_option *o, const char *value)
{
    if (o->given != NULL)
        *o->given = true;
    if (o->text != NULL)
        *o->text = value;
    if (o->numbers != NULL)
        return set_number(o, value);
    if (o->algorithm != NULL)
        return set_algorithm(o, value);
    return takes_value(o) && o->text == NULL ? set_duration(o, value) : 0;
}

/* What all commands have, then their own, as getopt_long() wants it. */
static void list_options(struct option list[OPTIONS_MAX], const struct cmd_option *options, bool version)
{
    size_t n = 0;

    memset(list, 0, OPTIONS_MAX * sizeof *list);
    list[n++] = (struct option){"at", required_argument, NULL, OPTION_AT};
    list[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    if (version)
        list[n++] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
    for (int own = 0; options != NULL && options[own].name != NULL && n < OPTIONS_MAX - 1; own++)
        list[n++] = (struct option){options[own].name, takes_value(&options[own]), NULL, OPTION_OWN + own};
}

static int stop(struct cmd *c, int status)
{
    c->status = status;
    return -1;
}

/* Takes one option. Returns 0, or -1, c->status then being set. */
static int take(struct cmd *c, int got, const struct cmd_option *options)
{
    switch (got) {
    case 'f':
        c->option = optarg;
        return 0;
    case OPTION_AT:
        c->at = optarg;
        return 0;
    case OPTION_HELP:
    case 'h':
        cmd_usage(stdout);
        return stop(c, tool_printed());
    case OPTION_VERSION:
    case 'V':
        puts("bvkey " BV_VERSION);
        return stop(c, tool_printed());
    case '?':
        cmd_usage(stderr);
        return stop(c, TOOL_TROUBLE);
    default:
        return set_option(&options[got - OPTION_OWN], optarg) == 0 ? 0 : stop(c, TOOL_TROUBLE);
    }
}

static int read_options(struct cmd *c, const struct cmd_option *options, bool before, int argc, char **argv)
{
    struct option list[OPTIONS_MAX];
    int got;

    list_options(list, options, before);
    argv[0] = program_invocation_short_name; /* getopt's messages begin with it */
    optind = 0;
    while ((got = getopt_long(argc, argv, before ? "+f:hV" : "f:h", list, NULL)) != -1)
        if (take(c, got, options) != 0)
            return -1;
    return optind;
}

int cmd_options_before(struct cmd *c, int argc, char **argv)
{
    return read_options(c, NULL, true, argc, argv);
}

static void find_who(char dst[CMD_WHO])
{
    const struct passwd *user = getpwuid(geteuid());
    char host[65] = "";

    if (gethostname(host, sizeof host - 1) != 0)
        strcpy(host, "?");
    if (user != NULL)
        snprintf(dst, CMD_WHO, "%.60s@%s", user->pw_name, host);
    else
        snprintf(dst, CMD_WHO, "%lu@%s", (unsigned long)geteuid(), host);
}

int cmd_options(struct cmd *c, const struct cmd_option *options, int most, int argc, char **argv)
{
    int first = read_options(c, options, false, argc, argv);

    if (first < 0)
        return -1;
    if (argc - first > most)
        return stop(c, cmd_misused("too many arguments, from \"%s\" on", argv[first + most]));
    c->file = tool_keyring(c->option, NULL);
    if (store_is_url(c->file) && cmd_check_url(c->file) != 0)
        return stop(c, TOOL_TROUBLE);
    find_who(c->who);
    return tool_now(&c->now, c->at) == 0 ? first : stop(c, TOOL_TROUBLE);
}
