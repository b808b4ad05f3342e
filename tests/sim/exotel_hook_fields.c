/* What webhooks say: the members of StatusCallback, Passthru and the popup, in the order in which they were recorded. They
 * differ in words, forms of time and gaps from the Calls API, and from each other. */
#include "exotel.h"

#include <stdlib.h>
#include <string.h>

/* The epoch in India: EndTime of a Passthru, whenever it comes. */
#define TIME_NOT_SET "1970-01-01 05:30:00"

enum { AVAILABLE_MS = 300000, RING_S = 7 };

static json_t *ist(int64_t time_ms)
{
    char text[32];
    return json_string(exo_ist_text(time_ms, text));
}

/* "Tue, 10 Mar 2026 12:31:59": like a mail's date, without a zone. */
static json_t *mail_time(int64_t time_ms)
{
    char text[40];
    return json_string(sim_time_text(time_ms, EXO_IST_MINUTES, "%a, %d %b %Y %H:%M:%S", text, sizeof(text)));
}

static void put(json_t *fields, const char *name, json_t *value)
{
    (void)json_object_set_new(fields, name, value);
}

static void put_text(json_t *fields, const char *name, const char *value)
{
    (void)json_object_set_new(fields, name, json_string(value));
}

static void put_count(json_t *fields, const char *name, int64_t value)
{
    (void)json_object_set_new(fields, name, json_sprintf("%lld", (long long)value));
}

static bool is_connected(const struct exo_call *call)
{
    return call->talk_s > 0;
}

/* The address as it will read once the call is settled: webhooks name it before the API does. */
static char *recording_url(const struct exotel *exotel, const struct exo_call *call)
{
    return exo_recording_url(exotel, call, call->end_ms + call->settle_ms + 1);
}

static void put_recording(const struct exotel *exotel, const struct exo_call *call, json_t *fields)
{
    char *url = recording_url(exotel, call);
    if (url)
        put_text(fields, "RecordingUrl", url);
    free(url);
}

/* ---- StatusCallback ------------------------------------------------------------------------------------ */

static json_t *leg(int64_t seconds, const char *status, const char *answered_by)
{
    return json_pack("{s:I, s:s, s:s}", "OnCallDuration", (json_int_t)seconds, "Status", status ? status : "",
                     "AnsweredBy", answered_by);
}

/* "answered" comes twice: when the first leg is up, and ("answered2") when the second is. */
static json_t *legs_at(const struct exo_call *call, const char *event)
{
    json_t *legs = json_array();
    if (strcmp(event, "terminal") == 0) {
        (void)json_array_append_new(legs, leg(call->leg1_s, call->leg1_status, "NA"));
        (void)json_array_append_new(
            legs, leg(call->leg2_s, call->leg2_status, is_connected(call) ? "HUMAN" : "NA"));
        return legs;
    }
    (void)json_array_append_new(legs, leg(0, "in-progress", "NA"));
    (void)json_array_append_new(legs, leg(0, strcmp(event, "answered2") == 0 ? "in-progress" : "", "NA"));
    return legs;
}

static void put_terminal(const struct exotel *exotel, const struct exo_call *call, json_t *fields)
{
    put(fields, "ConversationDuration", json_integer((json_int_t)call->talk_s));
    put_text(fields, "Direction", exo_direction_word(call->direction));
    put_text(fields, "CustomField", call->custom_field ? call->custom_field : "");
    put_recording(exotel, call, fields);
}

json_t *exo_status_callback(const struct exotel *exotel, const struct exo_call *call, const char *event,
                            bool has_all, int64_t now_ms)
{
    bool is_over = strcmp(event, "terminal") == 0;
    json_t *fields = json_object();
    put_text(fields, "CallSid", call->sid);
    if (!has_all) {
        put(fields, "DateUpdated", ist(now_ms));
        put_text(fields, "Status", call->status ? call->status : "");
        put_recording(exotel, call, fields);
        return fields;
    }
    put_text(fields, "EventType", is_over ? "terminal" : "answered");
    put(fields, "DateCreated", ist(call->start_ms));
    put(fields, "DateUpdated", ist(now_ms));
    put_text(fields, "To", call->to);
    put_text(fields, "From", call->from);
    put_text(fields, "PhoneNumberSid", call->exophone);
    put(fields, "StartTime", ist(call->start_ms));
    if (is_over)
        put(fields, "EndTime", ist(call->end_ms));
    put_text(fields, "Status", !is_over ? "in-progress" : call->status ? call->status : "");
    if (is_over)
        put_terminal(exotel, call, fields);
    else
        put_text(fields, "Direction", exo_direction_word(call->direction));
    put(fields, "Legs", legs_at(call, event));
    return fields;
}

/* ---- Passthru and popup: every value is a text --------------------------------------------------------- */

static const char *direction_word(const struct exo_call *call)
{
    return call->direction == EXO_INBOUND ? "incoming" : "outbound-dial";
}

static bool is_status(const struct exo_call *call, const char *status)
{
    return call->leg2_status && strcmp(call->leg2_status, status) == 0;
}

static const char *call_type(const struct exo_call *call)
{
    if (is_connected(call))
        return "completed";
    if (is_status(call, "canceled"))
        return "client-hangup";
    return call->leg2_status ? "incomplete" : "call-attempt";
}

