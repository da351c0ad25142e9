/*
 * noop - the least that a filter on libmilter does: it puts the same new sender
 * on every message.  What bvmilter takes beyond it is its own.
 *
 *     noop lean|hdr SOCKET
 *
 * lean has the events of bvmilter with "untagged_stage = rcpt", hdr those of
 * "data", which has the header sent, unanswered.  Either asks for one macro:
 * what the macros of bvmilter cost belongs to what is measured.
 */
#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 1024 };

static bool header;

/* What a filter keeps of a session, for the sake of a fair comparison. */
struct session {
    bool null_sender;
};

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
                             unsigned long f3, unsigned long *want_actions, unsigned long *want_protocol,
                             unsigned long *p2, unsigned long *p3)
{
    unsigned long want =
        SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_MAIL;

    (void)f2, (void)f3;
    want |= header ? SMFIP_NR_HDR | SMFIP_NR_EOH : SMFIP_NOHDRS | SMFIP_NOEOH;
    *want_actions = actions & (SMFIF_CHGFROM | SMFIF_SETSYMLIST);
    *want_protocol = protocol & want;
    *p2 = *p3 = 0;
    smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_authen}"});
    return SMFIS_CONTINUE;
}

static struct session *session_of(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL || smfi_setpriv(ctx, s) != MI_SUCCESS)
            abort();
    }
    return s;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    (void)host, (void)address;
    session_of(ctx);
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    session_of(ctx)->null_sender = strcmp(argv[0], "<>") == 0;
    return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    (void)ctx, (void)argv;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    if (!session_of(ctx)->null_sender &&
        smfi_chgfrom(ctx, (char[]){"<prvs=3785000000=user@example.com>"}, NULL) != MI_SUCCESS)
        return SMFIS_TEMPFAIL;
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc desc = {
        .xxfi_name = (char[]){"noop"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_SETSYMLIST,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_eom = on_eom,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    if (argc != 3 || (strcmp(argv[1], "lean") != 0 && strcmp(argv[1], "hdr") != 0)) {
        fprintf(stderr, "usage: noop lean|hdr SOCKET\n");
        return 2;
    }
    header = strcmp(argv[1], "hdr") == 0;
    if (header) {
        desc.xxfi_header = on_header;
        desc.xxfi_eoh = on_eoh;
    }
    if (smfi_register(desc) != MI_SUCCESS || smfi_setconn(argv[2]) != MI_SUCCESS ||
        smfi_setbacklog(BACKLOG) != MI_SUCCESS) {
        fprintf(stderr, "noop: libmilter does not listen on \"%s\"\n", argv[2]);
        return 1;
    }
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
