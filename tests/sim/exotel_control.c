/* What tests do behind the API's back: put calls in, end them, and see what was asked for. */
#include "exotel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void respond_fault(struct sim_response *res, unsigned status, const char *text)
{
    sim_respond_json(res, status, json_pack("{s:s}", "error", text));
}

static json_t *read_body(const struct sim_request *req, struct sim_error *err)
{
    json_error_t error;
    json_t *body = json_loadb(req->body, req->body_size, 0, &error);
    if (!body)
        sim_fail(err, "not JSON: %s", error.text);
    return body;
}

/* The ids of the calls that came after `first_id`, in the order of their plans and not of their starts. */
static json_t *list_sids(struct sim_request *req, const struct exotel *exotel, uint64_t first_id)
{
    size_t count = (size_t)(exotel->next_id - first_id);
    const char **by_id = sim_alloc(req, (count + 1) * sizeof(*by_id));
    memset(by_id, 0, (count + 1) * sizeof(*by_id));
    for (size_t i = 0; i < exotel->call_count; i++)
        if (exotel->calls[i]->id > first_id)
            by_id[exotel->calls[i]->id - first_id - 1] = exotel->calls[i]->sid;
    json_t *sids = json_array();
    for (size_t i = 0; i < count; i++)
        if (by_id[i])
            json_array_append_new(sids, json_string(by_id[i]));
    return sids;
}

static void handle_add(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    struct sim_error err = { "" };
    size_t count = 0, before = exotel->call_count;
    json_t *body = read_body(req, &err);
    json_t *wrapped = json_object_get(body, "calls");
    uint64_t first_id = exotel->next_id;
    int rc = body ? exo_plan_calls(exotel, wrapped ? wrapped : body, &count, &err) : -1;
    json_decref(body);
    if (rc < 0) {
        respond_fault(res, 400, err.text);
        return;
    }
    json_t *sids = list_sids(req, exotel, first_id);
    sim_respond_json(res, 200,
                     json_pack("{s:I, s:I, s:o}", "added", (json_int_t)(exotel->call_count - before), "calls",
                               (json_int_t)exotel->call_count, "sids", sids));
}

static json_t *show_recording(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms)
{
    if (!call->recording.exists)
        return json_null();
    const struct exo_recording *recording = &call->recording;
    char *url = exo_recording_url(exotel, call, now_ms);
    bool is_there =
        recording->delay_ms >= 0 && now_ms >= call->end_ms + recording->delay_ms && !recording->is_deleted;
    json_t *json =
        json_pack("{s:s, s:s?, s:s?, s:b, s:I, s:I, s:I}", "name", recording->name, "file", recording->file,
                  "url", url, "available", is_there, "served", (json_int_t)recording->served, "refused",
                  (json_int_t)recording->refused, "not_ready", (json_int_t)recording->not_ready);
    free(url);
    return json;
}

static json_t *show_call(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms)
{
    static const char *const phases[] = { "future", "ongoing", "ended", "settled" };
    char start[32], end[32];
    return json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "sid", call->sid,
                     "kind", call->kind, "phase", phases[exo_phase_of(call, now_ms)], "account",
                     call->account->sid, "direction", exo_direction_word(call->direction), "from", call->from,
                     "to", call->to, "start", exo_ist_text(call->start_ms, start), "end",
                     exo_ist_text(call->end_ms, end), "talk_s", (json_int_t)call->talk_s, "listed",
                     (json_int_t)call->listed, "read", (json_int_t)call->read, "recording",
                     show_recording(exotel, call, now_ms));
}

static void handle_show(struct sim_request *req, struct sim_response *res)
{
    const struct exotel *exotel = req->service->state;
    json_t *list = json_array();
    for (size_t i = 0; i < exotel->call_count; i++)
        json_array_append_new(list, show_call(exotel, exotel->calls[i], req->now_ms));
    sim_respond_json(res, 200, json_pack("{s:o}", "calls", list));
}

static void handle_show_one(struct sim_request *req, struct sim_response *res)
{
    const struct exotel *exotel = req->service->state;
    const struct exo_call *call = exo_find_call(exotel, sim_param(req, "call"));
    if (call)
        sim_respond_json(res, 200, show_call(exotel, call, req->now_ms));
    else
        respond_fault(res, 404, "no such call");
}