/* Why the agent's leg ended; the names of word and number are swapped, as they are in what was recorded. */
static json_t *agent_leg(const struct exo_call *call)
{
    bool is_busy = is_status(call, "busy"), is_up = is_connected(call);
    json_t *json = json_object();
    put_text(json, "Number", call->to);
    put_text(json, "Type", "single");
    put_count(json, "OnCallDuration", call->talk_s);
    put_text(json, "CallerId", call->exophone);
    put_text(json, "CauseCode", is_up ? "NORMAL_CLEARING" : is_busy ? "USER_BUSY" : "RING_TIMEOUT");
    put_text(json, "Cause", is_up ? "16" : is_busy ? "17" : "1003");
    return json;
}

static void put_dial(const struct exotel *exotel, const struct exo_call *call, bool has_recording,
                     json_t *fields)
{
    put_count(fields, "DialCallDuration", is_connected(call) ? call->talk_s + RING_S : 0);
    if (has_recording)
        put_recording(exotel, call, fields);
}

/* What is true of a call wherever in the flow the applet stands. */
static json_t *begin_passthru(const struct exo_call *call)
{
    json_t *fields = json_object();
    put_text(fields, "CallSid", call->sid);
    put_text(fields, "CallFrom", call->from);
    put_text(fields, "CallTo", call->exophone);
    put_text(fields, "Direction", direction_word(call));
    put_text(fields, "ForwardedFrom", call->forwarded_from ? call->forwarded_from : "null");
    put(fields, "Created", mail_time(call->start_ms));
    return fields;
}

static void end_passthru(const struct exo_call *call, bool has_recording, const char *digits, int64_t now_ms,
                         json_t *fields)
{
    put_text(fields, "ProcessStatus", "null");
    put_text(fields, "flow_id", "100001");
    put_text(fields, "tenant_id", "10001");
    put_text(fields, "From", call->from);
    put_text(fields, "To", call->exophone);
    if (has_recording)
        put(fields, "RecordingAvailableBy", mail_time(now_ms + AVAILABLE_MS));
    put(fields, "CurrentTime", ist(now_ms));
    if (digits)
        put(fields, "digits", json_sprintf("\"%s\"", digits));
    if (call->custom_field)
        put_text(fields, "CustomField", call->custom_field);
}

json_t *exo_passthru(const struct exotel *exotel, const struct exo_call *call, const char *type,
                     const char *digits, int64_t now_ms)
{
    const char *word = type ? type : call_type(call);
    bool is_dialled = call->leg2_status && strcmp(word, "call-attempt") != 0;
    bool has_recording = call->recording.exists && (is_connected(call) || strcmp(word, "voicemail") == 0);
    json_t *fields = begin_passthru(call);
    if (is_dialled)
        put_dial(exotel, call, has_recording, fields);
    else if (has_recording)
        put_recording(exotel, call, fields);
    put(fields, "StartTime", ist(call->start_ms));
    put_text(fields, "EndTime", TIME_NOT_SET);
    if (is_dialled)
        put_text(fields, "DialCallStatus", is_connected(call) ? "completed" : call->leg2_status);
    put_text(fields, "CallType", word);
    if (is_dialled && sim_knob_bool(exotel->service, EXO_PASSTHRU_AGENT))
        put_text(fields, "DialWhomNumber", call->to);
    end_passthru(call, has_recording, digits, now_ms, fields);
    if (is_dialled) {
        put_text(fields, "OutgoingPhoneNumber", call->exophone);
        put(fields, "Legs", json_pack("[o]", agent_leg(call)));
    }
    return fields;
}

/* The agent whose device has this number, compared by its last ten digits; NULL when nobody has. */
static const char *email_of(const struct exotel *exotel, const char *number)
{
    size_t length = strlen(number), index, at;
    json_t *user, *device;
    json_array_foreach (exotel->users, index, user) {
        json_array_foreach (json_object_get(user, "devices"), at, device) {
            const char *uri = json_string_value(json_object_get(device, "contact_uri"));
            size_t size = uri ? strlen(uri) : 0;
            if (length >= 10 && size >= 10 && strcmp(uri + size - 10, number + length - 10) == 0)
                return json_string_value(json_object_get(user, "email"));
        }
    }
    return NULL;
}

json_t *exo_popup(const struct exotel *exotel, const struct exo_call *call, const char *event, int64_t now_ms)
{
    const char *email = email_of(exotel, call->to);
    json_t *fields = json_object();
    put_text(fields, "CallSid", call->sid);
    put_text(fields, "CallFrom", call->from);
    put_text(fields, "CallTo", call->exophone);
    put_text(fields, "Direction", direction_word(call));
    put(fields, "Created", mail_time(call->start_ms));
    put_text(fields, "From", call->from);
    put_text(fields, "To", call->exophone);
    put(fields, "CurrentTime", ist(now_ms));
    put_text(fields, "DialWhomNumber", call->to);
    /* The agent's line, not the call. */
    put_text(fields, "Status", strcmp(event, "Terminal") == 0 ? "free" : "busy");
    put_text(fields, "EventType", event);
    if (email)
        put_text(fields, "AgentEmail", email);
    return fields;
}
