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
    uint64_t completions, refused, rate_limited, prompt_tokens, completion_tokens;
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
sim_handler oa_handle_models;

/* ---- openai_limits.c ---- */

/* Takes from both budgets and adds the headers that tell of them; false when it has answered 429. */
bool oa_take_budget(struct sim_request *req, struct sim_response *res, const char *model, double tokens);
void oa_add_headers(struct sim_request *req, struct sim_response *res);
void oa_add_budget_headers(struct sim_request *req, struct sim_response *res);

/* ---- openai_request.c ---- */

/* A request that is as it must be. */
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

/* Reads and checks the body; false when it has answered. The caller releases ret_chat->body. */
bool oa_read_chat(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat);

/* ---- openai_answer.c ---- */

void oa_answer_chat(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat);
size_t oa_count_tokens(const char *text);

#endif
