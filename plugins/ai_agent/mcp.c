/* POST /mcp: the Model Context Protocol over streamable HTTP, without sessions and streams, since every answer is one
 * message: two tools, one to hand a conversation to a human and one to ask how that stands. */
#include "ai_agent.h"

#include <string.h>
#include <strings.h>

enum { RPC_PARSE = -32700, RPC_REQUEST = -32600, RPC_METHOD = -32601, RPC_PARAMS = -32602 };

/* The newest first. */
static const char *const versions[] = { "2025-11-25", "2025-06-18", "2025-03-26", NULL };

static bool is_version(const char *text)
{
    for (const char *const *version = versions; text && *version; version++)
        if (strcmp(*version, text) == 0)
            return true;
    return false;
}

/* ---- replies ------------------------------------------------------------------------------------------- */

static const json_t *id_of(struct sb_exchange *x)
{
    const json_t *id = json_object_get(sb_in_json(x, NULL), "id");

    return json_is_string(id) || json_is_integer(id) ? id : NULL;
}

/* Takes `result`. */
static enum sb_verdict reply_result(struct sb_exchange *x, json_t *result)
{
    sb_reply_json(x, 200, json_pack("{s:s, s:O?, s:o}", "jsonrpc", "2.0", "id", id_of(x), "result", result));
    return SB_OK;
}

static enum sb_verdict reply_error(struct sb_exchange *x, int status, int code, const char *message)
{
    json_t *id = (json_t *)(uintptr_t)id_of(x);

    sb_reply_json(x, status,
                  json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
                            id ? json_incref(id) : json_null(), "error", "code", code, "message", message));
    return SB_REJECT;
}

/* ---- tools --------------------------------------------------------------------------------------------- */

static json_t *describe_question(void)
{
    return json_pack("{s:s, s:{s:{s:s, s:s}}, s:[s], s:b}", "type", "object", "properties", "id", "type",
                     "string", "description", "The id that escalate_to_human has answered.", "required", "id",
                     "additionalProperties", 0);
}

static enum sb_verdict list_tools(struct sb_exchange *x)
{
    json_t *escalate = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:{s:b, s:b, s:b}}", "name", "escalate_to_human", "title",
        "Escalate to a human", "description",
        "Hands the conversation to a human: a ticket with the whole context is made, and a human follows up. "
        "Use it when "
        "you cannot resolve the matter, or when the user asks for a human. Give the whole conversation. Tell "
        "the user "
        "what user_message says. Calling it again with the same content makes no second ticket.",
        "inputSchema", agent_describe_body(x, /* is_tool= */ true), "outputSchema", agent_describe_answer(),
        "annotations", "readOnlyHint", 0, "destructiveHint", 0, "idempotentHint", 1);
    json_t *get =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:b}}", "name", "get_escalation", "title",
                  "How an escalation stands", "description",
                  "Tells whether the ticket of an earlier escalation exists by now, and what the user may be "
                  "told.",
                  "inputSchema", describe_question(), "outputSchema", agent_describe_answer(), "annotations",
                  "readOnlyHint", 1);

    return reply_result(x, json_pack("{s:[o, o]}", "tools", escalate, get));
}

/* What a language model reads. */
static const char *words_for(struct sb_exchange *x, const json_t *body)
{
    const char *user_message = sb_json_str(body, "user_message");
    const json_t *number = sb_json_at(body, "ticket.number");
    const char *text =
        sb_printf(x, "Escalation %s: %s.", sb_json_str(body, "id"), sb_json_str(body, "message"));

    if (number)
        text = sb_printf(x, "%s Ticket number: %s.", text, json_string_value(number));
    if (user_message)
        text = sb_printf(x, "%s Tell the user: %s", text, user_message);
    else if (!number)
        text = sb_printf(x, "%s Ask again with get_escalation to learn its ticket number.", text);
    return text;
}

/* Takes `body`: an answer, or {"error": ...}. */
static enum sb_verdict reply_tool(struct sb_exchange *x, int status, json_t *body)
{
    bool is_error = status >= 400;
    const json_t *error = json_object_get(body, "error");

    (void)sb_keep(x, body);
    if (!is_error)
        return reply_result(x, json_pack("{s:[{s:s, s:s}], s:O, s:b}", "content", "type", "text", "text",
                                         words_for(x, body), "structuredContent", body, "isError", 0));
    size_t size = json_dumpb(error, NULL, 0, JSON_COMPACT);
    char *details = sb_alloc(x, size + 1);
    (void)json_dumpb(error, details, size, JSON_COMPACT); /* the size was asked for */
    json_t *result =
        json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text", "text", details, "isError", 1);
    return reply_result(x, result);
}

static enum sb_verdict answer_tool(struct sb_exchange *x, bool is_question)
{
    json_t *body = NULL;
    int status = 0;

    if (agent_answer(x, is_question, &status, &body) == SB_AGAIN)
        return SB_AGAIN;
    return reply_tool(x, status, body);
}

