/*
 * etcd_login - what is used to get into etcd, looked over before it is used.
 * Private to keys/.
 */
#ifndef KEYS_ETCD_LOGIN_H
#define KEYS_ETCD_LOGIN_H

#include "keys/etcd_url.h"
#include "keys/store.h"

/*
 * Refuses half a login, files that cannot be read, secrets that others can
 * read, and a login for TLS where the URL has none.  Returns 0, or -1 with *err
 * filled, err->sys neither 0 nor ENOENT.
 */
int etcd_login_check(const struct store_login *login, const struct etcd_url *url, struct keys_error *err);

enum { ETCD_PASSWORD_MAX = 512 };
/* Reads the password, to be wiped. Returns 0, or -1 with *err filled. */
int etcd_login_password(char dst[ETCD_PASSWORD_MAX + 1], const struct store_login *login,
                        struct keys_error *err);

/*
 * Says why etcd has refused something, by its status and the text of its
 * answer.  Returns -1, with err->sys EACCES or EIO.
 */
int etcd_login_refused(const struct store_login *login, const struct etcd_url *url, long status,
                       struct bv_str text, struct keys_error *err);

#endif
