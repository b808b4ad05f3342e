/* The Desk service: its knobs, its endpoints, and the checks that every call goes through, in one order. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_knob knobs[DESK_KNOBS] = {
    [DESK_INDEX_LAG_MS] = { "index_lag_ms", SIM_INT, "0", NULL, 0, 86400000,
                            "ZD.3: how long both searches do not see a new or changed object (simulated "
                            "time)" },
    [DESK_CONTACT_TICKETS_LAG_MS] = { "contact_tickets_lag_ms", SIM_INT, "0", NULL, 0, 86400000,
                                      "ZC.5: the same for GET /contacts/{id}/tickets" },
    [DESK_SUBJECT_MAX] = { "subject_max", SIM_INT, "255", NULL, 1, 1000,
                           "ZC.2: longest subject in characters" },
    [DESK_MANDATORY_CF] = { "mandatory_cf", SIM_TEXT, "", NULL, 0, 0,
                            "ZC.2: a cf_ name that the layout demands in new tickets; empty: none" },
    [DESK_PICKLISTS] = { "picklists", SIM_WORD, "strict", "strict|open", 0, 0,
                         "7.1: whether priority and classification take only the default values" },
    [DESK_BLUEPRINT] = { "blueprint", SIM_WORD, "off", "off|403|422", 0, 0,
                         "ZC.4: what a PATCH of the status meets" },
    [DESK_LANGUAGE] = { "default_language", SIM_WORD, "English", "English|null", 0, 0,
                        "ZC.1: language of a ticket that was sent without one" },
    [DESK_UNIQUE] = { "unique_contact_field", SIM_WORD, "off", "off|email|phone|mobile", 0, 0,
                      "ZD.1: a second contact with the same value is refused as duplicate" },
    [DESK_MERGED] = { "merged_contact", SIM_WORD, "gone", "gone|survivor", 0, 0,
                      "ZB.6: what GET of a contact that was merged into another answers: 404, or the other "
                      "one" },
    [DESK_ATTACHMENT_MAX_BYTES] = { "attachment_max_bytes", SIM_INT, "20971520", NULL, 0, 1073741824,
                                    "ZE.2: a larger file gets 413; 0: no limit" },
    [DESK_UPLOAD_SHAPE] = { "upload_shape", SIM_WORD, "full", "full|short", 0, 0,
                            "10: which of the two shapes POST /uploads answers" },
    [DESK_LIST_BASE] = { "list_from_base", SIM_WORD, "0", "0|1", 0, 0,
                         "7.4: whether 'from' of lists counts from 0 or from 1" },
    [DESK_CONCURRENCY_MAX] = { "concurrency_max", SIM_INT, "25", NULL, 0, 100000,
                               "ZB.5: calls at once before TOO_MANY_REQUESTS; 0: no limit" },
    [DESK_CONCURRENCY_RETRY_AFTER_S] = { "concurrency_retry_after_s", SIM_INT, "0", NULL, 0, 86400,
                                         "12: Retry-After of TOO_MANY_REQUESTS, which some have seen; 0: "
                                         "none" },
    [DESK_CREDITS_PER_DAY] = { "credits_per_day", SIM_INT, "101000", NULL, 0, 1000000000,
                               "ZB.5: credits before THRESHOLD_EXCEEDED; 0: no limit" },
    [DESK_DAY_OFFSET_MINUTES] = { "day_offset_minutes", SIM_INT, "330", NULL, -720, 840,
                                  "12: when the day of the credits begins, from UTC" },
    [DESK_TRANSFER] = { "transfer", SIM_WORD, "auto", "auto|chunked|length", 0, 0,
                        "ZB.9: auto is chunked from 1000 bytes on, as recorded" },
    [DESK_GZIP] = { "gzip", SIM_BOOL, "true", NULL, 0, 0,
                    "ZB.9: large answers are packed when the client accepts it" },
    [DESK_EMPTY_STATUS] = { "empty_payload_status", SIM_WORD, "422", "422|400", 0, 0,
                            "ZB.8: status of EMPTY_PAYLOAD" },
    [DESK_EMPTY_HAS_TYPE] = { "empty_has_type", SIM_BOOL, "true", NULL, 0, 0,
                              "ZF.3: 204 with or without a Content-Type" },
    [DESK_ERROR_TEXT] = { "error_text", SIM_WORD, "documented", "documented|openapi|other", 0, 0,
                          "ZF.3: other texts with the same errorCode" },
    [DESK_EXTRA_FIELDS] = { "extra_fields", SIM_BOOL, "false", NULL, 0, 0,
                            "ZF.3: answers hold a key nobody knows" },
    [DESK_REORDER_KEYS] = { "reorder_keys", SIM_BOOL, "false", NULL, 0, 0,
                            "ZF.3: answers with keys in another order" },
    [DESK_WEBHOOKS_MAX] = { "webhooks_max", SIM_INT, "10", NULL, 0, 1000,
                            "ZG.1: how many webhooks the edition allows" },
    [DESK_WEBHOOK_VALIDATION] = { "webhook_validation", SIM_WORD, "get_and_post", "get_and_post|get|off", 0,
                                  0, "ZG.1: how a URL is tried before its webhook is there" },
    [DESK_WEBHOOK_SIGNATURE] = { "webhook_signature", SIM_WORD, "good",
                                 "good|wrong_key|other_webhook|other_portal|expired|none", 0, 0,
                                 "ZG.1: the JWT that comes along" },
    [DESK_WEBHOOK_TIMEOUT_MS] = { "webhook_timeout_ms", SIM_INT, "5000", NULL, 1, 600000,
                                  "ZG.1: how long (real time) an answer may take" },
    [DESK_WEBHOOK_RETRIES] = { "webhook_retries", SIM_INT, "0", NULL, 0, SIM_TRIES_MAX,
                               "14: how often an event is sent again that was not answered 2xx" },
    [DESK_WEBHOOK_RETRY_MS] = { "webhook_retry_ms", SIM_INT, "60000", NULL, 1, 86400000,
                                "14: simulated time until then" },
    [DESK_WEBHOOK_COPIES] = { "webhook_copies", SIM_INT, "1", NULL, 1, 100,
                              "ZG.1: how often each event is sent" },
    [DESK_WEBHOOK_DELAY_MS] = { "webhook_delay_ms", SIM_INT, "0", NULL, 0, 864000000,
                                "ZG.1: simulated time until it is sent" },
    [DESK_WEBHOOK_JITTER_MS] = { "webhook_jitter_ms", SIM_INT, "0", NULL, 0, 864000000,
                                 "ZG.1: up to so much more by chance, which changes the order" },
};

/* method, path below /api/v1, handler, scopes (space between), credits */
#define ENDPOINTS(X)                                                                                         \
    X("POST", "/tickets", zoho_ticket_create, "Desk.tickets.CREATE", 1)                                      \
    X("GET", "/tickets", zoho_ticket_list, "Desk.tickets.READ", 3)                                           \
    X("GET", "/tickets/search", zoho_ticket_search, "Desk.tickets.READ Desk.search.READ", 3)                 \
    X("POST", "/tickets/moveToTrash", zoho_ticket_trash, "Desk.tickets.DELETE", 6)                           \
    X("GET", "/tickets/{ticket}", zoho_ticket_get, "Desk.tickets.READ", 1)                                   \
    X("PATCH", "/tickets/{ticket}", zoho_ticket_patch, "Desk.tickets.UPDATE", 1)                             \
    X("POST", "/tickets/{ticket}/associateTag", zoho_ticket_tag, "Desk.tickets.UPDATE", 1)                   \
    X("POST", "/tickets/{ticket}/comments", zoho_comment_create, "Desk.tickets.UPDATE", 1)                   \
    X("GET", "/tickets/{ticket}/comments", zoho_comment_list, "Desk.tickets.READ", 3)                        \
    X("GET", "/tickets/{ticket}/comments/{comment}", zoho_comment_get, "Desk.tickets.READ", 1)               \
    X("POST", "/tickets/{ticket}/attachments", zoho_attachment_create, "Desk.tickets.UPDATE", 1)             \
    X("GET", "/tickets/{ticket}/attachments", zoho_attachment_list, "Desk.tickets.READ", 3)                  \
    X("PATCH", "/tickets/{ticket}/attachments/{attachment}", zoho_attachment_patch, "Desk.tickets.UPDATE",   \
      1)                                                                                                     \
    X("DELETE", "/tickets/{ticket}/attachments/{attachment}", zoho_attachment_delete, "Desk.tickets.UPDATE", \
      1)                                                                                                     \
    X("GET", "/tickets/{ticket}/attachments/{attachment}/content", zoho_attachment_content,                  \
      "Desk.tickets.READ", 1)                                                                                \
    X("POST", "/uploads", zoho_upload_create, "Desk.basic.CREATE", 1)                                        \
    X("POST", "/contacts", zoho_contact_create, "Desk.contacts.CREATE", 1)                                   \
    X("GET", "/contacts", zoho_contact_list, "Desk.contacts.READ", 3)                                        \
    X("GET", "/contacts/search", zoho_contact_search, "Desk.contacts.READ Desk.search.READ", 3)              \
    X("GET", "/contacts/{contact}", zoho_contact_get, "Desk.contacts.READ", 1)                               \
    X("PATCH", "/contacts/{contact}", zoho_contact_patch, "Desk.contacts.UPDATE", 1)                         \
    X("GET", "/contacts/{contact}/tickets", zoho_contact_tickets,                                            \
      "Desk.contacts.READ Desk.tickets.READ Desk.search.READ", 3)                                            \
    X("GET", "/organizations", zoho_organization_list, "Desk.basic.READ", 3)                                 \
    X("GET", "/organizations/{organization}", zoho_organization_get, "Desk.basic.READ", 1)                   \
    X("GET", "/departments", zoho_department_list, "Desk.basic.READ", 3)                                     \
    X("GET", "/departments/{department}", zoho_department_get, "Desk.basic.READ", 1)                         \
    X("GET", "/agents", zoho_agent_list, "Desk.basic.READ", 3)                                               \
    X("POST", "/webhooks", zoho_webhook_create, "Desk.webhooks.CREATE", 1)                                   \
    X("GET", "/webhooks", zoho_webhook_list, "Desk.webhooks.READ", 3)                                        \
    X("GET", "/webhooks/{webhook}", zoho_webhook_get, "Desk.webhooks.READ", 1)                               \
    X("PATCH", "/webhooks/{webhook}", zoho_webhook_patch, "Desk.webhooks.UPDATE", 1)                         \
    X("DELETE", "/webhooks/{webhook}", zoho_webhook_delete, "Desk.webhooks.DELETE", 1)

