/* The strict-schema lint. Faults are worded like the service's: the place as a Python tuple, then the rule.
 */
#include "openai_lint.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 240 };

/* Where the lint is: the tuple's members, each already quoted and followed by a comma. */
struct lint {
    const json_t *root;
    bool allows_limits;
    char path[PATH_MAX_BYTES];
    unsigned depth;
    char *text;
};

static bool fail_lint(struct lint *lint, const char *rule)
{
    size_t length = strlen(lint->path);
    char tuple[PATH_MAX_BYTES + 4] = "()";
    if (length > 0) {
        /* "'a', 'b', " becomes "('a', 'b')", and one member keeps its comma as in Python. */
        bool is_single = strstr(lint->path, "', '") == NULL;
        (void)snprintf(tuple, sizeof(tuple), "(%.*s)", (int)(length - (is_single ? 1 : 2)), lint->path);
    }
    (void)snprintf(lint->text, OA_LINT_TEXT_MAX, "In context=%s, %s", tuple, rule);
    return false;
}

static bool check_schema(struct lint *lint, const json_t *schema);

/* Checks `schema` one or two members deeper; `name` may be NULL. A path that does not fit is cut, which
 * spoils the message only. */
static bool check_below(struct lint *lint, const char *member, const char *name, const json_t *schema)
{
    size_t length = strlen(lint->path);
    if (name)
        (void)snprintf(lint->path + length, PATH_MAX_BYTES - length, "'%s', '%s', ", member, name);
    else
        (void)snprintf(lint->path + length, PATH_MAX_BYTES - length, "'%s', ", member);
    lint->depth++;
    bool is_good = check_schema(lint, schema);
    lint->depth--;
    lint->path[length] = '\0';
    return is_good;
}

const json_t *oa_resolve_schema(const json_t *root, const json_t *schema)
{
    for (unsigned hops = 0; hops < OA_SCHEMA_DEPTH_MAX; hops++) {
        const char *ref = json_string_value(json_object_get(schema, "$ref"));
        if (!ref)
            return schema;
        if (strcmp(ref, "#") == 0)
            return root;
        if (strncmp(ref, "#/$defs/", 8) == 0)
            schema = json_object_get(json_object_get(root, "$defs"), ref + 8);
        else if (strncmp(ref, "#/definitions/", 14) == 0)
            schema = json_object_get(json_object_get(root, "definitions"), ref + 14);
        else
            return NULL;
        if (!schema)
            return NULL;
    }
    return NULL;
}

bool oa_schema_has_type(const json_t *schema, const char *name)
{
    const json_t *type = json_object_get(schema, "type");
    if (json_is_string(type))
        return strcmp(json_string_value(type), name) == 0;
    size_t index;
    json_t *member;
    json_array_foreach (type, index, member) {
        if (json_is_string(member) && strcmp(json_string_value(member), name) == 0)
            return true;
    }
    return false;
}

/* Keywords that strict mode never takes, and those that it took only lately. */
static bool check_keywords(struct lint *lint, const json_t *schema)
{
    static const char *const banned[] = {
        "default",           "oneOf",           "allOf", "not", "if", "then", "else", "patternProperties",
        "dependentRequired", "dependentSchemas"
    };
    static const char *const limits[] = { "minimum",    "maximum",   "exclusiveMinimum", "exclusiveMaximum",
                                          "multipleOf", "minLength", "maxLength",        "pattern",
                                          "format",     "minItems",  "maxItems" };
    char rule[80];
    for (size_t i = 0; i < sizeof(banned) / sizeof(banned[0]); i++) {
        if (json_object_get(schema, banned[i])) {
            (void)snprintf(rule, sizeof(rule), "'%s' is not permitted.", banned[i]);
            return fail_lint(lint, rule);
        }
    }
    for (size_t i = 0; !lint->allows_limits && i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (json_object_get(schema, limits[i])) {
            (void)snprintf(rule, sizeof(rule), "'%s' is not permitted.", limits[i]);
            return fail_lint(lint, rule);
        }
    }
    return true;
}

