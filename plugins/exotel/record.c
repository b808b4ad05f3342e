/* The record of a call: its sections "source", "call" and "recording", made from one reading and updated from
 * later ones. */
#include <string.h>

#include "exotel.h"

static const char *const outcome_words[] = {
    [EXO_ANSWERED] = "answered", [EXO_MISSED] = "missed", [EXO_UNCLEAR] = "unknown"
};

static void put_time(struct sb_exchange *x, json_t *object, const char *name, int64_t ms)
{
    exo_put_str(x, object, name, ms == EXO_UNKNOWN ? NULL : sb_rfc3339(x, ms));
}

static void put_count(struct sb_exchange *x, json_t *object, const char *name, int64_t count)
{
    exo_put(x, object, name, count == EXO_UNKNOWN ? json_null() : json_integer(count));
}

/* When the conversation was over, as far as it is known. */
static int64_t end_of(struct sb_exchange *x, const struct exo_call *call)
{
    if (call->ended_ms != EXO_UNKNOWN)
        return call->ended_ms;
    if (call->started_ms != EXO_UNKNOWN && call->duration_s != EXO_UNKNOWN)
        return call->started_ms + call->duration_s * EXO_SECOND_MS;
    if (call->updated_ms != EXO_UNKNOWN && call->updated_ms >= call->started_ms)
        return call->updated_ms;
    return call->started_ms != EXO_UNKNOWN ? call->started_ms : sb_now_ms(x);
}

/* Inbound: the caller is the customer, and `To` the agent unless it is (still) our own number. Outbound: the
 * agent is called first. A flow calls the customer, and there is no agent. */
static void put_parties(struct sb_exchange *x, const struct exo_call *call, json_t *section)
{
    bool is_to_flow = !call->is_inbound && call->to_our_number;
    const char *customer = call->is_inbound || is_to_flow ? call->from : call->to;
    const char *agent = call->is_inbound ? call->to : call->from;
    const char *e164 = NULL;
    bool is_valid = false;

    if (call->to_our_number && (call->is_inbound || is_to_flow))
        agent = NULL;
    if (customer && strncmp(customer, "sip:", 4) != 0)
        e164 = sb_phone_e164(x, customer, sb_option_str(x, "phone_region"), &is_valid);
    exo_put_str(x, section, "customer", customer);
    exo_put_str(x, section, "customer_e164", e164);
    exo_put_str(x, section, "agent_number", agent);
    exo_put_str(x, section, "our_number", call->our_number);
    exo_put(x, section, "is_flow", json_boolean(is_to_flow));
}

static void put_outcome(struct sb_exchange *x, const struct exo_call *call, json_t *section)
{
    const char *reason;
    enum exo_outcome outcome = exo_outcome(call, &reason);

    exo_put_str(x, section, "status", outcome_words[outcome]);
    exo_put_str(x, section, "missed_reason", reason);
    exo_put_str(x, section, "raw_status", call->status);
    exo_put_str(x, section, "raw_direction", call->direction);
    exo_put_str(x, section, "leg1_status", call->leg1_status);
    exo_put_str(x, section, "leg2_status", call->leg2_status);
}

static json_t *call_section(struct sb_exchange *x, const struct exo_call *call, bool is_final)
{
    json_t *section = exo_object(x);
    int minutes = 0;

    (void)exo_parse_offset(sb_option_str(x, "utc_offset"), &minutes); /* `open` has refused a malformed one */
    exo_put_str(x, section, "sid", call->sid);
    exo_put_str(x, section, "direction", call->is_inbound ? "inbound" : "outbound");
    put_parties(x, call, section);
    exo_put_str(x, section, "agent_name", NULL);
    exo_put_str(x, section, "agent_department", NULL);
    exo_put(x, section, "agent_known", json_false());
    put_time(x, section, "started_at", call->started_ms);
    put_time(x, section, "ended_at", call->ended_ms);
    put_count(x, section, "duration_s", call->duration_s);
    put_count(x, section, "talk_s", call->talk_s);
    put_outcome(x, call, section);
    exo_put(x, section, "utc_offset_minutes", json_integer(minutes));
    exo_put_str(x, section, "custom_field", call->custom_field);
    exo_put(x, section, "is_final", json_boolean(is_final));
    return section;
}