/* Ring and menu took as long as they did; what is longer or shorter is the talk. */
static void move_end(struct exo_call *call, int64_t end_ms)
{
    int64_t duration_s = (end_ms - call->start_ms) / EXO_SECOND_MS, talk_s = call->talk_s;
    if (talk_s > 0)
        talk_s += duration_s - call->duration_s;
    call->end_ms = end_ms;
    call->duration_s = duration_s;
    call->leg1_s = duration_s;
    call->talk_s = talk_s > 0 ? talk_s : 0;
    call->leg2_s = call->talk_s;
}

/* Changes what a test moves while an engine looks on. The start is what the list is sorted by, and stays. */
static int change_call(struct exo_call *call, json_t *plan, int64_t now_ms, struct sim_error *err)
{
    json_t *end = NULL, *delay = NULL;
    json_int_t settle_s = call->settle_ms / EXO_SECOND_MS;
    int settles = !call->never_settles, is_deleted = call->recording.is_deleted;
    json_error_t error;
    if (json_unpack_ex(plan, &error, JSON_STRICT, "{s?o, s?I, s?b, s?o, s?b}", "end", &end, "settle_s",
                       &settle_s, "settles", &settles, "recording_delay_s", &delay, "recording_deleted",
                       &is_deleted) < 0)
        return sim_fail(err,
                        "%s; a change takes end, settle_s, settles, recording_delay_s and recording_deleted",
                        error.text);
    int64_t end_ms = call->end_ms;
    if (end && (exo_read_time(end, now_ms, &end_ms) < 0 || end_ms < call->start_ms))
        return sim_fail(err, "end is not a time after the start");
    if (delay && !json_is_integer(delay) && !json_is_null(delay))
        return sim_fail(err, "recording_delay_s is neither a count nor null (never)");
    if (end)
        move_end(call, end_ms);
    call->settle_ms = settle_s * EXO_SECOND_MS;
    call->never_settles = !settles;
    call->recording.is_deleted = is_deleted != 0;
    if (delay)
        call->recording.delay_ms = json_is_null(delay) ? -1 : json_integer_value(delay) * EXO_SECOND_MS;
    return 0;
}

static void handle_change(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    struct exo_call *call = exo_find_call(exotel, sim_param(req, "call"));
    struct sim_error err = { "" };
    if (!call) {
        respond_fault(res, 404, "no such call");
        return;
    }
    json_t *body = read_body(req, &err);
    exo_hooks_catch_up(exotel);
    int64_t old_end_ms = call->end_ms;
    int rc = body ? change_call(call, body, req->now_ms, &err) : -1;
    exo_hooks_end_moved(exotel, call, old_end_ms);
    exo_hooks_rearm(exotel);
    json_decref(body);
    if (rc < 0)
        respond_fault(res, 400, err.text);
    else
        sim_respond_json(res, 200, show_call(exotel, call, req->now_ms));
}

static void handle_send(struct sim_request *req, struct sim_response *res)
{
    struct sim_error err = { "" };
    size_t count = 0;
    json_t *body = read_body(req, &err);
    int rc = body ? exo_hooks_send(req->service->state, body, &count, &err) : -1;
    json_decref(body);
    if (rc < 0)
        respond_fault(res, 400, err.text);
    else
        sim_respond_json(res, 200, json_pack("{s:I}", "sent", (json_int_t)count));
}

const struct sim_route exo_control[] = {
    { "POST", "/webhooks", handle_send },       { "POST", "/calls", handle_add },
    { "GET", "/calls", handle_show },           { "GET", "/calls/{call}", handle_show_one },
    { "POST", "/calls/{call}", handle_change }, { NULL, NULL, NULL },
};

json_t *exo_report(struct sim_service *service)
{
    const struct exotel *exotel = service->state;
    json_t *listed = json_object();
    uint64_t never_listed = 0;
    for (size_t i = 0; i < exotel->call_count; i++) {
        const struct exo_call *call = exotel->calls[i];
        never_listed += call->listed == 0;
        if (call->listed > 0)
            json_object_set_new(listed, call->sid, json_integer((json_int_t)call->listed));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "calls", (json_int_t)exotel->call_count, "lists",
                     (json_int_t)exotel->lists, "reads", (json_int_t)exotel->reads, "rate_limited",
                     (json_int_t)exotel->rate_limited, "unauthorized", (json_int_t)exotel->unauthorized,
                     "never_listed", (json_int_t)never_listed, "listed", listed);
}
