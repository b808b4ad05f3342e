/* The calls of a seed: who calls whom, when, for how long, and what the source will know of it, and when. */
#include <stdio.h>
#include <string.h>

#include "simulation/company.h"

#define SECOND_MS   INT64_C(1000)
#define MINUTE_MS   (60 * SECOND_MS)
#define HOUR_MS     (60 * MINUTE_MS)
#define DAY_MS      (24 * HOUR_MS)
#define IST_MS      (330 * MINUTE_MS)
#define CALL_MS_MAX (4 * HOUR_MS)

enum {
    RING_S_MAX = 40,
    CUSTOMERS = 6,
    FORMS = 4,
    SUDDEN_MAX = 3,
    AGENT_SIP = 3,
    AGENT_STRANGER = 4,
    AGENTS = 5
};

static const char *const agents[AGENTS] = { "05550109001", "+915550109002", "05550109003", "sip:demoagent01",
                                            "05550109077" };
static const char *const withheld[] = { "", "anonymous", "Private" };
static const char *const missed_legs[] = { "no-answer", "busy", "canceled", NULL };

/* One number as people and networks write it. */
static void write_number(char ret_text[TRUTH_PHONE_SIZE], const char *digits, uint64_t form)
{
    static const char *const prefixes[FORMS] = { "0", "+91", "91", "" };

    (void)snprintf(ret_text, TRUTH_PHONE_SIZE, "%s%s", prefixes[form % FORMS], digits);
}

static void choose_customer(struct truth_call *call, struct chance *chance)
{
    if (call->is_inbound && chance_below(chance, 8) == 0) {
        (void)snprintf(call->customer, sizeof(call->customer), "%s", withheld[chance_below(chance, 3)]);
        return;
    }
    (void)snprintf(call->digits, sizeof(call->digits), "55501000%02d", (int)chance_below(chance, CUSTOMERS));
    write_number(call->customer, call->digits, chance_next(chance));
}

static void choose_agent(struct truth_call *call, struct chance *chance)
{
    const char *agent = agents[chance_below(chance, AGENTS)];
    char digits[TRUTH_DIGITS + 1];
    char inactive[TRUTH_DIGITS + 1];

    (void)snprintf(call->agent, sizeof(call->agent), "%s", agent);
    truth_last_digits(agent, digits);
    truth_last_digits(SIM_AGENT_INACTIVE, inactive);
    /* What is never written down, nobody knows. */
    call->agent_is_inactive = call->kind != TRUTH_NEVER_SETTLES && strcmp(digits, inactive) == 0;
}

static enum truth_kind choose_kind(struct chance *chance)
{
    static const enum truth_kind kinds[] = { TRUTH_ANSWERED,      TRUTH_ANSWERED, TRUTH_ANSWERED,
                                             TRUTH_ANSWERED,      TRUTH_ANSWERED, TRUTH_ANSWERED,
                                             TRUTH_ANSWERED,      TRUTH_MISSED,   TRUTH_MISSED,
                                             TRUTH_NEVER_SETTLES, TRUTH_NO_STATUS };

    return kinds[chance_below(chance, sizeof(kinds) / sizeof(kinds[0]))];
}

/* How long it lasts, and when the source has written down how it was. */
static void choose_times(struct company *company, struct truth_call *call, struct chance *chance)
{
    bool is_missed = call->kind == TRUTH_MISSED;

    call->talk_s = is_missed ? 0 : chance_between(chance, 5, 600);
    if (!is_missed && company_fault(company, FAULT_LONG_CALL))
        call->talk_s = company_fault_between(company, FAULT_LONG_CALL, HOUR_MS / SECOND_MS,
                                             4 * HOUR_MS / SECOND_MS - 60);
    call->duration_s = call->talk_s + chance_between(chance, 3, RING_S_MAX);
    call->ended_ms = call->created_ms + call->duration_s * SECOND_MS;
    call->settled_ms = call->ended_ms + chance_between(chance, 30, 150) * SECOND_MS;
    if (company_fault(company, FAULT_SETTLES_LATE))
        call->settled_ms =
            call->ended_ms + company_fault_between(company, FAULT_SETTLES_LATE, 3, 15) * MINUTE_MS;
    if (call->kind == TRUTH_NEVER_SETTLES)
        call->settled_ms = TRUTH_NEVER;
}

static void choose_recording(struct company *company, struct truth_call *call, struct chance *chance)
{
    call->channels = chance_below(chance, 2) ? 2 : 1;
    call->recording_ms = TRUTH_NEVER;
    if (call->kind == TRUTH_MISSED)
        return;
    if (company_fault(company, FAULT_RECORDING_NEVER)) {
        call->recording = call->kind == TRUTH_ANSWERED && chance_below(chance, 2) ? TRUTH_RECORDING_NONE
                                                                                  : TRUTH_RECORDING_LOST;
        return;
    }
    static const enum truth_recording kinds[] = { TRUTH_RECORDING_THERE, TRUTH_RECORDING_THERE,
                                                  TRUTH_RECORDING_THERE, TRUTH_RECORDING_THERE,
                                                  TRUTH_RECORDING_THERE, TRUTH_RECORDING_THERE,
                                                  TRUTH_RECORDING_THERE, TRUTH_RECORDING_EMPTY,
                                                  TRUTH_RECORDING_SILENT };
    call->recording = kinds[chance_below(chance, sizeof(kinds) / sizeof(kinds[0]))];
    call->recording_ms = call->ended_ms + chance_between(chance, 0, 180) * SECOND_MS;
    if (company_fault(company, FAULT_RECORDING_LATE))
        call->recording_ms =
            call->ended_ms + company_fault_between(company, FAULT_RECORDING_LATE, 5, 200) * MINUTE_MS;
}

