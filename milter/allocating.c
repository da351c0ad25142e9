/*
 * allocating - memory for libmilter: the dynamic linker gives it this malloc()
 * instead of the C library's, as it does everybody else.  Macros are pairs of a
 * name and a value; when the last name of a packet has no value, libmilter goes
 * on to look for names behind the end of the array that it has allocated, and
 * follows what it finds there.  So there is always a NULL.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of a function that it knows, a compiler makes realloc(NULL, n) a malloc(n): this one, without end. */
static void *(*const volatile allocate)(void *, size_t) = realloc;

void *malloc(size_t n)
{
    if (n > SIZE_MAX - sizeof(void *)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = allocate(NULL, n + sizeof(void *));
    if (p != NULL)
        memset((char *)p + n, 0, sizeof(void *));
    return p;
}
