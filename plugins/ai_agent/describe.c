/* The table as JSON schema: for the OpenAPI description and for the tools of MCP. */
#include "ai_agent.h"

#include <string.h>

struct writer {
    struct sb_exchange *x;
    bool is_tool; /* no null, and the id may be left out: what language models fill in best */
};

/* A member that is optional may be null as well. */
static void put_type(const struct writer *to, json_t *schema, const char *type, bool is_required)
{
    agent_put(to->x, schema, "type",
              is_required || to->is_tool ? json_string(type) : json_pack("[s, s]", type, "null"));
}

static void put_example(const struct writer *to, json_t *schema, const char *example)
{
    if (example)
        agent_put(to->x, schema, "examples",
                  json_pack("[o]", json_loads(example, JSON_DECODE_ANY, NULL))); /* constants of the table */
}

static void put_text(const struct writer *to, const struct agent_field *field, json_t *schema)
{
    const struct agent_form_rule *rule = agent_form_rule(field->form);
    int64_t max = agent_limit(to->x, field);
    bool is_content = field->form == AGENT_FORM_BASE64;

    if (field->is_required)
        agent_put(to->x, schema, "minLength", json_integer(1));
    agent_put(to->x, schema, "maxLength", json_integer(is_content ? (max + 2) / 3 * 4 : max));
    if (rule && rule->pattern)
        agent_put(to->x, schema, "pattern", json_string(rule->pattern));
    if (rule && rule->format)
        agent_put(to->x, schema, "format", json_string(rule->format));
    if (is_content)
        agent_put(to->x, schema, "contentEncoding", json_string("base64"));
}

static void put_words(const struct writer *to, const struct agent_field *field, json_t *schema)
{
    json_t *words = json_array();

    agent_put(to->x, schema, "enum", words);
    for (const struct agent_word *word = field->words; word->word; word++)
        agent_append(to->x, words, json_string(word->word));
    if (!field->is_required && !to->is_tool)
        agent_append(to->x, words, json_null());
}

static void put_members(const struct writer *to, const struct agent_field *fields, json_t *schema);

static void put_list(const struct writer *to, const struct agent_field *field, json_t *schema)
{
    json_t *items = json_object();

    agent_put(to->x, schema, "items", items);
    agent_put(to->x, items, "type", json_string("object"));
    put_members(to, field->members, items);
    agent_put(to->x, schema, "maxItems", json_integer(agent_limit(to->x, field)));
}

static void put_field(const struct writer *to, const struct agent_field *field, json_t *schema)
{
    agent_put(to->x, schema, "description", json_string(field->help));
    switch (field->type) {
    case AGENT_TEXT:
        put_type(to, schema, "string", field->is_required);
        put_text(to, field, schema);
        break;
    case AGENT_WORD:
        put_type(to, schema, "string", field->is_required);
        put_words(to, field, schema);
        break;
    case AGENT_OBJECT:
        put_type(to, schema, "object", field->is_required);
        put_members(to, field->members, schema);
        break;
    case AGENT_LIST:
        put_type(to, schema, "array", field->is_required);
        put_list(to, field, schema);
        break;
    case AGENT_FREE:
        put_type(to, schema, "object", field->is_required);
        agent_put(to->x, schema, "additionalProperties", json_true());
        break;
    }
    put_example(to, schema, field->example);
}

static void put_members(const struct writer *to, const struct agent_field *fields, json_t *schema)
{
    bool keeps_unknown = strcmp(sb_option_str(to->x, "unknown_keys"), "metadata") == 0;
    json_t *properties = json_object(), *required = json_array();

    agent_put(to->x, schema, "properties", properties);
    agent_put(to->x, schema, "required", required);
    for (const struct agent_field *field = fields; field->name; field++) {
        json_t *schema_of = json_object();
        bool is_excused = to->is_tool && fields == agent_fields() && strcmp(field->name, "id") == 0;
        agent_put(to->x, properties, field->name, schema_of);
        put_field(to, field, schema_of);
        if (field->is_required && !is_excused)
            agent_append(to->x, required, json_string(field->name));
    }
    agent_put(to->x, schema, "additionalProperties", json_boolean(keeps_unknown));
}

json_t *agent_describe_body(struct sb_exchange *x, bool is_tool)
{
    const struct writer to = { .x = x, .is_tool = is_tool };
    json_t *schema = sb_keep(x, json_object());

    agent_put(x, schema, "type", json_string("object"));
    put_members(&to, agent_fields(), schema);
    return json_incref(schema);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static json_t *text(const char *description)
{
    return json_pack("{s:s, s:s}", "type", "string", "description", description);
}

static json_t *time_text(const char *description)
{
    return json_pack("{s:s, s:s, s:s}", "type", "string", "format", "date-time", "description", description);
}

static json_t *describe_ticket(void)
{
    json_t *properties =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", text("As people say it."), "id",
                  text("At the helpdesk."), "url", text("The link for people of the team."), "created_at",
                  time_text("When it was created."), "attached",
                  json_pack("{s:s, s:s}", "type", "boolean", "description",
                            "It was added to a ticket of the same user that was open already."));

    return json_pack("{s:s, s:s, s:o}", "type", "object", "description", "There as soon as the ticket is.",
                     "properties", properties);
}

json_t *agent_describe_answer(void)
{
    json_t *status =
        json_pack("{s:s, s:[s, s, s, s, s], s:s}", "type", "string", "enum", "accepted", "ticket_created",
                  "failed", "closed", "expired", "description",
                  "accepted: a ticket will be made; ticket_created: there it is; failed: none could be made "
                  "yet, people "
                  "look at it; closed: it ended without one; expired: taken long ago and deleted since.");
    json_t *properties = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", text("The agent's own id."),
        "status", status, "message", text("The status in words."), "state", text("The state in the journal."),
        "reference", text("The reference that the ticket's subject ends with."), "location",
        text("Where to ask again."), "received_at", time_text("When it was taken."), "updated_at",
        time_text("When it last moved on."), "ended_at", time_text("When nothing more was to be done."),
        "ticket", describe_ticket(), "user_message",
        text("What the user may be told, in the user's language."), "why", text("Why it ended as it did."));

    return json_pack("{s:s, s:o, s:[s, s, s, s]}", "type", "object", "properties", properties, "required",
                     "id", "status", "message", "state");
}

json_t *agent_describe_error(void)
{
    json_t *detail =
        json_pack("{s:s, s:{s:o, s:o, s:o}, s:[s, s]}", "type", "object", "properties", "pointer",
                  text("Where, as a JSON pointer into the body."), "message", text("What is wrong."),
                  "expected", text("What would be right."), "required", "pointer", "message");
    json_t *error = json_pack("{s:s, s:{s:o, s:o, s:{s:s, s:s, s:o}, s:o, s:{s:s, s:s, s:{s:s}}}, s:[s, s]}",
                              "type", "object", "properties", "code", text("A word for programs."), "message",
                              text("A sentence for people."), "details", "type", "array", "description",
                              "Every mistake of the body (422).", "items", detail, "id",
                              text("The id that was used before (409)."), "differs", "type", "array",
                              "description", "The parts that are not what they were (409).", "items", "type",
                              "string", "required", "code", "message");

    return json_pack("{s:s, s:{s:o}, s:[s]}", "type", "object", "properties", "error", error, "required",
                     "error");
}
