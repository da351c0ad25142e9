#include "keys/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bv/bv.h"

union block {
    size_t n;
    max_align_t align;
};

_Thread_local bool heap_short;

void *heap_take(size_t n)
{
    union block *block = n > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + n);

    if (block == NULL) {
        heap_short = true;
        return NULL;
    }
    block->n = n;
    return block + 1;
}

void heap_give(void *p)
{
    union block *block = p;

    if (block == NULL)
        return;
    block--;
    bv_wipe(block + 1, block->n);
    free(block);
}

void *heap_take_zeroed(size_t count, size_t n)
{
    void *p = n > 0 && count > SIZE_MAX / n ? NULL : heap_take(count * n);

    return p == NULL ? NULL : memset(p, 0, count * n);
}

void *heap_resize(void *p, size_t n)
{
    const union block *old = p == NULL ? NULL : (const union block *)p - 1;
    void *new = heap_take(n);

    if (new == NULL || old == NULL)
        return new;
    memcpy(new, p, old->n < n ? old->n : n);
    heap_give(p);
    return new;
}

char *heap_copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = heap_take(n);

    return copy == NULL ? NULL : memcpy(copy, text, n);
}
