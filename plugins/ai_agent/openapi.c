/* GET /openapi.json: the API as OpenAPI 3.1, made from the table that the parser uses. */
#include "ai_agent.h"

#include <string.h>

/* One answer of an operation. `schema` names a component; NULL: no body. */
struct response {
    const char *status, *description, *schema;
};

static const struct response create_responses[] = {
    { "200", "It was taken long ago, and what is known of it was deleted since.", "Escalation" },
    { "201", "The ticket exists: it was waited for.", "Escalation" },
    { "202", "It is kept, and a ticket will be made of it.", "Escalation" },
    { "400", "The body is not JSON, or the wait is no time.", "Error" },
    { "401", "The credentials are missing or wrong.", "Error" },
    { "409", "The id was used before, with another content.", "Error" },
    { "413", "The body is too large.", "Error" },
    { "415", "The body is not said to be JSON.", "Error" },
    { "422", "Something in the body is wrong; all of it is listed.", "Error" },
    { "429", "Too many calls, or too much is waiting: come back after Retry-After.", "Error" },
    { "503", "The service is stopping, or cannot keep it now: come back after Retry-After.", "Error" },
    { NULL, NULL, NULL },
};

static const struct response get_responses[] = {
    { "200", "How it stands.", "Escalation" },
    { "400", "The wait is no time.", "Error" },
    { "401", "The credentials are missing or wrong.", "Error" },
    { "404", "You have sent no escalation with this id.", "Error" },
    { "429", "Too many calls: come back after Retry-After.", "Error" },
    { "503", "The service is stopping: come back after Retry-After.", "Error" },
    { NULL, NULL, NULL },
};

static json_t *reference_to(struct sb_exchange *x, const char *kind, const char *name)
{
    return json_pack("{s:s}", "$ref", sb_printf(x, "#/components/%s/%s", kind, name));
}

static json_t *content_of(struct sb_exchange *x, const char *schema)
{
    return json_pack("{s:{s:o}}", "application/json", "schema", reference_to(x, "schemas", schema));
}

static bool is_busy(const char *status)
{
    return strcmp(status, "429") == 0 || strcmp(status, "503") == 0;
}

static json_t *header(const char *description, const char *type)
{
    return json_pack("{s:s, s:{s:s}}", "description", description, "schema", "type", type);
}

static json_t *responses_of(struct sb_exchange *x, const struct response *rows)
{
    json_t *responses = sb_keep(x, json_object());

    for (; rows->status; rows++) {
        json_t *response =
            json_pack("{s:s, s:o}", "description", rows->description, "content", content_of(x, rows->schema));
        agent_put(x, responses, rows->status, response);
        if (is_busy(rows->status))
            agent_put(x, response, "headers",
                      json_pack("{s:o}", "Retry-After", header("Seconds to wait.", "integer")));
        else if (rows->status[0] == '2' && rows->status[2] != '0')
            agent_put(x, response, "headers",
                      json_pack("{s:o}", "Location", header("Where to ask again.", "string")));
    }
    return json_incref(responses);
}

static json_t *parameter(const char *name, const char *in, bool is_required, const char *description,
                         json_t *schema)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", name, "in", in, "required", is_required,
                     "description", description, "schema", schema);
}

static json_t *wait_parameter(void)
{
    return parameter("wait", "query", false,
                     "How long to wait for the ticket: seconds, or a time such as 10s or 1500ms.",
                     json_pack("{s:s, s:s, s:[s]}", "type", "string", "pattern", "^[0-9]{1,6}(ms|s|m)?$",
                               "examples", "10s"));
}

static json_t *prefer_parameter(void)
{
    return parameter("Prefer", "header", false, "The same as a preference (RFC 7240): wait=10.",
                     json_pack("{s:s, s:[s]}", "type", "string", "examples", "wait=10"));
}

static json_t *path_parameter(const char *name, const char *description)
{
    return parameter(name, "path", true, description, json_pack("{s:s}", "type", "string"));
}

static json_t *create_operation(struct sb_exchange *x)
{
    json_t *body = json_pack("{s:b, s:o}", "required", 1, "content", content_of(x, "EscalationInput"));

    return json_pack(
        "{s:s, s:s, s:s, s:[o, o], s:o, s:o}", "operationId", "createEscalation", "summary",
        "Hand a conversation to a human", "description",
        "Kept before the answer. The same id with the same content again is answered the same, and never "
        "makes a second ticket.",
        "parameters", wait_parameter(), prefer_parameter(), "requestBody", body, "responses",
        responses_of(x, create_responses));
}

static json_t *get_operation(struct sb_exchange *x)
{
    return json_pack("{s:s, s:s, s:[o, o, o], s:o}", "operationId", "getEscalation", "summary",
                     "How an escalation stands", "parameters", path_parameter("id", "The agent's own id."),
                     wait_parameter(), prefer_parameter(), "responses", responses_of(x, get_responses));
}

static json_t *adapted_operation(struct sb_exchange *x)
{
    json_t *body = json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", 1, "content", "application/json", "schema",
                             "type", "object");

    return json_pack("{s:s, s:s, s:s, s:[o, o, o], s:o, s:o}", "operationId", "createEscalationFrom",
                     "summary", "Hand a conversation to a human as another platform sends it", "description",
                     "A script of the operator makes an escalation of the body.", "parameters",
                     path_parameter("name", "The platform, as the script knows it."), wait_parameter(),
                     prefer_parameter(), "requestBody", body, "responses", responses_of(x, create_responses));
}

static json_t *components(struct sb_exchange *x)
{
    json_t *token = json_pack("{s:s, s:s, s:s}", "type", "http", "scheme", "bearer", "description",
                              "A token that the operator gave to the agent.");

    return json_pack("{s:{s:o, s:o, s:o}, s:{s:o}}", "schemas", "EscalationInput",
                     agent_describe_body(x, /* is_tool= */ false), "Escalation", agent_describe_answer(),
                     "Error", agent_describe_error(), "securitySchemes", "token", token);
}

enum sb_verdict agent_handle_openapi(struct sb_exchange *x)
{
    const char *url = sb_option_str(x, "public_url");
    json_t *info =
        json_pack("{s:s, s:s, s:s}", "title", "Switchboard escalations", "version", "1.0.0", "description",
                  "An AI support agent hands a conversation to a human: exactly one ticket of each.");
    json_t *paths = json_pack("{s:{s:o}, s:{s:o}, s:{s:o}}", "/v1/escalations", "post", create_operation(x),
                              "/v1/escalations/{id}", "get", get_operation(x), "/v1/escalations/from/{name}",
                              "post", adapted_operation(x));
    json_t *document =
        json_pack("{s:s, s:o, s:[{s:s}], s:[{s:[]}], s:o, s:o}", "openapi", "3.1.0", "info", info, "servers",
                  "url", url ? url : "/", "security", "token", "paths", paths, "components", components(x));

    sb_reply_json(x, 200, document);
    return SB_OK;
}
