/*
 * A load of messages on a milter, in the words of Postfix, each answer checked.
 *
 *     soak SOCKET MESSAGES SECONDS VALID FORGED
 *
 * VALID and FORGED are tagged addresses of the milter's ring.  Prints "COUNT
 * SECONDS" now and then; ends after so many messages or seconds, with status 1
 * when an answer was not the one that belongs to the message, and with its reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <pthread.h>

enum {
    CLIENTS = 6,
    SESSION = 20,
    PACKETS = 8192,
    ACTIONS = 0x1ff,
    PROTOCOL = 0x1fffff,
    NOHDRS = 0x20,
    TICK_MS = 100
};

/* What is sent, gathered; and the last packet that came. */
struct wire {
    int fd;
    bool header; /* the milter wants it */
    size_t n;
    char out[PACKETS];
    char in[PACKETS];
};

/* A kind of message, and the answers to it. */
struct kind {
    const char *name, *daemon, *from, *rcpt;
    char at_rcpt;        /* the answer to RCPT, */
    const char *changes; /* the commands of changes at the end, those in their order, and the answer */
};

static struct kind kinds[] = {
    {"signed", "ORIGINATING", "<user@example.com>", "<friend@outside.example>", 'c', "ec"},
    {"ordinary", "gw.example.com", "<friend@outside.example>", "<user@example.com>", 'c', "c"},
    {"valid", "gw.example.com", "<>", NULL, 'c', "2-ic"},
    {"forged", "gw.example.com", "<>", NULL, 'y', ""},
};

static struct sockaddr_un where = {.sun_family = AF_UNIX};
static atomic_long taken, done, faults;
static atomic_bool ending;
static long most;

static void put(struct wire *w, char command, const char *data, size_t n)
{
    uint32_t size = htonl((uint32_t)n + 1);

    if (w->n + sizeof size + 1 + n > sizeof w->out)
        abort(); /* no message of ours is so long */
    memcpy(w->out + w->n, &size, sizeof size);
    w->out[w->n + sizeof size] = command;
    memcpy(w->out + w->n + sizeof size + 1, data, n);
    w->n += sizeof size + 1 + n;
}

/* Strings behind each other, each with its NUL; `first` is put before them when it is not NUL. */
static void put_texts(struct wire *w, char command, char first, const char *const *text)
{
    char data[1024];
    size_t n = 0;

    if (first != '\0')
        data[n++] = first;
    for (; *text != NULL; text++) {
        size_t size = strlen(*text) + 1;
        memcpy(data + n, *text, size);
        n += size;
    }
    put(w, command, data, n);
}

static int send_all(struct wire *w)
{
    for (size_t sent = 0; sent < w->n;) {
        ssize_t n = send(w->fd, w->out + sent, w->n - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return -1;
        sent += (size_t)n;
    }
    w->n = 0;
    return 0;
}

static int receive(struct wire *w, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t part = recv(w->fd, w->in + got, n - got, 0);
        if (part <= 0)
            return -1;
        got += (size_t)part;
    }
    return 0;
}

/* The command of the next packet, whose data is in w->in from 1 on; 0 when the milter has gone. */
static char answer(struct wire *w)
{
    uint32_t size;

    if ((w->n > 0 && send_all(w) != 0) || receive(w, sizeof size) != 0)
        return '\0';
    memcpy(&size, w->in, sizeof size);
    size = ntohl(size);
    if (size < 1 || size >= sizeof w->in || receive(w, size) != 0)
        return '\0';
    w->in[size] = '\0';
    return w->in[0];
}

static int open_session(struct wire *w, const char *daemon)
{
    static const uint32_t version = 6;
    uint32_t offer[3] = {htonl(version), htonl(ACTIONS), htonl(PROTOCOL)};

    w->n = 0;
    w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return -1;
    if (connect(w->fd, (const struct sockaddr *)&where, sizeof where) != 0)
        return -1;
    put(w, 'O', (const char *)offer, sizeof offer);
    if (answer(w) != 'O')
        return -1;
    memcpy(offer, w->in + 1, sizeof offer);
    w->header = (ntohl(offer[2]) & NOHDRS) == 0;
    put_texts(w, 'D', 'C', (const char *const[]){"{daemon_name}", daemon, NULL});
    put(w, 'C', "mx.example.net\0004\022g192.0.2.7", sizeof "mx.example.net\0004\022g192.0.2.7");
    return 0;
}