static void name_call(struct company *company, struct truth_call *call, struct chance *chance)
{
    char code[] = "zqxxxxxx";

    for (size_t i = 2; code[i]; i++)
        code[i] = (char)('a' + chance_below(chance, 26));
    (void)snprintf(call->code, sizeof(call->code), "%s", code);
    (void)snprintf(call->sid, sizeof(call->sid), "examplecall%s%013zu", code, company->truth.call_count);
}

static void fill_call(struct company *company, struct truth_call *call, struct chance *chance)
{
    static const char *const categories[] = { "Billing", "Delivery", "Technical", "other" };

    name_call(company, call, chance);
    call->kind = choose_kind(chance);
    /* Records without a status were seen on outbound calls, those that never settle on inbound ones. */
    call->is_inbound =
        call->kind == TRUTH_NEVER_SETTLES || (call->kind != TRUTH_NO_STATUS && chance_below(chance, 3) > 0);
    choose_customer(call, chance);
    choose_agent(call, chance);
    call->leg2 = call->kind == TRUTH_MISSED ? missed_legs[chance_below(chance, 4)] : "completed";
    choose_times(company, call, chance);
    choose_recording(company, call, chance);
    call->is_urgent = chance_below(chance, 4) == 0;
    call->category = categories[chance_below(chance, 4)];
    size_t lines = chance_below(chance, 4) ? 2 + chance_below(chance, 6) : 20 + chance_below(chance, 50);
    speech_write(call, chance, call->recording == TRUTH_RECORDING_SILENT ? 0 : lines);
}

/* ---- the plan ------------------------------------------------------------------------------------------ */

static int64_t to_second(int64_t ms)
{
    return ms - ms % SECOND_MS;
}

/* Where things go wrong: the same second as another call, midnight of the account's zone, an exact interval of polling. */
static int64_t choose_start(const struct company *company, const struct truth_call *before,
                            struct chance *chance)
{
    const struct scenario *scenario = company->scenario;
    int64_t span_ms = scenario->quiet_ms - scenario->start_ms;
    int64_t at_ms = scenario->start_ms + chance_between(chance, -span_ms / 8, span_ms);

    switch (chance_below(chance, 8)) {
    case 0:
        return before ? before->created_ms : to_second(at_ms);
    case 1: {
        int64_t midnight_ms = at_ms + IST_MS - (at_ms + IST_MS) % DAY_MS - IST_MS;
        if (midnight_ms > scenario->start_ms)
            return midnight_ms - (chance_below(chance, 2) ? SECOND_MS : 0);
        return to_second(at_ms);
    }
    case 2:
        return to_second(at_ms - (at_ms - scenario->start_ms) % scenario->poll_interval_ms);
    default:
        return to_second(at_ms);
    }
}

/* The same person once more, from another device that writes the number in its own way. */
static void call_again(struct truth_call *call, const struct truth_call *before, struct chance *chance)
{
    memcpy(call->digits, before->digits, sizeof(call->digits));
    memcpy(call->customer, before->customer, sizeof(call->customer));
    if (call->digits[0])
        write_number(call->customer, call->digits, chance_next(chance));
}

void traffic_plan(struct company *company)
{
    struct chance chance = chance_stream(company->scenario->seed, "traffic");
    const struct truth_call *before = NULL;

    for (uint32_t i = 0; i < company->scenario->records - escalation_count_of(company->scenario); i++) {
        /* Each call has a stream of its own, so that fewer records are the same records. */
        struct chance own = { .state = chance_next(&chance) };
        struct truth_call *call = truth_add_call(&company->truth);
        bool is_again = before && chance_below(&own, 4) == 0;

        call->created_ms = is_again && chance_below(&own, 2)
                               ? before->created_ms + chance_between(&own, 0, 5) * SECOND_MS
                               : choose_start(company, before, &own);
        fill_call(company, call, &own);
        if (is_again)
            call_again(call, before, &own);
        before = call;
    }
}

struct truth_call *traffic_add_sudden(struct company *company, int64_t created_ms, int64_t now_ms)
{
    if (company->calls_while_paging == SUDDEN_MAX)
        return NULL;
    struct chance own =
        chance_stream(company->scenario->seed + company->calls_while_paging++, "sudden traffic");
    struct truth_call *call = truth_add_call(&company->truth);

    call->created_ms = to_second(created_ms);
    fill_call(company, call, &own);
    /* It ends now. Nobody rings for hours, and nobody talks for longer than a call can last. */
    if (call->kind == TRUTH_MISSED || now_ms - call->created_ms > CALL_MS_MAX)
        call->created_ms = to_second(now_ms - call->duration_s * SECOND_MS);
    int64_t later_ms = now_ms - call->ended_ms;
    call->ended_ms += later_ms;
    if (call->settled_ms != TRUTH_NEVER)
        call->settled_ms += later_ms;
    if (call->recording_ms != TRUTH_NEVER)
        call->recording_ms += later_ms;
    call->duration_s = (call->ended_ms - call->created_ms) / SECOND_MS;
    if (call->talk_s > 0)
        call->talk_s = call->duration_s > RING_S_MAX ? call->duration_s - RING_S_MAX : call->duration_s;
    return call;
}

bool traffic_is_over(const struct company *company, int64_t now_ms)
{
    for (size_t i = 0; i < company->truth.call_count; i++)
        if (company->truth.calls[i]->ended_ms > now_ms)
            return false;
    return true;
}
