/* What an answer of the API means when it is not what was asked for: refused keys, wrong region, limits,
 * proxies. */
#include <string.h>

#include "exotel.h"

static const json_t *exception_of(struct sb_exchange *x)
{
    return json_object_get(sb_http_json(x), "RestException");
}

int exo_status(struct sb_exchange *x)
{
    enum { STATUS_MIN = 100, STATUS_MAX = 599 };
    int64_t told = sb_json_int(exception_of(x), "Status", 0);

    return told >= STATUS_MIN && told <= STATUS_MAX ? (int)told : sb_http_status(x);
}

const char *exo_message(struct sb_exchange *x)
{
    const char *message = sb_json_str(exception_of(x), "Message");

    return message ? sb_cut(x, sb_utf8(x, message), EXO_MESSAGE_CHARS) : "";
}

static enum sb_verdict suspend_for(struct sb_exchange *x, int status)
{
    const char *message = exo_message(x);

    switch (status) {
    case 401:
        return sb_suspend(
            x, EXO_SUSPEND_MS,
            "Exotel refuses the credentials (401 %s): check EXOTEL_API_KEY, EXOTEL_API_TOKEN and EXOTEL_SID, "
            "and EXOTEL_API_URL (accounts in Mumbai need https://api.in.exotel.com)",
            message);
    case 402:
        return sb_suspend(
            x, EXO_SUSPEND_MS,
            "Exotel says that the plan does not cover this or is used up (402 %s): look at the account's "
            "balance and plan",
            message);
    case 403:
        return sb_suspend(
            x, EXO_SUSPEND_MS,
            "Exotel denies access (403 %s): check that the key of EXOTEL_API_KEY may read calls, and that "
            "this machine's address is on the account's API allow-list if it has one",
            message);
    case 404:
        return sb_suspend(
            x, EXO_SUSPEND_MS,
            "Exotel knows no such account here (404 %s): check EXOTEL_SID, and EXOTEL_API_URL (accounts in "
            "Mumbai need https://api.in.exotel.com)",
            message);
    default:
        return sb_suspend(x, EXO_SUSPEND_MS, "Exotel refuses the request (%d %s)", status, message);
    }
}

enum sb_verdict exo_api_error(struct sb_exchange *x)
{
    int status = exo_status(x);

    if (status == 429) {
        /* Exotel names no time; one that it names counts, and is read by the core. */
        if (sb_http_header(x, "Retry-After"))
            return sb_retry(x, "Exotel's limit of requests a minute is reached (429)");
        return sb_retry_in(x, EXO_THROTTLED_MS, "Exotel's limit of requests a minute is reached (429)");
    }
    if (status == 408 || status == 409 || status == 425 || status >= 500)
        return sb_retry(x, "Exotel fails for the moment (%d %s)", status, exo_message(x));
    if (status >= 400)
        return suspend_for(x, status);
    return sb_retry(x, "Exotel answered %d, which is no answer to this request", status);
}

/* The first characters tell whose page it is. */
static enum sb_verdict not_json(struct sb_exchange *x)
{
    size_t size;
    const char *text = sb_http_text(x, &size);

    text += strspn(text, " \t\r\n");
    if (strncmp(text, "<?xml", 5) == 0 || strncmp(text, "<TwilioResponse", 15) == 0)
        return sb_retry(
            x, "Exotel answered in XML, as it does for a path without .json: 'base_url' must be the API's "
               "address alone, such as https://api.exotel.com");
    if (text[0] == '<')
        return sb_retry(x,
                        "a web page came instead of Exotel's JSON: check 'base_url' and what stands between");
    if (size == 0)
        return sb_retry(x, "Exotel's answer is empty");
    return sb_retry(x, "Exotel's answer is no JSON, or was cut off");
}

const json_t *exo_api_answer(struct sb_exchange *x, enum sb_verdict *ret_verdict)
{
    int status = exo_status(x);
    const json_t *json = sb_http_json(x);

    if (status < 200 || status > 299) {
        *ret_verdict = exo_api_error(x);
        return NULL;
    }
    if (!json)
        *ret_verdict = not_json(x);
    return json;
}
