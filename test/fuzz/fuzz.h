/*
 * fuzz - what the harnesses share.  A harness states properties; a broken one
 * aborts, whatever the compiler's flags are.  Linked with libFuzzer it searches,
 * linked with replay.c it checks its seeds again.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(holds)                                                                                           \
    do {                                                                                                       \
        if (!(holds)) {                                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                         \
            abort();                                                                                           \
        }                                                                                                      \
    } while (0)

#endif
