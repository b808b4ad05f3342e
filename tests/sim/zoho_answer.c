/* Desk's answers: headers, error bodies and texts, and how a body travels. */
#include "zoho.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char answer_type[] = "application/json;charset=UTF-8";

/* `other` is the text of the OpenAPI description or another one that was seen. */
static const struct {
    unsigned status;
    const char *code, *text, *other;
    bool is_violation;
} refusals[ZOHO_ERRORS] = {
    [ZOHO_UNAUTHORIZED] = { 401, "UNAUTHORIZED", "You are not authenticated to perform this operation.",
                            "You are not authorized to perform this operation.", true },
    [ZOHO_INVALID_OAUTH] = { 401, "INVALID_OAUTH", "The OAuth Token you provided is invalid.",
                             "The OauthToken is invalid or has expired.", false },
    [ZOHO_SCOPE_MISMATCH] = { 403, "SCOPE_MISMATCH",
                              "The OAuth Token does not contain the scope to perform this operation.", NULL,
                              false },
    [ZOHO_ORG_MISMATCH] = { 403, "OAUTH_ORG_MISMATCH",
                            "The OAuthToken is not valid for specified organization", NULL, false },
    [ZOHO_FORBIDDEN] = { 403, "FORBIDDEN", "You are not authorized to access this resource.", NULL, false },
    [ZOHO_NOT_FOUND] = { 404, "URL_NOT_FOUND", "The URL you requested could not be found.", NULL, false },
    [ZOHO_METHOD] = { 405, "METHOD_NOT_ALLOWED", "The method is not allowed for this URL.", NULL, true },
    [ZOHO_TOO_LARGE] = { 413, "RESOURCE_SIZE_EXCEEDED", "The resource is larger than the limit.", NULL,
                         true },
    [ZOHO_MEDIA_TYPE] = { 415, "UNSUPPORTED_MEDIA_TYPE", "The media type is not supported.", NULL, true },
    [ZOHO_EMPTY_PAYLOAD] = { 422, "EMPTY_PAYLOAD", "The payload is empty.", NULL, true },
    [ZOHO_TOO_MANY] = { 429, "TOO_MANY_REQUESTS",
                        "The maximum number of Concurrent API Calls that can be made has been exceeded.",
                        NULL, false },
    [ZOHO_THRESHOLD] = { 429, "THRESHOLD_EXCEEDED", "The API credits of the day are used up.", NULL, false },
};

char *zoho_time(int64_t now_ms, char text[40])
{
    return sim_time_text(now_ms, 0, "%Y-%m-%dT%H:%M:%S.000Z", text, 40);
}

static void respond(struct sim_request *req, struct sim_response *res, unsigned status, json_t *body)
{
    bool is_sorted = sim_knob_bool(req->service, DESK_REORDER_KEYS);
    char *text = json_dumps(body, JSON_COMPACT | (is_sorted ? JSON_SORT_KEYS : 0));
    json_decref(body);
    if (!text)
        text = sim_strdup("{}");
    sim_respond_buffer(res, status, answer_type, text, strlen(text));
}

void zoho_answer(struct sim_request *req, struct sim_response *res, json_t *body)
{
    if (sim_knob_bool(req->service, DESK_EXTRA_FIELDS))
        (void)json_object_set_new(body, "fieldOfTomorrow",
                                  json_pack("{s:[i,n], s:s}", "list", 1, "text", "\xc3\xa9"));
    respond(req, res, 200, body);
}

void zoho_answer_list(struct sim_request *req, struct sim_response *res, json_t *rows, int64_t count)
{
    if (json_array_size(rows) == 0) {
        json_decref(rows);
        zoho_answer_empty(req, res, 204);
        return;
    }
    json_t *body = json_pack("{s:o}", "data", rows);
    if (count >= 0)
        (void)json_object_set_new(body, "count", json_integer(count));
    zoho_answer(req, res, body);
}

void zoho_answer_empty(struct sim_request *req, struct sim_response *res, unsigned status)
{
    sim_respond_empty(res, status);
    if (sim_knob_bool(req->service, DESK_EMPTY_HAS_TYPE))
        sim_respond_type(res, answer_type);
}

static const char *word(const struct sim_request *req, const char *text, const char *other)
{
    if (sim_knob_is(req->service, DESK_ERROR_TEXT, "openapi"))
        return other ? other : text;
    return sim_knob_is(req->service, DESK_ERROR_TEXT, "other") ? "Something about this request is not right."
                                                               : text;
}

