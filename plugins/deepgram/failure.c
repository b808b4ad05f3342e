/* Deepgram's refusals, in four classes: this recording cannot be done, the configuration is wrong, no credit
 * is left, later. Errors come in two shapes, {"err_code", "err_msg"} and {"category", "message", "details"};
 * in one place the code is called error_code, and a bare text is allowed too. */
#include <string.h>

#include "deepgram.h"

enum { MESSAGE_CHARS = 200 };

#define PAUSE_CONFIG_MS INT64_C(600000)
#define PAUSE_MONEY_MS  INT64_C(3600000)

static const char *first_text(const json_t *object, const char *const *names)
{
    for (; *names; names++) {
        const char *text = sb_json_str(object, *names);
        if (text && text[0])
            return text;
    }
    return NULL;
}

static const char *code_of(const json_t *body)
{
    static const char *const names[] = { "err_code", "error_code", "category", NULL };
    const char *code = first_text(body, names);

    return code ? code : "";
}

static const char *message_of(struct sb_exchange *x, const json_t *body)
{
    static const char *const names[] = { "err_msg", "message", "details", NULL };
    const char *message = json_is_string(body) ? json_string_value(body) : first_text(body, names);

    return message ? sb_cut(x, sb_utf8(x, message), MESSAGE_CHARS) : "without a reason";
}

static enum sb_verdict bad_request(struct sb_exchange *x, const json_t *body, const char *message)
{
    if (strcmp(code_of(body), "REMOTE_CONTENT_ERROR") == 0)
        return sb_retry(x, "Deepgram could not fetch the audio (400 %s)", message);
    if (strstr(message, "No such model"))
        return sb_suspend(
            x, PAUSE_CONFIG_MS,
            "Deepgram has no such pair of model and language (400): check 'model' and 'language'");
    return sb_reject(x, "Deepgram refuses this recording or the options (400 %s)", message);
}

static enum sb_verdict unauthorized(struct sb_exchange *x, const json_t *body, const char *message)
{
    if (strcmp(code_of(body), "INSUFFICIENT_PERMISSIONS") == 0)
        return sb_suspend(x, PAUSE_CONFIG_MS,
                          "the key of DEEPGRAM_API_KEY may not transcribe (401 %s): make one with that right",
                          message);
    return sb_suspend(x, PAUSE_CONFIG_MS, "Deepgram refuses the key (401 %s): check DEEPGRAM_API_KEY",
                      message);
}

/* Statuses that pass, besides 5xx: slow or torn upload, concurrency, a connection given up. */
static bool is_passing(int status)
{
    return status == 408 || status == 422 || status == 425 || status == 429 || status == 499 || status >= 500;
}

enum sb_verdict dg_failure(struct sb_exchange *x)
{
    int status = sb_http_status(x);
    const json_t *body = sb_http_json(x);
    const char *message = message_of(x, body);

    if (status == 429)
        return sb_retry(x, "Deepgram works on as many recordings as it may at once (429 %s)", message);
    if (is_passing(status))
        return sb_retry(x, "Deepgram fails for the moment (%d %s)", status, message);
    switch (status) {
    case 400:
        return bad_request(x, body, message);
    case 401:
        return unauthorized(x, body, message);
    case 402:
        return sb_suspend(x, PAUSE_MONEY_MS, "Deepgram has no credit left (402 %s): add some to the project",
                          message);
    case 403:
        return sb_suspend(
            x, PAUSE_CONFIG_MS,
            "Deepgram does not give this model (403 %s): the name in 'model' is wrong, or the project may "
            "not use it",
            message);
    case 404:
    case 405:
        return sb_suspend(x, PAUSE_CONFIG_MS,
                          "there is no transcription at this address (%d): check 'base_url'", status);
    case 413:
        return sb_reject(x, "the recording is too large for Deepgram (413)");
    case 414:
        return sb_reject(x, "the request's address is too long for Deepgram (414): give fewer 'keyterms'");
    default:
        return sb_reject(x, "Deepgram refuses the request (%d %s)", status, message);
    }
}
