#include <inttypes.h>

#include "milter/metrics_view.h"

static void describe(FILE *f, const char *name, const char *type, const char *help)
{
    fprintf(f, "# HELP bvmilter_%s %s\n# TYPE bvmilter_%s %s\n", name, help, name, type);
}

static void put_number(FILE *f, const char *name, const char *type, const char *help, int64_t value)
{
    describe(f, name, type, help);
    fprintf(f, "bvmilter_%s %" PRId64 "\n", name, value);
}

/* What is shown from the start, so that its rate is known when it first happens. */
static bool is_usual(int e, int v, int a)
{
    if (e == EVENT_SIGN)
        return v == VERDICT_SIGNED && a == ACTION_ACCEPT;
    if (e != EVENT_BOUNCE)
        return false;
    return (v == VERDICT_VALID && a == ACTION_ACCEPT) ||
           (a == ACTION_REJECT && (v == VERDICT_UNTAGGED || v == VERDICT_FORGED || v == VERDICT_EXPIRED));
}

static void put_decisions(FILE *f, const struct counters *c)
{
    describe(f, "decisions_total", "counter", "Decisions, as the log tells them.");
    for (int e = EVENT_SIGN; e < COUNTERS_EVENTS; e++)
        for (int v = 0; v < COUNTERS_VERDICTS; v++)
            for (int a = 0; a < COUNTERS_ACTIONS; a++)
                if (c->decisions[e][v][a] > 0 || is_usual(e, v, a))
                    fprintf(f,
                            "bvmilter_decisions_total{event=\"%s\",verdict=\"%s\",action=\"%s\"} %" PRIu64 "\n",
                            event_word((enum event)e), verdict_word((enum verdict)v),
                            action_word((enum action)a), c->decisions[e][v][a]);
}

