/* What openai*.c share: knobs, models, limits, and the reading of a request. */
#ifndef OPENAI_H
#define OPENAI_H

#include "openai_content.h"
#include "service.h"

/* Knobs in the order of the table in openai.c. */
enum oa_knob {
    OA_PROFILE,
    OA_ANSWER,
    OA_FAULT,
    OA_INJECTION_PRONE,
    OA_SCHEMA_LIMITS,
    OA_UNKNOWN_PARAMETERS,
    OA_CONTEXT_TOKENS,
    OA_TOKENS_PER_MINUTE,
    OA_REQUESTS_PER_MINUTE,
    OA_RETRY_AFTER,
    OA_RETRY_AFTER_S,
    OA_SHOULD_RETRY,
    OA_LOADING,
    OA_SPARSE,
    OA_REASONING_ITEM,
    OA_FAILURE_CODE,
    OA_TOO_LARGE,
    OA_LANGUAGES,
    OA_MINI_TOKENS,
    OA_KNOBS
};

struct oa_model {
    const char *name;
    const char *shutdown;   /* "2026-12-11", or NULL */
    bool has_null_shutdown; /* GET /models says null; else it does not say anything */
    bool is_reasoning;      /* wants max_completion_tokens, takes no temperature */
    bool is_chat;
};

/* One of the two budgets: it fills again evenly, its whole size in a minute. */
struct oa_bucket {
    double used;
    int64_t at_ms;
};

struct openai {
    json_t *keys;   /* owned; key -> {} */
    json_t *models; /* owned; further model names -> {} */
    json_t *seen;   /* owned; hash of the user messages -> how often they were answered */
    struct oa_bucket tokens, requests;
    json_t *scripts; /* owned; hash of a file -> who says what in it */
    json_t *uploads; /* owned; hash of a file -> how often it was transcribed, and whose call it is */
    double audio_seconds;
    uint64_t transcriptions, completions, responses, stored, refused, rate_limited, prompt_tokens,
        completion_tokens;
    unsigned in_flight_max;
};

/* ---- openai_answer.c: errors ---- */

/* The error envelope; param and code may be NULL. Some profiles write the status as the code. */
void oa_respond_error(struct sim_request *req, struct sim_response *res, unsigned status, const char *type,
                      const char *param, const char *code, const char *message);
/* 400 invalid_request_error. */
void oa_refuse(struct sim_request *req, struct sim_response *res, const char *param, const char *code,
               const char *message);
/* True when the service was told to fail, and has. */
bool oa_respond_scripted(struct sim_request *req, struct sim_response *res);

/* ---- openai_models.c ---- */

/* The model of that name as long as it is served, or NULL. */
const struct oa_model *oa_find_model(const struct sim_service *service, const char *name, int64_t now_ms);
/* The same for models that hear. */
const struct oa_model *oa_find_audio_model(const char *name, int64_t now_ms);
sim_handler oa_handle_models;

/* ---- openai_limits.c ---- */

/* Takes from both budgets and adds the headers that tell of them; false when it has answered 429. */
bool oa_take_budget(struct sim_request *req, struct sim_response *res, const char *model, double tokens);
void oa_add_headers(struct sim_request *req, struct sim_response *res);
void oa_add_budget_headers(struct sim_request *req, struct sim_response *res);

/* ---- openai_checks.c: each but the plain questions answers 400 or 404 itself and is false then ---- */

/* A request for a text that is as it must be, to the chat or to Responses. */
struct oa_chat {
    json_t *body; /* owned */
    const struct oa_model *model;
    const char *model_name; /* as the answer repeats it */
    const char *effort;
    char *prompt; /* the user messages; memory of the request */
    size_t prompt_tokens;
    int64_t tokens_max;        /* INT64_MAX: none */
    const json_t *schema;      /* NULL: no form was asked for */
    bool is_strict, says_json; /* the latter: some message has the word */
};

#define OA_EFFORTS     "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'"
#define OA_VERBOSITIES "'low', 'medium', 'high'"
#define OA_TIERS       "'auto', 'default', 'flex', 'priority', 'fast', 'scale'"

bool oa_is_profile(const struct sim_request *req, const char *profile);
/* Whether a parameter that nobody knows is passed over. */
bool oa_takes_unknown(const struct sim_request *req);
/* Whether `words` ("'a', 'b'") lists `value`. */
bool oa_lists_word(struct sim_request *req, const char *words, const char *value);
bool oa_is_schema_name(const char *name);

/* Always false. */
bool oa_refuse_type(struct sim_request *req, struct sim_response *res, const char *name, const char *wanted);
bool oa_refuse_word(struct sim_request *req, struct sim_response *res, const char *name, const char *value,
                    const char *words);

/* The member `name`, which may be absent or null. */
bool oa_check_word(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                   const char *words);
bool oa_check_number(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                     double min, double max);
/* Writes *ret_limit only when the member is there. */
bool oa_check_limit(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                    int64_t min, int64_t *ret_limit);

/* Booleans, the list ends with NULL; and nobody asks for a stream. */
bool oa_check_flags(struct sim_request *req, struct sim_response *res, const json_t *body,
                    const char *const *names);
bool oa_check_identifier(struct sim_request *req, struct sim_response *res, const json_t *body);
/* LC.2: what reasoning models take of it. */
bool oa_check_temperature(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat);
/* LC.3, LR.1: chat->schema, under the name that the request gives it. */
bool oa_check_schema(struct sim_request *req, struct sim_response *res, const char *name, bool is_response,
                     const struct oa_chat *chat);

/* Adds to the prompt: the tokens of all roles count, the words of the user alone are understood. */
void oa_add_text(struct sim_request *req, struct oa_chat *chat, const char *text, bool is_user);
/* Finds the model that body or path name. */
bool oa_choose_model(struct sim_request *req, struct sim_response *res, struct oa_chat *chat);

typedef bool oa_check(struct sim_request *req, struct sim_response *res, struct oa_chat *chat);
/* Reads the body and hands it to `check`. The caller releases ret_chat->body after true. */
bool oa_read_body(struct sim_request *req, struct sim_response *res, oa_check *check,
                  struct oa_chat *ret_chat);

/* ---- openai_request.c, openai_responses.c ---- */

/* Reads and checks the body; false when it has answered. The caller releases ret_chat->body. */
bool oa_read_chat(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat);
bool oa_read_response(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat);

/* ---- openai_answer.c, openai_responses_answer.c ---- */

/* What one answer says, and what it cost. */
struct oa_completion {
    json_t *content; /* owned; a text or null */
    const char *refusal, *finish;
    size_t tokens, reasoning_tokens;
};

void oa_answer_chat(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat);
void oa_answer_response(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat);

/* Writes what the knob `answer` asks for. The caller releases ret_completion->content. */
void oa_write_completion(struct sim_request *req, const struct oa_chat *chat,
                         struct oa_completion *ret_completion);
/* Counts it and takes its tokens out of the bucket. */
void oa_note_completion(struct openai *openai, const struct oa_chat *chat,
                        const struct oa_completion *completion);
size_t oa_count_tokens(const char *text);

#endif
