#include "tools/cmd.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static const struct command {
    const char *name, *usage;
    int (*run)(struct cmd *c, int argc, char **argv);
} commands[] = {
    {"init", "[--lifetime 7d] [--algorithm hmac-sha1|hmac-sha256]", cmd_init},
    {"list", "[--json]", cmd_list},
    {"rotate", "[--delay 1h] [--lifetime D] [--algorithm A] [--if-older-than D] [--purge RULE]", cmd_rotate},
    {"add",
     "--number N [--sign-from T|now] [--lifetime 7d] [--algorithm A] [--comment TEXT]\n"
     "         [--format text|raw|base64|hex] [--weak]",
     cmd_add},
    {"purge",
     "[--expired] [--unused-for 1m|3m|6m|1y|D] [--all-but-current] [--number N]\n"
     "         [--force] [--dry-run]",
     cmd_purge},
    {"revoke", "N", cmd_revoke},
    {"check", "[--json]", cmd_check},
    {"export", "[--public]", cmd_export},
    {"import", "[--force] FILE|-", cmd_import},
    {"sync", "[--once] [--poll 30s] URL", cmd_sync},
};

void cmd_usage(FILE *to)
{
    fputs("usage: bvkey [-f FILE] [--at TIME] COMMAND\n(FILE may be etcd://HOST:2379/KEY)\ncommands:\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-6s %s\n", commands[i].name, commands[i].usage);
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
    const struct command *command;
    struct cmd c = {0};
    int at;

    signal(SIGXFSZ, SIG_IGN); /* a file at its limit of size is an error that write() tells */
    keys_json_setup();
    setrlimit(RLIMIT_CORE, &none); /* a core file would hold the keys */
    at = cmd_options_before(&c, argc, argv);
    if (at < 0)
        return c.status;
    if (at == argc)
        return cmd_misused("no command");
    command = find_command(argv[at]);
    if (command == NULL)
        return cmd_misused("unknown command \"%s\"", argv[at]);
    return command->run(&c, argc - at, argv + at);
}
