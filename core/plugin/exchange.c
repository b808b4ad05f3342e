/* One exchange: made for one call of a plugin (build and fold belong together), run, checked, and thrown
 * away. */
#include "plugin/exchange_run.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "base/utf8.h"
#include "plugin/exchange_inner.h"
#include "plugin/record_schema.h"

struct sb_exchange *exchange_new(const struct exchange_input *in)
{
    assert(in->instance && json_is_object(in->document));
    struct sb_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;

    x->in = *in;
    x->arena = arena_new(EXCHANGE_MEMORY_MAX);
    struct exchange_private *own = x->arena ? arena_alloc(x->arena, sizeof(*own)) : NULL;
    x->private_ = own;
    if (!own) {
        exchange_free(x);
        return NULL;
    }
    buf_init(&own->draft.path, EXCHANGE_BODY_MAX);
    buf_init(&own->draft.query, EXCHANGE_BODY_MAX);
    buf_init(&own->draft.form, EXCHANGE_BODY_MAX);
    x->document = json_incref(in->document);
    return x;
}

void exchange_forget_emits(struct sb_exchange *x)
{
    for (size_t i = 0; i < x->emit_count; i++)
        json_decref(x->emits[i].record);
    x->emit_count = 0;
}

static void free_private(struct exchange_private *own)
{
    json_decref(own->kept);
    json_decref(own->in_json);
    json_decref(own->in_headers);
    json_decref(own->await.kept);
    json_decref(own->round_kept);
    for (size_t i = 0; i < own->audio_count; i++)
        for (size_t c = 0; c < COUNT_OF(own->audios[i].samples); c++)
            free(own->audios[i].samples[c]);
}

void exchange_free(struct sb_exchange *x)
{
    if (!x)
        return;
    if (x->private_) {
        exchange_drop_request(x);
        free_private(x->private_);
    }
    exchange_forget_emits(x);
    free(x->emits);
    http_response_free(x->response);
    json_decref(x->response_json);
    json_decref(x->document);
    json_decref(x->notes);
    json_decref(x->intent_kept);
    json_decref(x->key_doc);
    arena_free(x->arena);
    free(x);
}

/* ---- leaving a plugin's function early ----------------------------------------------------------------- */

void exchange_defect(const struct sb_exchange *x, const char *fmt, ...)
{
    /* The plugin's view of the exchange is constant; the exchange itself never is. */
    struct sb_exchange *writable = (struct sb_exchange *)(uintptr_t)x;
    struct exchange_private *own = x->private_;

    if (!x->is_defect) {
        va_list args;
        va_start(args, fmt);
        exchange_set_reason(writable, fmt, args);
        va_end(args);
        writable->is_defect = true;
    }
    if (own->is_armed)
        longjmp(own->out, 1);
}

void exchange_only_in(const struct sb_exchange *x, unsigned phases, const char *what)
{
    const struct exchange_private *own = x->private_;

    if (own->phase != PHASE_IDLE && !(own->phase & phases))
        exchange_defect(x, "%s was called where it may not be", what);
}

void exchange_run_out(struct sb_exchange *x)
{
    struct exchange_private *own = x->private_;

    own->ran_out = true;
    if (own->is_armed)
        longjmp(own->out, 1);
    (void)fputs("switchboard: out of memory beside an exchange\n", stderr);
    abort();
}

void exchange_give_up(struct sb_exchange *x, const char *fmt, ...)
{
    struct exchange_private *own = x->private_;
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    own->has_said_why = true;
    exchange_run_out(x);
}

void *exchange_alloc(struct sb_exchange *x, size_t size)
{
    void *memory = arena_alloc(x->arena, size);

    if (!memory)
        exchange_run_out(x);
    return memory;
}

char *exchange_keep_buf(struct sb_exchange *x, struct buf *buf)
{
    char *text = buf->failed ? NULL : arena_alloc(x->arena, buf->len + 1);

    if (text)
        memcpy(text, buf->data, buf->len + 1);
    buf_done(buf);
    if (!text)
        exchange_run_out(x);
    return text;
}

/* The only place that a jump lands in. Nothing of this frame changes after setjmp, so nothing is lost by it.
 */
