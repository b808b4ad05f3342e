/* What deepgram*.c share: the settings of one request, the model table, and the making of an answer. */
#ifndef DEEPGRAM_H
#define DEEPGRAM_H

#include "deepgram_audio.h"
#include "deepgram_words.h"
#include "service.h"

/* The query, read and checked. Texts point into the request; repeated parameters are read from there. */
struct dg_settings {
    const char *model, *language;
    bool has_model, smart_format, punctuate, paragraphs, utterances, multichannel;
    bool diarize, has_diarize_model, detect_language;
    bool detect_entities, sentiment, topics, intents, summarize, is_summary_v2;
    const char *encoding;
    int64_t sample_rate;
    double utt_split;
};

enum { DG_FAULT_MAX = 300 };

/* A refusal: what goes into the error body. */
struct dg_fault {
    unsigned status;
    const char *code;
    char text[DG_FAULT_MAX];
};

/* Reads the query. 0, or -1 and the refusal. With `refuses_unknown` a parameter that is not documented is
 * one, too. */
int dg_read_settings(const struct sim_request *req, bool refuses_unknown, struct dg_settings *ret_settings,
                     struct dg_fault *ret_fault);

/* Whether there is such a model, and whether it speaks `language`. */
bool dg_has_model(const char *model);
bool dg_speaks(const char *model, const char *language);
/* "nova-3" of "nova-3-medical", and "general-nova-3" as answers name it. Writes at most `size` bytes. */
void dg_name_model(const char *model, char *arch, char *name, size_t size);

/* The part "results" of the answer. `words` are changed (redacted). Gives a new reference. */
json_t *dg_make_results(const struct sim_request *req, const struct dg_settings *settings,
                        const struct dg_audio *audio, struct dg_words *words, const char *language,
                        uint64_t seed, bool has_nested_topics);

/* A uuid from the generator at *state. */
void dg_write_uuid(uint64_t *state, char text[37]);

/* Knobs in the order of the table in deepgram.c. */
enum dg_knob {
    DG_SELF_HOSTED,
    DG_UNKNOWN_PARAMETERS,
    DG_UNKNOWN_MODEL,
    DG_CONCURRENCY_MAX,
    DG_CONCURRENCY_INTELLIGENCE_MAX,
    DG_CONCURRENCY_ENTITIES_MAX,
    DG_RETRY_AFTER_S,
    DG_JSON_ERRORS,
    DG_SLOW_UPLOAD_MS,
    DG_ANSWER,
    DG_NESTED_TOPICS,
    DG_REQUEST_ID_HEADER,
    DG_CALLBACK_DELAY_MS,
    DG_CALLBACK_TIMEOUT_MS,
    DG_CALLBACK_PORT,
    DG_KNOBS
};

/* Results made lately: what says the same with the same settings gives the same text, as often as it is sent. */
enum { DG_CACHE_SIZE = 256 };

struct dg_cached {
    char *key;     /* owned */
    char *results; /* owned; JSON */
};

struct deepgram {
    json_t *keys;    /* owned; key -> what it may */
    json_t *scripts; /* owned; sha256 -> script */
    json_t *seen;    /* owned; sha256 -> how often it was transcribed, and whose recording it is */
    struct dg_cached cache[DG_CACHE_SIZE];
    size_t cache_next;
    uint64_t transcriptions, too_many, callbacks;
    double audio_seconds;
    unsigned in_flight_max;
};

/* ---- deepgram_checks.c: what comes before the answer, in the order in which it is asked. Each returns false
 * when it has answered itself. ---- */

const char *dg_request_id(struct sim_request *req);
void dg_respond_fault(struct sim_request *req, struct sim_response *res, unsigned status, const char *code,
                      const char *text);
/* DG.7: what the service was told to answer to everything; true when it was told something. */
bool dg_respond_scripted(struct sim_request *req, struct sim_response *res);
bool dg_check_key(struct sim_request *req, struct sim_response *res, const json_t **ret_key);
bool dg_check_model(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                    const json_t *key);
bool dg_check_concurrency(struct sim_request *req, struct sim_response *res,
                          const struct dg_settings *settings);
bool dg_read_body(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                  struct dg_audio *ret_audio);

/* ---- deepgram_callback.c ---- */

/* Sends `text`, an answer, to where the request wants it (DG.10). Borrows everything. */
void dg_send_callback(struct sim_request *req, const char *text, size_t size);

/* ---- deepgram_transcribe.c ---- */

void dg_transcribe(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                   const struct dg_audio *audio);
void dg_drop_cache(struct deepgram *deepgram);

#endif