#define ROUTE_ROW(method, path, handler, scopes, credits) { method, "/api/v1" path, handler },
#define RIGHT_ROW(method, path, handler, scopes, credits) { scopes, credits },

static const struct sim_route routes[] = { ENDPOINTS(ROUTE_ROW){ NULL, NULL, NULL } };

static const struct {
    const char *scopes;
    int credits;
} rights[] = { ENDPOINTS(RIGHT_ROW){ NULL, 0 } };

static struct zoho_token *token_of(struct sim_request *req)
{
    struct zoho *zoho = zoho_of(req);
    const char *header = sim_header(req, "Authorization");
    size_t scheme = strcspn(header, " ");
    bool is_known = (scheme == 15 && strncasecmp(header, "Zoho-oauthtoken", 15) == 0) ||
                    (scheme == 6 && strncasecmp(header, "Bearer", 6) == 0);
    struct zoho_token *token =
        is_known ? zoho_token_find(&zoho->access, header + scheme + (header[scheme] == ' ')) : NULL;
    bool is_live = token && !token->is_dead && token->expires_ms > req->now_ms;
    return is_live ? token : NULL;
}

/* The organization is in the header or the query; not needed to list organizations. */
static bool check_org(struct sim_request *req, struct sim_response *res, const struct zoho_token *token)
{
    const char *org = sim_header(req, "orgId");
    if (!org)
        org = sim_query(req, "orgId");
    if (!org && strcmp(req->path, "/api/v1/organizations") == 0)
        return true;
    if (!org || !zoho_is_id(org)) {
        zoho_refuse_text(req, res, "The value passed for the 'orgId' parameter is invalid.");
        return false;
    }
    if (strcmp(org, zoho_of(req)->org_id) == 0 && strcmp(org, token->org_id) == 0)
        return true;
    zoho_refuse(req, res, ZOHO_ORG_MISMATCH);
    return false;
}

