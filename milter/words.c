#include "milter/verdict.h"

const char *event_word(enum event e)
{
    switch (e) {
    case EVENT_SIGN:
        return "sign";
    case EVENT_BOUNCE:
        return "bounce";
    case EVENT_STRIP:
        return "strip";
    case EVENT_GUARD:
        return "guard";
    case EVENT_NONE:
        break;
    }
    return "none";
}

const char *verdict_word(enum verdict v)
{
    switch (v) {
    case VERDICT_VALID:
        return "valid";
    case VERDICT_SIGNED:
        return "signed";
    case VERDICT_UNTAGGED:
        return "untagged";
    case VERDICT_FORGED:
        return "forged";
    case VERDICT_EXPIRED:
        return "expired";
    case VERDICT_UNKNOWN_KEY:
        return "unknown-key";
    case VERDICT_MALFORMED:
        return "malformed";
    case VERDICT_NOT_TAGGABLE:
        return "not-taggable";
    case VERDICT_ALREADY_TAGGED:
        return "already-tagged";
    case VERDICT_EXEMPT:
        return "exempt";
    case VERDICT_REPLY:
        return "reply";
    case VERDICT_NO_MAIL:
        return "no-mail";
    case VERDICT_NULL_MX:
        return "null-mx";
    case VERDICT_BOGUS_MX:
        return "bogus-mx";
    case VERDICT_FAULT:
        break;
    }
    return "fault";
}

static const char *const action_words[] = {
    [ACTION_ACCEPT] = "accept",         [ACTION_MARK] = "mark",
    [ACTION_QUARANTINE] = "quarantine", [ACTION_DISCARD] = "discard",
    [ACTION_REJECT] = "reject",         [ACTION_TEMPFAIL] = "tempfail",
    [ACTION_TOO_MANY] = "too-many",     [ACTION_DISCONNECT] = "disconnect"};

const char *action_word(enum action a)
{
    return action_words[a];
}

bool action_from_word(enum action *out, struct bv_str word)
{
    for (int a = ACTION_ACCEPT; a < ACTION_TEMPFAIL; a++) {
        if (bv_str_same(bv_str(action_words[a]), word)) {
            *out = (enum action)a;
            return true;
        }
    }
    return false;
}

const char *result_word(enum result r)
{
    switch (r) {
    case RESULT_PASS:
        return "pass";
    case RESULT_NONE:
        return "none";
    case RESULT_FAIL:
        break;
    }
    return "fail";
}

enum result verdict_result(enum verdict v)
{
    switch (v) {
    case VERDICT_VALID:
    case VERDICT_SIGNED:
        return RESULT_PASS;
    case VERDICT_NOT_TAGGABLE:
    case VERDICT_ALREADY_TAGGED:
    case VERDICT_EXEMPT:
    case VERDICT_REPLY:
    case VERDICT_FAULT:
        return RESULT_NONE;
    case VERDICT_UNTAGGED:
    case VERDICT_FORGED:
    case VERDICT_EXPIRED:
    case VERDICT_UNKNOWN_KEY:
    case VERDICT_MALFORMED:
    case VERDICT_NO_MAIL:
    case VERDICT_NULL_MX:
    case VERDICT_BOGUS_MX:
        break;
    }
    return RESULT_FAIL;
}
