#include "milter/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "milter/clock.h"
#include "milter/outlet.h"

enum {
    QUEUE_OCTETS = 1 << 19, /* a message may have a thousand recipients, and a line for each */
    GATHER_MS = 5,          /* lines of this time are written together */
    STOP_MS = 500           /* a log that stands still does not keep the process from ending */
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
    pthread_cond_t filled, ended;
    pthread_t thread;
    bool running, ending, done;
    struct batch *filling;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filling = &batches[0]};

void log_open(bool to_syslog, bool verbose)
{
    use_syslog = to_syslog;
    use_debug = verbose;
    if (to_syslog)
        openlog("bvmilter", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

/* A line as it is queued. Returns its length; dst has room for OUTLET_LINE. */
static size_t make_line(char *dst, int priority, const char *text)
{
    size_t n = strnlen(text, OUTLET_TEXT);

    if (!use_syslog)
        return outlet_line(dst, priority, text);
    dst[0] = (char)priority;
    memcpy(dst + 1, text, n);
    dst[1 + n] = '\n';
    return n + 2;
}

static void emit(const char *text, size_t n)
{
    const char *end;

    if (!use_syslog)
        outlet_write(text, n);
    for (; use_syslog && n > 0; n -= (size_t)(end + 1 - text), text = end + 1) {
        end = memchr(text, '\n', n);
        syslog((unsigned char)text[0], "%.*s", (int)(end - text - 1), text + 1);
    }
}

static void emit_batch(struct batch *b)
{
    char text[64], line[OUTLET_LINE];

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

    clock_deadline(&until, GATHER_MS);
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
    queue.done = true;
    pthread_cond_signal(&queue.ended);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

int log_start(void)
{
    pthread_condattr_t steady; /* whoever sets the clock must not hold the log up */

    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&queue.filled, &steady);
    pthread_cond_init(&queue.ended, &steady);
    pthread_condattr_destroy(&steady);
    queue.running = pthread_create(&queue.thread, NULL, serve_queue, NULL) == 0;
    return queue.running ? 0 : -1;
}

void log_stop(void)
{
    struct timespec until;

    if (!queue.running)
        return;
    clock_deadline(&until, STOP_MS);
    pthread_mutex_lock(&queue.lock);
    queue.ending = true;
    pthread_cond_signal(&queue.filled);
    while (!queue.done && pthread_cond_timedwait(&queue.ended, &queue.lock, &until) == 0)
        continue;
    bool done = queue.done;
    pthread_mutex_unlock(&queue.lock);
    if (done)
        pthread_join(queue.thread, NULL);
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
    char line[OUTLET_LINE];
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
    char text[OUTLET_TEXT];
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
