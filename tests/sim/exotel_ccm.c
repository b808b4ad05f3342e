/* The newer APIs: users (v2), one call (v2, v3), the legs of a call (v3). */
#include "exotel.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *utc_time(int64_t time_ms)
{
    char text[32];
    return json_sprintf("%s.000Z", sim_time_text(time_ms, 0, "%Y-%m-%dT%H:%M:%S", text, sizeof(text)));
}

static json_t *ist_time(int64_t time_ms)
{
    char text[32];
    return json_sprintf("%s+05:30", exo_ist_text(time_ms, text));
}

static json_t *envelope(const struct sim_request *req, json_t *response)
{
    return json_pack("{s:o, s:s, s:i, s:o}", "request_id", json_sprintf("req-demo-%" PRIu64, req->serial),
                     "method", req->method, "http_code", 200, "response", response);
}

/* A query value from `min` to `max`, or `initial` when it is not given; -1 when it is anything else. */
static int64_t read_count(const struct sim_request *req, const char *name, int64_t min, int64_t max,
                          int64_t initial)
{
    const char *text = sim_query(req, name);
    int64_t value = 0;
    if (!text)
        return initial;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits])
        return -1;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    return value < min || value > max ? -1 : value;
}

void exo_handle_users(struct sim_request *req, struct sim_response *res)
{
    const struct exotel *exotel = req->service->state;
    if (!exo_admit_ccm(req, res, false))
        return;
    int64_t offset = read_count(req, "offset", 0, 1000000, 0), limit = read_count(req, "limit", 1, 50, 20);
    const char *fields = sim_query(req, "fields");
    if (offset < 0 || limit < 0) {
        exo_respond_ccm_error(req, res, 400, 1002, "Invalid parameter");
        return;
    }
    bool has_devices = fields && strcmp(fields, "devices") == 0;
    json_t *list = json_array();
    size_t total = json_array_size(exotel->users);
    for (size_t i = (size_t)offset; i < total && i < (size_t)(offset + limit); i++) {
        json_t *user = json_deep_copy(json_array_get(exotel->users, i));
        if (!has_devices)
            (void)json_object_del(user, "devices"); /* A user without devices has nothing to take away. */
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:o}", "code", 200, "status", "success", "data", user));
    }
    json_t *metadata = json_pack("{s:I, s:I, s:I, s:I}", "total", (json_int_t)total, "count",
                                 (json_int_t)json_array_size(list), "offset", (json_int_t)offset, "limit",
                                 (json_int_t)limit);
    sim_respond_json(res, 200,
                     json_pack("{s:o, s:s, s:i, s:o, s:o}", "request_id",
                               json_sprintf("req-demo-%" PRIu64, req->serial), "method", req->method,
                               "http_code", 200, "metadata", metadata, "response", list));
}

/* The call of the path, once it has begun; answers 404 otherwise. */
static struct exo_call *find_call(struct sim_request *req, struct sim_response *res, bool is_legs)
{
    const struct exotel *exotel = req->service->state;
    const struct exo_account *account = exo_admit_ccm(req, res, is_legs);
    if (!account)
        return NULL;
    struct exo_call *call = exo_find_call(exotel, sim_param(req, "call"));
    if (call && call->account == account && exo_phase_of(call, req->now_ms) != EXO_FUTURE &&
        !sim_knob_is(req->service, EXO_ACCESS, "wrong_region")) {
        call->read++;
        return call;
    }
    exo_respond_ccm_error(req, res, 404, 10744, NULL);
    return NULL;
}

static bool is_settled(const struct exo_call *call, int64_t now_ms)
{
    return exo_phase_of(call, now_ms) == EXO_SETTLED && !call->never_settles;
}

static const char *state_word(const struct exo_call *call, int64_t now_ms)
{
    return exo_phase_of(call, now_ms) == EXO_ONGOING ? "active" : "terminal";
}

static const char *final_status(const struct exo_call *call, int64_t now_ms)
{
    return exo_phase_of(call, now_ms) == EXO_ONGOING ? NULL : call->status;
}

static bool is_outbound(const struct exo_call *call)
{
    return call->direction != EXO_INBOUND;
}

