#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "milter/log.h"
#include "milter/outlet.h"

enum { TEXT = 4096, HOUR = 3600 };

static atomic_bool ahead; /* the wall clock, by an hour */

/* In place of libc's, for the daemon's files; what libc itself waits by is the real clock. */
int clock_gettime(clockid_t id, struct timespec *t)
{
    int result = (int)syscall(SYS_clock_gettime, id, t);

    if (result == 0 && id == CLOCK_REALTIME && ahead)
        t->tv_sec += HOUR;
    return result;
}

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_ms(int ms)
{
    poll(NULL, 0, ms);
}

/* Runs it in a process of its own, whose standard error is fd, and which ends within ten seconds. */
static pid_t begin(void (*work)(void), int fd)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    alarm(10);
    dup2(fd, STDERR_FILENO);
    work();
    _exit(0);
}

static int end(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What there is to be read until it is `all`, or two seconds have passed. */
static void read_text(char dst[TEXT], int fd, const char *all)
{
    long until = now_ms() + 2000;
    size_t n = 0;

    dst[0] = '\0';
    while (strcmp(dst, all) != 0 && now_ms() < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&p, 1, 50) > 0 ? read(fd, dst + n, TEXT - 1 - n) : 0;
        n += got > 0 ? (size_t)got : 0;
        dst[n] = '\0';
    }
}

static void say_while_clock_goes_back(void)
{
    if (log_start() != 0)
        _exit(1);
    ahead = true;
    log_info("one");
    wait_ms(100); /* with a wait by the wall clock, it would be in gather() now, for an hour */
    ahead = false;
    log_info("two");
    wait_ms(3000);
}

static void test_clock(void **state)
{
    char text[TEXT];
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = begin(say_while_clock_goes_back, pipes[1]);
    read_text(text, pipes[0], "bvmilter: one\nbvmilter: two\n");
    kill(pid, SIGKILL);
    end(pid);
    close(pipes[0]);
    close(pipes[1]);
    assert_string_equal(text, "bvmilter: one\nbvmilter: two\n");
}

static void stop_at_once(void)
{
    if (log_start() != 0)
        _exit(1);
    log_info("of which nothing can be written");
    wait_ms(50);
    long began = now_ms();
    log_stop();
    long took = now_ms() - began;
    _exit(took < 300 ? 2 : took > 700 ? 3 : 0);
}

static void stop_while_clock_goes_back(void)
{
    ahead = true;
    stop_at_once();
}

static void test_stop(void **state)
{
    static const struct {
        const char *name;
        void (*work)(void);
    } rows[] = {
        {"a log that stands still", stop_at_once},
        {"and a clock that is set back", stop_while_clock_goes_back},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const char zeros[4096];
        int pipes[2];

        assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
        while (write(pipes[1], zeros, sizeof zeros) > 0)
            continue;
        assert_int_equal(fcntl(pipes[1], F_SETFL, 0), 0);
        int status = end(begin(rows[i].work, pipes[1]));
        close(pipes[0]);
        close(pipes[1]);
        if (status != 0)
            fail_msg("%s: log_stop() gave up %s (%d)", rows[i].name,
                     status == 2   ? "too early"
                     : status == 3 ? "too late"
                                   : "never",
                     status);
    }
}

/* The size of files stands for that of the disk. */
static void allow(rlim_t octets)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(1);
    limit.rlim_cur = octets;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(1);
}

static rlim_t room; /* for so many octets, at first */

static void fill_disk(void)
{
    signal(SIGXFSZ, SIG_IGN);
    allow(room);
    log_info("one");
    log_info("two");
    log_info("three");
    allow(RLIM_INFINITY);
    log_info("four");
    log_info("five");
}

static void test_full(void **state)
{
    static const struct {
        const char *name;
        rlim_t room;
        const char *text;
    } rows[] = {
        {"room for all", 100,
         "bvmilter: one\nbvmilter: two\nbvmilter: three\nbvmilter: four\nbvmilter: five\n"},
        {"inside of a line", 20, "bvmilter: one\nbvmilt\nbvmilter: four\nbvmilter: five\n"},
        {"between two lines", 14, "bvmilter: one\nbvmilter: four\nbvmilter: five\n"},
        {"all but the newline", 27, "bvmilter: one\nbvmilter: two\nbvmilter: four\nbvmilter: five\n"},
        {"none at all", 0, "bvmilter: four\nbvmilter: five\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[] = "/tmp/bv-log-XXXXXX", text[TEXT] = "";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        unlink(path);
        room = rows[i].room;
        assert_int_equal(end(begin(fill_disk, fd)), 0);
        assert_true(pread(fd, text, sizeof text - 1, 0) >= 0);
        close(fd);
        if (strcmp(text, rows[i].text) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, text);
    }
}

static void say_all(void)
{
    outlet_open();
    outlet_say(3, "start");
    log_open(false, true);
    log_error("error");
    log_warn("warning");
    log_info("info");
    log_debug("debug");
    log_line("line");
}

static void test_journal(void **state)
{
    static const char plain[] = "bvmilter: start\nbvmilter: error\nbvmilter: warning\nbvmilter: info\n"
                                "bvmilter: debug\nbvmilter: line\n";
    static const char ranked[] = "<3>bvmilter: start\n<3>bvmilter: error\n<4>bvmilter: warning\n"
                                 "<6>bvmilter: info\n<7>bvmilter: debug\n<6>bvmilter: line\n";
    static const struct {
        const char *name, *head, *tail; /* before and behind "DEVICE:INODE" of standard error; NULL: not set */
        const char *text;
    } rows[] = {
        {"not set", NULL, NULL, plain},          {"the journal's", "", "", ranked},
        {"another device", "1", "", plain},      {"another inode", "", "1", plain},
        {"something behind it", "", " ", plain},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char stream[64], text[TEXT];
        struct stat st;
        int pipes[2];

        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(fstat(pipes[1], &st), 0);
        unsetenv("JOURNAL_STREAM");
        if (rows[i].head != NULL) {
            snprintf(stream, sizeof stream, "%s%ju:%ju%s", rows[i].head, (uintmax_t)st.st_dev,
                     (uintmax_t)st.st_ino, rows[i].tail);
            setenv("JOURNAL_STREAM", stream, 1);
        }
        assert_int_equal(end(begin(say_all, pipes[1])), 0);
        read_text(text, pipes[0], rows[i].text);
        close(pipes[0]);
        close(pipes[1]);
        if (strcmp(text, rows[i].text) != 0)
            fail_msg("%s: \"%s\"", rows[i].name, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