static json_t *source_section(struct sb_exchange *x, const struct exo_call *call)
{
    json_t *section = exo_object(x);

    exo_put_str(x, section, "plugin", "exotel");
    exo_put_str(x, section, "account", sb_option_str(x, "account_sid"));
    exo_put_str(x, section, "external_id", call->sid);
    exo_put(x, section, "at_ms", json_integer(end_of(x, call)));
    return section;
}

static json_t *recording_section(struct sb_exchange *x, const struct exo_call *call)
{
    json_t *section = exo_object(x);

    exo_put_str(x, section, "url", call->recording_url);
    exo_put_str(x, section, "state", "pending");
    if (call->presigned_url)
        exo_put_str(x, section, "presigned_url", call->presigned_url);
    return section;
}

json_t *exo_record(struct sb_exchange *x, const struct exo_call *call, bool is_final)
{
    json_t *record = exo_object(x);

    exo_put(x, record, "source", json_incref(source_section(x, call)));
    exo_put(x, record, "call", json_incref(call_section(x, call, is_final)));
    exo_put(x, record, "recording", json_incref(recording_section(x, call)));
    return record;
}

/* ---- later readings ------------------------------------------------------------------------------------ */

/* What the newer reading does not say keeps its value: a missing value never wipes a stored one. The outcome
 * is one statement: an unclear one gives way to the older one, reason and all. */
static void keep_known(struct sb_exchange *x, json_t *newer, const json_t *older)
{
    bool is_unclear = strcmp(sb_json_str(newer, "status"), outcome_words[EXO_UNCLEAR]) == 0;
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)older, name, value) {
        bool is_outcome = strcmp(name, "status") == 0 || strcmp(name, "missed_reason") == 0;
        const json_t *now = json_object_get(newer, name);
        if (is_outcome ? is_unclear : !now || json_is_null(now))
            exo_put(x, newer, name, json_incref(value));
    }
}

void exo_update_record(struct sb_exchange *x, const struct exo_call *call, bool is_final)
{
    json_t *section = call_section(x, call, is_final);
    json_t *recording = exo_copy(x, sb_get(x, "recording"));

    keep_known(x, section, sb_get(x, "call"));
    if (exo_has_ended(call))
        sb_set_int(x, "source.at_ms", end_of(x, call));
    if (call->recording_url)
        exo_put_str(x, recording, "url", call->recording_url);
    if (call->presigned_url)
        exo_put_str(x, recording, "presigned_url", call->presigned_url);
    sb_set(x, "call", json_incref(section));
    sb_set(x, "recording", json_incref(recording));
}

int64_t exo_recording_deadline(const struct sb_exchange *x)
{
    return sb_get_int(x, "source.at_ms", sb_now_ms(x)) + sb_option_int(x, "recording_wait");
}

void exo_recording_forget_tries(struct sb_exchange *x)
{
    const char *url = sb_get_str(x, "recording.url");

    if (url && exo_is_signed(url))
        sb_set_str(x, "recording.url", exo_without_query(x, url));
    sb_set(x, "recording.presigned_url", NULL);
    sb_set(x, "recording.next", NULL);
    sb_set(x, "recording.tries", NULL);
    sb_set(x, "recording.is_last_try", NULL);
}

enum sb_verdict exo_recording_missing(struct sb_exchange *x, const char *why)
{
    sb_set_str(x, "recording.state", "missing");
    sb_set_str(x, "recording.why", why);
    exo_recording_forget_tries(x);
    return sb_skip(x, "no recording: %s", why);
}
