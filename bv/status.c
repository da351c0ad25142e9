#include "bv/bv.h"

const char *bv_status_word(enum bv_status s)
{
    switch (s) {
    case BV_VALID:
        return "valid";
    case BV_EXPIRED:
        return "expired";
    case BV_FORGED:
        return "forged";
    case BV_UNKNOWN_KEY:
        return "unknown-key";
    case BV_MALFORMED:
        return "malformed";
    case BV_UNTAGGED:
        return "untagged";
    case BV_NOT_TAGGABLE:
        return "not-taggable";
    case BV_FAULT:
        break;
    }
    return "fault";
}

const char *bv_tagging_reason(enum bv_tagging t)
{
    switch (t) {
    case BV_TAGGABLE:
        return "taggable";
    case BV_NO_MAILBOX:
        return "no mailbox address";
    case BV_ALREADY_TAGGED:
        return "already tagged";
    case BV_ILL_FORMED:
        return "not well-formed";
    case BV_FOREIGN_TAG:
        return "tagged by somebody else's scheme";
    case BV_NOT_ASCII:
        return "not ASCII";
    case BV_LOCAL_TOO_LONG:
        return "local part too long";
    case BV_NEEDS_QUOTES:
        return "local part needs quotes";
    case BV_NO_DOMAIN:
        return "no domain";
    case BV_PATH_TOO_LONG:
        return "address too long";
    case BV_TAGGING_FAULT:
        break;
    }
    return "library failure";
}
