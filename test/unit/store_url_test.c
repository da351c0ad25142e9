#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "keys/etcd_url.h"
#include "keys/store.h"

static void test_good(void **state)
{
    static const struct {
        const char *url;
        bool tls;
        const char *hosts, *key; /* hosts with a blank behind each */
    } rows[] = {
        {"etcd://gw1.example.com:2379/bv/keyring", false, "gw1.example.com:2379 ", "/bv/keyring"},
        {"etcds://gw1/k", true, "gw1:2379 ", "/k"},
        {"etcd://127.0.0.1:1/a//b/", false, "127.0.0.1:1 ", "/a//b/"},
        {"etcd://[::1]/k", false, "[::1]:2379 ", "/k"},
        {"etcds://[2001:db8::192.0.2.1]:65535/k", true, "[2001:db8::192.0.2.1]:65535 ", "/k"},
        {"etcd://a,b:1,[::1]:2,c,d/k", false, "a:2379 b:1 [::1]:2 c:2379 d:2379 ", "/k"},
        {"etcd://a_b-c.d/A.z_0-+=:,~9", false, "a_b-c.d:2379 ", "/A.z_0-+=:,~9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hosts[ETCD_HOSTS * ETCD_HOST_MAX] = "";
        struct keys_error err = {.text = ""};
        struct etcd_url url;

        if (etcd_url_read(&url, rows[i].url, &err) != 0)
            fail_msg("%s: %s", rows[i].url, err.text);
        for (size_t n = 0; n < url.hosts; n++)
            strcat(strcat(hosts, url.host[n]), " ");
        if (url.tls != rows[i].tls || strcmp(hosts, rows[i].hosts) != 0 || strcmp(url.key, rows[i].key) != 0)
            fail_msg("%s: %d, \"%s\", \"%s\"", rows[i].url, url.tls, hosts, url.key);
        assert_true(store_is_url(rows[i].url));
    }
}

#define HOSTS "no good host and port"
#define KEY   "names no key"
#define CHARS "letters, digits"
#define BEGIN "begins with etcd:// or etcds://"

static void test_bad(void **state)
{
    static const struct {
        const char *url, *said;
    } rows[] = {
        {"", BEGIN},
        {"/etc/bv/keyring.json", BEGIN},
        {"http://h/k", BEGIN},
        {"https://h:2379/k", BEGIN},
        {"etcdx://h/k", BEGIN},
        {"Etcd://h/k", BEGIN},
        {" etcd://h/k", BEGIN},
        {"etcd:/h/k", BEGIN},
        {"etcd://", HOSTS},
        {"etcd:///k", HOSTS},
        {"etcd://:1/k", HOSTS},
        {"etcd://h:/k", HOSTS},
        {"etcd://h:0/k", HOSTS},
        {"etcd://h:65536/k", HOSTS},
        {"etcd://h:123456/k", HOSTS},
        {"etcd://h:-1/k", HOSTS},
        {"etcd://h:2379x/k", HOSTS},
        {"etcd://h,/k", HOSTS},
        {"etcd://,h/k", HOSTS},
        {"etcd://h h/k", HOSTS},
        {"etcd://h\n/k", HOSTS},
        {"etcd://h%41/k", HOSTS},
        {"etcd://::1/k", HOSTS},
        {"etcd://[::1/k", HOSTS},
        {"etcd://[]/k", HOSTS},
        {"etcd://[::1]x/k", HOSTS},
        {"etcd://[::1%eth0]/k", HOSTS},
        {"etcd://a,b,c,d,e,f/k", "more than five hosts"},
        {"etcd://h", KEY},
        {"etcd://h/", KEY},
        {"etcd://h/k?x", CHARS},
        {"etcd://h/k#x", CHARS},
        {"etcd://h/%2e", CHARS},
        {"etcd://h/k k", CHARS},
        {"etcd://h/k\n", CHARS},
        {"etcd://h/k@h", CHARS},
        {"etcd://h/gr\xc3\xbcn", CHARS},
        {"etcd://u:p@h/k", "BV_ETCD_PASSWORD_FILE"},
        {"etcd://u@h/k", "BV_ETCD_PASSWORD_FILE"},
        {"etcd://h,u:p@h/k", "BV_ETCD_PASSWORD_FILE"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keys_error err = {.text = ""};
        struct etcd_url url;

        if (etcd_url_read(&url, rows[i].url, &err) != -1 || strstr(err.text, rows[i].said) == NULL)
            fail_msg("\"%s\": \"%s\"", rows[i].url, err.text);
        if (err.sys != EINVAL)
            fail_msg("\"%s\": errno %d", rows[i].url, err.sys);
        if (strstr(err.text, "u:p") != NULL)
            fail_msg("\"%s\": the password is in \"%s\"", rows[i].url, err.text);
    }
}

static void test_lengths(void **state)
{
    struct keys_error err;
    struct etcd_url url;
    char text[1000] = "etcd://h/";

    (void)state;
    memset(text + 9, 'k', ETCD_KEY_MAX - 1);
    text[9 + ETCD_KEY_MAX - 1] = '\0';
    assert_int_equal(etcd_url_read(&url, text, &err), 0);
    assert_int_equal(strlen(url.key), ETCD_KEY_MAX);
    strcat(text, "k");
    assert_int_equal(etcd_url_read(&url, text, &err), -1);

    for (int n = 280; n < 310; n++) {
        snprintf(text, sizeof text, "etcd://%0*d:65535/k", n, 0);
        if ((etcd_url_read(&url, text, &err) == 0) != (n <= ETCD_HOST_MAX - 7))
            fail_msg("a host of %d characters: %s", n, url.host[0]);
    }
}

static void test_show(void **state)
{
    static const struct {
        const char *name, *shown;
    } rows[] = {
        {"/etc/bv/keyring.json", "/etc/bv/keyring.json"},
        {"/etc/bv/a@b", "/etc/bv/a@b"},
        {"etcd://h/k", "etcd://h/k"},
        {"etcd://u:p@h/k", "etcd://...@h/k"},
        {"etcd://u:p/q@h/k", "etcd://...@h/k"},
        {"etcd://u:p@q@h/k", "etcd://...@h/k"},
        {"http://u:p@h/k", "http://...@h/k"},
        {"://@", "://...@"},
    };
    char shown[STORE_NAME];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        store_show(shown, rows[i].name);
        if (strcmp(shown, rows[i].shown) != 0)
            fail_msg("%s: %s", rows[i].name, shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
