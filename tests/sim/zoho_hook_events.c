/* Telling webhooks what happened: who subscribed to it, and what is sent. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- one message --------------------------------------------------------------------------------------- */

/* A message as the knobs have it, without what it says. */
static struct sim_message plan_message(struct zoho *zoho)
{
    struct sim_service *desk = zoho->desk;
    struct sim_message message = { .timeout_ms = sim_knob_int(desk, DESK_WEBHOOK_TIMEOUT_MS),
                                   .delay_ms = sim_knob_int(desk, DESK_WEBHOOK_DELAY_MS) };
    int64_t jitter_ms = sim_knob_int(desk, DESK_WEBHOOK_JITTER_MS);
    if (jitter_ms > 0)
        message.delay_ms += (int64_t)sim_random_below(desk, (uint64_t)jitter_ms + 1);
    for (int64_t i = 0; i < sim_knob_int(desk, DESK_WEBHOOK_RETRIES); i++)
        message.retry_ms[i] = sim_knob_int(desk, DESK_WEBHOOK_RETRY_MS);
    return message;
}

void zoho_hook_send(struct zoho *zoho, const struct zoho_webhook *webhook, const char *what,
                    const char *method, const char *body,
                    bool (*heard)(struct sim_service *, const char *, unsigned))
{
    char *token = zoho_jwt_make(zoho, webhook->object.id), *header = NULL;
    bool is_check = !webhook->is_valid;
    struct sim_message message = is_check ? (struct sim_message){ 0 } : plan_message(zoho);
    size_t count = 0;
    if (token && asprintf(&header, "X-ZDesk-JWT: %s", token) < 0)
        abort();
    if (body)
        message.headers[count++] = "Content-Type: application/json";
    message.headers[count] = header;
    message.timeout_ms = sim_knob_int(zoho->desk, DESK_WEBHOOK_TIMEOUT_MS);
    message.what = what;
    message.tag = webhook->object.id;
    message.method = method;
    message.url = zoho_text_of(zoho_fields(&webhook->object), "url");
    message.body = body;
    message.body_size = body ? strlen(body) : 0;
    message.heard = heard;
    sim_send(zoho->desk, &message);
    free(token);
    free(header);
}

/* 410 ends the subscription; what was sent before may still come. */
static bool event_was_heard(struct sim_service *service, const char *tag, unsigned status)
{
    struct zoho_webhook *webhook = (struct zoho_webhook *)zoho_find(service->state, ZOHO_WEBHOOK, tag);
    if (status == 410 && webhook)
        (void)json_object_set_new(zoho_edit(&webhook->object, sim_now_ms(service->sim)), "isEnabled",
                                  json_false());
    return status == 410 || (status >= 200 && status < 300);
}

/* ---- who wants it -------------------------------------------------------------------------------------- */

static bool has_text(const json_t *list, const char *text)
{
    size_t index;
    json_t *member;
    json_array_foreach (list, index, member) {
        if (text && json_is_string(member) && strcmp(json_string_value(member), text) == 0)
            return true;
    }
    return false;
}

/* Whether a change of these members is of interest: one of the named, or any when none is named. */
static bool has_field(const json_t *names, const json_t *changed)
{
    size_t index;
    json_t *name;
    json_array_foreach (names, index, name) {
        if (json_object_get(changed, json_string_value(name)))
            return true;
    }
    return json_array_size(names) == 0;
}

static bool wants(struct sim_request *req, const struct zoho_webhook *webhook, const struct zoho_event *event)
{
    const json_t *fields = zoho_fields(&webhook->object);
    const json_t *subscriptions = json_object_get(fields, "subscriptions");
    const json_t *filter = json_object_get(subscriptions, event->type);
    const char *ignored = zoho_text_of(fields, "ignoreSourceId"), *source = sim_header(req, "sourceId");
    const json_t *departments = json_object_get(filter, "departmentIds");
    if (!filter || !webhook->is_valid || webhook->is_deleted ||
        json_is_false(json_object_get(fields, "isEnabled")))
        return false;
    if (ignored && source && strcmp(ignored, source) == 0)
        return false;
    if (json_array_size(departments) > 0 && !has_text(departments, event->department_id))
        return false;
    return !event->changed || has_field(json_object_get(filter, "fields"), event->changed);
}

/* Every body is an array, also of one event. */
static char *make_body(struct sim_request *req, const json_t *filter, const struct zoho_event *event)
{
    json_t *item = json_pack("{s:O}", "payload", event->payload);
    if (event->before && json_is_true(json_object_get(filter, "includePrevState")))
        (void)json_object_set(item, "prevState", event->before);
    (void)json_object_set_new(item, "eventTime", json_sprintf("%lld", (long long)req->now_ms));
    (void)json_object_set_new(item, "eventType", json_string(event->type));
    (void)json_object_set_new(item, "orgId", json_string(zoho_of(req)->org_id));
    json_t *list = json_pack("[o]", item);
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

bool zoho_is_watched(const struct zoho *zoho)
{
    return zoho->webhooks.count > 0;
}

void zoho_tell(struct sim_request *req, const struct zoho_event *event)
{
    struct zoho *zoho = zoho_of(req);
    for (size_t i = 0; i < zoho->webhooks.count; i++) {
        const struct zoho_webhook *webhook = zoho->webhooks.items[i];
        if (!wants(req, webhook, event))
            continue;
        const json_t *all = json_object_get(zoho_fields(&webhook->object), "subscriptions");
        char *body = make_body(req, json_object_get(all, event->type), event);
        for (int64_t copy = 0; copy < sim_knob_int(zoho->desk, DESK_WEBHOOK_COPIES); copy++)
            zoho_hook_send(zoho, webhook, event->type, "POST", body, event_was_heard);
        free(body);
    }
}

void zoho_tell_ticket(struct sim_request *req, const char *type, const struct zoho_ticket *ticket,
                      json_t *before, const json_t *changed)
{
    const json_t *fields = zoho_fields(&ticket->object);
    if (!zoho_is_watched(zoho_of(req)))
        return;
    struct zoho_event event = { .type = type,
                                .department_id = zoho_text_of(fields, "departmentId"),
                                .payload = zoho_ticket_view(zoho_of(req), ticket, fields, VIEW_GET),
                                .before = before,
                                .changed = changed };
    zoho_tell(req, &event);
    json_decref(event.payload);
}

void zoho_tell_contact(struct sim_request *req, const char *type, const struct zoho_contact *contact,
                       json_t *before, const json_t *changed)
{
    if (!zoho_is_watched(zoho_of(req)))
        return;
    struct zoho_event event = { .type = type,
                                .payload = zoho_contact_view(zoho_of(req), contact,
                                                             zoho_fields(&contact->object), VIEW_GET),
                                .before = before,
                                .changed = changed };
    zoho_tell(req, &event);
    json_decref(event.payload);
}

void zoho_tell_part(struct sim_request *req, const char *type, const struct zoho_ticket *ticket, json_t *view)
{
    (void)json_object_set_new(view, "ticketId", json_string(ticket->object.id));
    const struct zoho_event event = { .type = type,
                                      .department_id =
                                          zoho_text_of(zoho_fields(&ticket->object), "departmentId"),
                                      .payload = view };
    if (zoho_is_watched(zoho_of(req)))
        zoho_tell(req, &event);
    json_decref(view);
}
