/*
 * An allocator that fails when it is told to, put in front of the real one with
 * LD_PRELOAD, whether that is libc's or the address sanitizer's.  What it does
 * is in a struct plan, in the file that BV_FAILING names, which a test may map
 * too and change while the program runs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Plan in failures.py has the same. */
struct plan {
    _Atomic long on;    /* allocations are counted, and may fail */
    _Atomic long count; /* of allocations since it was set to 0 */
    _Atomic long first; /* the first that fails, from 1 on; 0: none */
    _Atomic long last;  /* the last that fails */
    _Atomic long every; /* each so many-th fails; 0: none */
    _Atomic long failed, spared;
};

static struct plan none;
static struct plan *plan = &none;
static const char *dec_argv_from, *dec_argv_to; /* between which it stands in libmilter, without a name */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__interceptor_malloc(size_t n) __attribute__((weak));
void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *p, size_t n) __attribute__((weak));

static void *real_malloc(size_t n)
{
    return __interceptor_malloc != NULL ? __interceptor_malloc(n) : __libc_malloc(n);
}

/* Without memory for its very first look-up, OpenSSL follows a NULL: foreign too, and over when a daemon serves. */
static void warm_up_openssl(void)
{
    static const char *const names[][3] = {{"EVP_MD_fetch", "SHA256", "EVP_MD_free"},
                                           {"EVP_MAC_fetch", "HMAC", "EVP_MAC_free"}};

    /* Its clean-up at exit(), which the daemon never comes to, would take what other threads still use. */
    enum { NO_ATEXIT = 0x00080000 };
    int (*init)(uint64_t, const void *) = NULL;
    void *found_init = dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");

    memcpy(&init, &found_init, sizeof init);
    if (init != NULL)
        init(NO_ATEXIT, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *found = dlsym(RTLD_DEFAULT, names[i][0]), *freeing = dlsym(RTLD_DEFAULT, names[i][2]);
        void *(*fetch)(void *, const char *, const char *) = NULL;
        void (*give_back)(void *) = NULL;
        memcpy(&fetch, &found, sizeof fetch);
        memcpy(&give_back, &freeing, sizeof give_back);
        if (fetch != NULL && give_back != NULL)
            give_back(fetch(NULL, names[i][1], NULL));
    }
}

__attribute__((constructor)) static void open_plan(void)
{
    const char *path = getenv("BV_FAILING");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    warm_up_openssl();
    dec_argv_from = dlsym(RTLD_DEFAULT, "smfi_main");
    dec_argv_to = dlsym(RTLD_DEFAULT, "mi_clr_macros");
    if (map != MAP_FAILED)
        plan = map;
}

/*
 * Foreign callers that cannot be helped.  libconfuse ends the process when it cannot parse the defaults
 * of lists, in cfg_init(); so does its lexer, made by flex, and what gathers a word for it, which is
 * static: it has no name in the library.  libunbound follows a NULL in ub_ctx_zone_remove(), and in the thread
 * of its own, which also loses track of what it is told; and so does libc where it reads /etc/nsswitch.conf, for
 * getpwuid() and its like.  AddressSanitizer ends the process where it asks libc for a new thread's stack.
 * libmilter takes a command whose macros it has no memory for as one without macros, and so mail of ours for a
 * stranger's: in dec_argv(), nameless too.
 */
static _Thread_local bool in_foreign;

static bool is_spared(void *caller)
{
    Dl_info info;

    if (in_foreign || dladdr(caller, &info) == 0)
        return in_foreign;
    if (info.dli_sname == NULL)
        return strstr(info.dli_fname, "/libconfuse.") != NULL ||
               ((const char *)caller > dec_argv_from && (const char *)caller < dec_argv_to);
    return strncmp(info.dli_sname, "cfg_yy", 6) == 0;
}

