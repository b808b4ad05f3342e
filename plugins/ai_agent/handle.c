/* The routes for escalations: taking one, telling how one stands, taking one through a script. */
#include "ai_agent.h"

#include <string.h>
#include <strings.h>

enum { WAIT_TEXT_MAX = 16 };

/* ---- what callers ask for besides ---------------------------------------------------------------------- */

bool agent_has_json(const struct sb_exchange *x)
{
    const char *type = sb_in_header(x, "Content-Type");
    size_t size = type ? strcspn(type, "; \t") : 0;

    if (size == strlen("application/json") && strncasecmp(type, "application/json", size) == 0)
        return true;
    return size > strlen("+json") && strncasecmp(type, "application/", 12) == 0 &&
           strncasecmp(type + size - strlen("+json"), "+json", strlen("+json")) == 0;
}

/* "10s", "10", "1500ms", "1m" to ms; -1 for anything else. */
static int64_t read_wait(const char *text)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", INT64_C(60) * 1000 } };
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6)
        return -1;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text + digits, units[i].unit) == 0)
            return number * units[i].ms;
    return -1;
}

/* The wait among the preferences of RFC 7240: "respond-async, wait=10". 0 when there is none that can be read. */
static int64_t read_prefer(struct sb_exchange *x, const char *prefer)
{
    while (prefer && *prefer) {
        prefer += strspn(prefer, " \t,;");
        size_t size = strcspn(prefer, ",;");
        if (strncasecmp(prefer, "wait=", 5) == 0 && size < WAIT_TEXT_MAX) {
            int64_t ms = read_wait(sb_strndup(x, prefer + 5, size - 5));
            return ms > 0 ? ms : 0;
        }
        prefer += size;
    }
    return 0;
}

/* How long the caller wants to wait, at most as long as the option allows. -1: it cannot be read. */
static int64_t wanted_wait(struct sb_exchange *x)
{
    const char *query = sb_in_query(x, "wait");
    int64_t ms = query ? read_wait(query) : read_prefer(x, sb_in_header(x, "Prefer"));
    int64_t most = sb_option_int(x, "wait_max");

    return ms > most ? most : ms;
}

static enum sb_verdict refuse(struct sb_exchange *x, int status, const char *code, const char *message)
{
    sb_reply_json(x, status, agent_error(code, message));
    return sb_reject(x, "%s", code);
}

static enum sb_verdict refuse_wait(struct sb_exchange *x)
{
    return refuse(x, 400, "bad_wait", "'wait' is no time; right would be wait=10s");
}

/* ---- answers ------------------------------------------------------------------------------------------- */

/* In the rounds behind the first one. */
static enum sb_verdict reply(struct sb_exchange *x, bool is_question)
{
    json_t *body = NULL;
    int status = 0;

    if (agent_answer(x, is_question, &status, &body) == SB_AGAIN)
        return SB_AGAIN;
    if (status == 201 || status == 202)
        sb_reply_header(x, "Location", sb_json_str(body, "location"));
    if (!sb_in_query(x, "wait") && read_prefer(x, sb_in_header(x, "Prefer")) > 0)
        sb_reply_header(x, "Preference-Applied",
                        sb_printf(x, "wait=%lld", (long long)(wanted_wait(x) / 1000)));
    sb_reply_json(x, status, body);
    return SB_OK;
}

static enum sb_verdict take(struct sb_exchange *x, const json_t *body, int64_t wait_ms)
{
    struct agent_checked checked;

    agent_check(x, body, /* needs_id= */ true, &checked);
    if (json_array_size(checked.errors) == 0)
        return agent_emit(x, &checked, wait_ms);
    sb_reply_json(x, 422, agent_mistakes(checked.errors));
    return sb_reject(x, "invalid");
}

/* What was posted, and how long its caller wants to wait. NULL: it was refused, with *ret_verdict. */
static const json_t *read_post(struct sb_exchange *x, int64_t *ret_wait_ms, enum sb_verdict *ret_verdict)
{
    struct sb_error err = SB_ERROR_INIT;

    if (!agent_has_json(x)) {
        *ret_verdict = refuse(x, 415, "not_json", "the content must be application/json");
        return NULL;
    }
    *ret_wait_ms = wanted_wait(x);
    if (*ret_wait_ms < 0) {
        *ret_verdict = refuse_wait(x);
        return NULL;
    }
    const json_t *body = sb_in_json(x, &err);
    if (!body)
        *ret_verdict = refuse(x, 400, "not_json", sb_printf(x, "the body is not JSON: %s", err.text));
    return body;
}

enum sb_verdict agent_handle_post(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_REJECT;
    int64_t wait_ms = 0;

    if (sb_known(x))
        return reply(x, /* is_question= */ false);
    const json_t *body = read_post(x, &wait_ms, &verdict);
    return body ? take(x, body, wait_ms) : verdict;
}

enum sb_verdict agent_handle_get(struct sb_exchange *x)
{
    const char *id = sb_in_path(x, "id");
    int64_t wait_ms = wanted_wait(x);

    if (sb_known(x))
        return reply(x, /* is_question= */ true);
    if (wait_ms < 0)
        return refuse_wait(x);
    sb_await(x, sb_in_caller(x), id, 0, json_pack("{s:s, s:I}", "id", id, "wait_ms", (json_int_t)wait_ms));
    return SB_AGAIN;
}

/* ---- through a script ---------------------------------------------------------------------------------- */

/* What the script says about the call, in words for whoever sent it. */
static enum sb_verdict refuse_by_script(struct sb_exchange *x, const json_t *found)
{
    const char *why = sb_json_str(found, "error");

    sb_reply_json(
        x, 422,
        agent_error("not_an_escalation", why ? why : "the adapter script makes no escalation of this"));
    return sb_reject(x, "the adapter script made no escalation of it");
}

static enum sb_verdict adapt(struct sb_exchange *x, int64_t wait_ms)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *found = NULL;
    json_t *call = sb_keep(
        x, json_pack("{s:s, s:O}", "from", sb_utf8(x, sb_in_path(x, "name")), "headers", sb_in_headers(x)));

    if (sb_script_call(x, "adapter", "escalation", call, &found, &err) < 0)
        return sb_script_failed(x, &err);
    (void)sb_keep(x, found);
    if (!json_is_object(found) || json_object_get(found, "error"))
        return refuse_by_script(x, found);
    return take(x, found, wait_ms);
}

enum sb_verdict agent_handle_adapted(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_REJECT;
    int64_t wait_ms = 0;

    if (sb_known(x))
        return reply(x, /* is_question= */ false);
    if (!sb_option_is_set(x, "adapter"))
        return refuse(x, 404, "no_adapter", "no adapter script is set");
    const json_t *body = read_post(x, &wait_ms, &verdict);
    if (!body)
        return verdict;
    if (!json_is_object(body))
        return refuse(x, 422, "not_an_escalation", "the body must be an object");
    return adapt(x, wait_ms);
}
