/* Answers in the two languages of the API, errors, and everything that is checked before the answer. */
#include "exotel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wants_json(const struct sim_request *req)
{
    size_t length = strlen(req->path);
    return length >= 5 && strcmp(req->path + length - 5, ".json") == 0;
}

/* ---- XML ---- */

static void write_xml_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
        if (entity)
            fputs(entity, out);
        else
            fputc(*text, out);
    }
}

/* Members become elements; the members of an array become elements of the singular ("Calls" holds "Call"),
 * except those that bring their own name ("Legs" holds {"Leg": ...}). */
static void write_xml(FILE *out, const char *name, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;
    fprintf(out, "<%s>", name);
    if (json_is_string(value))
        write_xml_text(out, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", out);
    json_object_foreach ((json_t *)value, key, member) {
        write_xml(out, key, member);
    }
    json_array_foreach (value, index, member) {
        const char *own_name =
            json_object_size(member) == 1 ? json_object_iter_key(json_object_iter(member)) : NULL;
        if (own_name)
            write_xml(out, own_name, json_object_get(member, own_name));
        else
            write_xml(out, "Call", member);
    }
    fprintf(out, "</%s>", name);
}

static void respond_xml(struct sim_response *res, unsigned status, const json_t *body)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    const char *key;
    json_t *member;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?><TwilioResponse>", out);
    json_object_foreach ((json_t *)body, key, member) {
        write_xml(out, key, member);
    }
    fputs("</TwilioResponse>", out);
    if (fclose(out) == 0)
        sim_respond_buffer(res, status, "application/xml", text, size);
    else
        free(text);
}

void exo_respond(struct sim_request *req, struct sim_response *res, unsigned status, json_t *body)
{
    if (wants_json(req)) {
        sim_respond_json(res, status, body);
        return;
    }
    respond_xml(res, status, body);
    json_decref(body);
}

void exo_respond_error(struct sim_request *req, struct sim_response *res, unsigned status,
                       const char *message, int code)
{
    json_t *exception = json_pack("{s:i, s:s}", "Status", (int)status, "Message", message);
    if (code)
        json_object_set_new(exception, "Code", json_integer(code));
    exo_respond(req, res, status, json_pack("{s:o}", "RestException", exception));
}

void exo_respond_ccm_error(struct sim_request *req, struct sim_response *res, unsigned status, int code,
                           const char *message)
{
    json_t *error = json_pack("{s:i, s:s?, s:s?}", "code", code, "message", message, "description", message);
    sim_respond_json(res, status,
                     json_pack("{s:o, s:s, s:i, s:{s:i, s:o, s:s, s:n}}", "request_id",
                               json_sprintf("req-demo-%" PRIu64, req->serial), "method", req->method,
                               "http_code", (int)status, "response", "code", (int)status, "error_data", error,
                               "status", "failure", "data"));
}

/* ---- limits ---- */

/* A sliding window of one minute: true, and noted, when fewer than `limit` requests were let through in it.
 */
static bool take_from_window(int64_t **recent_ms, size_t *size, size_t *next, int64_t limit, int64_t now_ms)
{
    if (limit <= 0)
        return true;
    if (*size != (size_t)limit) {
        free(*recent_ms);
        *recent_ms = sim_malloc((size_t)limit * sizeof(**recent_ms));
        *size = (size_t)limit;
        *next = 0;
        for (size_t i = 0; i < *size; i++)
            (*recent_ms)[i] = INT64_MIN / 2;
    }
    if (now_ms - (*recent_ms)[*next] < 60000)
        return false;
    (*recent_ms)[*next] = now_ms;
    *next = (*next + 1) % *size;
    return true;
}

static void respond_too_many(struct sim_request *req, struct sim_response *res)
{
    const struct sim_service *service = req->service;
    if (sim_knob_is(service, EXO_RATE_BODY, "empty"))
        sim_respond_empty(res, 429);
    else if (sim_knob_is(service, EXO_RATE_BODY, "html"))
        sim_respond_text(res, 429, "text/html", "<html><body><h1>429 Too Many Requests</h1></body></html>");
    else if (sim_knob_is(service, EXO_RATE_BODY, "documented"))
        exo_respond(req, res, 429,
                    json_pack("{s:{s:i, s:s, s:s}}", "RestException", "Status", 429, "Message",
                              "Rate limit exceeded. Try again in 30 seconds.", "Code",
                              "RATE_LIMIT_EXCEEDED"));
    else
        exo_respond_error(req, res, 429, "Too Many Requests", 0);
    int64_t after_s = sim_knob_int(service, EXO_RATE_RETRY_AFTER_S);
    if (after_s > 0)
        sim_respond_header(res, "Retry-After", "%" PRId64, after_s);
}

/* ---- admission ---- */

