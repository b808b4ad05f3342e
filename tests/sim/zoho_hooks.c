/* Webhooks of Desk: created, tried, shown, changed, deleted. A creation is answered when its URL has been tried. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 2000, NAME_MAX_CHARACTERS = 50, FIELDS_MAX = 5 };

static const char event_types[] =
    "Ticket_Add|Ticket_Update|Ticket_Delete|Ticket_Comment_Add|Ticket_Comment_Update|Ticket_Thread_Add|"
    "Ticket_Attachment_Add|Ticket_Attachment_Update|Ticket_Attachment_Delete|Contact_Add|Contact_Update|"
    "Contact_Delete";

static const struct zoho_field create_fields[] = {
    { .name = "url", .type = ZOHO_TEXT, .max = URL_MAX },
    { .name = "name", .type = ZOHO_TEXT, .max = NAME_MAX_CHARACTERS },
    { .name = "subscriptions", .type = ZOHO_OBJECT },
    { .name = "isEnabled", .type = ZOHO_FLAG },
    { .name = "ignoreSourceId", .type = ZOHO_TEXT, .max = 100 },
};
enum { FIELD_COUNT = sizeof(create_fields) / sizeof(create_fields[0]) };

static const struct zoho_field filter_fields[] = {
    { .name = "departmentIds", .type = ZOHO_IDS, .max = 100 },
    { .name = "fields", .type = ZOHO_OBJECT },
    { .name = "includePrevState", .type = ZOHO_FLAG },
};
enum { FILTER_COUNT = sizeof(filter_fields) / sizeof(filter_fields[0]) };

/* ---- views --------------------------------------------------------------------------------------------- */

static json_t *view_of(const struct zoho_webhook *webhook)
{
    char created[40], modified[40];
    json_t *view = json_pack("{s:s}", "id", webhook->object.id);
    (void)json_object_update(view, zoho_fields(&webhook->object));
    (void)json_object_set_new(view, "createdTime",
                              json_string(zoho_time(webhook->object.created_ms, created)));
    (void)json_object_set_new(view, "modifiedTime",
                              json_string(zoho_time(webhook->object.modified_ms, modified)));
    return view;
}

static struct zoho_webhook *find_webhook(struct sim_request *req, struct sim_response *res)
{
    struct zoho_webhook *webhook =
        (struct zoho_webhook *)zoho_find(zoho_of(req), ZOHO_WEBHOOK, sim_param(req, "webhook"));
    if (webhook && webhook->is_valid && !webhook->is_deleted)
        return webhook;
    zoho_refuse(req, res, ZOHO_NOT_FOUND);
    return NULL;
}

/* ---- what is sent to make or change one ---------------------------------------------------------------- */

static bool are_field_names(const json_t *names)
{
    size_t index;
    json_t *name;
    bool is_good = json_is_array(names) && json_array_size(names) <= FIELDS_MAX;
    json_array_foreach (names, index, name)
        is_good = is_good && json_is_string(name) && *json_string_value(name);
    return is_good;
}

/* null, or an object with departmentIds, at most five fields, and includePrevState. */
static bool is_filter(struct sim_request *req, json_t *filter)
{
    if (json_is_null(filter))
        return true;
    if (!json_is_object(filter) || zoho_extra_key(filter, filter_fields, FILTER_COUNT))
        return false;
    const json_t *names = json_object_get(filter, "fields");
    json_t *rest = json_copy(filter), *errors = json_array();
    (void)json_object_del(rest, "fields");
    zoho_check_fields(req, rest, "", filter_fields, FILTER_COUNT, errors);
    bool is_good = json_array_size(errors) == 0 && (!names || are_field_names(names));
    json_decref(rest);
    json_decref(errors);
    return is_good;
}

static void check_subscriptions(struct sim_request *req, const json_t *body, json_t *errors)
{
    json_t *all = json_object_get(body, "subscriptions"), *filter;
    const char *type;
    char field[300];
    if (json_is_object(all) && json_object_size(all) == 0)
        zoho_add_error(errors, "/subscriptions", "invalid");
    json_object_foreach (all, type, filter) {
        if (zoho_word_in(event_types, type, strlen(type)) && is_filter(req, filter))
            continue;
        (void)snprintf(field, sizeof(field), "/subscriptions/%.200s", type);
        zoho_add_error(errors, field, "invalid");
    }
}

