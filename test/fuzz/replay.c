/*
 * Gives a harness its seeds again, so that any compiler can check what was
 * found once.  fuzz_NAME [FILE|DIRECTORY...], without any test/fuzz/seeds/NAME.
 * Every beginning of a seed is one more input.  Prints TAP.
 */
#include "test/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum { SEED_MAX = 1 << 20, PREFIXES_OF = 4096 };

static int seeds;

/* In memory of just its size, so that a sanitizer sees a step too far. */
static void give(const char *data, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);

    CHECK(copy != NULL);
    memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static int replay_file(const char *path)
{
    static char text[SEED_MAX];
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return -1;
    size_t n = fread(text, 1, sizeof text, f);
    int failed = ferror(f);
    fclose(f);
    if (failed)
        return -1;
    printf("# %s\n", path); /* the last one named is the one that fails */
    fflush(stdout);
    for (size_t i = 0; i < n && n <= PREFIXES_OF; i++)
        give(text, i);
    give(text, n);
    seeds++;
    return 0;
}

static int replay(const char *path)
{
    struct dirent **names;
    struct stat st;
    int result = 0;

    if (stat(path, &st) != 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        char child[4096];
        snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && result == 0)
            result = replay(child);
        free(names[i]);
    }
    free(names);
    return result;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash != NULL ? slash + 1 : argv[0];
    char directory[256];
    int result = 0;

    snprintf(directory, sizeof directory, "test/fuzz/seeds/%s",
             strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name);
    puts("1..1");
    fflush(stdout);
    if (argc < 2)
        result = replay(directory);
    for (int i = 1; i < argc && result == 0; i++)
        result = replay(argv[i]);
    bool good = result == 0 && seeds > 0;
    printf("%s 1 - %s replays %d seeds\n", good ? "ok" : "not ok", name, seeds);
    if (!good)
        printf("# %s\n", result != 0 ? strerror(errno) : "there are none");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