static enum sb_verdict call_armed(struct sb_exchange *x, enum sb_verdict (*fn)(struct sb_exchange *))
{
    struct exchange_private *own = x->private_;

    if (setjmp(own->out) != 0) {
        own->is_armed = false;
        return own->ran_out && !x->is_defect ? SB_RETRY : SB_REJECT;
    }
    own->is_armed = true;
    enum sb_verdict verdict = fn(x);
    own->is_armed = false;
    return verdict;
}

static bool is_verdict(enum sb_verdict verdict)
{
    switch (verdict) {
    case SB_OK:
    case SB_SKIP:
    case SB_AGAIN:
    case SB_RETRY:
    case SB_REJECT:
    case SB_DROP:
        return true;
    }
    return false;
}

enum sb_verdict exchange_call(struct sb_exchange *x, enum exchange_phase phase,
                              enum sb_verdict (*fn)(struct sb_exchange *))
{
    struct exchange_private *own = x->private_;

    x->reason[0] = '\0';
    x->delay_ms = 0;
    x->suspend_ms = 0;
    x->has_more = false;
    own->ran_out = false;
    own->has_said_why = false;
    own->phase = phase;
    enum sb_verdict verdict = call_armed(x, fn);
    own->phase = PHASE_IDLE;

    if (own->ran_out && !own->has_said_why && !x->is_defect)
        exchange_say(x, "no memory: the step needs more than %d MiB, or the machine has none",
                     EXCHANGE_MEMORY_MAX / (1024 * 1024));
    if (!x->is_defect && !is_verdict(verdict))
        exchange_defect(x, "the step gave the unknown verdict %d", (int)verdict);
    return x->is_defect ? SB_REJECT : verdict;
}

/* ---- calls --------------------------------------------------------------------------------------------- */

void exchange_roll_back(struct sb_exchange *x)
{
    json_decref(x->document);
    x->document = json_incref(x->in.document);
    x->dirty_count = 0;
    exchange_forget_emits(x);
    json_decref(x->key_doc);
    x->key_doc = NULL;
    x->key_is_dirty = false;
}

static bool verdict_keeps_changes(enum sb_verdict verdict)
{
    return verdict == SB_OK || verdict == SB_SKIP || verdict == SB_AGAIN || verdict == SB_DROP;
}

/* What a plugin wrote must fit the record schema, or the scripts and sinks behind it would fail on it. */
static bool fits_schema(struct sb_exchange *x, struct sb_error *err)
{
    for (size_t i = 0; x->in.reference && i < x->dirty_count; i++)
        if (record_check_section(x->document, x->dirty[i], err) < 0)
            return false;
    for (size_t i = 0; i < x->emit_count; i++)
        if (record_check(x->emits[i].record, err) < 0)
            return false;
    return true;
}

enum sb_verdict exchange_settle(struct sb_exchange *x, enum sb_verdict verdict)
{
    struct sb_error err = SB_ERROR_INIT;

    if (verdict_keeps_changes(verdict) && !fits_schema(x, &err)) {
        exchange_defect(x, "%s", err.text);
        verdict = SB_REJECT;
    }
    if (!verdict_keeps_changes(verdict))
        exchange_roll_back(x);
    return verdict;
}

static enum sb_verdict check_built(struct sb_exchange *x)
{
    const struct exchange_private *own = x->private_;

    if (x->dirty_count > 0 || x->key_is_dirty || x->emit_count > 0)
        exchange_defect(x, "build changed the record and asked for a request");
    else if (!own->draft.has_begun)
        exchange_defect(x, "build said SB_OK and wrote no request");
    else
        return exchange_call(x, PHASE_FINISH, exchange_finish_request);
    return SB_REJECT;
}

enum sb_verdict exchange_build(struct sb_exchange *x)
{
    assert(x->in.step->build);
    exchange_drop_request(x);
    json_decref(x->intent_kept);
    x->intent_kept = NULL;

    enum sb_verdict verdict = exchange_call(x, PHASE_BUILD, x->in.step->build);
    if (verdict == SB_OK)
        verdict = check_built(x);
    if (verdict != SB_OK)
        exchange_drop_request(x);
    return exchange_settle(x, verdict);
}

