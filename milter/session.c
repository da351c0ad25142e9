#include "milter/session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "milter/log.h"
#include "milter/transaction.h"

enum {
    BACKLOG = 1024,
    HEADER_COPIES = 50, /* of our header that a message may come with; more would survive */
    REPLY_TEXT = 512
};

static bool take_data;  /* set once, before the first session */
static atomic_int busy; /* callbacks at work whose answer matters */
static atomic_bool stopping;

/* ---- replies ------------------------------------------------------------------ */

/* In a reply's text '%' stands for itself only when doubled. */
static void reply(SMFICTX *ctx, char *code, char *status, const char *text)
{
    char safe[REPLY_TEXT];
    size_t n = 0;

    for (; *text != '\0' && n + 2 < sizeof safe; text++) {
        safe[n++] = *text;
        if (*text == '%')
            safe[n++] = '%';
    }
    safe[n] = '\0';
    if (smfi_setreply(ctx, code, status, safe) != MI_SUCCESS)
        log_error("the reply \"%s\" is not accepted by libmilter", safe);
}

static sfsistat tempfail(SMFICTX *ctx)
{
    reply(ctx, (char[]){"451"}, (char[]){"4.7.1"}, "bounce verification is not available, try again later");
    return SMFIS_TEMPFAIL;
}

/* What an action means to the MTA. */
static sfsistat perform(SMFICTX *ctx, const struct decision *d, const struct conf *conf)
{
    char text[REPLY_TEXT];

    switch (d->action) {
    case ACTION_ACCEPT:
    case ACTION_MARK:
        return SMFIS_CONTINUE;
    case ACTION_REJECT:
        verdict_reply(text, sizeof text, conf->reject_text, d->verdict);
        reply(ctx, (char[]){"550"}, (char[]){"5.7.1"}, text);
        return SMFIS_REJECT;
    case ACTION_TOO_MANY:
        reply(ctx, (char[]){"452"}, (char[]){"4.5.3"}, "too many recipients");
        return SMFIS_TEMPFAIL;
    case ACTION_TEMPFAIL:
        break;
    }
    return tempfail(ctx);
}

/* ---- the session ---------------------------------------------------------------- */

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
        transaction_client(t, host, addr, smfi_getsymval(ctx, (char[]){"{daemon_name}"}));
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct transaction *t = transaction_of(ctx);
    bool type = take_macro(ctx, (char[]){"{auth_type}"});
    bool authen = take_macro(ctx, (char[]){"{auth_authen}"});

    if (t != NULL)
        transaction_mail(t, argv[0], type || authen);
    return SMFIS_NOREPLY;
}

/* Whether a callback may begin; if so, leave() must follow. */
static bool enter(void)
{
    atomic_fetch_add(&busy, 1);
    if (!atomic_load(&stopping))
        return true;
    atomic_fetch_sub(&busy, 1);
    return false;
}