static enum sb_verdict escalate(struct sb_exchange *x, const json_t *arguments)
{
    struct agent_checked checked;

    if (sb_known(x))
        return answer_tool(x, /* is_question= */ false);
    agent_check(x, arguments, /* needs_id= */ false, &checked);
    if (json_array_size(checked.errors) > 0)
        return reply_tool(x, 422, agent_mistakes(checked.errors));
    return agent_emit(x, &checked, sb_option_int(x, "mcp_wait"));
}

static enum sb_verdict get(struct sb_exchange *x, const json_t *arguments)
{
    const char *id = sb_json_str(arguments, "id");

    if (sb_known(x))
        return answer_tool(x, /* is_question= */ true);
    if (!id || !*id)
        return reply_tool(x, 422, agent_error("invalid", "'id' must be the id of an escalation"));
    sb_await(x, sb_in_caller(x), id, 0, json_pack("{s:s}", "id", id));
    return SB_AGAIN;
}

static enum sb_verdict call_tool(struct sb_exchange *x, const json_t *params)
{
    const char *name = sb_json_str(params, "name");
    const json_t *arguments = json_object_get(params, "arguments");

    if (!arguments)
        arguments = sb_keep(x, json_object());
    if (name && strcmp(name, "escalate_to_human") == 0)
        return escalate(x, arguments);
    if (name && strcmp(name, "get_escalation") == 0)
        return get(x, arguments);
    return reply_error(x, 200, RPC_PARAMS, "unknown tool: there are escalate_to_human and get_escalation");
}

/* ---- the protocol -------------------------------------------------------------------------------------- */

static enum sb_verdict initialize(struct sb_exchange *x, const json_t *params)
{
    const char *wanted = sb_json_str(params, "protocolVersion");
    json_t *server =
        json_pack("{s:s, s:s, s:s}", "name", "switchboard", "title", "Switchboard", "version", "0.1.0");

    return reply_result(
        x, json_pack("{s:s, s:{s:{s:b}}, s:o, s:s}", "protocolVersion",
                     is_version(wanted) ? wanted : versions[0], "capabilities", "tools", "listChanged", 0,
                     "serverInfo", server, "instructions",
                     "Hand a conversation to a human with escalate_to_human when you cannot resolve "
                     "it, and tell the user what it answers."));
}

static enum sb_verdict run_method(struct sb_exchange *x, const char *method, const json_t *params)
{
    if (strcmp(method, "initialize") == 0)
        return initialize(x, params);
    if (strcmp(method, "ping") == 0)
        return reply_result(x, json_object());
    if (strcmp(method, "tools/list") == 0)
        return list_tools(x);
    if (strcmp(method, "tools/call") == 0)
        return call_tool(x, params);
    return reply_error(x, 200, RPC_METHOD, "unknown method: this server has tools only");
}

/* A page of another origin must not reach a server that trusts whoever is near (DNS rebinding). */
static bool is_origin_allowed(const struct sb_exchange *x)
{
    const char *origin = sb_in_header(x, "Origin");
    const json_t *allowed = sb_option_list(x, "allowed_origins");
    size_t index;
    json_t *item;

    if (!origin)
        return true;
    json_array_foreach (allowed, index, item) {
        if (strcasecmp(json_string_value(item), origin) == 0)
            return true;
    }
    return false;
}

static enum sb_verdict refuse(struct sb_exchange *x, int status, const char *code, const char *message)
{
    sb_reply_json(x, status, agent_error(code, message));
    return SB_REJECT;
}

enum sb_verdict agent_handle_mcp(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    const char *version = sb_in_header(x, "MCP-Protocol-Version");

    if (!is_origin_allowed(x))
        return refuse(x, 403, "forbidden", "calls from this origin are not allowed");
    if (!agent_has_json(x))
        return refuse(x, 415, "not_json", "the content must be application/json");
    if (version && !is_version(version))
        return refuse(x, 400, "bad_version", "this version of the protocol is not supported");
    const json_t *message = sb_in_json(x, &err);
    if (!message)
        return reply_error(x, 400, RPC_PARSE, sb_printf(x, "the body is not JSON: %s", err.text));
    const char *method = sb_json_str(message, "method"), *rpc = sb_json_str(message, "jsonrpc");
    if (!json_is_object(message) || !rpc || strcmp(rpc, "2.0") != 0)
        return reply_error(x, 400, RPC_REQUEST,
                           "the body must be one JSON-RPC 2.0 message; there are no batches");
    if (!json_object_get(message, "id") || (!method && !json_object_get(message, "method"))) {
        sb_reply_json(x, 202, NULL); /* a notification, or an answer to a question that was never asked */
        return SB_OK;
    }
    if (!method || !id_of(x))
        return reply_error(x, 400, RPC_REQUEST,
                           "a request needs a method, and an id that is a text or a number");
    return run_method(x, method, json_object_get(message, "params"));
}
