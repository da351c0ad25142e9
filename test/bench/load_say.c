#include "test/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 65535 /* of a body, the most that an MTA sends at once */ };

struct event {
    char command;
    uint32_t without, unanswered; /* what the milter says when it wants no event, or gives no answer */
    enum load_stage stage;
};

static const struct event events[] = {
    [LOAD_CONNECT] = {'C', WIRE_NOCONNECT, WIRE_NR_CONN, LOAD_AT_CONNECT},
    [LOAD_HELO] = {'H', WIRE_NOHELO, WIRE_NR_HELO, LOAD_AT_HELO},
    [LOAD_MAIL] = {'M', WIRE_NOMAIL, WIRE_NR_MAIL, LOAD_AT_MAIL},
    [LOAD_RCPT] = {'R', WIRE_NORCPT, WIRE_NR_RCPT, LOAD_AT_RCPT},
    [LOAD_DATA] = {'T', WIRE_NODATA, WIRE_NR_DATA, LOAD_AT_DATA},
    [LOAD_HEADER] = {'L', WIRE_NOHDRS, WIRE_NR_HDR, LOAD_AT_EOH},
    [LOAD_EOH] = {'N', WIRE_NOEOH, WIRE_NR_EOH, LOAD_AT_EOH},
    [LOAD_BODY] = {'B', WIRE_NOBODY, WIRE_NR_BODY, LOAD_AT_END},
    [LOAD_END] = {'E', 0, 0, LOAD_AT_END},
};

static const char *const fields[][2] = {
    {"Received",
     "from client.example.net (mx.example.net [192.0.2.7])\n\tby gw.example.com (Postfix) with ESMTP\n"
     "\tid 4XyZ1abcdefgh; Sat, 21 Nov 2026 12:00:00 +0000"},
    {"From", "Somebody <user@example.com>"},
    {"To", "A friend <friend@outside.example>"},
    {"Subject", "as long as subjects are, more or less"},
    {"Date", "Sat, 21 Nov 2026 12:00:00 +0000"},
    {"Message-ID", "<20261121120000.4XyZ1abcdefgh@gw.example.com>"},
    {"MIME-Version", "1.0"},
    {"Content-Type", "text/plain; charset=utf-8"},
};

/* An event with its macros, if the milter wants it. Returns whether it is to be answered. */
static bool say(struct load_peer *p, const char *data, size_t n)
{
    const struct event *e = &events[p->step];
    bool wanted = (p->wire.protocol & e->without) == 0;

    if (wanted || p->step <= LOAD_DATA)
        load_macros_put(p, e->command, e->stage);
    if (!wanted)
        return false;
    wire_put(&p->wire, e->command, data, n);
    if ((p->wire.protocol & e->unanswered) != 0)
        return false;
    p->awaited = p->step;
    p->trips++;
    return true;
}

static bool say_connect(struct load_peer *p)
{
    static const char who[] = "mx.example.net\0004\324\061192.0.2.7";
    bool awaited = say(p, who, sizeof who);

    p->step = LOAD_HELO;
    return awaited;
}

static bool say_helo(struct load_peer *p)
{
    static const char name[] = "mx.example.net";
    bool awaited = say(p, name, sizeof name);

    p->step = LOAD_READY;
    return awaited;
}

static bool say_mail(struct load_peer *p)
{
    char data[LOAD_ADDRESS + 64];

    snprintf(p->from, sizeof p->from, "user%ld@example.com", p->load->begun % LOAD_USERS);
    int n = snprintf(data, sizeof data, "<%s>%cSIZE=%ld", p->from, '\0', p->load->o.body + 1000);
    bool awaited = say(p, data, (size_t)n + 1);

    p->step = LOAD_RCPT;
    return awaited;
}

static bool say_rcpt(struct load_peer *p)
{
    char data[LOAD_ADDRESS + 2];

    snprintf(p->to, sizeof p->to, "friend%ld@%s", p->rcpt, p->load->o.domain);
    int n = snprintf(data, sizeof data, "<%s>", p->to);
    bool awaited = say(p, data, (size_t)n + 1);

    if (++p->rcpt == p->load->o.recipients)
        p->step = LOAD_DATA;
    return awaited;
}

/* Postfix hands the connection to another process here, so that what it holds goes out by itself. */
static bool say_data(struct load_peer *p)
{
    bool awaited = say(p, "", 0);

    if (!awaited && wire_send(&p->wire) != 0)
        load_fail(p->load, "the milter does not take what it is sent");
    p->step = LOAD_HEADER;
    return awaited;
}

static bool say_field(struct load_peer *p)
{
    const size_t known = sizeof fields / sizeof *fields;
    char data[512];
    int n;

    if (p->header == p->load->o.headers || (p->wire.protocol & WIRE_NOHDRS) != 0) {
        p->step = LOAD_EOH;
        return false;
    }
    if ((size_t)p->header < known)
        n = snprintf(data, sizeof data, "%s%c%s", fields[p->header][0], '\0', fields[p->header][1]);
    else
        n = snprintf(data, sizeof data, "X-Field-%ld%c%060ld", p->header, '\0', p->header);
    p->header++;
    return say(p, data, (size_t)n + 1);
}

static bool say_eoh(struct load_peer *p)
{
    bool awaited = say(p, "", 0);

    p->step = LOAD_BODY;
    return awaited;
}

static bool say_body(struct load_peer *p)
{
    static char text[CHUNK];
    long left = p->load->o.body - p->body;
    long n = left < CHUNK ? left : CHUNK;

    if (n == 0 || (p->wire.protocol & WIRE_NOBODY) != 0) {
        p->step = LOAD_END;
        return false;
    }
    if (*text == '\0')
        memset(text, 'x', sizeof text);
    p->body += n;
    return say(p, text, (size_t)n);
}

static bool say_end(struct load_peer *p)
{
    bool awaited = say(p, "", 0);

    p->step = LOAD_WAIT;
    return awaited;
}

bool load_say(struct load_peer *p)
{
    switch (p->step) {
    case LOAD_CONNECT:
        return say_connect(p);
    case LOAD_HELO:
        return say_helo(p);
    case LOAD_MAIL:
        return say_mail(p);
    case LOAD_RCPT:
        return say_rcpt(p);
    case LOAD_DATA:
        return say_data(p);
    case LOAD_HEADER:
        return say_field(p);
    case LOAD_EOH:
        return say_eoh(p);
    case LOAD_BODY:
        return say_body(p);
    case LOAD_END:
        return say_end(p);
    case LOAD_OFFER:
    case LOAD_READY:
    case LOAD_WAIT:
        break;
    }
    return true;
}