static void leave(void)
{
    atomic_fetch_sub(&busy, 1);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct transaction *t = transaction_of(ctx);
    struct decision d;
    sfsistat answer = SMFIS_CONTINUE;

    if (!enter())
        return tempfail(ctx);
    if (t == NULL || t->message == NULL || transaction_rcpt(t, &d, queue_id(ctx), argv) != 0)
        answer = tempfail(ctx);
    else if (!d.at_end)
        answer = perform(ctx, &d, snapshot_conf(t->snapshot));
    leave();
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

/* ---- end of message ---------------------------------------------------------------- */

/*
 * Blindly: to count them, every header of every message would have to be sent
 * here, and a deletion of what is not there does nothing.  From the last one
 * down, since Postfix renumbers after each and Sendmail does not.
 */
static int remove_copies(SMFICTX *ctx, char *name)
{
    int result = MI_SUCCESS;

    for (int n = HEADER_COPIES; n > 0 && result == MI_SUCCESS; n--)
        result = smfi_chgheader(ctx, name, n, NULL);
    return result;
}

static int set_header(SMFICTX *ctx, const struct conf *conf, const struct outcome *o)
{
    char value[VERDICT_HEADER];
    int result = o->judged ? remove_copies(ctx, conf->header_name) : MI_SUCCESS;

    if (result != MI_SUCCESS || o->header == NULL)
        return result;
    verdict_header(value, conf->header_value, &o->header->decision,
                   bv_str(o->only_one ? o->header->address : ""));
    return smfi_insheader(ctx, 0, conf->header_name, value);
}

/* "<address>"; dst has room for two octets more than the address. */
static char *bracket(char *dst, const char *address)
{
    dst[0] = '<';
    strcpy(stpcpy(dst + 1, address), ">");
    return dst;
}

/* The new one before the old: should anything go wrong between, nobody is lost. */
static int replace_recipient(SMFICTX *ctx, struct recipient *r)
{
    char path[BV_ADDR_QUOTED + 2];
    int result = MI_SUCCESS;

    if (r->add)
        result = smfi_addrcpt_par(ctx, bracket(path, r->address), *r->params != '\0' ? r->params : NULL);
    if (result == MI_SUCCESS && r->remove)
        result = smfi_delrcpt(ctx, r->given);
    if (result == MI_SUCCESS && r->remove && recipient_other_spelling(path, r))
        result = smfi_delrcpt(ctx, path);
    return result;
}

/* NULL parameters keep RET, ENVID and BODY in both MTAs. */
static int replace_sender(SMFICTX *ctx, const struct message *m)
{
    char path[BV_TAGGED + 2];

    return m->sign.replace ? smfi_chgfrom(ctx, bracket(path, m->tagged), NULL) : MI_SUCCESS;
}

static int make_changes(SMFICTX *ctx, struct transaction *t, const struct conf *conf, const struct outcome *o)
{
    int result = replace_sender(ctx, t->message);

    for (struct recipient *r = t->message->first; r != NULL && result == MI_SUCCESS; r = r->next)
        result = replace_recipient(ctx, r);
    return result == MI_SUCCESS ? set_header(ctx, conf, o) : result;
}

static sfsistat finish_message(SMFICTX *ctx, struct transaction *t)
{
    const struct conf *conf = snapshot_conf(t->snapshot);
    sfsistat answer = SMFIS_CONTINUE;
    struct outcome outcome;
    bool failed = false;

    message_settle(t->message, &outcome);
    if (outcome.refuse != NULL) {
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
    struct transaction *t = transaction_of(ctx);

    if (t == NULL || t->message == NULL || !enter())
        return tempfail(ctx);
    sfsistat answer = finish_message(ctx, t);
    transaction_end(t);
    leave();
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

/* ---- negotiation ---------------------------------------------------------------------- */

/* Macros beyond these are not sent: every octet is paid for in every message. */
static void ask_for_macros(SMFICTX *ctx, const struct policy *policy)
{
    if (policy->sign_daemons != NULL && policy->sign_daemons[0] != NULL)
        smfi_setsymlist(ctx, SMFIM_CONNECT, (char[]){"{daemon_name}"});
    if (policy->sign_authenticated)
        smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_type} {auth_authen}"});
    smfi_setsymlist(ctx, SMFIM_ENVRCPT, (char[]){"i"});
    smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i"});
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
                             unsigned long f3, unsigned long *want_actions, unsigned long *want_protocol,
                             unsigned long *p2, unsigned long *p3)
{
    const unsigned long needed =
        SMFIF_CHGFROM | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    unsigned long flags = SMFIP_NOHELO | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN;
    struct transaction *t = transaction_of(ctx);
    struct snapshot *snapshot = snapshot_get();
    sfsistat answer = SMFIS_REJECT;

    (void)f2, (void)f3;
    if ((actions & needed) != needed) {
        log_error(
            "the MTA offers the actions 0x%lx only, 0x%lx are needed: it is too old, or told to offer less",
            actions, needed);
    } else if (t != NULL) {
        flags |= take_data ? 0 : SMFIP_NODATA;
        *want_actions = needed | (actions & SMFIF_SETSYMLIST);
        *want_protocol = protocol & (flags | SMFIP_NR_CONN | SMFIP_NR_MAIL);
        *p2 = *p3 = 0;
        if (actions & SMFIF_SETSYMLIST)
            ask_for_macros(ctx, &snapshot_conf(snapshot)->policy);
        log_debug("negotiated: actions 0x%lx, protocol 0x%lx", *want_actions, *want_protocol);
        answer = SMFIS_CONTINUE;
    }
    snapshot_put(snapshot);
    return answer;
}

/* ---- the service ------------------------------------------------------------------------ */

int session_open(char *listen, bool over_tcp, char *why, size_t size)
{
    struct smfiDesc desc = {
        .xxfi_name = (char[]){"bvmilter"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_ADDRCPT_PAR | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS |
                      SMFIF_CHGHDRS | SMFIF_SETSYMLIST,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    take_data = over_tcp;
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
    smfi_main();
}

bool session_stop(void)
{
    atomic_store(&stopping, true);
    return atomic_load(&busy) == 0;
}