static void put_histogram(FILE *f, const struct counters *c)
{
    static const char *const words[] = {
        [COUNTERS_MAIL] = "mail", [COUNTERS_RCPT] = "rcpt", [COUNTERS_END] = "end"};
    static const char name[] = "bvmilter_callback_duration_seconds";

    describe(f, "callback_duration_seconds", "histogram", "Time that an answer to the MTA takes.");
    for (int i = 0; i < COUNTERS_CALLBACKS; i++) {
        uint64_t sum = 0;
        for (int b = 0; b < COUNTERS_BUCKETS - 1; b++) {
            sum += c->callbacks[i][b];
            fprintf(f, "%s_bucket{callback=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, words[i],
                    (double)counters_bounds[b] / 1e6, sum);
        }
        sum += c->callbacks[i][COUNTERS_BUCKETS - 1];
        fprintf(f, "%s_bucket{callback=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, words[i], sum);
        fprintf(f, "%s_sum{callback=\"%s\"} %.6f\n", name, words[i], (double)c->callback_us[i] / 1e6);
        fprintf(f, "%s_count{callback=\"%s\"} %" PRIu64 "\n", name, words[i], sum);
    }
}

static void put_services(FILE *f, const struct counters *c)
{
    static const char *const answers[] = {
        [COUNTERS_MAP_OK] = "ok", [COUNTERS_MAP_NOTFOUND] = "notfound", [COUNTERS_MAP_TEMP] = "temp"};

    describe(f, "map_answers_total", "counter", "Answers of the map service.");
    for (int i = 0; i < COUNTERS_MAP_ANSWERS; i++)
        fprintf(f, "bvmilter_map_answers_total{answer=\"%s\"} %" PRIu64 "\n", answers[i], c->map[i]);
    describe(f, "guard_verdicts_total", "counter", "Domains that the MX guard has looked at.");
    for (int i = 0; i <= GUARD_UNKNOWN; i++)
        for (int cached = 0; cached < 2; cached++)
            fprintf(f, "bvmilter_guard_verdicts_total{verdict=\"%s\",source=\"%s\"} %" PRIu64 "\n",
                    guard_word((enum guard_result)i), cached ? "cache" : "dns", c->guard[i][cached]);
    describe(f, "reloads_total", "counter", "Reloads on a signal.");
    fprintf(f, "bvmilter_reloads_total{result=\"good\"} %" PRIu64 "\n", c->reloads);
    fprintf(f, "bvmilter_reloads_total{result=\"failed\"} %" PRIu64 "\n", c->reloads_failed);
}

static void put_time(FILE *f, const char *name, unsigned number, int64_t time)
{
    if (time != KEYS_UNKNOWN)
        fprintf(f, "bvmilter_key_%s_timestamp_seconds{number=\"%u\"} %" PRId64 "\n", name, number, time);
}

static void put_key_times(FILE *f, const struct keys_ring *ring)
{
    struct keys_times times;

    describe(f, "key_signs_from_timestamp_seconds", "gauge", "When a key begins to sign.");
    for (size_t i = 0; i < ring->count; i++)
        put_time(f, "signs_from", ring->key[i].number, ring->key[i].sign_from);
    describe(f, "key_verifies_until_timestamp_seconds", "gauge",
             "When the last tag of a superseded key has expired.");
    for (size_t i = 0; i < ring->count; i++) {
        keys_times(&times, ring, i);
        put_time(f, "verifies_until", ring->key[i].number, times.verifies_until);
    }
}

static void put_ring(FILE *f, const struct metrics_view *v)
{
    static const enum keys_phase phases[] = {KEYS_STAGED, KEYS_SIGNING, KEYS_VERIFYING, KEYS_RETIRED};
    const struct keys_ring *ring = v->ring;
    int signing = keys_signing(ring, v->now);

    describe(f, "keyring_generation", "gauge",
             "Generation of the ring in use; nodes of a cluster agree on it.");
    fprintf(f, "bvmilter_keyring_generation{id=\"%s\"} %" PRId64 "\n", ring->id, ring->generation);
    describe(f, "key_state", "gauge", "1 for the state that a key is in.");
    for (size_t i = 0; i < ring->count; i++)
        for (size_t p = 0; p < sizeof phases / sizeof *phases; p++)
            fprintf(f, "bvmilter_key_state{number=\"%u\",state=\"%s\"} %d\n", ring->key[i].number,
                    keys_phase_word(phases[p]), keys_phase(ring, i, v->now) == phases[p]);
    describe(f, "signing_key_info", "gauge", "The key that signs.");
    if (signing >= 0)
        fprintf(f, "bvmilter_signing_key_info{number=\"%u\",fingerprint=\"%s\"} 1\n", ring->key[signing].number,
                v->fingerprint[signing]);
    put_key_times(f, ring);
}

static void put_warm_up(FILE *f, const struct metrics_view *v)
{
    static const char help[] = "When the warm-up ends; 0: there is none; +Inf: no key has signed yet.";
    static const char name[] = "warmup_end_timestamp_seconds";

    if (v->warm_until != INT64_MAX) {
        put_number(f, name, "gauge", help, v->warm_until > v->now ? v->warm_until : 0);
        return;
    }
    describe(f, name, "gauge", help);
    fprintf(f, "bvmilter_%s +Inf\n", name);
}

void metrics_text(FILE *f, const struct metrics_view *v)
{
    const struct counters *c = &v->counters;

    describe(f, "build_info", "gauge", "The version.");
    fprintf(f, "bvmilter_build_info{version=\"%s\"} 1\n", BV_VERSION);
    put_number(f, "start_time_seconds", "gauge", "When the daemon started.", c->started);
    put_decisions(f, c);
    put_histogram(f, c);
    put_services(f, c);
    put_number(f, "sessions", "gauge", "Sessions of MTAs that are open.", v->sessions);
    put_number(f, "sessions_refused_total", "counter", "Sessions over max_sessions.",
               (int64_t)c->sessions_refused);
    put_number(f, "keyring_refused_total", "counter", "Key files that could not be used, or were too old.",
               (int64_t)c->rings_refused);
    put_number(f, "keyring_file_usable", "gauge", "0 while the key file as it is cannot be used.",
               !c->ring_refused);
    put_number(f, "last_reload_successful", "gauge", "0 when the last reload on a signal has failed.",
               !c->reload_failed);
    put_number(f, "storm", "gauge", "1 while invalid bounces come in a storm.", v->storm);
    put_number(f, "storms_total", "counter", "Storms that have begun.", (int64_t)c->storms);
    put_warm_up(f, v);
    put_number(f, "domains", "gauge", "Rows of the domains table.", (int64_t)v->domains);
    put_number(f, "exceptions", "gauge", "Rows of the exceptions table.", (int64_t)v->exceptions);
    put_ring(f, v);
}
