/*
 * Loaded into the private Sendmail of the tests: gives it a name of its own and
 * hosts to know, without DNS, and writes its log into a file ($SENDMAIL_LOG).
 */
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

/* An address, its name, and the address of that name. */
static const struct host {
    const char *address, *name, *forward;
} hosts[] = {
    {"127.0.0.4", "known.outside.example", "127.0.0.4"},
    {"127.0.0.5", "pretender.example.com", "127.0.0.1"},
};

enum { HOSTS = sizeof hosts / sizeof hosts[0] };

/* Kept from the start: Sendmail throws its environment away, and closes files that it does not know. */
static char log_file[256];

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("SENDMAIL_LOG");

    if (path != NULL)
        snprintf(log_file, sizeof log_file, "%s", path);
}

/* NOLINTNEXTLINE: what syslog() is called in a program compiled with _FORTIFY_SOURCE */
void __syslog_chk(int priority, int flag, const char *format, ...);

void __syslog_chk(int priority, int flag, const char *format, ...)
{
    char line[2048];
    va_list args;
    int n, file, head = snprintf(line, sizeof line, "sendmail[%d]: ", (int)getpid());

    (void)priority;
    (void)flag;
    va_start(args, format);
    n = head + vsnprintf(line + head, sizeof line - 1 - (size_t)head, format, args);
    va_end(args);
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    file = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (write(file, line, (size_t)n) < n)
        abort();
    close(file);
}

int gethostname(char *name, size_t size)
{
    return snprintf(name, size, "gw.example.com") < (int)size ? 0 : -1;
}

static struct hostent *answer(const char *name, const char *address)
{
    static struct in_addr in;
    static char text[64], *aliases[1], *addresses[2] = {(char *)&in};
    static struct hostent entry = {.h_name = text,
                                   .h_aliases = aliases,
                                   .h_addrtype = AF_INET,
                                   .h_length = sizeof in,
                                   .h_addr_list = addresses};

    snprintf(text, sizeof text, "%s", name);
    inet_pton(AF_INET, address, &in);
    return &entry;
}

struct hostent *gethostbyaddr(const void *address, socklen_t size, int family)
{
    char text[INET6_ADDRSTRLEN] = "";

    (void)size;
    inet_ntop(family, address, text, sizeof text);
    for (int i = 0; i < HOSTS; i++)
        if (strcmp(text, hosts[i].address) == 0)
            return answer(hosts[i].name, text);
    h_errno = HOST_NOT_FOUND;
    return NULL;
}

struct hostent *gethostbyname2(const char *name, int family)
{
    struct in_addr in;

    if (family == AF_INET && inet_pton(AF_INET, name, &in) == 1)
        return answer(name, name);
    for (int i = 0; i < HOSTS; i++)
        if (family == AF_INET && strcmp(name, hosts[i].name) == 0)
            return answer(name, hosts[i].forward);
    h_errno = HOST_NOT_FOUND;
    return NULL;
}
