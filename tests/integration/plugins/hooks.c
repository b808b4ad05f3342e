/* hooks: a source that is told, as somebody else would write one, for test_webhooks.py. It is compiled against the public
 * headers alone. */
#include <string.h>

#include "switchboard/switchboard.h"

enum { BODY_MAX = 1024 * 1024 };

static const struct sb_option options[] = {
    { .name = "token",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "what senders show as a bearer token" },
    { .name = "signing_key", .type = SB_OPT_SECRET, .required = true, .help = "the key of X-Signature" },
    { .name = NULL },
};

static enum sb_verdict refuse(struct sb_exchange *x, int status, const char *why)
{
    sb_reply_json(x, status, json_pack("{s:s}", "error", why));
    return sb_reject(x, "%s", why);
}

/* {"id", "from", "text"} becomes a record. */
static enum sb_verdict accept(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    const json_t *body = sb_in_json(x, &err);
    const char *id = sb_json_str(body, "id"), *from = sb_json_str(body, "from"),
               *text = sb_json_str(body, "text");

    if (!id || !from || !text)
        return refuse(x, 400, body ? "id, from and text must be texts" : err.text);
    sb_emit(x, "demo", id,
            json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:b}}", "source", "plugin", "hooks",
                      "external_id", id, "call", "sid", id, "customer", from, "direction", "inbound",
                      "status", "answered", "transcript", "text", text, "is_empty", 0));
    sb_reply_header(x, "X-Accepted", id);
    sb_reply_json(x, 202, json_pack("{s:s}", "accepted", id));
    return SB_OK;
}

static enum sb_verdict handle_call(struct sb_exchange *x)
{
    return sb_in_bearer_is(x, "token") ? accept(x) : refuse(x, 401, "the bearer token is missing or wrong");
}

static enum sb_verdict handle_signed(struct sb_exchange *x)
{
    return sb_in_hmac_is(x, "signing_key", "X-Signature") ? accept(x)
                                                          : refuse(x, 401, "the signature is wrong");
}

static enum sb_verdict handle_look(struct sb_exchange *x)
{
    sb_reply_json(x, 200,
                  json_pack("{s:s, s:s?}", "id", sb_in_path(x, "id"), "note", sb_in_query(x, "note")));
    return SB_OK;
}

/* Accepts, and then breaks a rule of the contract: what it emitted must not count. */
static enum sb_verdict handle_careless(struct sb_exchange *x)
{
    (void)accept(x);
    sb_reply_json(x, 1000, json_null());
    return SB_OK;
}

static enum sb_verdict handle_confused(struct sb_exchange *x)
{
    (void)accept(x);
    return (enum sb_verdict)77;
}

static enum sb_verdict handle_later(struct sb_exchange *x)
{
    (void)accept(x);
    return sb_retry(x, "not now");
}

static const struct sb_route routes[] = {
    { .method = "POST", .path = "/hooks/calls", .body_max = BODY_MAX, .handle = handle_call },
    { .method = "POST", .path = "/hooks/signed", .body_max = 1000, .handle = handle_signed },
    { .method = "GET", .path = "/hooks/calls/{id}", .body_max = 1, .handle = handle_look },
    { .method = "POST", .path = "/hooks/careless", .body_max = BODY_MAX, .handle = handle_careless },
    { .method = "POST", .path = "/hooks/confused", .body_max = BODY_MAX, .handle = handle_confused },
    { .method = "POST", .path = "/hooks/later", .body_max = BODY_MAX, .handle = handle_later },
    { .method = NULL },
};

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_SOURCE,
    .name = "hooks",
    .summary = "is told of conversations",
    .version = "1.0",
    .options = options,
    .routes = routes,
};
