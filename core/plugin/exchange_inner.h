/* What the files of the exchange share. Not for flow: see exchange_run.h.
 *
 * How a plugin's function is left early: a defect (an unknown option, a path out of the record's folder) or a
 * failed sb_alloc() jumps out of the function to the place that called it. By contract a plugin owns nothing
 * at that moment but what the exchange owns, so that nothing is lost; and a plugin that ignores a NULL cannot
 * take the engine down. Functions here must therefore release what they hold before they call
 * exchange_defect() or exchange_alloc(). Outside of a plugin's function nothing jumps: a defect is recorded,
 * and exchange_alloc() ends the process, which is why the core's own work on an exchange runs through
 * exchange_call() too. */
#ifndef PLUGIN_EXCHANGE_INNER_H
#define PLUGIN_EXCHANGE_INNER_H

#include <setjmp.h>

#include "base/arena.h"
#include "base/buf.h"
#include "plugin/exchange_run.h"
#include "plugin/helpers.h"

enum exchange_phase {
    PHASE_IDLE = 0,
    PHASE_BUILD = 1 << 0,
    PHASE_FOLD = 1 << 1,
    PHASE_WORK = 1 << 2,
    PHASE_KEY = 1 << 3,
    PHASE_ROUTE = 1 << 4,
    PHASE_FINISH = 1 << 5 /* the core's own, after build */
};

enum {
    EXCHANGE_EMITS_MAX = 4096,
    EXCHANGE_NOTES_MAX = 32,
    EXCHANGE_AUDIOS_MAX = 4,
    EXCHANGE_BODY_MAX = 32 * 1024 * 1024,
    EXCHANGE_TIMEOUT_MS_MAX = 30 * 60 * 1000,
    EXCHANGE_TIMEOUT_MS_DEFAULT = 30 * 1000,
    EXCHANGE_RESPONSE_SIZE_MAX = 16 * 1024 * 1024
};

/* A body that holds what is not yet text. */
enum body_form { BODY_NONE = 0, BODY_JSON, BODY_TEXT, BODY_FORM, BODY_FILE, BODY_PARTS };

/* What a handler asks for with sb_await(). */
struct route_await {
    const char *account, *external_id; /* in the exchange's memory; account NULL: nothing was asked for */
    int64_t wait_ms;
    json_t *kept; /* owned */
};

/* The request while build writes it. */
struct request_draft {
    bool has_begun;
    const char *method;
    const char *base;
    struct buf path, query, form; /* owned */
    bool is_anonymous;
    bool uses_credentials, uses_token; /* once finished */
    enum body_form body_form;
    json_t *body_json; /* owned */
    char *body_text;   /* owned: the dumped JSON */
    const char *file;  /* of a FILE body: its relative name */
    const char *part_files[HTTP_PARTS_MAX];
    const char *sign_header, *sign_option;
    const char *sign_time; /* NULL: only the body is signed */
    const char *save_file; /* "<record>/name", or NULL */
    int64_t timeout_ms;    /* 0: the instance's */
};

struct exchange_private {
    jmp_buf out; /* where a plugin's function is left early */
    bool is_armed;
    enum exchange_phase phase;
    bool ran_out;      /* of memory, or of another thing that this machine may have again later */
    bool has_said_why; /* in the reason */
    bool has_phone_note;
    const char *key; /* what the key function gave */
    json_t *kept;    /* owned array: what must live as long as the exchange */
    struct request_draft draft;
    struct helper_audio audios[EXCHANGE_AUDIOS_MAX]; /* owned samples */
    size_t audio_count;
    const struct route_input *route; /* NULL unless in a route */
    struct route_reply *reply;
    json_t *in_json, *in_headers; /* owned */
    struct route_await await;     /* what this round has asked for */
    struct sb_known known;        /* what it got; of no meaning in round 0 */
    json_t *round_kept;           /* owned: what the round before has kept */
    bool has_known;
};

/* Records a bug of the plugin (the first one counts) and leaves its function, if one runs. */
void exchange_defect(const struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
/* A defect unless the function that runs is one of `phases`. */
void exchange_only_in(const struct sb_exchange *x, unsigned phases, const char *what);
/* Leaves the plugin's function for want of memory. */
void exchange_run_out(struct sb_exchange *x);
/* Leaves the plugin's function for another passing fault of this machine: the step is tried again. */
void exchange_give_up(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);
/* Zeroed memory of the exchange; leaves the plugin's function when there is none. */
void *exchange_alloc(struct sb_exchange *x, size_t size);
/* The text of `buf` in the exchange's memory; empties `buf`. Leaves the function when there is no memory. */
char *exchange_keep_buf(struct sb_exchange *x, struct buf *buf);
/* Runs `fn` so that it can be left early. SB_RETRY when memory ran out, SB_REJECT after a defect. */
enum sb_verdict exchange_call(struct sb_exchange *x, enum exchange_phase phase,
                              enum sb_verdict (*fn)(struct sb_exchange *));
/* Sets the reason: placeholders shown by name, valid UTF-8, a cut marked with "...". */
void exchange_set_reason(struct sb_exchange *x, const char *fmt, va_list args) SB_PRINTF(2, 0);
void exchange_say(struct sb_exchange *x, const char *fmt, ...) SB_PRINTF(2, 3);

/* Makes the request ready to be sent: address, host check, credentials, body. SB_OK, or SB_REJECT with the
 * reason. Run through exchange_call. */
enum sb_verdict exchange_finish_request(struct sb_exchange *x);
void exchange_drop_request(struct sb_exchange *x); /* forgets the draft and the request */
/* The absolute path of a file of this record ("12/recording.mp3"), or NULL after a defect. */
const char *exchange_file_path(struct sb_exchange *x, const char *file);
/* Forgets the emitted records, which were committed. */
void exchange_forget_emits(struct sb_exchange *x);
/* Forgets what a call that ends in SB_RETRY or SB_REJECT has written. */
void exchange_roll_back(struct sb_exchange *x);
/* Ends a call: what it wrote must fit the record schema, and counts only with a verdict that keeps changes. */
enum sb_verdict exchange_settle(struct sb_exchange *x, enum sb_verdict verdict);

#endif
