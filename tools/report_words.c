#include "tools/report_tally.h"

enum report_outcome report_outcome(enum action a)
{
    switch (a) {
    case ACTION_ACCEPT:
        return REPORT_PASSED;
    case ACTION_MARK:
        return REPORT_MARKED;
    case ACTION_REJECT:
    case ACTION_DISCARD:
    case ACTION_QUARANTINE:
        return REPORT_REFUSED;
    case ACTION_TEMPFAIL:
    case ACTION_TOO_MANY:
    case ACTION_DISCONNECT:
        break;
    }
    return REPORT_DEFERRED;
}

enum report_fault report_fault(enum verdict v)
{
    switch (v) {
    case VERDICT_UNTAGGED:
        return REPORT_UNTAGGED;
    case VERDICT_FORGED:
    case VERDICT_UNKNOWN_KEY:
    case VERDICT_MALFORMED:
        return REPORT_BAD_TAG;
    case VERDICT_EXPIRED:
        return REPORT_OLD_TAG;
    case VERDICT_VALID:
    case VERDICT_SIGNED:
    case VERDICT_NOT_TAGGABLE:
    case VERDICT_ALREADY_TAGGED:
    case VERDICT_EXEMPT:
    case VERDICT_REPLY:
    case VERDICT_NO_MAIL:
    case VERDICT_NULL_MX:
    case VERDICT_BOGUS_MX:
    case VERDICT_FAULT:
        break;
    }
    return REPORT_OTHER_FAULT;
}

const char *report_notice_word(enum report_notice n)
{
    static const char *const words[] = {"start", "stop", "reload", "ring", "warm-up", "storm", "lost", "other"};

    return words[n];
}

const char *report_column_word(enum report_outcome o)
{
    static const char *const words[] = {"passed", "marked", "refused", "deferred", "signed"};

    return words[o];
}

#define OUTCOMES                                                                                               \
    {                                                                                                          \
        "passed", "marked", "refused", "deferred"                                                              \
    }
#define FAULTS                                                                                                 \
    {                                                                                                          \
        "untagged", "bad-tag", "expired", "other"                                                              \
    }

const struct report_list_words *report_list_words(enum report_list list)
{
    static const struct report_list_words words[] = {
        [REPORT_BOUNCE_DOMAINS] = {"bounce_domains", "Bounces by domain of the recipient", "domain", OUTCOMES},
        [REPORT_NETWORKS] = {"networks", "Bounces by network of the client", "network", OUTCOMES},
        [REPORT_CLIENTS] = {"clients", "Bounces by client", "client", OUTCOMES},
        [REPORT_FORGED] = {"forged_addresses",
                           "Addresses that forged or untagged bounces came to",
                           "address",
                           {"untagged", "bad-tag"}},
        [REPORT_MARKED_DOMAINS] = {"marked_domains", "Only marked, would be refused: by domain", "domain",
                                   FAULTS},
        [REPORT_MARKED_CLIENTS] = {"marked_clients", "Only marked, would be refused: by client", "client",
                                   FAULTS},
        [REPORT_SIGN_DOMAINS] = {"sign_domains",
                                 "Outbound mail by domain of the sender",
                                 "domain",
                                 {"signed", "unsigned", "deferred"}},
        [REPORT_GUARDED] = {"guarded", "MX guard and domains without mail", "verdict, domains", OUTCOMES},
        [REPORT_NOTICES] = {"notices", "Other messages of the daemon", "message", {"count"}},
    };

    return &words[list];
}
