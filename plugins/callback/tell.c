/* The one step: the request, and what its answer means. */
#include "callback.h"

#include <string.h>

/* Begins the request to the record's own address. Who may be told is the operator's choice, not the agent's. */
static enum sb_verdict begin(struct sb_exchange *x)
{
    const char *url = sb_get_str(x, "escalation.callback_url");

    if (!url) {
        sb_request(x, "POST", sb_option_str(x, "url"));
        return SB_OK;
    }
    if (strncmp(url, "https://", 8) != 0 && !sb_option_bool(x, "allow_private"))
        return sb_reject(x, "the user could not be told: callback_url does not begin with https://");
    if (!sb_request_url(x, "POST", url))
        return sb_reject(
            x, "the user could not be told: callback_url is not https, or its host is not among 'hosts'");
    return SB_OK;
}

enum sb_verdict callback_tell_build(struct sb_exchange *x)
{
    if (!callback_has_event(x))
        return SB_SKIP;
    enum sb_verdict verdict = begin(x);
    if (verdict != SB_OK)
        return verdict;
    if (!sb_option_bool(x, "allow_private"))
        sb_public_only(x);
    sb_header(x, "Idempotency-Key", callback_event_id(x));
    sb_body_json(x, callback_body(x));
    sb_sign_timed(x, "X-Switchboard-Timestamp", "X-Switchboard-Signature", "secret");
    return SB_OK;
}

enum sb_verdict callback_tell_fold(struct sb_exchange *x)
{
    int status = sb_http_status(x);
    enum sb_verdict verdict = sb_default_verdict(x);

    if (verdict == SB_RETRY)
        return verdict;
    if (status >= 300 && status < 400)
        return sb_reject(x, "the user could not be told: HTTP %d, and redirects are not followed", status);
    if (verdict == SB_REJECT)
        return sb_reject(x, "the user could not be told: the receiver refused it with HTTP %d", status);
    sb_set_str(x, "callback.event", callback_event(x));
    sb_set_str(x, "callback.told_at", sb_rfc3339(x, sb_now_ms(x)));
    sb_note(x, "told the agent: %s", callback_event(x));
    return SB_OK;
}