void exo_handle_call_v2(struct sim_request *req, struct sim_response *res)
{
    const struct exotel *exotel = req->service->state;
    const struct exo_call *call = find_call(req, res, false);
    if (!call)
        return;
    int64_t now_ms = req->now_ms;
    bool has_end = is_settled(call, now_ms);
    const char *agent = is_outbound(call) ? call->from : exo_to_at(call, now_ms);
    char *url = exo_recording_url(exotel, call, now_ms);
    json_t *details = json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:{s:n, s:s}, s:{s:s}, s:o, s:o, s:o, s:o, s:I, s:I, s:{s:b, s:s?}, "
        "s:s?, s:o}",
        "sid", call->sid, "direction", exo_direction_word(call->direction), "virtual_number", call->exophone,
        "state", state_word(call, now_ms), "status", final_status(call, now_ms), "assigned_agent_details",
        "user_id", "contact_uri", agent, "customer_details", "number",
        is_outbound(call) ? call->to : call->from, "created_time", utc_time(call->start_ms), "updated_time",
        utc_time(has_end ? call->end_ms + call->settle_ms : call->start_ms), "start_time",
        utc_time(call->start_ms), "end_time", has_end ? utc_time(call->end_ms) : json_null(),
        "total_duration", (json_int_t)(has_end ? call->duration_s : 0), "total_talk_time",
        (json_int_t)(has_end ? call->talk_s : 0), "recording", "available", url != NULL, "url", url,
        "custom_field", call->custom_field, "legs",
        json_sprintf("/v2/accounts/%s/calls/%s/legs", call->account->sid, call->sid));
    free(url);
    sim_respond_json(res, 200, envelope(req, json_pack("{s:o}", "call_details", details)));
}

void exo_handle_call_v3(struct sim_request *req, struct sim_response *res)
{
    const struct exotel *exotel = req->service->state;
    const struct exo_call *call = find_call(req, res, false);
    if (!call)
        return;
    int64_t now_ms = req->now_ms;
    bool is_active = exo_phase_of(call, now_ms) == EXO_ONGOING, has_end = is_settled(call, now_ms);
    json_t *details =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:o}", "sid", call->sid, "direction",
                  is_outbound(call) ? "outbound" : "inbound", "virtual_number", call->exophone, "state",
                  state_word(call, now_ms), "status", final_status(call, now_ms), "created_time",
                  ist_time(call->start_ms), "updated_time",
                  ist_time(has_end ? call->end_ms + call->settle_ms : call->start_ms), "start_time",
                  ist_time(call->start_ms), "end_time", ist_time(has_end ? call->end_ms : 0));
    if (!is_active) {
        char *url = exo_recording_url(exotel, call, now_ms);
        json_t *recordings = json_array();
        if (url)
            json_array_append_new(recordings, json_pack("{s:s}", "url", url));
        free(url);
        json_t *more =
            json_pack("{s:o, s:I, s:I, s:s?, s:n, s:n, s:n, s:o}", "legs",
                      json_sprintf("/v3/accounts/%s/calls/%s/legs", call->account->sid, call->sid),
                      "total_duration", (json_int_t)(has_end ? call->duration_s : 0), "total_talk_time",
                      (json_int_t)(has_end ? call->talk_s : 0), "custom_field", call->custom_field, "app_id",
                      "app_name", "digits", "recordings", recordings);
        json_object_update(details, more);
        json_decref(more);
    }
    sim_respond_json(res, 200,
                     envelope(req, json_pack("{s:i, s:s, s:o}", "code", 200, "status", "success",
                                             "call_details", details)));
}

/* The id of a leg: the call's, with the leg's number in place of its first letter. */
static json_t *leg_json(const struct exo_call *call, int64_t now_ms, unsigned number)
{
    bool has_end = is_settled(call, now_ms);
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:s?}", "sid", json_sprintf("%u%s", number, call->sid + 1),
                     "name", number == 1 ? "Caller" : "Callee", "contact_uri",
                     number == 1 ? call->from : exo_to_at(call, now_ms), "date_created",
                     ist_time(call->start_ms), "date_updated",
                     ist_time(has_end ? call->end_ms : call->start_ms), "status",
                     !has_end      ? NULL
                     : number == 1 ? call->leg1_status
                                   : call->leg2_status);
}

void exo_handle_legs(struct sim_request *req, struct sim_response *res)
{
    const struct exo_call *call = find_call(req, res, true);
    if (!call)
        return;
    json_t *to = json_array();
    if (call->leg2_status && is_settled(call, req->now_ms)) {
        json_t *leg = leg_json(call, req->now_ms, 2);
        json_object_set_new(leg, "group_id", json_null());
        json_object_set_new(leg, "group_name", json_null());
        json_array_append_new(to, leg);
    }
    json_t *details = json_pack("{s:s, s:s, s:[o], s:o}", "call_sid", call->sid, "account_sid",
                                call->account->sid, "from", leg_json(call, req->now_ms, 1), "to", to);
    sim_respond_json(res, 200,
                     json_pack("{s:o, s:s, s:i, s:n, s:{s:i, s:n, s:s, s:o}}", "request_id",
                               json_sprintf("req-demo-%" PRIu64, req->serial), "method", req->method,
                               "http_code", 200, "metadata", "response", "code", 200, "error_data", "status",
                               "success", "leg_details", details));
}
