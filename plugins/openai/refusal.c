/* What refusals mean: worth another try, a matter of this conversation, or of the whole account. Messages are
 * not repeated, for the service echoes parts of keys in them. */
#include "openai.h"

#include <string.h>

enum {
    ACCOUNT_PAUSE_MS = 15 * 60 * 1000, /* a person has to act: look again four times an hour */
    RETRY_AFTER_MAX_MS = 120 * 1000,   /* a longer wait is worse than another classifier */
    RETRY_AFTER_CEILING_MS = 24 * 3600 * 1000,
    WORD_MAX = 60
};

static const char *const quota_codes[] = {
    "insufficient_quota",           "credit_balance_exhausted",          "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
};

struct refusal {
    int status;
    const char *code; /* or the type when there is no code; "" neither */
    const char *type;
};

/* Codes are words; anything else in their place is not repeated. */
static const char *word_of(struct sb_exchange *x, const json_t *value)
{
    if (json_is_integer(value))
        return sb_printf(x, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    const char *text = json_string_value(value);
    size_t size =
        text ? strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") : 0;
    return size && size <= WORD_MAX && text[size] == '\0' ? text : "";
}

/* {"error": {...}} as documented; {"error": "text"} and {"detail": ...} of compatible servers have no code.
 */
static struct refusal read_refusal(struct sb_exchange *x)
{
    const json_t *error = json_object_get(sb_http_json(x), "error");
    struct refusal refusal = { .status = sb_http_status(x), .code = "", .type = "" };
    if (json_is_object(error)) {
        refusal.type = word_of(x, json_object_get(error, "type"));
        refusal.code = word_of(x, json_object_get(error, "code"));
    }
    if (!*refusal.code)
        refusal.code = refusal.type;
    return refusal;
}

bool openai_has_error(const struct sb_exchange *x)
{
    const json_t *body = sb_http_json(x);
    const json_t *error = json_object_get(body, "error");
    return error && !json_is_null(error) && !json_object_get(body, "choices");
}

static bool is_quota(const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof(quota_codes) / sizeof(quota_codes[0]); i++)
        if (strcmp(refusal->code, quota_codes[i]) == 0 || strcmp(refusal->type, quota_codes[i]) == 0)
            return true;
    return false;
}

/* ---- how long to wait ---------------------------------------------------------------------------------- */

/* Digits, with a fraction that is dropped; -1 when it is no number. */
static int64_t number_of(const char *text)
{
    int64_t number = 0;
    size_t size = strspn(text, "0123456789");
    if (size == 0 || size > 9 || (text[size] != '\0' && text[size] != '.'))
        return -1;
    for (size_t i = 0; i < size; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

/* "Sat, 21 Nov 2026 10:00:00 GMT" in ms since 1970, or -1. */
static int64_t date_of(struct sb_exchange *x, const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *comma = strchr(text, ',');
    if (!comma || strlen(comma) < strlen(", 21 Nov 2026 10:00:00"))
        return -1;
    const char *day = comma + 2;
    const char *month = strstr(months, sb_strndup(x, day + 3, 3));
    if (!month)
        return -1;
    return sb_parse_wall_time(
        sb_printf(x, "%.4s-%02d-%.2s %.8s", day + 7, (int)((month - months) / 3 + 1), day, day + 12), 0);
}

/* What the headers ask for in ms, the more exact one first; 0: nothing. The reset times of the rate limit
 * headers are not used: one of them is 0 although the other bucket is empty. */
static int64_t wait_of(struct sb_exchange *x)
{
    const char *exact = sb_http_header(x, "retry-after-ms");
    const char *coarse = sb_http_header(x, "retry-after");
    int64_t wait_ms = exact ? number_of(exact) : -1;
    if (wait_ms < 0 && coarse && number_of(coarse) >= 0)
        wait_ms = number_of(coarse) * 1000;
    else if (wait_ms < 0 && coarse && date_of(x, coarse) >= 0)
        wait_ms = date_of(x, coarse) - sb_now_ms(x);
    if (wait_ms < 0)
        wait_ms = 0;
    return wait_ms < RETRY_AFTER_CEILING_MS ? wait_ms : RETRY_AFTER_CEILING_MS;
}

/* ---- verdicts ------------------------------------------------------------------------------------------ */

static enum sb_verdict try_later(struct sb_exchange *x, const struct refusal *refusal)
{
    int64_t wait_ms = wait_of(x);
    if (wait_ms > RETRY_AFTER_MAX_MS)
        return sb_suspend(x, wait_ms, "the service asks to wait longer than %d s: HTTP %d %s",
                          RETRY_AFTER_MAX_MS / 1000, refusal->status, refusal->code);
    return sb_retry_in(x, wait_ms, "the service is busy: HTTP %d %s", refusal->status, refusal->code);
}

static enum sb_verdict refuse_account(struct sb_exchange *x, const struct refusal *refusal)
{
    if (is_quota(refusal))
        return sb_suspend(
            x, ACCOUNT_PAUSE_MS,
            "the account has no credit or has reached its limit (%s); add credit or raise the limit",
            refusal->code);
    if (refusal->status == 401)
        return sb_suspend(x, ACCOUNT_PAUSE_MS,
                          "the API key is refused (%s); correct api_key (OPENAI_API_KEY)",
                          *refusal->code ? refusal->code : "HTTP 401");
    if (refusal->status == 404)
        return sb_suspend(
            x, ACCOUNT_PAUSE_MS,
            "model '%s' or the address does not exist for this account (%s); correct model or base_url",
            sb_option_str(x, "model"), *refusal->code ? refusal->code : "HTTP 404");
    return sb_suspend(x, ACCOUNT_PAUSE_MS, "the API key may not use model '%s' (%s)",
                      sb_option_str(x, "model"), *refusal->code ? refusal->code : "HTTP 403");
}

/* The prompt is too long: half of the conversation may do. */
static enum sb_verdict ask_shorter(struct sb_exchange *x)
{
    if (sb_round(x) >= OPENAI_SHORTER_MAX)
        return sb_reject(
            x, "the conversation is too long for model '%s', even cut to an eighth of transcript_budget",
            sb_option_str(x, "model"));
    sb_note(x, "the conversation is too long for the model: asking again with half of the text");
    return sb_again(x, 0);
}

static bool is_passing(int status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

enum sb_verdict openai_refused(struct sb_exchange *x)
{
    struct refusal refusal = read_refusal(x);
    const char *hint = sb_http_header(x, "x-should-retry");

    if (strcmp(refusal.code, "context_length_exceeded") == 0)
        return ask_shorter(x);
    if (is_quota(&refusal) || refusal.status == 401 || refusal.status == 403 || refusal.status == 404)
        return refuse_account(x, &refusal);

    bool is_worth_it = is_passing(refusal.status) || strcmp(refusal.code, "rate_limit_exceeded") == 0;
    if (hint && strcmp(hint, "true") == 0)
        is_worth_it = true;
    else if (hint && strcmp(hint, "false") == 0)
        is_worth_it = false;
    if (is_worth_it)
        return try_later(x, &refusal);
    return sb_reject(x, "the request is refused: HTTP %d %s", refusal.status, refusal.code);
}