/* Whether the request carries the credentials of any account. */
static bool has_credentials(struct sim_request *req, const struct exotel *exotel,
                            const struct exo_account *account)
{
    const char *user, *password;
    if (!sim_basic_auth(req, &user, &password))
        return false;
    for (size_t i = 0; i < exotel->account_count; i++) {
        const struct exo_account *own = &exotel->accounts[i];
        if ((!account || own == account) && strcmp(own->api_key, user) == 0 &&
            strcmp(own->api_token, password) == 0)
            return true;
    }
    return false;
}

static void respond_unauthorized(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    exotel->unauthorized++;
    if (sim_knob_is(req->service, EXO_AUTH_BODY, "empty"))
        sim_respond_empty(res, 401);
    else if (sim_knob_is(req->service, EXO_AUTH_BODY, "documented"))
        exo_respond_error(req, res, 401, "Authentication failed. Check your API key and token.", 0);
    else
        exo_respond_error(req, res, 401, "Authentication failed", 0);
    sim_respond_header(res, "WWW-Authenticate", "Basic realm=\"Exotel\"");
}

/* The account of the path whose credentials came along. An account that does not exist gets the same 401, so
 * that nobody learns which names exist. */
static struct exo_account *check_account(struct sim_request *req, bool *ret_is_unknown)
{
    struct exotel *exotel = req->service->state;
    struct exo_account *account = exo_find_account(exotel, sim_param(req, "account"));
    *ret_is_unknown = !account;
    return has_credentials(req, exotel, account) ? account : NULL;
}

struct exo_account *exo_admit(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    bool is_unknown;
    if (sim_knob_is(req->service, EXO_ACCESS, "ip_blocked")) {
        exo_respond_error(req, res, 403, "Access denied from this IP", 0);
        return NULL;
    }
    struct exo_account *account = check_account(req, &is_unknown);
    if (!account) {
        if (is_unknown && sim_knob_is(req->service, EXO_UNKNOWN_ACCOUNT, "404"))
            exo_respond_error(req, res, 404, "Not Found", 0);
        else
            respond_unauthorized(req, res);
        return NULL;
    }
    if (sim_knob_is(req->service, EXO_ACCESS, "not_in_plan")) {
        exo_respond_error(req, res, 402, "This feature is not part of your plan", 0);
        return NULL;
    }
    if (!take_from_window(&account->recent_ms, &account->recent_size, &account->recent_next,
                          sim_knob_int(req->service, EXO_RATE_PER_MINUTE), req->now_ms)) {
        exotel->rate_limited++;
        respond_too_many(req, res);
        return NULL;
    }
    return account;
}

/* The account behind the credentials, as far as the newer APIs let it in. NULL when it has answered. Nobody has written
 * down the codes of 402 and 403. */
static struct exo_account *let_in_ccm(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    bool is_unknown;
    if (sim_knob_is(req->service, EXO_ACCESS, "ip_blocked")) {
        exo_respond_ccm_error(req, res, 403, 403, "Access denied from this IP");
        return NULL;
    }
    struct exo_account *account = check_account(req, &is_unknown);
    if (!account && is_unknown && sim_knob_is(req->service, EXO_UNKNOWN_ACCOUNT, "404")) {
        exo_respond_ccm_error(req, res, 404, 1017, "Tenant not found");
        return NULL;
    }
    if (!account) {
        exotel->unauthorized++;
        exo_respond_ccm_error(req, res, 401, 1010, "Authorization failed");
        sim_respond_header(res, "WWW-Authenticate", "Basic realm=\"Exotel\"");
        return NULL;
    }
    if (!sim_knob_is(req->service, EXO_ACCESS, "not_in_plan"))
        return account;
    exo_respond_ccm_error(req, res, 402, 402, "This feature is not part of your plan");
    return NULL;
}

static void respond_too_many_ccm(struct sim_request *req, struct sim_response *res, bool is_legs)
{
    if (is_legs && sim_knob_is(req->service, EXO_LEGS_RATE_BODY, "worded"))
        sim_respond_json(res, 429,
                         json_pack("{s:o, s:i, s:{s:{s:s, s:s}}}", "request_id",
                                   json_sprintf("req-demo-%" PRIu64, req->serial), "http_code", 429,
                                   "response", "error", "code", "rate_limit_exceeded", "message",
                                   "Rate limit exceeded. Please retry after some time."));
    else
        exo_respond_ccm_error(req, res, 429, 10724, NULL);
}

struct exo_account *exo_admit_ccm(struct sim_request *req, struct sim_response *res, bool is_legs)
{
    struct exotel *exotel = req->service->state;
    struct exo_account *account = let_in_ccm(req, res);
    if (!account)
        return NULL;
    bool is_let_in = is_legs
                         ? take_from_window(&account->recent_legs_ms, &account->recent_legs_size,
                                            &account->recent_legs_next,
                                            sim_knob_int(req->service, EXO_LEGS_PER_MINUTE), req->now_ms)
                         : take_from_window(&account->recent_ms, &account->recent_size, &account->recent_next,
                                            sim_knob_int(req->service, EXO_RATE_PER_MINUTE), req->now_ms);
    if (is_let_in)
        return account;
    exotel->rate_limited++;
    respond_too_many_ccm(req, res, is_legs);
    return NULL;
}
