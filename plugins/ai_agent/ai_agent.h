/* What the files of the ai_agent plugin share: from what an agent sends to a record, and from a record to what it is
 * answered. Text and JSON that the functions give live as long as the exchange, unless said otherwise. */
#ifndef AI_AGENT_AI_AGENT_H
#define AI_AGENT_AI_AGENT_H

#include "switchboard/switchboard.h"

enum {
    AGENT_BODY_MAX = 32 * 1024 * 1024,
    AGENT_ERRORS_MAX = 100, /* mistakes that are told at once */
    AGENT_ID_MAX = 128
};

/* ---- the table (schema.c) ------------------------------------------------------------------------------ */

enum agent_type { AGENT_TEXT, AGENT_WORD, AGENT_OBJECT, AGENT_LIST, AGENT_FREE /* any object */ };

/* What a text must look like. */
enum agent_form {
    AGENT_FORM_NONE,
    AGENT_FORM_ID,
    AGENT_FORM_LANGUAGE,
    AGENT_FORM_EMAIL,
    AGENT_FORM_PHONE,
    AGENT_FORM_TIME,
    AGENT_FORM_URL,
    AGENT_FORM_FILE,
    AGENT_FORM_MEDIA,
    AGENT_FORM_BASE64
};

/* One rule for a form, for people, for the check and for the description of the API. */
struct agent_form_rule {
    const char *format, *pattern; /* of JSON schema; NULL: none */
    const char *expected;         /* "an e-mail address such as asha@example.com" */
    bool (*fits)(struct sb_exchange *x, const char *text);
};
const struct agent_form_rule *agent_form_rule(enum agent_form form); /* NULL for AGENT_FORM_NONE */

/* What an agent may write, in any case, and the word that the record has for it. */
struct agent_word {
    const char *word, *means;
};

/* One member of the body. Tables end with a row without a name. The one table drives the parser, the mistakes that it
 * tells, the OpenAPI description and the tools of MCP. */
struct agent_field {
    const char *name;
    enum agent_type type;
    bool is_required;
    enum agent_form form;
    size_t max; /* TEXT: characters; LIST: items */
    const char
        *max_option; /* INT or SIZE option that sets it instead (BASE64: bytes once decoded); NULL: none */
    const struct agent_word *words;    /* WORD */
    const struct agent_field *members; /* OBJECT, and of each item of a LIST */
    const char *help;
    const char *example; /* as JSON; NULL: none */
};
const struct agent_field *agent_fields(void);
/* The limit that counts for this instance. */
int64_t agent_limit(const struct sb_exchange *x, const struct agent_field *field);

/* ---- checking (check.c) -------------------------------------------------------------------------------- */

/* What became of a body. */
struct agent_checked {
    const json_t
        *body; /* canonical: known members only, words as the record has them; shares what was sent and is so
                           already. NULL when there are errors */
    json_t *errors;     /* [{pointer, message, expected}]; empty: it is right */
    const char *digest; /* of `body`; NULL when there are errors */
};
/* Checks all of `body` (borrowed). `needs_id` false: one is made from the content when it is absent. */
void agent_check(struct sb_exchange *x, const json_t *body, bool needs_id, struct agent_checked *ret_checked);
/* Adds a mistake at `pointer`; `expected` NULL: none. */
void agent_complain(struct sb_exchange *x, json_t *errors, const char *pointer, const char *message,
                    const char *expected);

/* ---- records (record.c) -------------------------------------------------------------------------------- */

/* Emits the record of what was checked, in the name of the caller, and asks how it stands; then say SB_AGAIN. */
enum sb_verdict agent_emit(struct sb_exchange *x, const struct agent_checked *checked, int64_t wait_ms);
/* Puts a member; ends the call when there is no memory. Takes `value`. */
void agent_put(struct sb_exchange *x, json_t *object, const char *name, json_t *value);
void agent_append(struct sb_exchange *x, json_t *list, json_t *value);
void agent_replace(struct sb_exchange *x, json_t *list, size_t index, json_t *value);

/* ---- answers (answer.c) -------------------------------------------------------------------------------- */

/* In a later round: SB_AGAIN to wait for longer; else SB_OK with what to answer. The status is 200 for `is_question`
 * (GET), else 201 with a ticket that was waited for, 202, or 200 for one that is long gone; 404; 409. Gives a new
 * reference. */
enum sb_verdict agent_answer(struct sb_exchange *x, bool is_question, int *ret_status, json_t **ret_body);
/* A body that says what is wrong. New reference. */
json_t *agent_error(const char *code, const char *message);
/* The same with all mistakes of a body. New reference. */
json_t *agent_mistakes(const json_t *errors);

/* ---- routes -------------------------------------------------------------------------------------------- */

enum sb_verdict agent_handle_post(struct sb_exchange *x);    /* handle.c */
enum sb_verdict agent_handle_get(struct sb_exchange *x);     /* handle.c */
enum sb_verdict agent_handle_adapted(struct sb_exchange *x); /* handle.c */
enum sb_verdict agent_handle_openapi(struct sb_exchange *x); /* openapi.c */
enum sb_verdict agent_handle_mcp(struct sb_exchange *x);     /* mcp.c */
/* Whether the body is said to be JSON. */
bool agent_has_json(const struct sb_exchange *x);

/* ---- descriptions (describe.c) ------------------------------------------------------------------------- */

/* JSON schema of the body; with `is_tool` as the input of the MCP tool, where the id may be left out. New reference. */
json_t *agent_describe_body(struct sb_exchange *x, bool is_tool);
/* JSON schema of an answer, and of an error. New references. */
json_t *agent_describe_answer(void);
json_t *agent_describe_error(void);

/* ---- attachments (attachment.c) ------------------------------------------------------------------------ */

enum sb_verdict agent_build_fetch(struct sb_exchange *x);
enum sb_verdict agent_fold_fetch(struct sb_exchange *x);

#endif
