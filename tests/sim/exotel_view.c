/* What a call looks like at a given time: running, just ended, settled. */
#include "exotel.h"
#include "recordings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The epoch as an Indian clock shows it: how the service writes "not set". */
static const char time_not_set[] = "1970-01-01 05:30:00";

enum exo_phase exo_phase_of(const struct exo_call *call, int64_t now_ms)
{
    if (now_ms < call->start_ms)
        return EXO_FUTURE;
    if (now_ms < call->end_ms)
        return EXO_ONGOING;
    return now_ms < call->end_ms + call->settle_ms ? EXO_ENDED : EXO_SETTLED;
}

const char *exo_direction_word(enum exo_direction direction)
{
    static const char *const words[EXO_DIRECTIONS] = { "inbound", "outbound-dial", "outbound-api" };
    return words[direction];
}

const char *exo_status_at(const struct exo_call *call, int64_t now_ms)
{
    return exo_phase_of(call, now_ms) == EXO_ONGOING ? "in-progress" : call->status;
}

const char *exo_to_at(const struct exo_call *call, int64_t now_ms)
{
    bool shows_agent = call->direction != EXO_INBOUND || exo_phase_of(call, now_ms) == EXO_SETTLED;
    return shows_agent && !(call->direction == EXO_INBOUND && call->never_settles) ? call->to
                                                                                   : call->exophone;
}

/* A record that never settles still gets its duration, and nothing else. */
bool exo_duration_at(const struct exo_call *call, int64_t now_ms, int64_t *ret_seconds)
{
    *ret_seconds = call->duration_s;
    return exo_phase_of(call, now_ms) == EXO_SETTLED;
}