void zoho_refuse(struct sim_request *req, struct sim_response *res, enum zoho_error error)
{
    unsigned status = refusals[error].status;
    const char *text = word(req, refusals[error].text, refusals[error].other);
    if (error == ZOHO_EMPTY_PAYLOAD)
        status = sim_knob_is(req->service, DESK_EMPTY_STATUS, "400") ? 400 : 422;
    if (refusals[error].is_violation)
        sim_violation(req, "%u %s", status, refusals[error].code);
    respond(req, res, status, json_pack("{s:s, s:s}", "errorCode", refusals[error].code, "message", text));
}

void zoho_refuse_text(struct sim_request *req, struct sim_response *res, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim_violation(req, "422 UNPROCESSABLE_ENTITY %s", text);
    json_t *message = json_string(word(req, text, NULL));
    respond(req, res, 422,
            json_pack("{s:s, s:o}", "errorCode", "UNPROCESSABLE_ENTITY", "message",
                      message ? message : json_string("The value passed is invalid.")));
}

void zoho_add_error(json_t *errors, const char *field, const char *type)
{
    json_t *name = json_string(field);
    (void)json_array_append_new(errors,
                                json_pack("{s:o, s:s, s:s}", "fieldName", name ? name : json_string("/"),
                                          "errorType", type, "errorMessage", ""));
}

void zoho_refuse_data(struct sim_request *req, struct sim_response *res, json_t *errors, bool by_portal)
{
    if (!by_portal) {
        char *text = json_dumps(errors, JSON_COMPACT);
        sim_violation(req, "422 INVALID_DATA %.200s", text ? text : "");
        free(text);
    }
    const char *text = word(req, "The data is invalid due to validation restrictions",
                            "The data does not comply to the validation restrictions defined.");
    respond(req, res, 422,
            json_pack("{s:s, s:s, s:o}", "errorCode", "INVALID_DATA", "message", text, "errors", errors));
}

void zoho_headers(struct sim_request *req, struct sim_response *res, int64_t remaining, int weight)
{
    sim_respond_header(res, "Server", "ZGS");
    sim_respond_header(res, "Content-Disposition", "attachment;");
    sim_respond_header(res, "Cache-Control", "private,no-cache,no-store,max-age=0,must-revalidate");
    sim_respond_header(res, "Pragma", "no-cache");
    sim_respond_header(res, "Expires", "Thu, 01 Jan 1970 00:00:00 GMT");
    sim_respond_header(res, "Content-Security-Policy", "default-src 'none' ;script-src 'none' ;");
    sim_respond_header(res, "Set-Cookie", "zalb_0123456789=%08x; Path=/; Secure; HttpOnly",
                       (unsigned)req->serial);
    sim_respond_header(res, "Set-Cookie", "crmcsr=0000-demo; Path=/; Secure");
    sim_respond_header(res, "Set-Cookie", "zd_group_name=demo; Path=/; Secure; HttpOnly");
    if (weight == 0)
        return;
    sim_respond_header(res, "X-Rate-Limit-Remaining-v3", "%lld", (long long)(remaining > 0 ? remaining : 0));
    sim_respond_header(res, "X-Rate-Limit-Request-Weight-v3", "%d", weight);
}

void zoho_ticket_headers(struct sim_response *res)
{
    sim_respond_header(res, "isassignmentruleapplied", "false");
    sim_respond_header(res, "isslaapplied", "false");
    sim_respond_header(res, "iswfruleapplied", "false");
}

void zoho_finish(struct sim_request *req, struct sim_response *res)
{
    enum { GZIP_FROM = 2200, CHUNKED_FROM = 1000 };
    size_t size = sim_response_size(res);
    if (size >= GZIP_FROM && sim_knob_bool(req->service, DESK_GZIP)) {
        sim_respond_header(res, "Vary", "accept-encoding");
        sim_respond_gzip(res);
    }
    bool is_chunked = sim_knob_is(req->service, DESK_TRANSFER, "chunked") ||
                      (size >= CHUNKED_FROM && sim_knob_is(req->service, DESK_TRANSFER, "auto"));
    if (is_chunked && size > 0)
        sim_respond_chunked(res);
}
