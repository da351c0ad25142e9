#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "tools/args.h"
#include "tools/report_input.h"
#include "tools/report_view.h"

static void usage(FILE *to)
{
    fputs("usage: bvreport [--json|--html] [--since TIME] [--until TIME] [FILE...]\n"
          "       bvreport -h | -V\n"
          "       \"-\", or no file, reads standard input\n",
          to);
}

enum form { TEXT = 0, JSON, HTML };

struct options {
    enum form form;
    int forms;
    const char *since, *until;
    bool help, version;
};

/* Returns 0, or -1 after saying what is wrong. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option longer[] = {{"json", no_argument, NULL, 'j'},
                                           {"html", no_argument, NULL, 'H'},
                                           {"since", required_argument, NULL, 's'},
                                           {"until", required_argument, NULL, 'u'},
                                           {"help", no_argument, NULL, 'h'},
                                           {"version", no_argument, NULL, 'V'},
                                           {NULL, 0, NULL, 0}};
    int c;

    argv[0] = program_invocation_short_name; /* getopt's messages begin with it */
    while ((c = getopt_long(argc, argv, "hV", longer, NULL)) != -1) {
        switch (c) {
        case 'j':
        case 'H':
            o->form = c == 'j' ? JSON : HTML;
            o->forms++;
            break;
        case 's':
            o->since = optarg;
            break;
        case 'u':
            o->until = optarg;
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
    if (o->forms <= 1)
        return 0;
    tool_say("only one of --json and --html is possible");
    return -1;
}

/* A time, a day, or how long ago. Returns 0, or -1 after saying what is wrong. */
static int read_time(int64_t *out, const char *option, const char *text)
{
    char day[KEYS_TIME_LEN + 1];
    int64_t now, ago;

    if (text == NULL || keys_time_read(out, bv_str(text)))
        return 0;
    snprintf(day, sizeof day, "%.10sT00:00:00Z", text);
    if (strlen(text) == 10 && keys_time_read(out, bv_str(day)))
        return 0;
    if (keys_duration_read(&ago, bv_str(text)) && tool_now(&now, NULL) == 0) {
        *out = now - ago;
        return 0;
    }
    tool_say(
        "%s: \"%s\" is no UTC time like 2026-11-21T12:00:00Z, no day like 2026-11-21, and no time ago like 7d",
        option, text);
    return -1;
}

static int read_files(struct report_tally *t, bool *mentioned, char **files)
{
    static struct report_input in;
    static char standard[] = "-";
    char *none[] = {standard, NULL};
    int result = 0;

    in.tally = t;
    in.shows_progress = isatty(STDERR_FILENO) == 1;
    for (char **file = *files != NULL ? files : none; *file != NULL; file++)
        if (report_input_file(&in, *file) != 0)
            result = -1;
    report_input_end(&in);
    *mentioned = in.mentioned;
    return result;
}

static void write_report(const struct report_tally *t, enum form form)
{
    switch (form) {
    case TEXT:
        setlocale(LC_CTYPE, "");
        report_write_text(stdout, t, strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
        break;
    case JSON:
        report_write_json(stdout, t);
        break;
    case HTML:
        report_write_html(stdout, t);
        break;
    }
}

static int run(struct report_tally *t, const struct options *o, char **files)
{
    if (read_time(&t->since, "--since", o->since) != 0 || read_time(&t->until, "--until", o->until) != 0)
        return TOOL_TROUBLE;
    if (t->since >= t->until) {
        tool_say("--until: it is not later than --since");
        return TOOL_TROUBLE;
    }
    bool mentioned;
    int result = read_files(t, &mentioned, files);
    if (result != 0 && t->lines == 0)
        return TOOL_TROUBLE;
    report_tally_end(t);
    write_report(t, o->form);
    if (tool_flush() != 0 || result != 0)
        return TOOL_TROUBLE;
    if (t->decisions + t->notices > 0)
        return TOOL_YES;
    tool_say("no line of bvmilter%s, in %" PRIu64 " lines%s", t->outside > 0 ? " in the period asked for" : "",
             t->lines,
             mentioned && t->outside == 0 ? "; is it the journal? give it as: "
                                            "journalctl -t bvmilter -o export | bvreport"
                                          : "");
    return TOOL_NO;
}

int main(int argc, char **argv)
{
    static struct report_tally tally;
    struct options o = {.form = TEXT};
    uint64_t seed = 0;

    if (read_options(&o, argc, argv) != 0) {
        usage(stderr);
        return TOOL_TROUBLE;
    }
    if (o.help) {
        usage(stdout);
        return tool_printed();
    }
    if (o.version) {
        puts("bvreport " BV_VERSION);
        return tool_printed();
    }
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
        seed = 0; /* at the start of the machine; figures do not depend on it */
    if (report_tally_init(&tally, REPORT_TOP_SIZE, seed) != 0) {
        tool_say("no memory");
        return TOOL_TROUBLE;
    }
    int status = run(&tally, &o, argv + optind);
    report_tally_free(&tally);
    return status;
}
