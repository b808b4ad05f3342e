/* Calls of somebody who may not call: without a token, with one that does not count any more, signed wrongly or long ago; and
 * calls that were overheard and are posted again. Each is answered 401, whatever it says, and leaves nothing behind; what is
 * repeated in time is answered like the agent itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/credentials.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)

enum {
    IN_TIME_S = SIM_REPLAY_WINDOW_S - 60,
    TOO_LATE_MINUTES = SIM_REPLAY_WINDOW_S / 60 + 1,
    LONG_MINUTES = 120
};

/* The last ones need signatures, and a clock that is right. */
enum stranger {
    STRANGER_WITHOUT_TOKEN,
    STRANGER_WRONG_TOKEN,
    STRANGER_OLD_TOKEN,
    STRANGER_KINDS_UNSIGNED,
    STRANGER_WITHOUT_SIGNATURE = STRANGER_KINDS_UNSIGNED,
    STRANGER_OLD_KEY,
    STRANGER_OTHER_BODY,
    STRANGER_OTHER_STAMP,
    STRANGER_KINDS_TIMELESS,
    STRANGER_TOO_LATE = STRANGER_KINDS_TIMELESS,
    STRANGER_TOO_EARLY,
    STRANGER_KINDS
};

static const char *const words[STRANGER_KINDS] = {
    [STRANGER_WITHOUT_TOKEN] = "no token",
    [STRANGER_WRONG_TOKEN] = "a wrong token",
    [STRANGER_OLD_TOKEN] = "a token that does not count any more",
    [STRANGER_WITHOUT_SIGNATURE] = "no signature",
    [STRANGER_OLD_KEY] = "a key that does not count any more",
    [STRANGER_OTHER_BODY] = "the signature of another body",
    [STRANGER_OTHER_STAMP] = "another time stamp than the signed one",
    [STRANGER_TOO_LATE] = "an old time stamp",
    [STRANGER_TOO_EARLY] = "a time stamp of the future",
};

/* ---- who may not call ---------------------------------------------------------------------------------- */

struct stranger_post {
    struct company *company;
    const char *agent; /* whom he pretends to be */
    char *body;        /* owned */
    enum stranger kind;
    int64_t apart_ms; /* of the time stamp */
};

static void free_post(struct stranger_post *post)
{
    free(post->body);
    free(post);
}

static void on_refused(void *ctx, struct world *world, int status, const char *body)
{
    struct stranger_post *post = ctx;

    (void)world;
    if (status != 0 && status != 401 && status != 503)
        truth_breach(&post->company->truth, "strangers-are-refused", "a call with %s was answered %d: %.200s",
                     words[post->kind], status, body ? body : "");
    free_post(post);
}

/* One that never counted, or has long been taken out. */
static uint32_t stale_generation(uint32_t generation)
{
    return generation >= 2 ? generation - 2 : generation + 5;
}

static void disguise(const struct stranger_post *post, uint32_t generation, int64_t now_ms,
                     struct credentials *ret_credentials)
{
    bool is_signed = post->company->scenario->signs_posts;
    struct credentials other;

    credentials_make(post->agent, generation, now_ms + post->apart_ms, is_signed, post->body,
                     ret_credentials);
    credentials_make(post->agent, stale_generation(generation), now_ms, is_signed, post->body, &other);
    switch (post->kind) {
    case STRANGER_WITHOUT_TOKEN:
        ret_credentials->authorization[0] = '\0';
        break;
    case STRANGER_WRONG_TOKEN:
        (void)snprintf(ret_credentials->authorization, CREDENTIAL_SIZE, "Bearer sim-token-of-nobody");
        break;
    case STRANGER_OLD_TOKEN:
        memcpy(ret_credentials->authorization, other.authorization, CREDENTIAL_SIZE);
        break;
    case STRANGER_WITHOUT_SIGNATURE:
        ret_credentials->signature[0] = '\0';
        break;
    case STRANGER_OLD_KEY:
        memcpy(ret_credentials->signature, other.signature, SIGNATURE_SIZE);
        break;
    case STRANGER_OTHER_BODY:
        credentials_make(post->agent, generation, now_ms, is_signed, "{}", ret_credentials);
        break;
    case STRANGER_OTHER_STAMP:
        (void)snprintf(ret_credentials->timestamp, TIMESTAMP_SIZE, "%lld", (long long)now_ms / 1000 + 1);
        break;
    default:
        break;
    }
}