static void fault(const struct kind *k, const char *what, const struct wire *w)
{
    if (atomic_fetch_add(&faults, 1) < 5)
        fprintf(stderr, "soak: %s: %s: %s\n", k->name, what, w->in);
    atomic_store(&ending, true);
}

/* The end of a message. Returns 0 when the answers are those that belong to it. */
static int end_message(struct wire *w, const struct kind *k)
{
    if (w->header) {
        put_texts(w, 'L', '\0', (const char *const[]){"From", "somebody@outside.example", NULL});
        put_texts(w, 'L', '\0', (const char *const[]){"Subject", "hello", NULL});
        put(w, 'N', "", 0);
    }
    put_texts(w, 'D', 'E', (const char *const[]){"i", "4XyZ1abc", NULL});
    put(w, 'E', "", 0);
    for (const char *want = k->changes; *want != '\0'; want++) {
        char got = answer(w);
        while (*want == 'i' && got == 'm') /* copies of the field, deleted */
            got = answer(w);
        if (got != *want)
            return -1;
    }
    return 0;
}

static int one_message(struct wire *w, const struct kind *k)
{
    put_texts(w, 'D', 'M', (const char *const[]){NULL});
    put_texts(w, 'M', '\0', (const char *const[]){k->from, NULL});
    put_texts(w, 'D', 'R', (const char *const[]){NULL});
    put_texts(w, 'R', '\0', (const char *const[]){k->rcpt, NULL});
    if (answer(w) != k->at_rcpt) {
        fault(k, "answer to RCPT", w);
        return -1;
    }
    if (k->at_rcpt == 'c' && end_message(w, k) != 0) {
        fault(k, "answer at the end", w);
        return -1;
    }
    put(w, 'A', "", 0);
    return 0;
}

/* Sessions without end, each of one kind: which mail is signed depends on the client. */
static void *client(void *number)
{
    size_t turn = (size_t)(uintptr_t)number;
    struct wire *w = calloc(1, sizeof *w);

    while (w != NULL && !atomic_load(&ending)) {
        const struct kind *k = &kinds[turn++ % (sizeof kinds / sizeof *kinds)];
        if (open_session(w, k->daemon) != 0) {
            if (errno != EAGAIN) /* the listen queue is full */
                fault(k, "the session does not begin", w);
        } else {
            for (int i = 0; i < SESSION && atomic_fetch_add(&taken, 1) < most; i++) {
                if (one_message(w, k) != 0)
                    break;
                atomic_fetch_add(&done, 1);
            }
            put(w, 'Q', "", 0);
            send_all(w);
        }
        if (w->fd >= 0)
            close(w->fd);
        if (atomic_load(&taken) >= most)
            break;
    }
    free(w);
    return NULL;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void watch(double seconds)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    double begin = now();

    while (!atomic_load(&ending) && atomic_load(&done) < most && now() - begin < seconds) {
        nanosleep(&tick, NULL);
        printf("%ld %.1f\n", atomic_load(&done), now() - begin);
        fflush(stdout);
    }
    atomic_store(&ending, true);
}

int main(int argc, char **argv)
{
    pthread_t thread[CLIENTS];

    if (argc != 6 || strlen(argv[1]) >= sizeof where.sun_path) {
        fprintf(stderr, "usage: soak SOCKET MESSAGES SECONDS VALID FORGED\n");
        return 2;
    }
    strcpy(where.sun_path, argv[1]);
    most = strtol(argv[2], NULL, 10);
    kinds[2].rcpt = argv[4];
    kinds[3].rcpt = argv[5];
    for (size_t i = 0; i < CLIENTS; i++)
        if (pthread_create(&thread[i], NULL, client, (void *)(uintptr_t)i) != 0)
            return 2;
    watch(strtod(argv[3], NULL));
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(thread[i], NULL);
    return atomic_load(&faults) == 0 ? 0 : 1;
}
