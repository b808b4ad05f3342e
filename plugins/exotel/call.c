/* One call as Exotel tells it: read tolerantly, and judged: is it over, is it settled, was it answered.
 *
 * What makes this more than reading a status word: an inbound call is "completed" even when no agent
 * answered; EndTime is 1970 until it is known, and for some calls for ever; the status of some ended calls is
 * empty; duration, agent and recording are written minutes after the end. So "over" and "settled" are decided
 * from all that is there. */
#include <string.h>

#include "exotel.h"

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static bool is_terminal(const char *status)
{
    static const char *const words[] = { "completed", "failed",    "busy", "no-answer",
                                         "canceled",  "cancelled", NULL };

    return is_one_of(status, words);
}

static bool is_running(const char *status)
{
    static const char *const words[] = { "queued", "ringing", "in-progress", NULL };

    return is_one_of(status, words);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* A wall clock time of the account. The epoch stands for "not set". */
static int64_t read_time(struct sb_exchange *x, const json_t *item, const char *name)
{
    int minutes = 0;
    const char *text = exo_text(x, item, name);

    if (!text || strncmp(text, "1970-", 5) == 0)
        return EXO_UNKNOWN;
    (void)exo_parse_offset(sb_option_str(x, "utc_offset"), &minutes); /* `open` has refused a malformed one */
    int64_t ms = sb_parse_wall_time(text, minutes);
    return ms > 0 ? ms : EXO_UNKNOWN;
}

static int64_t read_seconds(const json_t *object, const char *name)
{
    int64_t seconds = sb_json_int(object, name, EXO_UNKNOWN);

    return seconds < 0 ? EXO_UNKNOWN : seconds;
}

/* Seconds on leg `id`, or unknown. Legs come as {"Leg":{...}}, in some places without the envelope. */
static int64_t leg_seconds(const json_t *details, int64_t id)
{
    size_t i;
    const json_t *item;

    json_array_foreach (json_object_get(details, "Legs"), i, item) {
        const json_t *inner = json_object_get(item, "Leg");
        const json_t *leg = inner ? inner : item;
        if (sb_json_int(leg, "Id", (int64_t)i + 1) == id)
            return read_seconds(leg, "OnCallDuration");
    }
    return EXO_UNKNOWN;
}

/* How long the parties talked: ConversationDuration, or where it is 0 the time on the second leg. */
static int64_t read_talk(const json_t *details)
{
    int64_t talk = read_seconds(details, "ConversationDuration");
    int64_t leg2 = leg_seconds(details, 2);

    return talk > 0 || leg2 == EXO_UNKNOWN ? talk : leg2;
}

static bool direction_is_inbound(const char *direction)
{
    /* The API's words are inbound, outbound-dial and outbound-api; webhooks say "incoming". */
    return !direction || strncmp(direction, "in", 2) == 0;
}

static void read_details(struct sb_exchange *x, const json_t *item, struct exo_call *call)
{
    const json_t *details = json_object_get(item, "Details");

    call->has_details = json_is_object(details);
    call->leg1_status = exo_text(x, details, "Leg1Status");
    call->leg2_status = exo_text(x, details, "Leg2Status");
    call->talk_s = read_talk(details);
}

static void read_times(struct sb_exchange *x, const json_t *item, struct exo_call *call)
{
    call->created_ms = read_time(x, item, "DateCreated");
    call->updated_ms = read_time(x, item, "DateUpdated");
    call->started_ms = read_time(x, item, "StartTime");
    call->ended_ms = read_time(x, item, "EndTime");
    if (call->created_ms == EXO_UNKNOWN)
        call->created_ms = call->started_ms;
    if (call->started_ms == EXO_UNKNOWN)
        call->started_ms = call->created_ms;
    call->duration_s = read_seconds(item, "Duration");
}

void exo_read_call(struct sb_exchange *x, const json_t *item, struct exo_call *ret_call)
{
    struct exo_call call = { .sid = exo_text(x, item, "Sid") };

    call.from = exo_text(x, item, "From");
    call.to = exo_text(x, item, "To");
    call.our_number = exo_text(x, item, "PhoneNumberSid");
    if (!call.our_number)
        call.our_number = exo_text(x, item, "PhoneNumber");
    call.status = exo_text(x, item, "Status");
    call.direction = exo_text(x, item, "Direction");
    call.custom_field = exo_text(x, item, "CustomField");
    call.recording_url = exo_text(x, item, "RecordingUrl");
    call.presigned_url = exo_text(x, item, "PreSignedRecordingUrl");
    call.is_inbound = direction_is_inbound(call.direction);
    call.to_our_number = exo_same_line(x, call.to, call.our_number);
    read_times(x, item, &call);
    read_details(x, item, &call);
    *ret_call = call;
}

/* ---- judging ------------------------------------------------------------------------------------------- */

bool exo_has_ended(const struct exo_call *call)
{
    if (is_terminal(call->status))
        return true;
    if (call->ended_ms != EXO_UNKNOWN && call->duration_s != EXO_UNKNOWN)
        return true;
    if (is_running(call->status))
        return false;
    /* No status, or a word that is not known: any trace of an end counts. */
    return call->ended_ms != EXO_UNKNOWN || call->duration_s != EXO_UNKNOWN || call->recording_url ||
           is_terminal(call->leg1_status);
}

static bool has_talked(const struct exo_call *call)
{
    return call->talk_s > 0 || (call->leg2_status && strcmp(call->leg2_status, "completed") == 0);
}

/* Whether the legs' outcome can be believed. Leg states, talk time and (inbound) the agent in `To`, which is
 * our own number until then, are written after the end; until then a call that somebody answered looks like a
 * missed one. */
static bool legs_are_written(const struct exo_call *call)
{
    if (has_talked(call))
        return !call->is_inbound || !call->to_our_number;
    if (call->leg2_status || !call->has_details)
        return true;
    if (call->is_inbound)
        return false;
    return call->to_our_number || strcmp(call->status, "completed") != 0;
}

bool exo_has_settled(const struct exo_call *call)
{
    const char *reason;

    if (!is_terminal(call->status) || call->ended_ms == EXO_UNKNOWN || call->duration_s == EXO_UNKNOWN)
        return false;
    if (!legs_are_written(call))
        return false;
    return call->recording_url || call->presigned_url || exo_outcome(call, &reason) == EXO_MISSED;
}

/* ---- outcome ------------------------------------------------------------------------------------------- */

struct reason {
    const char *leg_status;
    const char *text;
};

static const char *find_reason(const struct reason *reasons, const char *status, const char *otherwise)
{
    for (; reasons->leg_status; reasons++)
        if (status && strcmp(status, reasons->leg_status) == 0)
            return reasons->text;
    return otherwise;
}

/* The second leg of an inbound call is the agent's. */
static const char *inbound_reason(const char *leg2_status)
{
    static const struct reason reasons[] = {
        { "busy", "the agent declined or was busy" },
        { "no-answer", "no agent answered" },
        { "canceled", "the caller hung up before an agent answered" },
        { "cancelled", "the caller hung up before an agent answered" },
        { "failed", "the agent could not be reached" },
        { NULL, NULL },
    };

    return find_reason(reasons, leg2_status, "the caller hung up before an agent was tried");
}

/* The first leg of an outbound call is the agent's (or, for a flow, the customer's), the second the
 * customer's. */
static const char *outbound_reason(const struct exo_call *call)
{
    static const struct reason reasons[] = {
        { "busy", "the customer was busy" },
        { "no-answer", "the customer did not answer" },
        { "canceled", "the agent hung up before the customer answered" },
        { "cancelled", "the agent hung up before the customer answered" },
        { "failed", "the customer could not be reached" },
        { NULL, NULL },
    };

    if (call->to_our_number)
        return find_reason(reasons, call->status, "the customer did not answer");
    return find_reason(reasons, call->leg2_status, "the agent did not answer");
}

/* A call of a flow to one party: answered when that party's leg was. */
static enum exo_outcome flow_outcome(const struct exo_call *call)
{
    if (!call->status)
        return EXO_UNCLEAR;
    return strcmp(call->status, "completed") == 0 ? EXO_ANSWERED : EXO_MISSED;
}

static enum exo_outcome decide(const struct exo_call *call)
{
    if (!exo_has_ended(call))
        return EXO_UNCLEAR;
    if (has_talked(call))
        return EXO_ANSWERED;
    if (!call->is_inbound && call->to_our_number)
        return flow_outcome(call);
    if (call->leg2_status)
        return is_terminal(call->leg2_status) ? EXO_MISSED : EXO_UNCLEAR;
    /* The second leg was never tried, or never written. A recording says that somebody may have talked after
     * all. */
    if (call->recording_url || call->presigned_url)
        return EXO_UNCLEAR;
    if (call->status && strcmp(call->status, "completed") != 0)
        return EXO_MISSED;
    /* Until the end is written, legs without an outcome are no outcome: somebody may have answered. */
    bool is_written = call->ended_ms != EXO_UNKNOWN && call->duration_s != EXO_UNKNOWN;
    bool was_given_to_agent = call->is_inbound && call->to && call->our_number && !call->to_our_number;
    return call->has_details && is_written && !was_given_to_agent ? EXO_MISSED : EXO_UNCLEAR;
}

enum exo_outcome exo_outcome(const struct exo_call *call, const char **ret_reason)
{
    enum exo_outcome outcome = decide(call);

    *ret_reason = NULL;
    if (outcome == EXO_MISSED)
        *ret_reason = call->is_inbound ? inbound_reason(call->leg2_status) : outbound_reason(call);
    return outcome;
}