/* A function in front of a foreign one, in which nothing fails. */
#define FOREIGN(type, name, taken, given)                                                                      \
    type name taken;                                                                                           \
    type name taken                                                                                            \
    {                                                                                                          \
        type(*real) taken = NULL;                                                                              \
        void *found = dlsym(RTLD_NEXT, #name);                                                                 \
        memcpy(&real, &found, sizeof real);                                                                    \
        in_foreign = true;                                                                                     \
        type result = real given;                                                                              \
        in_foreign = false;                                                                                    \
        return result;                                                                                         \
    }

FOREIGN(void *, cfg_init, (void *options, int flags), (options, flags))
FOREIGN(int, ub_ctx_zone_remove, (void *context, const char *zone), (context, zone))
FOREIGN(int, pthread_getattr_np, (pthread_t thread, pthread_attr_t *attr), (thread, attr))
FOREIGN(void *, getpwuid, (unsigned uid), (uid))
FOREIGN(void *, getpwnam, (const char *name), (name))
FOREIGN(void *, getgrgid, (unsigned gid), (gid))
FOREIGN(void *, getgrnam, (const char *name), (name))

/* What a thread is to run. */
struct thread {
    void *(*run)(void *);
    void *arg;
};

static void *run_foreign(void *arg)
{
    struct thread t = *(struct thread *)arg;

    free(arg);
    in_foreign = true;
    return t.run(t.arg);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    __typeof__(&pthread_create) real = NULL;
    void *found = dlsym(RTLD_NEXT, "pthread_create"), *where = NULL;
    Dl_info info;

    memcpy(&real, &found, sizeof real);
    memcpy(&where, &run, sizeof where);
    if (dladdr(where, &info) == 0 || strstr(info.dli_fname, "/libunbound.") == NULL)
        return real(thread, attr, run, arg);
    struct thread *t = real_malloc(sizeof *t);
    *t = (struct thread){run, arg};
    int result = real(thread, attr, run_foreign, t);
    if (result != 0)
        free(t);
    return result;
}

/*
 * What libraries do when the process ends is foreign, too: GnuTLS, which libmicrohttpd brings, has glibc end it
 * with 127, for the memory of a thread.  A handler that main() begins with is called before theirs.
 */
static atomic_bool is_over;
static int (*real_main)(int argc, char **argv, char **env);

static void end_plan(void)
{
    is_over = true;
}

static int main_with_end(int argc, char **argv, char **env)
{
    atexit(end_plan);
    return real_main(argc, argv, env);
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    __typeof__(&__libc_start_main) real = NULL;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");

    memcpy(&real, &found, sizeof real);
    real_main = start;
    return real(main_with_end, argc, argv, init, fini, rtld_fini, stack_end);
}

static bool must_fail(void *caller)
{
    if (plan->on == 0 || is_over)
        return false;
    long n = ++plan->count;
    bool fails =
        (plan->first > 0 && n >= plan->first && n <= plan->last) || (plan->every > 0 && n % plan->every == 0);
    if (fails && is_spared(caller)) {
        plan->spared++;
        return false;
    }
    if (fails) {
        plan->failed++;
        errno = ENOMEM;
    }
    return fails;
}

/* Fails as a whole: where some of it fails, the rest is never given back. */
void *ub_ctx_create(void);
void *ub_ctx_create(void)
{
    void *(*real)(void) = NULL, *found = dlsym(RTLD_NEXT, "ub_ctx_create");

    if (must_fail(__builtin_return_address(0)))
        return NULL;
    memcpy(&real, &found, sizeof real);
    in_foreign = true;
    void *result = real();
    in_foreign = false;
    return result;
}

void *malloc(size_t n)
{
    return must_fail(__builtin_return_address(0)) ? NULL : real_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    if (must_fail(__builtin_return_address(0)))
        return NULL;
    return __interceptor_calloc != NULL ? __interceptor_calloc(n, size) : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    if (must_fail(__builtin_return_address(0)))
        return NULL;
    return __interceptor_realloc != NULL ? __interceptor_realloc(p, n) : __libc_realloc(p, n);
}

/* The sanitizer's own take their memory past malloc(). */
char *strndup(const char *text, size_t most)
{
    size_t n = strnlen(text, most);
    char *copy = must_fail(__builtin_return_address(0)) ? NULL : real_malloc(n + 1);

    if (copy == NULL)
        return NULL;
    copy[n] = '\0';
    return memcpy(copy, text, n);
}

char *strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = must_fail(__builtin_return_address(0)) ? NULL : real_malloc(n);

    return copy == NULL ? NULL : memcpy(copy, text, n);
}
