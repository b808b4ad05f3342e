/* What strict mode demands of a JSON schema, checked before anything is generated. */
#ifndef OPENAI_LINT_H
#define OPENAI_LINT_H

#include <jansson.h>
#include <stdbool.h>

enum { OA_LINT_TEXT_MAX = 400, OA_SCHEMA_DEPTH_MAX = 24 };

/* Checks `schema`; `allows_limits` tells whether minimum, maxLength and their like are accepted. True when it
 * is good; else false and the fault in ret_text, from "In context=" on. Borrows `schema`. */
bool oa_lint_schema(const json_t *schema, bool allows_limits, char ret_text[OA_LINT_TEXT_MAX]);

/* The schema that "$ref" of `schema` names inside `root` ("#" or "#/$defs/x"), `schema` itself when it has
 * none, NULL when the reference leads nowhere. */
const json_t *oa_resolve_schema(const json_t *root, const json_t *schema);

/* Whether `type` of `schema` is, or contains, `name`. */
bool oa_schema_has_type(const json_t *schema, const char *name);

#endif