static void do_post(void *ctx, struct world *world)
{
    struct stranger_post *post = ctx;
    struct credentials credentials;
    int64_t since_ms;

    disguise(post, world_secrets(world, &since_ms), world_now(world), &credentials);
    world_trace(world, "somebody calls with %s", words[post->kind]);
    credentials_post(world, &credentials, /* waits= */ false, post->body, on_refused, post);
}

static char *other_body(const struct truth_escalation *escalation)
{
    json_t *body = json_loads(escalation->body, 0, NULL);

    json_object_set_new(body, "id", json_sprintf("stranger-%s", escalation->said.code));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

void strangers_plan(struct company *company, const struct truth_escalation *escalation)
{
    const struct scenario *scenario = company->scenario;
    bool has_clock = scenario->rates[FAULT_WALL_JUMP] == 0;
    int kinds = !scenario->signs_posts ? STRANGER_KINDS_UNSIGNED
                : has_clock            ? STRANGER_KINDS
                                       : STRANGER_KINDS_TIMELESS;

    if (!company_fault(company, FAULT_STRANGER))
        return;
    struct stranger_post *post = sim_new(sizeof(*post));
    *post = (struct stranger_post){ .company = company,
                                    .agent = escalation->agent,
                                    .body = other_body(escalation),
                                    .kind = (enum stranger)company_fault_between(company, FAULT_STRANGER, 0,
                                                                                 kinds - 1) };
    int64_t apart_ms =
        company_fault_between(company, FAULT_STRANGER, TOO_LATE_MINUTES, LONG_MINUTES) * MINUTE_MS;
    if (post->kind >= STRANGER_KINDS_TIMELESS)
        post->apart_ms = post->kind == STRANGER_TOO_LATE ? -apart_ms : apart_ms;
    int64_t at_ms =
        escalation->planned_ms + company_fault_between(company, FAULT_STRANGER, -60, 60) * SECOND_MS;
    if (company->world)
        world_at(company->world, at_ms, do_post, post);
    else
        free_post(post);
}

/* ---- who has listened ---------------------------------------------------------------------------------- */

struct overheard {
    struct company *company;
    struct truth_escalation *escalation;
    struct credentials credentials;
    bool is_too_late;
};

static void on_replayed(void *ctx, struct world *world, int status, const char *body)
{
    struct overheard *overheard = ctx;
    struct truth_escalation *escalation = overheard->escalation;
    bool has_clock = world_totals(world)->faults[FAULT_WALL_JUMP] == 0;

    if (status >= 200 && status <= 299 && overheard->is_too_late && has_clock)
        truth_breach(&overheard->company->truth, "strangers-are-refused",
                     "a call of %s that was repeated too late was answered %d", escalation->agent, status);
    else if (status >= 200 && status <= 299)
        escalation_hear(overheard->company, escalation, status, body);
    escalation->pending--;
    free(overheard);
}

static void do_replay(void *ctx, struct world *world)
{
    struct overheard *overheard = ctx;

    world_trace(world, "somebody repeats a call of %s%s", overheard->escalation->agent,
                overheard->is_too_late ? ", too late" : "");
    credentials_post(world, &overheard->credentials, /* waits= */ false, overheard->escalation->body,
                     on_replayed, overheard);
}

void strangers_overhear(struct company *company, struct truth_escalation *escalation,
                        const struct credentials *credentials)
{
    if (!company->scenario->signs_posts || !company_fault(company, FAULT_REPLAYED))
        return;
    struct overheard *overheard = sim_new(sizeof(*overheard));
    *overheard =
        (struct overheard){ .company = company,
                            .escalation = escalation,
                            .credentials = *credentials,
                            .is_too_late = company_fault_between(company, FAULT_REPLAYED, 0, 1) == 1 };
    int64_t pause_ms =
        overheard->is_too_late
            ? company_fault_between(company, FAULT_REPLAYED, TOO_LATE_MINUTES, LONG_MINUTES) * MINUTE_MS
            : company_fault_between(company, FAULT_REPLAYED, 0, IN_TIME_S) * SECOND_MS;
    escalation->pending++;
    world_at(company->world, world_now(company->world) + pause_ms, do_replay, overheard);
}
