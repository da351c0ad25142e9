/* Configurations: what is taken prints, and what is printed is taken and prints the same. */
#include "test/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "milter/conf.h"
#include "milter/report.h"

static struct problems problems;

/* What -T prints of a text, in *out; false when it has problems. */
static bool print(char **out, const char *text)
{
    int fd = memfd_create("conf", 0);
    char path[64];
    size_t size = 0;

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FILE *f = open_memstream(out, &size);
    CHECK(f != NULL);
    memset(&problems, 0, sizeof problems);
    int result = conf_print(f, path, &problems);
    CHECK(fclose(f) == 0);
    close(fd);
    return result == 0 && problems.n == 0;
}

static void check_values(const struct conf *c)
{
    CHECK(c->listen != NULL && c->socket_group != NULL && c->keyring != NULL && c->domains != NULL);
    CHECK(c->reject_text != NULL && c->header_name != NULL && c->header_value != NULL && c->user != NULL);
    CHECK(*c->listen != '\0' && *c->keyring != '\0' && *c->domains != '\0' && *c->header_name != '\0');
    CHECK(strpbrk(c->reject_text, "\r\n") == NULL && strpbrk(c->header_value, "\r\n") == NULL);
    CHECK(strpbrk(c->header_name, "\r\n: ") == NULL);
    CHECK(c->max_recipients >= 1 && c->max_recipients <= 10000);
    CHECK(c->max_map_connections >= 1 && c->max_bad_macs >= 0 && c->exceptions != NULL &&
          c->map_listen != NULL);
    CHECK(c->policy.action <= ACTION_REJECT);
    CHECK((c->policy.reply_types & ~((1U << REPORT_TYPES) - 2)) == 0); /* REPORT_OTHER is none of them */
    CHECK(c->storm.threshold >= 0 && c->storm.quiet >= 1);
    CHECK(c->policy.on_fault == ACTION_ACCEPT || c->policy.on_fault == ACTION_TEMPFAIL);
    CHECK(c->policy.delimiter != BV_PREFIX);
    for (char **d = c->policy.sign_daemons; *d != NULL; d++)
        CHECK(**d != '\0');
}

static void check_round_trip(const char *text)
{
    char *first = NULL, *second = NULL;

    CHECK(print(&first, text));
    CHECK(print(&second, first));
    CHECK(strcmp(first, second) == 0);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf c;
    char *text = malloc(size + 1);

    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    memset(&problems, 0, sizeof problems);
    if (conf_parse(&c, "conf", text, &problems) == 0) {
        CHECK(problems.n == 0);
        check_values(&c);
        check_round_trip(text);
    } else {
        CHECK(problems.n > 0 && problems.item[0].text[0] != '\0');
    }
    conf_free(&c);
    free(text);
    return 0;
}