static bool check_scopes(const struct zoho_token *token, const char *scopes)
{
    while (*scopes) {
        char scope[64];
        size_t size = strcspn(scopes, " ");
        (void)snprintf(scope, sizeof(scope), "%.*s", (int)size, scopes);
        if (!zoho_token_allows(token, scope))
            return false;
        scopes += size + (scopes[size] == ' ');
    }
    return true;
}

static int64_t day_ms(const struct sim_request *req)
{
    enum { DAY_MS = 86400000 };
    int64_t local_ms = req->now_ms + sim_knob_int(req->service, DESK_DAY_OFFSET_MINUTES) * 60000;
    return local_ms - local_ms % DAY_MS;
}

/* Takes the credits. False after answering 429. */
static bool take_credits(struct sim_request *req, struct sim_response *res, int credits)
{
    enum { DAY_MS = 86400000 };
    struct zoho *zoho = zoho_of(req);
    int64_t limit = sim_knob_int(req->service, DESK_CREDITS_PER_DAY);
    int64_t day = day_ms(req);
    if (day != zoho->credits_day) {
        zoho->credits_day = day;
        zoho->credits_used = 0;
    }
    if (limit > 0 && zoho->credits_used + credits > limit) {
        int64_t local_ms = req->now_ms + sim_knob_int(req->service, DESK_DAY_OFFSET_MINUTES) * 60000;
        zoho_refuse(req, res, ZOHO_THRESHOLD);
        sim_respond_header(res, "Retry-After", "%lld", (long long)((day + DAY_MS - local_ms + 999) / 1000));
        return false;
    }
    zoho->credits_used += credits;
    zoho->credits_total += credits;
    return true;
}