enum sb_verdict exchange_fold(struct sb_exchange *x, struct http_response *response)
{
    const struct exchange_private *own = x->private_;

    assert(response->status > 0 || x->in.step->flags & SB_STEP_READS_FAULTS);
    http_response_free(x->response);
    json_decref(x->response_json);
    x->response = response;
    x->response_json = NULL;
    x->response_json_tried = false;
    if (response->is_saved && !x->saved_file)
        x->saved_file = own->draft.save_file;

    enum sb_verdict (*fold)(struct sb_exchange *) = x->in.step->fold ? x->in.step->fold : sb_default_verdict;
    return exchange_settle(x, exchange_call(x, PHASE_FOLD, fold));
}

enum sb_verdict exchange_work(struct sb_exchange *x)
{
    assert(x->in.step->work);
    return exchange_settle(x, exchange_call(x, PHASE_WORK, x->in.step->work));
}

static enum sb_verdict ask_key(struct sb_exchange *x)
{
    struct exchange_private *own = x->private_;
    const char *key = x->in.step->key(x);

    if (key && (!*key || strlen(key) > EXCHANGE_KEY_MAX))
        exchange_defect(x, "the key is empty or longer than %d bytes", EXCHANGE_KEY_MAX);
    own->key = key ? sb_strdup(x, key) : NULL;
    return SB_OK;
}

const char *exchange_key(struct sb_exchange *x)
{
    const struct exchange_private *own = x->private_;

    if (!x->in.step->key || exchange_call(x, PHASE_KEY, ask_key) != SB_OK)
        return NULL;
    return own->key;
}

json_t *exchange_document(struct sb_exchange *x)
{
    return json_incref(x->document);
}

/* ---- memory and texts ---------------------------------------------------------------------------------- */

void exchange_set_reason(struct sb_exchange *x, const char *fmt, va_list args)
{
    AUTO_BUF raw;
    AUTO_BUF masked;
    AUTO_BUF mended;

    buf_init(&raw, (size_t)64 * 1024);
    buf_init(&masked, (size_t)128 * 1024);
    buf_init(&mended, (size_t)512 * 1024);
    buf_vprintf(&raw, fmt, args);
    instance_mask(raw.data, &masked);
    utf8_mend(&mended, masked.data, masked.len);
    const char *text = mended.failed || raw.failed ? "the reason is too long to be shown" : mended.data;

    size_t size = strlen(text);
    bool is_cut = size >= sizeof(x->reason);
    if (is_cut) {
        size = sizeof(x->reason) - sizeof("...");
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    (void)snprintf(x->reason, sizeof(x->reason), "%.*s%s", (int)size, text, is_cut ? "..." : "");
}

void exchange_say(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
}

void *sb_alloc(struct sb_exchange *x, size_t size)
{
    return exchange_alloc(x, size);
}

char *sb_strdup(struct sb_exchange *x, const char *text)
{
    return sb_strndup(x, text, text ? strlen(text) : 0);
}

char *sb_strndup(struct sb_exchange *x, const char *text, size_t size)
{
    size_t length = text ? strnlen(text, size) : 0;
    char *copy = exchange_alloc(x, length + 1);

    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *sb_printf(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = arena_vprintf(x->arena, fmt, args);
    va_end(args);
    if (!text)
        exchange_run_out(x);
    return text;
}

json_t *sb_keep(struct sb_exchange *x, json_t *value)
{
    struct exchange_private *own = x->private_;

    if (!own->kept)
        own->kept = json_array();
    if (value && json_array_append_new(own->kept, value) < 0)
        exchange_run_out(x);
    return value;
}

/* ---- what a step may ask ------------------------------------------------------------------------------- */

const char *sb_reference(const struct sb_exchange *x)
{
    return x->in.reference;
}

int64_t sb_now_ms(const struct sb_exchange *x)
{
    return x->in.now_ms;
}

uint32_t sb_round(const struct sb_exchange *x)
{
    return x->in.round;
}

bool sb_is_doubtful(const struct sb_exchange *x)
{
    return x->in.is_doubtful;
}

int64_t sb_step_age_ms(const struct sb_exchange *x)
{
    return x->in.now_ms > x->in.since_ms ? x->in.now_ms - x->in.since_ms : 0;
}
