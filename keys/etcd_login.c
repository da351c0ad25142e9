#include "keys/etcd_login.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keys/etcd_answer.h"
#include "keys/parts.h"

enum { KEY_FILE_MAX = 65536 /* octets of a private key in PEM */ };

static int refuse(struct keys_error *err, const char *text)
{
    keys_fail(err, "%s", text);
    err->sys = EINVAL;
    return -1;
}

/* Puts the name of a file in front of an error. Returns -1. */
static int name_file(struct keys_error *err, const char *what, const char *path)
{
    struct keys_error why = *err;

    keys_fail(err, "%s %s: %.300s", what, path, why.text);
    err->sys = why.sys != 0 && why.sys != ENOENT ? why.sys : EACCES; /* ENOENT would be of the ring */
    return -1;
}

static int check_readable(const char *what, const char *path, struct keys_error *err)
{
    if (path == NULL || access(path, R_OK) == 0)
        return 0;
    keys_fail_sys(err, "cannot be read", NULL);
    return name_file(err, what, path);
}

int etcd_login_check(const struct store_login *login, const struct etcd_url *url, struct keys_error *err)
{
    char password[ETCD_PASSWORD_MAX + 1];
    char *text;
    size_t n;

    if ((login->user == NULL) != (login->password_file == NULL))
        return refuse(err, "BV_ETCD_USER and BV_ETCD_PASSWORD_FILE go together: set both, or none");
    if ((login->cert == NULL) != (login->key == NULL))
        return refuse(err, "BV_ETCD_CERT and BV_ETCD_KEY go together: set both, or none");
    if (!url->tls && (login->ca != NULL || login->cert != NULL))
        return refuse(err, "BV_ETCD_CA or BV_ETCD_CERT is set, and etcd:// has no TLS; write etcds://");
    if (check_readable("BV_ETCD_CA", login->ca, err) != 0 ||
        check_readable("BV_ETCD_CERT", login->cert, err) != 0)
        return -1;
    if (login->key != NULL) {
        text = keys_read_carefully(login->key, KEY_FILE_MAX, &n, err);
        if (text == NULL)
            return name_file(err, "BV_ETCD_KEY", login->key);
        keys_json_free(text, n);
    }
    if (login->user == NULL)
        return 0;
    n = (size_t)etcd_login_password(password, login, err);
    bv_wipe(password, sizeof password);
    return n == 0 ? 0 : -1;
}

int etcd_login_password(char dst[ETCD_PASSWORD_MAX + 1], const struct store_login *login,
                        struct keys_error *err)
{
    size_t n = 0, length;
    char *text = keys_read_carefully(login->password_file, ETCD_PASSWORD_MAX, &n, err);
    const char *end = text == NULL ? NULL : memchr(text, '\n', n);
    int result = -1;

    length = end == NULL ? n : (size_t)(end - text);
    if (text == NULL)
        name_file(err, "BV_ETCD_PASSWORD_FILE", login->password_file);
    else if (length == 0 || memchr(text, '\0', length) != NULL)
        keys_fail(err, "BV_ETCD_PASSWORD_FILE %s: its first line holds no password", login->password_file);
    else
        result = 0;
    if (result == 0) {
        memcpy(dst, text, length);
        dst[length] = '\0';
    } else if (err->sys == 0) {
        err->sys = EINVAL;
    }
    keys_json_free(text, n);
    return result;
}

/* Not all that refuses speaks JSON. */
static bool says(struct bv_str text, const char *words)
{
    return memmem(text.p, text.n, words, strlen(words)) != NULL;
}

int etcd_login_refused(const struct store_login *login, const struct etcd_url *url, long status,
                       struct bv_str text, struct keys_error *err)
{
    const char *user = login->user == NULL ? "" : login->user;
    char reason[ETCD_REASON];

    etcd_read_reason(reason, text);
    if (says(text, "user name is empty"))
        keys_fail(err, "etcd asks who this is; set BV_ETCD_USER and BV_ETCD_PASSWORD_FILE");
    else if (says(text, "authentication failed") && login->user != NULL)
        keys_fail(err, "etcd refuses the user %s, or the password in %s", user, login->password_file);
    else if (says(text, "CommonName"))
        keys_fail(
            err,
            "etcd refuses the certificate %s because it has a CN; one for this needs another subject, like "
            "O=bv, and a SAN",
            login->cert == NULL ? "" : login->cert);
    else if (status == 403 || says(text, "permission denied"))
        keys_fail(err, "the user %s may not do that with the key %s; ask etcdctl role get", user, url->key);
    else if (!url->tls && says(text, "HTTPS server"))
        keys_fail(err, "etcd asks for TLS; write etcds:// in place of etcd://");
    else if (status / 100 == 3)
        keys_fail(err, "answers with a redirect (HTTP %ld), which is not followed", status);
    else if (status == 404)
        keys_fail(err, "what answers there is no etcd 3.4 or later (HTTP 404)");
    else
        keys_fail(err, "refuses with HTTP %ld%s%s", status, *reason == '\0' ? "" : ": ", reason);
    err->sys = status / 100 == 4 ? EACCES : EIO;
    return -1;
}