static bool check_limits(struct sim_request *req, struct sim_response *res, int credits)
{
    int64_t concurrency = sim_knob_int(req->service, DESK_CONCURRENCY_MAX);
    if (concurrency > 0 && (int64_t)req->in_flight > concurrency) {
        int64_t retry_after_s = sim_knob_int(req->service, DESK_CONCURRENCY_RETRY_AFTER_S);
        zoho_refuse(req, res, ZOHO_TOO_MANY);
        if (retry_after_s > 0)
            sim_respond_header(res, "Retry-After", "%lld", (long long)retry_after_s);
        return false;
    }
    return take_credits(req, res, credits);
}

/* A path that has no rows of this method: unknown, or known with another verb. */
static void refuse_route(struct sim_request *req, struct sim_response *res, bool is_path_known)
{
    if (is_path_known) {
        zoho_refuse(req, res, ZOHO_METHOD);
        return;
    }
    sim_violation(req, "404 unknown path");
    zoho_refuse(req, res, ZOHO_NOT_FOUND);
}

static void serve(struct sim_request *req, struct sim_response *res, const struct zoho_token *token,
                  int *ret_credits)
{
    bool is_path_known;
    const struct sim_route *route = sim_route(req, routes, &is_path_known);
    *ret_credits = route ? rights[route - routes].credits : 1;
    if (!check_org(req, res, token))
        return;
    if (route && !check_scopes(token, rights[route - routes].scopes)) {
        zoho_refuse(req, res, ZOHO_SCOPE_MISMATCH);
        return;
    }
    if (!check_limits(req, res, *ret_credits))
        return;
    if (route)
        route->handle(req, res);
    else
        refuse_route(req, res, is_path_known);
}

