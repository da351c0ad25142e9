/*
 * etcd_url - where in which etcd a ring is: etcd://HOST[:PORT][,...]/KEY, or
 * etcds:// for TLS.  Pure.  Private to keys/.
 */
#ifndef KEYS_ETCD_URL_H
#define KEYS_ETCD_URL_H

#include "keys/keys.h"

enum { ETCD_HOSTS = 5, ETCD_HOST_MAX = 300, ETCD_KEY_MAX = 256, ETCD_PORT = 2379 };

struct etcd_url {
    bool tls;
    size_t hosts;
    char host[ETCD_HOSTS][ETCD_HOST_MAX]; /* "gw1.example.com:2379", "[::1]:2379" */
    char key[ETCD_KEY_MAX + 1];           /* with its first slash */
};

/* Returns 0, or -1 with *err filled, err->sys being EINVAL. */
int etcd_url_read(struct etcd_url *out, const char *text, struct keys_error *err);

#endif
