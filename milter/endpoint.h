/*
 * endpoint - a numeric address with a port, as a setting names it:
 * "127.0.0.1:9892", "[::1]:9892".  Pure.
 */
#ifndef MILTER_ENDPOINT_H
#define MILTER_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

struct endpoint {
    int family; /* AF_INET, AF_INET6 */
    unsigned char ip[16];
    uint16_t port;
    bool local; /* nobody but this host can reach it */
};

/* Returns NULL, or what is wrong with the text, *out then undefined. */
const char *endpoint_read(struct endpoint *out, const char *text);

#endif
