/* handoff: a source that is told of conversations which an AI agent hands over, as somebody else would write one, for
 * test_callbacks.py. It is compiled against the public headers alone. */
#include <string.h>

#include "switchboard/switchboard.h"

enum { BODY_MAX = 64 * 1024 };

static const struct sb_option options[] = {
    { .name = "agent", .type = SB_OPT_STRING, .default_text = "webchat", .help = "who hands over" },
    { .name = NULL },
};

static json_t *make_record(struct sb_exchange *x, const char *id, const json_t *body)
{
    const char *agent = sb_option_str(x, "agent"), *summary = sb_json_str(body, "summary"),
               *at = sb_rfc3339(x, sb_now_ms(x));
    json_t *escalation =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "id", id, "agent", agent, "summary", summary,
                  "received_at", at, "digest", "", "callback_url", sb_json_str(body, "callback_url"));
    json_t *user =
        json_pack("{s:s, s:s?}", "id", sb_json_str(body, "user"), "locale", sb_json_str(body, "locale"));
    json_t *call = json_pack("{s:s, s:s, s:s, s:s, s:s}", "sid", id, "customer", sb_json_str(body, "phone"),
                             "direction", "inbound", "status", "answered", "started_at", at);

    return json_pack("{s:{s:s, s:s}, s:o, s:o, s:o, s:{s:s, s:b}}", "source", "plugin", "handoff",
                     "external_id", id, "escalation", escalation, "user", user, "call", call, "transcript",
                     "text", summary, "is_empty", 0);
}

static enum sb_verdict handle(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    const json_t *body = sb_in_json(x, &err);
    const char *id = sb_json_str(body, "id");

    if (!id || !sb_json_str(body, "user") || !sb_json_str(body, "summary") || !sb_json_str(body, "phone")) {
        sb_reply_json(x, 400, json_pack("{s:s}", "error", "id, user, phone and summary must be texts"));
        return SB_REJECT;
    }
    sb_emit(x, sb_option_str(x, "agent"), id, make_record(x, id, body));
    sb_reply_json(x, 202, json_pack("{s:s}", "accepted", id));
    return SB_OK;
}

static const struct sb_route routes[] = {
    { .method = "POST", .path = "/handoffs", .body_max = BODY_MAX, .handle = handle },
    { .method = NULL },
};

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_SOURCE,
    .name = "handoff",
    .summary = "is told of conversations that an agent hands over",
    .version = "1.0",
    .options = options,
    .routes = routes,
};