static bool lists_name(const json_t *list, const char *name)
{
    size_t index;
    json_t *member;
    json_array_foreach (list, index, member) {
        if (json_is_string(member) && strcmp(json_string_value(member), name) == 0)
            return true;
    }
    return false;
}

/* Every property is required, nothing else is, and nothing else may appear. */
static bool check_object(struct lint *lint, const json_t *schema)
{
    if (!json_is_false(json_object_get(schema, "additionalProperties")))
        return fail_lint(lint, "'additionalProperties' is required to be supplied and to be false.");
    json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *property;
    char rule[300];
    json_object_foreach (properties, name, property) {
        if (lists_name(required, name))
            continue;
        (void)snprintf(
            rule, sizeof(rule),
            "'required' is required to be supplied and to be an array including every key in properties. "
            "Missing '%.120s'.",
            name);
        return fail_lint(lint, rule);
    }
    size_t index;
    json_t *member;
    json_array_foreach (required, index, member) {
        if (json_is_string(member) && json_object_get(properties, json_string_value(member)))
            continue;
        (void)snprintf(
            rule, sizeof(rule),
            "'required' is required to be supplied and to be an array including every key in properties. "
            "Extra required key '%.120s' supplied.",
            json_is_string(member) ? json_string_value(member) : "?");
        return fail_lint(lint, rule);
    }
    json_object_foreach (properties, name, property) {
        if (!check_below(lint, "properties", name, property))
            return false;
    }
    return true;
}

static bool check_alternatives(struct lint *lint, const json_t *alternatives)
{
    size_t index;
    json_t *alternative;
    json_array_foreach (alternatives, index, alternative) {
        char number[24];
        (void)snprintf(number, sizeof(number), "%zu", index);
        if (!check_below(lint, "anyOf", number, alternative))
            return false;
    }
    return true;
}

static bool check_definitions(struct lint *lint, const json_t *schema)
{
    const char *name;
    json_t *definition;
    json_object_foreach (json_object_get(schema, "$defs"), name, definition) {
        if (!check_below(lint, "$defs", name, definition))
            return false;
    }
    return true;
}

static bool check_schema(struct lint *lint, const json_t *schema)
{
    if (lint->depth > OA_SCHEMA_DEPTH_MAX)
        return fail_lint(lint, "schema is nested too deeply.");
    if (!json_is_object(schema))
        return fail_lint(lint, "schema must be an object.");
    if (json_object_get(schema, "$ref"))
        return oa_resolve_schema(lint->root, schema) ? true
                                                     : fail_lint(lint, "reference can not be resolved.");
    if (!check_keywords(lint, schema) || !check_definitions(lint, schema))
        return false;
    const json_t *alternatives = json_object_get(schema, "anyOf");
    if (alternatives && !check_alternatives(lint, alternatives))
        return false;
    if (!alternatives && !json_object_get(schema, "type") && !json_object_get(schema, "enum") &&
        !json_object_get(schema, "const"))
        return fail_lint(lint, "schema must have a 'type' key.");
    if (oa_schema_has_type(schema, "object") && !check_object(lint, schema))
        return false;
    if (!oa_schema_has_type(schema, "array"))
        return true;
    const json_t *items = json_object_get(schema, "items");
    return items ? check_below(lint, "items", NULL, items) : fail_lint(lint, "array schema missing items.");
}

bool oa_lint_schema(const json_t *schema, bool allows_limits, char ret_text[OA_LINT_TEXT_MAX])
{
    struct lint lint = { .root = schema, .allows_limits = allows_limits, .text = ret_text };
    const json_t *type = json_object_get(schema, "type");
    if (!json_is_string(type) || strcmp(json_string_value(type), "object") != 0) {
        (void)snprintf(ret_text, OA_LINT_TEXT_MAX,
                       "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"%s\"'.",
                       json_is_string(type) ? json_string_value(type) : "None");
        return false;
    }
    return check_schema(&lint, schema);
}
