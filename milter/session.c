#include "milter/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "milter/drain.h"
#include "milter/log.h"
#include "milter/starting.h"
#include "milter/timing.h"
#include "milter/transaction.h"

enum {
    BACKLOG = 1024,
    PACKET_MAX =
        1 << 20,      /* octets; Postfix sends header fields of 100 kB, and libmilter drops the session at 64 */
    BLIND_COPIES = 50 /* of our header that are deleted when nobody has counted them */
};

static bool take_data; /* set once, before the first session */

/* In a reply's text '%' stands for itself only when doubled. */
static void reply(SMFICTX *ctx, const struct decision *d, const char *reject_text)
{
    char code[4], status[8], safe[2 * VERDICT_REPLY_TEXT];
    struct verdict_reply r;
    size_t n = 0;

    verdict_reply(&r, reject_text, d);
    for (const char *p = r.text; *p != '\0'; p++) {
        safe[n++] = *p;
        if (*p == '%')
            safe[n++] = '%';
    }
    safe[n] = '\0';
    snprintf(code, sizeof code, "%s", r.code);
    snprintf(status, sizeof status, "%s", r.status);
    if (smfi_setreply(ctx, code, status, safe) != MI_SUCCESS)
        log_error("the reply \"%s\" is not accepted by libmilter", safe);
}

/* What an action means to the MTA. */
static sfsistat perform(SMFICTX *ctx, const struct decision *d, const struct conf *conf)
{
    switch (d->action) {
    case ACTION_ACCEPT:
    case ACTION_MARK:
    case ACTION_QUARANTINE:
        return SMFIS_CONTINUE;
    case ACTION_DISCARD:
        return SMFIS_DISCARD;
    case ACTION_REJECT:
        reply(ctx, d, conf->reject_text);
        return SMFIS_REJECT;
    case ACTION_TEMPFAIL:
    case ACTION_TOO_MANY:
    case ACTION_DISCONNECT:
        break;
    }
    reply(ctx, d, "");
    return SMFIS_TEMPFAIL;
}

static sfsistat tempfail(SMFICTX *ctx)
{
    return perform(ctx, &(struct decision){.action = ACTION_TEMPFAIL}, NULL);
}

static struct transaction *transaction_of(SMFICTX *ctx)
{
    struct transaction *t = smfi_getpriv(ctx);

    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t != NULL && smfi_setpriv(ctx, t) != MI_SUCCESS) {
            free(t);
            t = NULL;
        }
    }
    return t;
}

/*
 * The value of a macro, taken away, so that it counts for this command only: libmilter
 * keeps a stage's macros until the MTA sends new ones, even from an aborted message.
 */
static bool take_macro(SMFICTX *ctx, char *name)
{
    char *value = smfi_getsymval(ctx, name);
    bool set = value != NULL && *value != '\0';

    if (set)
        *value = '\0';
    return set;
}

static char *queue_id(SMFICTX *ctx)
{
    return smfi_getsymval(ctx, (char[]){"i"});
}

/*
 * CONNECT and MAIL are not answered; where something fails there, RCPT says so.
 * For an MTA that waits for an answer, libmilter makes one up.
 */
static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
    struct transaction *t = transaction_of(ctx);

    if (t != NULL)
        transaction_client(t, host, smfi_getsymval(ctx, (char[]){"{client_resolve}"}), addr,
                           smfi_getsymval(ctx, (char[]){"{daemon_name}"}), smfi_getsymval(ctx, (char[]){"v"}));
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    int64_t began = timing_begin();
    struct transaction *t = transaction_of(ctx);
    bool type = take_macro(ctx, (char[]){"{auth_type}"});
    bool authen = take_macro(ctx, (char[]){"{auth_authen}"});

    if (t != NULL)
        transaction_mail(t, argv[0], type || authen);
    timing_end(COUNTERS_MAIL, began);
    return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    int64_t began = timing_begin();
    struct transaction *t = transaction_of(ctx);
    struct decision d;
    sfsistat answer = SMFIS_CONTINUE;

    if (!drain_enter())
        return tempfail(ctx);
    if (t == NULL || t->message == NULL ||
        transaction_rcpt(t, &d, queue_id(ctx), argv, smfi_getsymval(ctx, (char[]){"{rcpt_addr}"})) != 0)
        answer = tempfail(ctx);
    else if (!d.at_end)
        answer = perform(ctx, &d, snapshot_conf(t->snapshot));
    timing_end(COUNTERS_RCPT, began);
    drain_leave();
    return answer;
}

