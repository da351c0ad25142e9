/*
 * For the thread sanitizer, which cannot see into libmilter: its promise that
 * the callbacks of a session come one after the other, in whatever thread.
 * Linked with --wrap=smfi_register.  Nothing else is told, so that what two
 * sessions do to each other is still found.
 */
#include <libmilter/mfapi.h>

void __tsan_acquire(void *at);
void __tsan_release(void *at);
int __real_smfi_register(struct smfiDesc desc);
int __wrap_smfi_register(struct smfiDesc desc);

static struct smfiDesc real;

static sfsistat done(SMFICTX *ctx, sfsistat answer)
{
    __tsan_release(ctx);
    return answer;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_connect(ctx, host, addr));
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_envfrom(ctx, argv));
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_envrcpt(ctx, argv));
}

static sfsistat on_data(SMFICTX *ctx)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_data(ctx));
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_header(ctx, name, value));
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_eoh(ctx));
}

static sfsistat on_eom(SMFICTX *ctx)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_eom(ctx));
}

static sfsistat on_abort(SMFICTX *ctx)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_abort(ctx));
}

static sfsistat on_close(SMFICTX *ctx)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_close(ctx));
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                             unsigned long *wa, unsigned long *wb, unsigned long *wc, unsigned long *wd)
{
    __tsan_acquire(ctx);
    return done(ctx, real.xxfi_negotiate(ctx, a, b, c, d, wa, wb, wc, wd));
}

int __wrap_smfi_register(struct smfiDesc desc)
{
    real = desc;
    desc.xxfi_connect = on_connect;
    desc.xxfi_envfrom = on_mail;
    desc.xxfi_envrcpt = on_rcpt;
    desc.xxfi_data = on_data;
    desc.xxfi_header = on_header;
    desc.xxfi_eoh = on_eoh;
    desc.xxfi_eom = on_eom;
    desc.xxfi_abort = on_abort;
    desc.xxfi_close = on_close;
    desc.xxfi_negotiate = on_negotiate;
    return __real_smfi_register(desc);
}
