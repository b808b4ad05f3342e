/* Reads one call again, when the list has not told enough: it was still running, or has no recording's
 * address. */
#include <string.h>

#include "exotel.h"

/* Waits between two readings: the address of a recording nearly always comes with the list, within the
 * settling time. What comes later is asked for rarely, since each reading is a request of the account's
 * budget. */
#define FIRST_WAIT_MS   (5 * EXO_MINUTE_MS)
#define RUNNING_WAIT_MS (2 * EXO_MINUTE_MS)

/* Longer than a presigned address of the API's own choice; asked for only where there are any. */
enum { PRESIGNED_MINUTES = 30 };

void exo_request_call(struct sb_exchange *x)
{
    const char *sid = sb_get_str(x, "call.sid");

    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/Accounts");
    sb_path(x, sb_option_str(x, "account_sid"));
    sb_paths(x, "/Calls");
    sb_path(x, sb_printf(x, "%s.json", sid ? sid : ""));
    sb_query(x, "details", "true");
    if (sb_get_str(x, "recording.presigned_url"))
        sb_query_int(x, "RecordingUrlValidity", PRESIGNED_MINUTES);
}

static bool is_pending(const struct sb_exchange *x)
{
    const char *state = sb_get_str(x, "recording.state");

    return !state || strcmp(state, "pending") == 0;
}

static bool has_address(const struct sb_exchange *x)
{
    return sb_get_str(x, "recording.url") || sb_get_str(x, "recording.presigned_url");
}

/* How long to wait before the next reading: doubling, and the last one at the deadline. */
static int64_t next_wait(const struct sb_exchange *x)
{
    enum { DOUBLINGS_MAX = 6 };
    uint32_t round = sb_round(x);
    int64_t wait = FIRST_WAIT_MS << (round < DOUBLINGS_MAX ? round : DOUBLINGS_MAX);
    int64_t left = exo_recording_deadline(x) - sb_now_ms(x);

    return left > 0 && left < wait ? left : wait;
}

enum sb_verdict exo_build_refresh(struct sb_exchange *x)
{
    bool is_final = sb_get_bool(x, "call.is_final", true);

    if (!is_pending(x) || (is_final && has_address(x)))
        return SB_SKIP;
    /* The list has told just now that there is no address. */
    if (is_final && sb_round(x) == 0 && sb_now_ms(x) < exo_recording_deadline(x))
        return sb_again(x, next_wait(x));
    exo_request_call(x);
    return SB_OK;
}

/* Nothing more came to be known. A call is over after its longest time, whatever its record says. */
static enum sb_verdict wait_or_go_on(struct sb_exchange *x)
{
    int64_t now = sb_now_ms(x);
    bool is_final = sb_get_bool(x, "call.is_final", true);
    int64_t started_ms =
        sb_parse_rfc3339(sb_get_str(x, "call.started_at") ? sb_get_str(x, "call.started_at") : "");

    if (!is_final && started_ms > 0 && now - started_ms < exo_longest_call_ms(x))
        return sb_again(x, RUNNING_WAIT_MS);
    if (now < exo_recording_deadline(x))
        return sb_again(x, next_wait(x));
    sb_set_bool(x, "call.is_final", true);
    return exo_recording_missing(x, "Exotel names no recording for this call");
}

enum sb_verdict exo_fold_refresh(struct sb_exchange *x)
{
    int status = exo_status(x);
    struct exo_call call;

    /* The list has named this call a moment ago, so that a 404 is no matter of the region. */
    if (status == 404 || status == 400)
        return wait_or_go_on(x);
    enum sb_verdict verdict = SB_RETRY;
    const json_t *answer = exo_api_answer(x, &verdict);
    if (!answer)
        return verdict;
    const json_t *item = json_array_get(exo_calls_of(x, answer), 0);
    exo_read_call(x, item, &call);
    if (!call.sid)
        return sb_retry(x, "Exotel's answer has no call: check 'base_url'");

    bool is_final = exo_has_ended(&call);
    exo_update_record(x, &call, is_final);
    verdict = exo_screen(x);
    if (verdict == SB_DROP || !is_pending(x))
        return verdict;
    return is_final && has_address(x) ? SB_OK : wait_or_go_on(x);
}
