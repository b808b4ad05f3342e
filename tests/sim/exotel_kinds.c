/* The kinds of calls that a telephone company really has, the broken ones included. */
#include "exotel.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const omitted_members[] = { "EndTime",       "Price",      "AnsweredBy",
                                               "ForwardedFrom", "CallerName", NULL };

#define COMPLETED .status = "completed", .leg1_status = "completed"
#define ANSWERED  COMPLETED, .leg2_status = "completed", .duration_s = 96, .talk_s = 64, .leg2_s = 64
#define OUTBOUND  .direction = EXO_OUTBOUND_API

static const struct exo_kind kinds[] = {
    { .name = "answered_inbound", ANSWERED, .has_recording = true },
    { .name = "answered_inbound_sip", ANSWERED, .has_recording = true, .has_sip_agent = true },
    { .name = "missed_no_answer",
      COMPLETED,
      .leg2_status = "no-answer",
      .duration_s = 31,
      .reaches_nobody = true },
    { .name = "missed_busy", COMPLETED, .leg2_status = "busy", .duration_s = 22, .reaches_nobody = true },
    { .name = "missed_canceled",
      COMPLETED,
      .leg2_status = "canceled",
      .duration_s = 18,
      .reaches_nobody = true },
    { .name = "missed_ivr", COMPLETED, .duration_s = 12, .reaches_nobody = true },
    { .name = "outbound_answered", OUTBOUND, ANSWERED, .has_recording = true },
    { .name = "outbound_dial", .direction = EXO_OUTBOUND_DIAL, ANSWERED, .has_recording = true },
    { .name = "outbound_no_answer",
      OUTBOUND,
      .status = "no-answer",
      .leg1_status = "completed",
      .leg2_status = "no-answer",
      .duration_s = 38 },
    { .name = "outbound_agent_no_answer",
      OUTBOUND,
      .status = "no-answer",
      .leg1_status = "no-answer",
      .leg2_status = "",
      .duration_s = 30 },
    { .name = "outbound_busy",
      OUTBOUND,
      .status = "busy",
      .leg1_status = "completed",
      .leg2_status = "busy",
      .duration_s = 14 },
    { .name = "outbound_failed",
      OUTBOUND,
      .status = "failed",
      .leg1_status = "completed",
      .leg2_status = "failed",
      .duration_s = 9 },
    { .name = "outbound_canceled",
      OUTBOUND,
      .status = "failed",
      .leg1_status = "completed",
      .leg2_status = "canceled",
      .duration_s = 11 },
    { .name = "flow", OUTBOUND, COMPLETED, .is_flow = true, .duration_s = 46 },
    { .name = "empty_status",
      OUTBOUND,
      .status = "",
      .leg1_status = "completed",
      .leg2_status = "completed",
      .duration_s = 120,
      .leg2_s = 88,
      .has_recording = true,
      .has_no_price = true },
    { .name = "null_status",
      OUTBOUND,
      .leg1_status = "completed",
      .leg2_status = "completed",
      .duration_s = 120,
      .leg2_s = 88,
      .has_recording = true,
      .has_no_price = true },
    { .name = "never_settles", COMPLETED, .duration_s = 44, .has_recording = true, .never_settles = true },
    { .name = "recording_without_talk",
      OUTBOUND,
      .status = "no-answer",
      .leg1_status = "completed",
      .leg2_status = "no-answer",
      .duration_s = 41,
      .has_recording = true },
    { .name = "talk_without_recording", ANSWERED },
    { .name = "renamed_recording", ANSWERED, .has_recording = true, .is_renamed = true },
    { .name = "four_hours",
      COMPLETED,
      .leg2_status = "completed",
      .duration_s = 14400,
      .talk_s = 14360,
      .leg2_s = 14360,
      .has_recording = true },
    { .name = "zero_duration", COMPLETED, .reaches_nobody = true },
    { .name = "unicode_field",
      OUTBOUND,
      ANSWERED,
      .has_recording = true,
      .custom_field = "\u0911\u0930\u094d\u0921\u0930 \u2116 7 \u260e \U0001f600 na\u00efve \"quoted\" <b>" },
    { .name = "missing_fields", ANSWERED, .has_recording = true, .omit = omitted_members },
    { .name = "late_evening", ANSWERED, .has_recording = true, .is_late_evening = true },
    { .name = "wide_sid", ANSWERED, .has_recording = true, .is_wide_sid = true },
    { .name = "late_recording", ANSWERED, .has_recording = true, .recording_delay_s = 900 },
    { .name = "lost_recording", ANSWERED, .has_recording = true, .recording_delay_s = -1 },
    { .name = "silent", ANSWERED, .has_recording = true, .is_silent = true },
    { .name = "stereo", ANSWERED, .has_recording = true, .channels = 2 },
};

const struct exo_kind *exo_kind_at(size_t index)
{
    return index < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[index] : NULL;
}

const struct exo_kind *exo_find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* "examplecall", random letters and digits, and the running number, so that no two are ever the same. */
char *exo_new_sid(struct exotel *exotel, bool is_wide)
{
    char random[15], sid[64];
    sim_random_text(exotel->service, is_wide ? "uvwxyz" : "0123456789abcdefghijklmnopqrstuvwxyz", random,
                    sizeof(random));
    (void)snprintf(sid, sizeof(sid), "%s%s%07" PRIu64, is_wide ? "zyxwvutsrqp" : "examplecall", random,
                   (exotel->next_id + 1) % 10000000);
    return sim_strdup(sid);
}

/* The first hundred callers are of the invented thousand; more of them need more digits. */
char *exo_caller_number(uint64_t index)
{
    char number[32];
    uint64_t base = index < 99 ? 5550100001 : 5550110000;
    (void)snprintf(number, sizeof(number), "0%010" PRIu64, base + index % 400000000);
    return sim_strdup(number);
}

char *exo_agent_number(uint64_t index)
{
    char number[32];
    (void)snprintf(number, sizeof(number), "0%010" PRIu64, 5550100101 + index % 99);
    return sim_strdup(number);
}