/* Taken on inet sockets only; ordinary mail from outside that needs nothing more is let go here. */
static sfsistat on_data(SMFICTX *ctx)
{
    struct transaction *t = transaction_of(ctx);

    if (t == NULL || t->message == NULL)
        return tempfail(ctx);
    if (!transaction_may_go(t))
        return SMFIS_CONTINUE;
    transaction_end(t);
    return SMFIS_ACCEPT;
}

/* Neither this nor its end is answered, unless the MTA waits for it: libmilter makes no answer up here. */
static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct transaction *t = smfi_getpriv(ctx);

    if (t != NULL)
        transaction_header(t, name, value);
    return t != NULL && t->header_awaited ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    const struct transaction *t = smfi_getpriv(ctx);

    return t != NULL && t->eoh_awaited ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

/*
 * From the last one down, since Postfix renumbers after each and Sendmail does
 * not.  A deletion of what is not there does nothing: where the header is not
 * sent here, it need not be.
 */
static int remove_copies(SMFICTX *ctx, const struct transaction *t, char *name)
{
    int result = MI_SUCCESS;

    for (int n = t->headers ? (int)t->message->copies : BLIND_COPIES; n > 0 && result == MI_SUCCESS; n--)
        result = smfi_chgheader(ctx, name, n, NULL);
    return result;
}

static int set_header(SMFICTX *ctx, const struct transaction *t, const struct conf *conf,
                      const struct outcome *o)
{
    char value[VERDICT_HEADER];
    int result = t->message->judged ? remove_copies(ctx, t, conf->header_name) : MI_SUCCESS;

    if (result != MI_SUCCESS || o->header == NULL)
        return result;
    verdict_header(value, conf->header_value, &o->header->decision,
                   bv_str(o->only_one ? o->header->address : ""));
    return smfi_insheader(ctx, 0, conf->header_name, value);
}

/* The new one before the old: should anything go wrong between, nobody is lost. */
static int replace_recipient(SMFICTX *ctx, struct recipient *r)
{
    char path[BV_ADDR_QUOTED + 2];
    int result = MI_SUCCESS;

    if (r->add)
        result = smfi_addrcpt_par(ctx, message_path(path, r->address), *r->params != '\0' ? r->params : NULL);
    if (result == MI_SUCCESS && r->remove)
        result = smfi_delrcpt(ctx, r->given);
    if (result == MI_SUCCESS && r->remove && recipient_other_spelling(path, r))
        result = smfi_delrcpt(ctx, path);
    return result;
}

static int make_changes(SMFICTX *ctx, struct transaction *t, const struct conf *conf, const struct outcome *o)
{
    char path[BV_TAGGED + 2];
    int result = MI_SUCCESS;

    if (t->message->sign.replace) /* NULL parameters keep RET, ENVID and BODY in both MTAs */
        result = smfi_chgfrom(ctx, message_path(path, t->message->tagged), NULL);
    for (struct recipient *r = t->message->first; r != NULL && result == MI_SUCCESS; r = r->next)
        result = replace_recipient(ctx, r);
    if (result == MI_SUCCESS)
        result = set_header(ctx, t, conf, o);
    if (result == MI_SUCCESS && t->message->guard_header != NULL)
        result = smfi_insheader(ctx, 0, (char[]){"X-MX-Guard"}, t->message->guard_header);
    if (result == MI_SUCCESS && o->hold != NULL)
        result = smfi_quarantine(ctx, conf->reject_text);
    return result;
}

static sfsistat finish_message(SMFICTX *ctx, struct transaction *t)
{
    const struct conf *conf = snapshot_conf(t->snapshot);
    sfsistat answer = SMFIS_CONTINUE;
    struct outcome outcome;
    bool failed = false;

    if (transaction_settle(t, &outcome) != 0) {
        failed = true;
        answer = tempfail(ctx);
    } else if (outcome.refuse != NULL) {
        answer = perform(ctx, &outcome.refuse->decision, conf);
    } else if (make_changes(ctx, t, conf, &outcome) != MI_SUCCESS) {
        failed = true;
        log_error("the MTA has not taken a change of the message; it is told to try again later");
        answer = tempfail(ctx);
    }
    transaction_log(t, queue_id(ctx), failed);
    return answer;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    int64_t began = timing_begin();
    struct transaction *t = transaction_of(ctx);

    if (t == NULL || t->message == NULL || !drain_enter())
        return tempfail(ctx);
    sfsistat answer = finish_message(ctx, t);
    transaction_end(t);
    timing_end(COUNTERS_END, began);
    drain_leave();
    return answer;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct transaction *t = smfi_getpriv(ctx);

    if (t != NULL)
        transaction_end(t);
    return SMFIS_CONTINUE;
}

