/* What the files of the Deepgram processor share. */
#ifndef DEEPGRAM_PLUGIN_H
#define DEEPGRAM_PLUGIN_H

#include "switchboard/switchboard.h"

#define DG_BASE_URL "https://api.deepgram.com"

/* ---- request.c ---- */

/* The API's address for these options: `base_url`, or that of the region. */
const char *dg_base(const struct sb_exchange *x);
/* Whether each channel is transcribed by itself. */
bool dg_is_multichannel(const struct sb_exchange *x);
enum sb_verdict dg_build(struct sb_exchange *x);

/* ---- failure.c ---- */

/* What an answer that is no transcript means. */
enum sb_verdict dg_failure(struct sb_exchange *x);

/* ---- transcript.c ---- */

/* Makes the record's transcript from a good answer. False: it is none. */
bool dg_write_transcript(struct sb_exchange *x, const json_t *answer);
/* The transcript of a conversation without a recording, which says why there is none. */
void dg_write_none(struct sb_exchange *x, const char *why);

/* ---- segments.c ---- */

/* One stretch of speech, before it has become JSON. Texts are borrowed from the answer or the exchange. */
struct dg_segment {
    int64_t start_ms, end_ms;
    int64_t channel, speaker; /* speaker: -1 unknown */
    double confidence;        /* -1 unknown */
    const char *text;
};

struct dg_segments {
    struct dg_segment *items;
    size_t count;
};

/* The answer's utterances in time order; where there are none, its words put together by speaker and pause.
 */
struct dg_segments dg_read_segments(struct sb_exchange *x, const json_t *results);
/* Seconds of the API in milliseconds; 0 for what is no time. */
int64_t dg_ms(double seconds);

#endif
