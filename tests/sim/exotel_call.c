/* One call, one account, and the call that a client starts itself. */
#include "exotel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ".json" is part of the path, not of the id. */
static struct exo_call *find_named_call(struct sim_request *req)
{
    const char *name = sim_param(req, "call");
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0)
        length -= 5;
    return exo_find_call(req->service->state, sim_text(req, "%.*s", (int)length, name));
}

void exo_handle_call(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    const struct exo_account *account = exo_admit(req, res);
    if (!account)
        return;
    struct exo_call *call = find_named_call(req);
    if (!call || call->account != account || exo_phase_of(call, req->now_ms) == EXO_FUTURE ||
        sim_knob_is(req->service, EXO_ACCESS, "wrong_region")) {
        exo_respond_error(req, res, 404, "Not Found", 0);
        return;
    }
    struct exo_look look;
    const char *fault = exo_read_look(req, &look);
    if (fault) {
        exo_respond_error(req, res, 400, fault, 0);
        return;
    }
    call->read++;
    exotel->reads++;
    exo_respond(req, res, 200, json_pack("{s:o}", "Call", exo_call_json(exotel, call, &look)));
}

void exo_handle_account(struct sim_request *req, struct sim_response *res)
{
    const struct exo_account *account = exo_admit(req, res);
    if (!account)
        return;
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "Sid", account->sid, "FriendlyName",
                  account->sid, "Type", "Full", "Status", "active", "DateCreated", "2025-01-01 10:00:00",
                  "DateUpdated", "2026-01-01 10:00:00", "AuthToken", account->api_token, "Uri",
                  json_sprintf("/v1/Accounts/%s", account->sid), "BillingType", "prepaid", "KycStatus",
                  sim_knob_bool(req->service, EXO_KYC) ? "completed" : "pending");
    exo_respond(req, res, 200, json_pack("{s:o}", "Account", body));
}

/* ---- connect ---- */

struct connect {
    const char *from, *to, *url, *caller_id, *custom_field, *time_limit, *callback;
    bool has_events, wants_answered, is_json;
};

static const struct sim_field *find_field(const struct sim_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static const char *form_value(const struct sim_field *fields, size_t count, const char *name)
{
    const struct sim_field *field = find_field(fields, count, name);
    return field && field->size > 0 ? field->value : NULL;
}

/* StatusCallback and what belongs to it. A list in one value counts for nothing, as with the real service. */
static const char *read_callback(const struct sim_field *fields, size_t count, struct connect *connect)
{
    const char *type = form_value(fields, count, "StatusCallbackContentType");
    connect->callback = form_value(fields, count, "StatusCallback");
    connect->is_json = type && strcmp(type, "application/json") == 0;
    if (type && !connect->is_json && strcmp(type, "multipart/form-data") != 0)
        return "Invalid parameter";
    for (size_t i = 0; i < count; i++) {
        if (strncmp(fields[i].name, "StatusCallbackEvents", strlen("StatusCallbackEvents")) != 0)
            continue;
        bool is_answered = strcmp(fields[i].value, "answered") == 0;
        connect->wants_answered = connect->wants_answered || is_answered;
        connect->has_events = connect->has_events || is_answered || strcmp(fields[i].value, "terminal") == 0;
    }
    return NULL;
}

/* The message of the 400, or NULL. */
static const char *read_connect(struct sim_request *req, struct connect *ret_connect)
{
    const struct sim_field *fields;
    size_t count = sim_form(req, req->body, req->body_size, &fields);
    struct connect connect = { .from = form_value(fields, count, "From"),
                               .to = form_value(fields, count, "To"),
                               .url = form_value(fields, count, "Url"),
                               .caller_id = form_value(fields, count, "CallerId"),
                               .custom_field = form_value(fields, count, "CustomField"),
                               .time_limit = form_value(fields, count, "TimeLimit") };
    if (!connect.from || !connect.caller_id || !connect.to == !connect.url)
        return "Mandatory parameter missing";
    if (connect.custom_field && strlen(connect.custom_field) > 128)
        return "Invalid parameter";
    if (connect.time_limit) {
        size_t digits = strspn(connect.time_limit, "0123456789");
        if (digits == 0 || digits > 5 || connect.time_limit[digits] ||
            strtol(connect.time_limit, NULL, 10) > 14400)
            return "Invalid parameter";
    }
    const char *fault = read_callback(fields, count, &connect);
    if (!fault)
        *ret_connect = connect;
    return fault;
}

/* The new call lasts as long as its knob says, then runs through the same life as every other. */
static int start_call(struct sim_request *req, const struct exo_account *account,
                      const struct connect *connect, struct exo_call **ret_call, struct sim_error *err)
{
    struct exotel *exotel = req->service->state;
    int64_t seconds = sim_knob_int(req->service, EXO_CONNECT_S);
    const char *sid = sim_text(req, "connectcall%021" PRIu64, exotel->next_id + 1);
    json_t *plan = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s?}", "sid", sid, "account",
                             account->sid, "kind", connect->url ? "flow" : "outbound_answered", "from",
                             connect->from, "to", connect->url ? connect->caller_id : connect->to, "exophone",
                             connect->caller_id, "start", (json_int_t)req->now_ms, "duration_s",
                             (json_int_t)seconds, "custom_field", connect->custom_field);
    int rc = exo_plan_call(exotel, plan, NULL, err);
    json_decref(plan);
    if (rc < 0)
        return -1;
    struct exo_call *call = *ret_call = exo_find_call(exotel, sid);
    exo_set_text(&call->callback_url, connect->callback);
    /* To a flow, only the four members are known. */
    call->callback_has_events = connect->has_events && !connect->url;
    call->callback_wants_answered = connect->wants_answered && call->callback_has_events;
    call->callback_is_json = connect->is_json;
    exotel->has_callbacks = exotel->has_callbacks || call->callback_url;
    exo_hooks_rearm(exotel);
    return 0;
}

void exo_handle_connect(struct sim_request *req, struct sim_response *res)
{
    const struct exo_account *account = exo_admit(req, res);
    if (!account)
        return;
    if (!sim_knob_bool(req->service, EXO_KYC)) {
        exo_respond_error(
            req, res, 403,
            "Your account is not yet KYC compliant. This is mandatory by TRAI guidelines to connect "
            "outbound voice calls.",
            0);
        return;
    }
    struct connect connect;
    struct exo_call *call = NULL;
    struct sim_error err;
    const char *fault = read_connect(req, &connect);
    if (!fault && start_call(req, account, &connect, &call, &err) < 0)
        fault = "Invalid parameter";
    if (fault) {
        exo_respond_error(req, res, 400, fault, 0);
        return;
    }
    const struct exo_look look = { .now_ms = req->now_ms };
    exo_respond(req, res, 200, json_pack("{s:o}", "Call", exo_call_json(req->service->state, call, &look)));
}

/* A path below an account that does not exist, or another method: still only for those who may ask. */
void exo_handle_nothing(struct sim_request *req, struct sim_response *res)
{
    if (exo_admit(req, res))
        exo_respond_error(req, res, 404, "Not Found", 0);
}
