#include "test/bench/load.h"

#include <arpa/inet.h>
#include <string.h>

enum { MACROS_MAX = 2048 };

/* What Postfix sends to who has not chosen. */
static const char *const usual[LOAD_STAGES] = {
    [LOAD_AT_CONNECT] = "j {daemon_name} {daemon_addr} v _",
    [LOAD_AT_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
    [LOAD_AT_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
    [LOAD_AT_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    [LOAD_AT_DATA] = "i",
    [LOAD_AT_END] = "i",
    [LOAD_AT_EOH] = "i",
};

/* The queue id is there from the first recipient on that was taken. */
static const char *value_of(const struct load_peer *p, const char *name, size_t n)
{
    const struct {
        const char *name, *value;
    } known[] = {
        {"j", "gw.example.com"},
        {"{daemon_name}", "ORIGINATING"},
        {"{daemon_addr}", "192.0.2.25"},
        {"v", "Postfix 3.7.11"},
        {"_", "mx.example.net [192.0.2.7]"},
        {"{mail_addr}", p->from},
        {"{mail_host}", "example.com"},
        {"{mail_mailer}", "smtp"},
        {"{rcpt_addr}", p->to},
        {"{rcpt_host}", p->load->o.domain},
        {"{rcpt_mailer}", "smtp"},
        {"i", p->step > LOAD_RCPT || p->rcpt > 0 ? "4XyZ1abcdefgh" : NULL},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == n && memcmp(known[i].name, name, n) == 0)
            return known[i].value;
    return NULL;
}

void load_macros_choose(struct load_peer *p, const struct wire_packet *answer)
{
    const size_t flags = 3 * sizeof(uint32_t);
    size_t n = answer->n - flags < sizeof p->asked - 1 ? answer->n - flags : sizeof p->asked - 1;
    uint32_t stage;

    memcpy(p->asked, answer->data + flags, n);
    p->asked[n] = '\0';
    memset(p->names, 0, sizeof p->names);
    p->chosen = n > 0;
    for (size_t at = 0; at + sizeof stage < n;) {
        memcpy(&stage, p->asked + at, sizeof stage);
        at += sizeof stage;
        if (ntohl(stage) < LOAD_STAGES)
            p->names[ntohl(stage)] = p->asked + at;
        at += strlen(p->asked + at) + 1;
    }
}

void load_macros_put(struct load_peer *p, char command, enum load_stage stage)
{
    const char *name = p->chosen ? p->names[stage] : usual[stage];
    char data[MACROS_MAX];
    size_t n = 0;

    data[n++] = command;
    while (name != NULL && *(name += strspn(name, " ,")) != '\0') {
        size_t size = strcspn(name, " ,");
        const char *value = value_of(p, name, size);
        if (value != NULL && n + size + strlen(value) + 2 <= sizeof data) {
            memcpy(data + n, name, size);
            data[n + size] = '\0';
            strcpy(data + n + size + 1, value);
            n += size + strlen(value) + 2;
        }
        name += size;
    }
    wire_put(&p->wire, 'D', data, n);
}