bool exo_price_at(const struct exo_call *call, int64_t now_ms, double *ret_price)
{
    *ret_price = call->price;
    return exo_phase_of(call, now_ms) == EXO_SETTLED && !call->never_settles && call->price >= 0;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *show_time(int64_t time_ms)
{
    char text[32];
    return json_string(exo_ist_text(time_ms, text));
}

static json_t *show_end(const struct exo_call *call, int64_t now_ms)
{
    enum exo_phase phase = exo_phase_of(call, now_ms);
    if (phase == EXO_ONGOING)
        return json_null();
    return phase == EXO_ENDED || call->never_settles ? json_string(time_not_set) : show_time(call->end_ms);
}

static json_t *show_updated(const struct exo_call *call, int64_t now_ms)
{
    enum exo_phase phase = exo_phase_of(call, now_ms);
    if (phase == EXO_ONGOING)
        return show_time(call->start_ms);
    return show_time(phase == EXO_ENDED ? call->end_ms : call->end_ms + call->settle_ms);
}

static json_t *show_duration(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms)
{
    int64_t seconds;
    if (!exo_duration_at(call, now_ms, &seconds))
        return json_null();
    return sim_knob_bool(exotel->service, EXO_NUMBERS_AS_TEXT) ? json_sprintf("%" PRId64, seconds)
                                                               : json_integer(seconds);
}

static json_t *show_price(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms)
{
    double price;
    if (!exo_price_at(call, now_ms, &price))
        return json_null();
    return sim_knob_bool(exotel->service, EXO_NUMBERS_AS_TEXT) ? json_sprintf("%.3f", price)
                                                               : json_real(price);
}

static json_t *show_legs(const struct exo_call *call)
{
    json_t *legs = json_array();
    const int64_t seconds[] = { call->leg1_s, call->leg2_s };
    /* The second leg is listed once it was tried. */
    size_t count = call->leg2_status && call->leg2_status[0] ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(legs, json_pack("{s:{s:i, s:I}}", "Leg", "Id", (int)i + 1, "OnCallDuration",
                                              (json_int_t)seconds[i]));
    return legs;
}

static json_t *show_details(const struct exo_call *call, int64_t now_ms)
{
    enum exo_phase phase = exo_phase_of(call, now_ms);
    if (phase == EXO_SETTLED && !call->never_settles)
        return json_pack("{s:I, s:s?, s:s?, s:o}", "ConversationDuration", (json_int_t)call->talk_s,
                         "Leg1Status", call->leg1_status, "Leg2Status", call->leg2_status, "Legs",
                         show_legs(call));
    return json_pack("{s:i, s:s, s:n, s:[]}", "ConversationDuration", 0, "Leg1Status",
                     phase == EXO_ONGOING ? "in-progress" : "completed", "Leg2Status", "Legs");
}

char *exo_recording_url(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms)
{
    enum exo_phase phase = exo_phase_of(call, now_ms);
    bool is_early = sim_knob_is(exotel->service, EXO_RECORDING_URL_AT, "end");
    if (!call->recording.exists || phase < EXO_ENDED || (phase == EXO_ENDED && !is_early))
        return NULL;
    const struct sim_service *host = sim_service_find(exotel->service->sim, "recordings");
    char *url = NULL;
    int length =
        asprintf(&url, "%s/%s/%s/%s.mp3", host->base_url, sim_knob_text(exotel->service, EXO_RECORDING_PATH),
                 call->account->sid, call->recording.name);
    return length < 0 ? NULL : url;
}

static void add_recording(const struct exotel *exotel, const struct exo_call *call,
                          const struct exo_look *look, json_t *json)
{
    char *url = exo_recording_url(exotel, call, look->now_ms);
    if (url)
        json_object_set_new(json, "RecordingUrl", json_string(url));
    else if (exo_phase_of(call, look->now_ms) < EXO_SETTLED ||
             sim_knob_is(exotel->service, EXO_NO_RECORDING_URL, "null"))
        json_object_set_new(json, "RecordingUrl", json_null());
    else if (sim_knob_is(exotel->service, EXO_NO_RECORDING_URL, "empty"))
        json_object_set_new(json, "RecordingUrl", json_string(""));
    if (url && (call->account->has_presigned || sim_knob_bool(exotel->service, EXO_PRESIGNED))) {
        int64_t minutes = look->validity_minutes ? look->validity_minutes
                                                 : sim_knob_int(exotel->service, EXO_PRESIGNED_MINUTES);
        char *query = recordings_sign(call, look->now_ms, minutes);
        json_object_set_new(json, "PreSignedRecordingUrl", json_sprintf("%s?%s", url, query));
        free(query);
    }
    free(url);
}

static void add_parties(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms,
                        json_t *json)
{
    json_object_set_new(json, "To", json_string(exo_to_at(call, now_ms)));
    json_object_set_new(json, "From", json_string(call->from));
    json_object_set_new(json, "PhoneNumberSid", json_string(call->exophone));
    if (sim_knob_bool(exotel->service, EXO_PHONE_NUMBER))
        json_object_set_new(json, "PhoneNumber", json_string(call->exophone));
}

/* Members in the order in which the service writes them; `omit` then takes some away again. */
json_t *exo_call_json(const struct exotel *exotel, const struct exo_call *call, const struct exo_look *look)
{
    int64_t now_ms = look->now_ms;
    json_t *json = json_object();
    json_object_set_new(json, "Sid", json_string(call->sid));
    json_object_set_new(json, "ParentCallSid", json_null());
    json_object_set_new(json, "DateCreated", show_time(call->start_ms));
    json_object_set_new(json, "DateUpdated", show_updated(call, now_ms));
    json_object_set_new(json, "AccountSid", json_string(call->account->sid));
    add_parties(exotel, call, now_ms, json);
    json_object_set_new(json, "Status", text_or_null(exo_status_at(call, now_ms)));
    json_object_set_new(json, "StartTime", show_time(call->start_ms));
    json_object_set_new(json, "EndTime", show_end(call, now_ms));
    json_object_set_new(json, "Duration", show_duration(exotel, call, now_ms));
    json_object_set_new(json, "Price", show_price(exotel, call, now_ms));
    json_object_set_new(json, "Direction", json_string(exo_direction_word(call->direction)));
    bool is_settled = exo_phase_of(call, now_ms) == EXO_SETTLED;
    json_object_set_new(json, "AnsweredBy", text_or_null(is_settled ? call->answered_by : NULL));
    json_object_set_new(json, "ForwardedFrom", text_or_null(call->forwarded_from));
    json_object_set_new(json, "CallerName", text_or_null(call->caller_name));
    json_object_set_new(json, "Uri",
                        json_sprintf("/v1/Accounts/%s/Calls/%s.json", call->account->sid, call->sid));
    if (call->custom_field)
        json_object_set_new(json, "CustomField", json_string(call->custom_field));
    add_recording(exotel, call, look, json);
    if (look->has_details)
        json_object_set_new(json, "Details", show_details(call, now_ms));
    size_t index;
    json_t *name;
    json_array_foreach (call->omit, index, name) {
        (void)json_object_del(json,
                              json_string_value(name)); /* A member that is not there is left out already. */
    }
    return json;
}
