/*
 * heap - memory that is overwritten when it is given back, for foreign
 * libraries through whose hands secrets go.  Private to keys/.  Threads: any.
 */
#ifndef KEYS_HEAP_H
#define KEYS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether one of these has failed in this thread, since it was set to false. */
extern _Thread_local bool heap_short;

/* As malloc(), calloc(), realloc(), strdup() and free(), for each other only. */
void *heap_take(size_t n);
void *heap_take_zeroed(size_t count, size_t n);
void *heap_resize(void *p, size_t n);
char *heap_copy(const char *text);
void heap_give(void *p);

#endif
