#include "milter/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
    LOG_LINE = 2048,
    PREFIX = sizeof "bvmilter: " - 1,
    QUEUE_OCTETS = 1 << 19, /* a message may have a thousand recipients, and a line for each */
    GATHER_MS = 5           /* lines of this time are written together */
};

/* Lines that wait, each as it will be written; for syslog, its priority in one octet stands before it. */
struct batch {
    size_t n;
    unsigned long lost; /* lines that did not fit */
    char text[QUEUE_OCTETS];
};

/* Set once, before the first thread. */
static bool use_syslog, use_debug;

static struct batch
    batches[2]; /* by themselves: with an initial value, they would take memory from the start */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    bool running, ending;
    struct batch *filling;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .filling = &batches[0]};

void log_open(bool to_syslog, bool verbose)
{
    use_syslog = to_syslog;
    use_debug = verbose;
    if (to_syslog)
        openlog("bvmilter", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

static void write_all(const char *text, size_t n)
{
    while (n > 0) {
        ssize_t put = write(STDERR_FILENO, text, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EAGAIN) { /* somebody else has made it non-blocking */
            poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, -1);
            continue;
        }
        if (put <= 0)
            return; /* there is nobody left to tell */
        text += put;
        n -= (size_t)put;
    }
}

/* A line as it is queued and written. Returns its length; dst has room for LOG_LINE and PREFIX. */
static size_t make_line(char *dst, int priority, const char *text)
{
    size_t n = strnlen(text, LOG_LINE), head = use_syslog ? 1 : PREFIX;

    if (use_syslog)
        dst[0] = (char)priority;
    else
        memcpy(dst, "bvmilter: ", PREFIX);
    memcpy(dst + head, text, n);
    dst[head + n] = '\n';
    return head + n + 1;
}

static void emit(const char *text, size_t n)
{
    const char *end;

    if (!use_syslog)
        write_all(text, n);
    for (; use_syslog && n > 0; n -= (size_t)(end + 1 - text), text = end + 1) {
        end = memchr(text, '\n', n);
        syslog((unsigned char)text[0], "%.*s", (int)(end - text - 1), text + 1);
    }
}

static void emit_batch(struct batch *b)
{
    char text[64], line[LOG_LINE + PREFIX + 1];

    emit(b->text, b->n);
    if (b->lost > 0) {
        snprintf(text, sizeof text, "%lu log lines were lost", b->lost);
        emit(line, make_line(line, LOG_WARNING, text));
    }
    b->n = 0;
    b->lost = 0;
}

/* Waits, with the lock held, for what else comes in this moment; not when there is much already. */
static void gather(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += GATHER_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!queue.ending && queue.filling->n < QUEUE_OCTETS / 2 &&
           pthread_cond_timedwait(&queue.filled, &queue.lock, &until) == 0)
        continue;
}

static void *serve_queue(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&queue.lock);
    while (!queue.ending || queue.filling->n > 0) {
        if (queue.filling->n == 0) {
            pthread_cond_wait(&queue.filled, &queue.lock);
            continue;
        }
        gather();
        struct batch *full = queue.filling;
        queue.filling = full == &batches[0] ? &batches[1] : &batches[0];
        pthread_mutex_unlock(&queue.lock);
        emit_batch(full);
        pthread_mutex_lock(&queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

int log_start(void)
{
    queue.running = pthread_create(&queue.thread, NULL, serve_queue, NULL) == 0;
    return queue.running ? 0 : -1;
}

void log_stop(void)
{
    struct timespec limit;

    if (!queue.running)
        return;
    pthread_mutex_lock(&queue.lock);
    queue.ending = true;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.lock);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    pthread_timedjoin_np(queue.thread, NULL, &limit);
}

static void enqueue(const char *line, size_t n)
{
    pthread_mutex_lock(&queue.lock);
    struct batch *b = queue.filling;
    bool wake = b->n == 0 || (b->n < QUEUE_OCTETS / 2 && b->n + n >= QUEUE_OCTETS / 2);
    if (b->n + n > sizeof b->text) {
        b->lost++;
    } else {
        memcpy(b->text + b->n, line, n);
        b->n += n;
    }
    pthread_mutex_unlock(&queue.lock);
    if (wake)
        pthread_cond_signal(&queue.filled);
}

static void log_put(int priority, const char *text)
{
    char line[LOG_LINE + PREFIX + 1];
    int saved = errno;
    size_t n = make_line(line, priority, text);

    if (queue.running)
        enqueue(line, n);
    else
        emit(line, n);
    errno = saved;
}

void log_line(const char *text)
{
    log_put(LOG_INFO, text);
}

__attribute__((format(printf, 2, 0))) static void log_text(int priority, const char *format, va_list ap)
{
    char text[LOG_LINE];
    int saved = errno;

    vsnprintf(text, sizeof text, format, ap);
    for (char *c = text; *c != '\0'; c++) /* a path may hold anything; a line is a line */
        if ((unsigned char)*c < ' ')
            *c = '?';
    errno = saved;
    log_put(priority, text);
}

void log_info(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_INFO, format, ap);
    va_end(ap);
}

void log_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_WARNING, format, ap);
    va_end(ap);
}

void log_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_text(LOG_ERR, format, ap);
    va_end(ap);
}

void log_debug(const char *format, ...)
{
    va_list ap;

    if (!use_debug)
        return;
    va_start(ap, format);
    log_text(LOG_DEBUG, format, ap);
    va_end(ap);
}
