/*
 * dnsprobe - what milter/dns.c makes of domains, for test/e2e.
 *
 *   dnsprobe [-s SERVER]... [-a TRUST_ANCHOR] [-p PATIENCE_MS] [-t THREADS] [-r ROUNDS] [-q] [DOMAIN]...
 *
 * Prints a line a domain: name, microseconds, facts.  Each thread asks for all
 * domains, ROUNDS times; with more than one of either, prints only the first
 * round of the first thread.  -q: nothing but the sums.  A domain "=MS" waits,
 * "@FILE" reads domains from a file.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "milter/dns.h"

enum { SERVERS = 8, THREADS = 256, LINE = 64 * 1024 };

static struct {
    char *servers[SERVERS + 1];
    size_t n_servers;
    const char *anchor;
    int patience, threads, rounds;
    bool quiet;
    char **domains;
    size_t n;
} options = {.patience = 2000, .threads = 1, .rounds = 1};

static struct dns *dns;
static atomic_ulong asked, known, longest;

static unsigned long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000000UL + (unsigned long)t.tv_nsec / 1000UL;
}

static const char *word(enum guard_dns dns_word)
{
    switch (dns_word) {
    case GUARD_DNS_OK:
        return "ok";
    case GUARD_DNS_NONE:
        return "none";
    case GUARD_DNS_FAILED:
        break;
    }
    return "failed";
}

static void print_facts(const char *domain, unsigned long us, const struct guard_facts *f)
{
    char address[NET_TEXT];

    printf("%s %lu mx=%s ttl=%lu%s%s", domain, us, word(f->mx), (unsigned long)f->ttl,
           f->implicit ? " implicit" : "", f->more ? " more" : "");
    for (size_t i = 0; i < f->n; i++) {
        const struct guard_host *h = &f->host[i];
        printf(" | %u %s %s%s", h->preference, h->name[0] != '\0' ? h->name : ".", word(h->dns),
               h->some_failed ? " some-failed" : "");
        for (size_t j = 0; j < h->n; j++) {
            net_addr_write(address, &h->address[j]);
            printf(" %s", address);
        }
    }
    puts("");
}

static void ask_one(const char *domain, bool print)
{
    struct guard_facts facts;
    unsigned long begin = now_us();

    dns_mail_hosts(&facts, dns, bv_str(domain), options.patience);
    unsigned long us = now_us() - begin, before = atomic_load(&longest);
    while (us > before && !atomic_compare_exchange_weak(&longest, &before, us))
        continue;
    atomic_fetch_add(&asked, 1);
    if (facts.mx != GUARD_DNS_FAILED)
        atomic_fetch_add(&known, 1);
    if (print)
        print_facts(domain, us, &facts);
}

static void *run(void *print)
{
    for (int round = 0; round < options.rounds; round++)
        for (size_t i = 0; i < options.n; i++) {
            if (options.domains[i][0] == '=')
                usleep((useconds_t)atoi(options.domains[i] + 1) * 1000U);
            else
                ask_one(options.domains[i], print != NULL && round == 0 && !options.quiet);
        }
    return NULL;
}

static void add_domain(const char *domain)
{
    char **grown = realloc(options.domains, (options.n + 1) * sizeof *grown);

    if (grown == NULL || (grown[options.n] = strdup(domain)) == NULL)
        exit(EXIT_FAILURE);
    options.domains = grown;
    options.n++;
}

static void add_domains(const char *word_or_file)
{
    static char line[LINE];
    FILE *file = NULL;

    if (word_or_file[0] != '@') {
        add_domain(word_or_file);
        return;
    }
    file = fopen(word_or_file + 1, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        add_domain(line);
    }
    if (file != NULL)
        fclose(file);
}

static void read_options(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "s:a:p:t:r:q")) != -1) {
        if (c == 's' && options.n_servers < SERVERS)
            options.servers[options.n_servers++] = optarg;
        else if (c == 'a')
            options.anchor = optarg;
        else if (c == 'p')
            options.patience = atoi(optarg);
        else if (c == 't' && atoi(optarg) <= THREADS)
            options.threads = atoi(optarg);
        else if (c == 'r')
            options.rounds = atoi(optarg);
        else if (c == 'q')
            options.quiet = true;
        else
            exit(2);
    }
    for (int i = optind; i < argc; i++)
        add_domains(argv[i]);
}

static void print_sums(unsigned long us)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("sum asked=%lu known=%lu us=%lu cpu_us=%lu longest_us=%lu rss_kb=%ld\n", atomic_load(&asked),
           atomic_load(&known), us,
           (unsigned long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000UL +
               (unsigned long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
           atomic_load(&longest), usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    static struct problems problems;
    char text[PROBLEM_LINE];
    pthread_t thread[THREADS];

    read_options(argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    dns = dns_new(options.servers, options.anchor, "bvmilter.conf", 1, &problems);
    for (size_t i = 0; i < problems.n && i < PROBLEMS_KEPT; i++) {
        problem_write(text, sizeof text, &problems.item[i]);
        printf("problem %s\n", text);
    }
    if (dns == NULL)
        return EXIT_FAILURE;
    unsigned long begin = now_us();
    for (int i = 1; i < options.threads; i++)
        if (pthread_create(&thread[i], NULL, run, NULL) != 0)
            return EXIT_FAILURE;
    run(&options);
    for (int i = 1; i < options.threads; i++)
        pthread_join(thread[i], NULL);
    print_sums(now_us() - begin);
    begin = now_us();
    dns_free(dns);
    printf("freed us=%lu\n", now_us() - begin);
    for (size_t i = 0; i < options.n; i++)
        free(options.domains[i]);
    free(options.domains);
    return EXIT_SUCCESS;
}
