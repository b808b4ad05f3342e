/* What openai_audio*.c share: one upload, read and checked. */
#ifndef OPENAI_AUDIO_H
#define OPENAI_AUDIO_H

#include "deepgram_audio.h"
#include "openai.h"

enum { OA_SPEAKERS_MAX = 4 };

/* Texts are memory of the request. */
struct oa_upload {
    const struct oa_model *model;
    const struct sim_part *file;
    struct dg_audio audio;
    const char *language; /* a code, or NULL */
    const char *format;   /* "json" */
    const char *prompt;   /* "" when there is none */
    double temperature;
    bool has_logprobs, has_words, has_segments, has_chunking;
    const char *speakers[OA_SPEAKERS_MAX];
    size_t speaker_count, reference_count;
};

/* ---- openai_audio.c ---- */

/* Reads and checks the form; false when it has answered. */
bool oa_read_upload(struct sim_request *req, struct sim_response *res, struct oa_upload *ret_upload);

/* "english" of "en", or NULL for a code that no model knows. */
const char *oa_language_name(const char *code);

/* ---- openai_audio_answer.c ---- */

/* An error of this API; `param` and `code` may be NULL. With `has_usage` it says that nothing was charged. */
void oa_refuse_audio(struct sim_request *req, struct sim_response *res, unsigned status, const char *param,
                     const char *code, bool has_usage, const char *message);
void oa_answer_upload(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload);

#endif
