/* The first step of a call's record: who the agent was, and whether anybody wants a ticket. Also asked again
 * when a later reading has changed the call. */
#include <string.h>

#include "exotel.h"

static bool is_status(const struct sb_exchange *x, const char *word)
{
    const char *status = sb_get_str(x, "call.status");

    return status && strcmp(status, word) == 0;
}

static enum sb_verdict screen_missed(struct sb_exchange *x)
{
    const char *reason = sb_get_str(x, "call.missed_reason");

    if (strcmp(sb_option_str(x, "missed"), "skip") == 0)
        return sb_drop(x, "missed call: %s", reason ? reason : "nobody answered");
    return exo_recording_missing(x, "the call was not answered");
}

enum sb_verdict exo_screen(struct sb_exchange *x)
{
    int64_t min_talk_ms = sb_option_int(x, "min_talk");
    int64_t talk_s = sb_get_int(x, "call.talk_s", EXO_UNKNOWN);

    if (!exo_name_agent(x))
        return sb_drop(x, "the agent is inactive in the agents file");
    if (is_status(x, "missed"))
        return screen_missed(x);
    if (is_status(x, "answered") && talk_s != EXO_UNKNOWN && talk_s * EXO_SECOND_MS < min_talk_ms)
        return sb_drop(x, "the parties talked for %lld s, less than min_talk", (long long)talk_s);
    return SB_SKIP;
}