static void handle(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    const struct zoho_token *token = NULL;
    int credits = 0;
    if (strcmp(req->path, "/.well-known/jwks.json") == 0 && strcmp(req->method, "GET") == 0) {
        sim_respond_json(res, 200, zoho_jwt_keys(zoho));
        return;
    }
    if (!sim_header(req, "Authorization")) {
        zoho_refuse(req, res, ZOHO_UNAUTHORIZED);
    } else {
        token = token_of(req);
        if (token)
            serve(req, res, token, &credits);
        else
            zoho_refuse(req, res, ZOHO_INVALID_OAUTH);
    }
    int64_t limit = sim_knob_int(req->service, DESK_CREDITS_PER_DAY);
    zoho_headers(req, res, limit > 0 ? limit - zoho->credits_used : 100000, credits);
    zoho_finish(req, res);
}

static int start(struct sim_service *service, struct sim_error *err)
{
    struct zoho *zoho = sim_calloc(1, sizeof(*zoho));
    (void)err;
    zoho->desk = service;
    service->state = zoho;
    zoho_portal_start(zoho);
    return 0;
}

static void stop(struct sim_service *service)
{
    struct zoho *zoho = service->state;
    if (!zoho)
        return;
    zoho_portal_free(zoho);
    zoho_tokens_free(zoho);
    free(zoho);
}

static void reset(struct sim_service *service)
{
    zoho_hooks_reset(service->state);
    zoho_portal_reset(service->state);
}

static void env(struct sim_service *service, struct sim_env *out)
{
    const struct zoho *zoho = service->state;
    const struct zoho_department *department = zoho->departments.items[0];
    sim_env_put(out, "ZOHO_DESK_ENABLED", "true");
    sim_env_put(out, "ZOHO_DESK_ORG_ID", zoho->org_id);
    sim_env_put(out, "ZOHO_DESK_DEPARTMENT_ID", department->id);
}

static void show_tickets(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, zoho_report_tickets(zoho_of(req)));
}

/* POST {"id":"..."}: the spam filter takes a ticket, so that search no longer finds it. */
static void mark_spam(struct sim_request *req, struct sim_response *res)
{
    json_t *body = json_loadb(req->body, req->body_size, 0, NULL);
    struct zoho_ticket *ticket =
        (struct zoho_ticket *)zoho_find(zoho_of(req), ZOHO_TICKET, zoho_text_of(body, "id"));
    if (ticket)
        ticket->is_spam = true;
    json_decref(body);
    sim_respond_empty(res, ticket ? 204 : 404);
}

static void show_contacts(struct sim_request *req, struct sim_response *res)
{
    sim_respond_json(res, 200, zoho_report_contacts(zoho_of(req)));
}

/* POST {"id":"...", "trashed":true} or {"id":"...", "merged_into":"..."} or {"id":"...", "department_id":"..."}: what people
 * do to a contact. */
static void change_contact(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    json_t *body = json_loadb(req->body, req->body_size, 0, NULL);
    struct zoho_contact *contact =
        (struct zoho_contact *)zoho_find(zoho, ZOHO_CONTACT, zoho_text_of(body, "id"));
    const char *into = zoho_text_of(body, "merged_into");
    const char *department = zoho_text_of(body, "department_id");
    struct zoho_contact *survivor = (struct zoho_contact *)zoho_find(zoho, ZOHO_CONTACT, into);
    bool is_known = contact && (!into || (survivor && survivor != contact));
    if (is_known && json_object_get(body, "trashed"))
        contact->is_trashed = json_is_true(json_object_get(body, "trashed"));
    if (is_known && survivor)
        zoho_contact_merge(contact, survivor);
    if (is_known && department) {
        free(contact->department_id);
        contact->department_id = sim_strdup(department);
    }
    json_decref(body);
    sim_respond_empty(res, is_known ? 204 : 404);
}

static const struct sim_route control[] = {
    { "GET", "/tickets", show_tickets },
    { "GET", "/contacts", show_contacts },
    { "POST", "/contacts", change_contact },
    { "POST", "/spam", mark_spam },
    { NULL, NULL, NULL },
};

const struct sim_service_def sim_desk = {
    .name = "desk",
    .url_env = "ZOHO_DESK_API_DOMAIN",
    .knobs = knobs,
    .knob_count = DESK_KNOBS,
    .handle = handle,
    .control = control,
    .start = start,
    .stop = stop,
    .reset = reset,
    .load = zoho_load_desk,
    .report = zoho_report_desk,
    .env = env,
};
