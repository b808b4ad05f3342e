/* Requests to Zoho Desk, and what its refusals mean. Decided by status and errorCode, never by the message.
 */
#include "desk.h"

#include <string.h>

enum {
    SCOPE_PAUSE_MS = 15 * 60 * 1000,   /* a person has to act: look again four times an hour */
    CREDITS_PAUSE_MS = 60 * 60 * 1000, /* daily credits without a Retry-After */
    CREDITS_PAUSE_MAX_MS = 24 * 3600 * 1000,
    CONCURRENCY_PAUSE_MS = 2000, /* too many calls at once: no Retry-After is promised */
    FIELDS_MAX = 8,              /* fields of a 422 that are named */
    MESSAGE_MAX = 160
};

void desk_request(struct sb_exchange *x, const char *method, const char *path, const char *org_id)
{
    static const char prefix[] = "/api/v1";
    const char *base = sb_option_str(x, "base_url");
    const char *found = strstr(base, prefix);

    sb_request(x, method, base);
    /* People also give the base with the prefix. */
    if (!found || strspn(found + sizeof(prefix) - 1, "/") != strlen(found + sizeof(prefix) - 1))
        sb_paths(x, prefix);
    sb_paths(x, path);
    sb_header(x, "orgId", org_id);
}

bool desk_is_good(const struct sb_exchange *x)
{
    int status = sb_http_status(x);
    return status == 200 || status == 201;
}

bool desk_items(const struct sb_exchange *x, const json_t **ret_items)
{
    if (sb_http_status(x) == 204) {
        *ret_items = NULL;
        return true;
    }
    const json_t *items = desk_is_good(x) ? json_object_get(sb_http_json(x), "data") : NULL;
    if (!json_is_array(items))
        return false;
    *ret_items = json_array_size(items) ? items : NULL;
    return true;
}

bool desk_blames(const struct sb_exchange *x, const char *field, const char *type)
{
    const json_t *errors = json_object_get(sb_http_json(x), "errors");
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *item = json_array_get(errors, i);
        const char *name = sb_json_str(item, "fieldName");
        const char *kind = sb_json_str(item, "errorType");
        if (name && strcmp(name, field) == 0 && (!type || (kind && strcmp(kind, type) == 0)))
            return true;
    }
    return false;
}

/* "/departmentId is invalid, /subject is missing", or "" when the answer names no field. */
static const char *blamed_fields(struct sb_exchange *x)
{
    const json_t *errors = json_object_get(sb_http_json(x), "errors");
    struct desk_text text = { 0 };
    desk_add(x, &text, "");
    for (size_t i = 0; i < json_array_size(errors) && i < FIELDS_MAX; i++) {
        const char *name = sb_json_str(json_array_get(errors, i), "fieldName");
        const char *kind = sb_json_str(json_array_get(errors, i), "errorType");
        desk_add(x, &text, i ? ", " : "");
        desk_add(x, &text, name ? name : "?");
        desk_add(x, &text, " is ");
        desk_add(x, &text, kind ? kind : "wrong");
    }
    return text.at;
}

static enum sb_verdict refused_data(struct sb_exchange *x, const char *doing, const char *code)
{
    const char *fields = blamed_fields(x);
    if (*fields)
        return sb_reject(x, "cannot %s: %s: %s", doing, code, fields);

    /* Without fields only the message tells: "An extra parameter 'x' is found". It names parameters, not
     * values. */
    const char *message = sb_json_str(sb_http_json(x), "message");
    return sb_reject(x, "cannot %s: %s: %s", doing, code,
                     message ? sb_cut(x, message, MESSAGE_MAX) : "no reason given");
}

static enum sb_verdict refused_access(struct sb_exchange *x, const char *doing, const char *code,
                                      const char *scopes)
{
    if (strcmp(code, "SCOPE_MISMATCH") == 0)
        return sb_suspend(
            x, SCOPE_PAUSE_MS,
            "cannot %s: the refresh token lacks a scope; make a new one with %s ('switchboard login zoho' "
            "asks for all that is needed)",
            doing, scopes);
    if (strcmp(code, "OAUTH_ORG_MISMATCH") == 0)
        return sb_suspend(
            x, SCOPE_PAUSE_MS,
            "cannot %s: the token belongs to another organization than org_id '%s'; correct org_id "
            "(ZOHO_DESK_ORG_ID), or make a refresh token for that portal",
            doing, sb_option_str(x, "org_id"));
    if (strcmp(code, "LICENSE_ACCESS_LIMITED") == 0)
        return sb_suspend(x, SCOPE_PAUSE_MS, "cannot %s: this edition of Zoho Desk does not allow it", doing);
    return sb_suspend(
        x, SCOPE_PAUSE_MS,
        "cannot %s: the Zoho agent who made the refresh token may not do this (%s); give that agent's "
        "profile and department the right, or make the token as another agent",
        doing, code);
}

static enum sb_verdict refused_for_now(struct sb_exchange *x, const char *doing, const char *code)
{
    const char *text = sb_http_header(x, "Retry-After");
    int64_t wait_ms = 0;
    for (size_t i = 0; text && text[i] >= '0' && text[i] <= '9' && wait_ms < CREDITS_PAUSE_MAX_MS; i++)
        wait_ms = wait_ms * 10 + (int64_t)(text[i] - '0') * 1000;

    if (strcmp(code, "THRESHOLD_EXCEEDED") == 0) {
        if (wait_ms <= 0)
            wait_ms = CREDITS_PAUSE_MS;
        if (wait_ms > CREDITS_PAUSE_MAX_MS)
            wait_ms = CREDITS_PAUSE_MAX_MS;
        return sb_suspend(x, wait_ms, "cannot %s: the daily API credits of the organization are used up",
                          doing);
    }
    return sb_retry_in(x, wait_ms > CONCURRENCY_PAUSE_MS ? wait_ms : CONCURRENCY_PAUSE_MS,
                       "cannot %s: too many calls at once for this organization", doing);
}

enum sb_verdict desk_refused(struct sb_exchange *x, const char *doing, const char *scopes)
{
    int status = sb_http_status(x);
    const json_t *body = sb_http_json(x);
    const char *code = sb_json_str(body, "errorCode");
    if (!code)
        code = "no error code";

    if (status >= 200 && status < 300)
        return sb_retry(x, "cannot %s: the answer with status %d is not what Zoho Desk documents", doing,
                        status);
    if (status == 408 || status == 425 || status >= 500)
        return sb_retry(x, "cannot %s: Zoho Desk answered %d", doing, status);
    if (status == 429)
        return refused_for_now(x, doing, code);
    /* An HTML page instead of an error comes and goes; a real refusal is JSON. */
    if ((status == 401 || status == 403) && !body)
        return sb_retry(x, "cannot %s: Zoho Desk answered %d without a reason", doing, status);
    if (status == 401)
        return sb_suspend(
            x, SCOPE_PAUSE_MS,
            "cannot %s: a fresh access token is refused (%s); check that the refresh token comes from the "
            "data centre of base_url '%s'",
            doing, code, sb_option_str(x, "base_url"));
    if (status == 403 || strcmp(code, "LICENSE_ACCESS_LIMITED") == 0)
        return refused_access(x, doing, code, scopes);
    if (status == 422)
        return refused_data(x, doing, code);
    return sb_reject(x, "cannot %s: Zoho Desk answered %d (%s)", doing, status, code);
}
