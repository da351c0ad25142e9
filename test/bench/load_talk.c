#include "test/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void load_fail(struct load *l, const char *what)
{
    if (!l->failed)
        fprintf(stderr, "load: %s\n", what);
    l->failed = l->over = true;
}

static void fail_errno(struct load *l, const char *what)
{
    char text[128];

    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    load_fail(l, text);
}

int load_open(struct load_peer *p)
{
    if (wire_open(&p->wire, &p->load->o.where) != 0) {
        fail_errno(p->load, "no connection to the milter");
        return -1;
    }
    wire_put_offer(&p->wire);
    p->awaited = LOAD_OFFER;
    p->step = LOAD_CONNECT;
    p->number = 0;
    p->trips = 1;
    if (wire_send(&p->wire) == 0)
        return 0;
    fail_errno(p->load, "the milter does not take an offer");
    return -1;
}

/* Returns whether there is a message to send. */
static bool begin_message(struct load_peer *p)
{
    if (p->number == 0 && p->load->counting) {
        p->load->sessions++;
        p->load->setup_trips += p->trips;
    }
    if (!p->busy)
        return false;
    p->rcpt = p->header = p->body = p->trips = p->senders = 0;
    if (p->load->o.rate <= 0)
        p->due = load_now();
    p->step = LOAD_MAIL;
    return true;
}

void load_talk(struct load_peer *p)
{
    bool awaited = false;

    while (!awaited && !p->load->failed) {
        if (p->step == LOAD_READY && !begin_message(p))
            break;
        awaited = load_say(p);
    }
    if (wire_send(&p->wire) != 0)
        fail_errno(p->load, "the milter does not take what it is sent");
}

static void refuse(struct load_peer *p, const struct wire_packet *answer)
{
    static const char *const names[] = {[LOAD_OFFER] = "the offer",
                                        [LOAD_CONNECT] = "CONNECT",
                                        [LOAD_HELO] = "HELO",
                                        [LOAD_MAIL] = "MAIL",
                                        [LOAD_RCPT] = "RCPT",
                                        [LOAD_DATA] = "DATA",
                                        [LOAD_HEADER] = "a header field",
                                        [LOAD_EOH] = "the end of a header",
                                        [LOAD_BODY] = "a body",
                                        [LOAD_END] = "the end of a message"};
    char text[256];

    snprintf(text, sizeof text, "the answer '%c' to %s was not to be: %.*s", answer->command, names[p->awaited],
             (int)(answer->n < 100 ? answer->n : 100), answer->data);
    load_fail(p->load, text);
}

/* What comes at the end of a message: changes, and the answer. Returns whether the message is over. */
static bool take_end(struct load_peer *p, const struct wire_packet *answer)
{
    if (answer->command != '\0' && strchr("+2-hibmqe", answer->command) != NULL) {
        p->senders += answer->command == 'e';
        return false;
    }
    if (answer->command != 'c' && answer->command != 'a')
        refuse(p, answer);
    else if (p->senders != 1)
        load_fail(p->load, "a message has not got one new sender");
    return !p->load->failed;
}

bool load_take(struct load_peer *p, const struct wire_packet *answer)
{
    if (answer->command == 'p')
        return false;
    if (p->awaited == LOAD_END)
        return take_end(p, answer);
    if (p->awaited == LOAD_OFFER) {
        if (wire_agree(&p->wire, answer) != 0)
            refuse(p, answer);
        else
            load_macros_choose(p, answer);
    } else if (p->awaited == LOAD_BODY && answer->command == 's') {
        p->step = LOAD_END;
    } else if (answer->command != 'c') {
        refuse(p, answer);
    }
    if (!p->load->failed)
        load_talk(p);
    return false;
}

void load_quit(struct load_peer *p)
{
    wire_put(&p->wire, 'A', "", 0);
    wire_put(&p->wire, 'Q', "", 0);
    wire_send(&p->wire);
    wire_close(&p->wire);
}