static void check_url(const json_t *body, json_t *errors)
{
    const char *url = zoho_text_of(body, "url");
    if (url && strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        zoho_add_error(errors, "/url", "invalid");
}

/* Gives the body, or NULL after answering. */
static json_t *read_webhook(struct sim_request *req, struct sim_response *res, bool is_new)
{
    static const char *const needed[] = { "url", "name", "subscriptions" };
    json_t *body, *errors;
    if (!zoho_query_known(req, res, "") ||
        zoho_read_body(req, res, create_fields, FIELD_COUNT, &body, &errors) < 0)
        return NULL;
    for (size_t i = 0; is_new && i < sizeof(needed) / sizeof(needed[0]); i++) {
        char field[40];
        (void)snprintf(field, sizeof(field), "/%s", needed[i]);
        if (!json_object_get(body, needed[i]))
            zoho_add_error(errors, field, "missing");
    }
    check_url(body, errors);
    check_subscriptions(req, body, errors);
    if (json_array_size(errors) == 0) {
        json_decref(errors);
        return body;
    }
    zoho_refuse_data(req, res, errors, false);
    json_decref(body);
    return NULL;
}

/* ---- creation ------------------------------------------------------------------------------------------ */

static size_t count_webhooks(const struct zoho *zoho)
{
    size_t count = 0;
    for (size_t i = 0; i < zoho->webhooks.count; i++)
        count += !((const struct zoho_webhook *)zoho->webhooks.items[i])->is_deleted;
    return count;
}

/* Answers the creation that waited, if it still does. */
static void answer_creation(struct zoho_webhook *webhook, bool is_good)
{
    struct sim_request *req = webhook->req;
    struct sim_response *res = webhook->res;
    webhook->is_valid = is_good;
    webhook->is_deleted = !is_good;
    webhook->req = NULL;
    if (!req)
        return;
    if (is_good) {
        zoho_answer(req, res, view_of(webhook));
    } else {
        json_t *errors = json_array();
        zoho_add_error(errors, "/url", "invalid");
        zoho_refuse_data(req, res, errors, true);
    }
    zoho_finish(req, res);
    sim_respond_now(req);
}

static bool check_was_heard(struct sim_service *service, const char *tag, unsigned status)
{
    struct zoho_webhook *webhook = (struct zoho_webhook *)zoho_find(service->state, ZOHO_WEBHOOK, tag);
    if (webhook)
        answer_creation(webhook, status >= 200 && status < 300);
    return true;
}

/* The GET was answered; the POST follows, with no events. */
static bool get_was_heard(struct sim_service *service, const char *tag, unsigned status)
{
    struct zoho_webhook *webhook = (struct zoho_webhook *)zoho_find(service->state, ZOHO_WEBHOOK, tag);
    bool is_good = status >= 200 && status < 300;
    if (webhook && is_good && sim_knob_is(service, DESK_WEBHOOK_VALIDATION, "get_and_post"))
        zoho_hook_send(service->state, webhook, "validation", "POST", "[]", check_was_heard);
    else if (webhook)
        answer_creation(webhook, is_good);
    return true;
}

static struct zoho_webhook *make_webhook(struct sim_request *req, json_t *body)
{
    struct zoho *zoho = zoho_of(req);
    struct zoho_webhook *webhook = sim_calloc(1, sizeof(*webhook));
    if (!json_object_get(body, "isEnabled"))
        (void)json_object_set_new(body, "isEnabled", json_true());
    zoho_object_open(zoho, &webhook->object, ZOHO_WEBHOOK, req->now_ms, body);
    zoho_list_add(&zoho->webhooks, webhook);
    return webhook;
}

void zoho_webhook_create(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    json_t *body = read_webhook(req, res, true);
    if (!body)
        return;
    if ((int64_t)count_webhooks(zoho) >= sim_knob_int(req->service, DESK_WEBHOOKS_MAX)) {
        json_decref(body);
        zoho_refuse(req, res, ZOHO_FORBIDDEN);
        return;
    }
    struct zoho_webhook *webhook = make_webhook(req, body);
    if (sim_knob_is(req->service, DESK_WEBHOOK_VALIDATION, "off")) {
        webhook->is_valid = true;
        zoho_answer(req, res, view_of(webhook));
        return;
    }
    webhook->req = req;
    webhook->res = res;
    sim_respond_later(res);
    zoho_hook_send(zoho, webhook, "validation", "GET", NULL, get_was_heard);
}

void zoho_hooks_reset(struct zoho *zoho)
{
    for (size_t i = 0; i < zoho->webhooks.count; i++) {
        struct zoho_webhook *webhook = zoho->webhooks.items[i];
        if (webhook->req)
            answer_creation(webhook, false);
    }
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

void zoho_webhook_get(struct sim_request *req, struct sim_response *res)
{
    const struct zoho_webhook *webhook = find_webhook(req, res);
    if (webhook && zoho_query_known(req, res, ""))
        zoho_answer(req, res, view_of(webhook));
}

void zoho_webhook_list(struct sim_request *req, struct sim_response *res)
{
    const struct zoho *zoho = zoho_of(req);
    int64_t limit, from;
    if (!zoho_query_known(req, res, "limit|from") ||
        !zoho_query_number(req, res, "limit", 1, 100, 10, &limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &from))
        return;
    json_t *rows = json_array();
    for (size_t i = 0; i < zoho->webhooks.count && (int64_t)json_array_size(rows) < limit; i++) {
        const struct zoho_webhook *webhook = zoho->webhooks.items[i];
        if (webhook->is_valid && !webhook->is_deleted && from-- <= 0)
            (void)json_array_append_new(rows, view_of(webhook));
    }
    zoho_answer_list(req, res, rows, -1);
}

void zoho_webhook_patch(struct sim_request *req, struct sim_response *res)
{
    struct zoho_webhook *webhook = find_webhook(req, res);
    json_t *body = webhook ? read_webhook(req, res, false) : NULL;
    if (!body)
        return;
    (void)json_object_update(zoho_edit(&webhook->object, req->now_ms), body);
    json_decref(body);
    zoho_answer(req, res, view_of(webhook));
}

void zoho_webhook_delete(struct sim_request *req, struct sim_response *res)
{
    struct zoho_webhook *webhook = find_webhook(req, res);
    if (!webhook || !zoho_query_known(req, res, ""))
        return;
    webhook->is_deleted = true;
    zoho_answer_empty(req, res, 204);
}