/* May be the first callback of all: a probe that connects and leaves. */
static sfsistat on_close(SMFICTX *ctx)
{
    struct transaction *t = smfi_getpriv(ctx);

    if (t == NULL)
        return SMFIS_CONTINUE;
    smfi_setpriv(ctx, NULL);
    transaction_close(t);
    free(t);
    return SMFIS_CONTINUE;
}

/* Macros beyond these are not sent: every octet is paid for in every message. Returns 0, or -1 without memory. */
static int ask_for_macros(SMFICTX *ctx, const struct policy *policy)
{
    static char resolve[] = "v {client_resolve}", both[] = "v {daemon_name} {client_resolve}";
    bool daemons = policy->sign_daemons != NULL && policy->sign_daemons[0] != NULL;
    int result = smfi_setsymlist(ctx, SMFIM_CONNECT, daemons ? both : resolve);

    if (result == MI_SUCCESS && policy->sign_authenticated)
        result = smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_type} {auth_authen}"});
    if (result == MI_SUCCESS) /* never the recipient: both MTAs rewrite it */
        result = smfi_setsymlist(ctx, SMFIM_ENVRCPT, (char[]){"i {rcpt_addr}"});
    if (result == MI_SUCCESS)
        result = smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i"});
    return result == MI_SUCCESS ? 0 : -1;
}

/*
 * The end of the header is taken with the header: libmilter waits for ever
 * between a message without one and its end otherwise.
 */
static unsigned long protocol_for(const struct policy *policy)
{
    unsigned long flags = SMFIP_NOHELO | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_MAIL;

    flags |= take_data ? 0 : SMFIP_NODATA;
    return flags | (policy_needs_header(policy) ? SMFIP_NR_HDR | SMFIP_NR_EOH : SMFIP_NOHDRS | SMFIP_NOEOH);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
                             unsigned long f3, unsigned long *want_actions, unsigned long *want_protocol,
                             unsigned long *p2, unsigned long *p3)
{
    const unsigned long needed =
        SMFIF_CHGFROM | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    struct transaction *t = transaction_of(ctx);
    struct snapshot *snapshot = snapshot_get();
    const struct policy *policy = &snapshot_conf(snapshot)->policy;
    sfsistat answer = SMFIS_REJECT;

    (void)f2, (void)f3;
    if ((actions & needed) != needed) {
        log_error(
            "the MTA offers the actions 0x%lx only, 0x%lx are needed: it is too old, or told to offer less",
            actions, needed);
    } else if (t != NULL && transaction_open(t, snapshot_conf(snapshot))) {
        *want_actions = needed | (actions & (SMFIF_SETSYMLIST | SMFIF_QUARANTINE));
        *want_protocol = protocol & protocol_for(policy);
        *p2 = *p3 = 0;
        t->headers = policy_needs_header(policy);
        t->header_awaited = (*want_protocol & SMFIP_NR_HDR) == 0;
        t->eoh_awaited = (*want_protocol & SMFIP_NR_EOH) == 0;
        t->cannot_hold = (actions & SMFIF_QUARANTINE) == 0;
        t->macros = (actions & SMFIF_SETSYMLIST) != 0;
        log_debug("negotiated: actions 0x%lx, protocol 0x%lx", *want_actions, *want_protocol);
        if (!t->macros || ask_for_macros(ctx, policy) == 0)
            answer = SMFIS_CONTINUE;
        else
            log_error("no memory for a session; the MTA does with it what it does without a milter");
    }
    snapshot_put(snapshot);
    return answer;
}

int session_open(char *listen, bool over_tcp, char *why, size_t size)
{
    struct smfiDesc desc = {
        .xxfi_name = (char[]){"bvmilter"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_ADDRCPT_PAR | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS |
                      SMFIF_CHGHDRS | SMFIF_SETSYMLIST | SMFIF_QUARANTINE,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    take_data = over_tcp;
    smfi_setmaxdatasize(PACKET_MAX);
    if (smfi_register(desc) != MI_SUCCESS || smfi_setconn(listen) != MI_SUCCESS ||
        smfi_setbacklog(BACKLOG) != MI_SUCCESS) {
        snprintf(why, size, "\"%s\" is not accepted by libmilter", listen);
        return -1;
    }
    errno = 0;
    if (smfi_opensocket(0) == MI_SUCCESS)
        return 0;
    snprintf(why, size, "cannot listen on \"%s\": %s", listen,
             errno != 0 ? strerror(errno) : "the syslog mail facility has libmilter's reason");
    return -1;
}

void session_run(void)
{
    starting_for_libmilter();
    smfi_main();
}
