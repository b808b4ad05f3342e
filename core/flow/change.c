/* Building changes of the journal. */
#include "flow/change.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "flow/poll.h"
#include "flow/run.h"
#include "flow/state.h"

static const char *keep_json(struct store_change *change, const json_t *doc)
{
    AUTO_STR text = json_text(doc);
    return text ? arena_strdup(change->arena, text) : NULL;
}

static bool add_meters(struct store_change *change, const char *instance, const struct sb_exchange *x)
{
    if (!x->meter_count)
        return true;
    struct store_meter *meters = arena_alloc(change->arena, x->meter_count * sizeof(*meters));
    if (!meters)
        return false;
    for (size_t i = 0; i < x->meter_count; i++)
        meters[i] = (struct store_meter){ .instance = instance,
                                          .name = arena_strdup(change->arena, x->meters[i].name),
                                          .amount = x->meters[i].amount };
    change->meters = meters;
    change->meter_count = x->meter_count;
    return true;
}

/* ---- polls --------------------------------------------------------------------------------------------- */

static bool fill_emit(struct store_change *change, const char *pipeline, const struct exchange_emit *from,
                      struct store_emit *to)
{
    const json_t *source = json_object_get(from->record, "source");

    *to = (struct store_emit){ .pipeline = pipeline,
                               .account = arena_strdup(change->arena, from->account),
                               .external_id = arena_strdup(change->arena, from->external_id),
                               .record = json_incref(from->record),
                               .conversation_at_ms = source ? json_int(source, "at_ms", 0) : 0 };
    return to->account && to->external_id;
}

/* What a source has brought: emitted records and meters. */
static bool add_emits(struct store_change *change, const char *pipeline, const char *source,
                      const struct sb_exchange *x)
{
    if (x->emit_count)
        change->emits = arena_alloc(change->arena, x->emit_count * sizeof(*change->emits));
    bool is_good = (!x->emit_count || change->emits) && add_meters(change, source, x);
    for (size_t i = 0; is_good && i < x->emit_count; i++) {
        is_good = fill_emit(change, pipeline, &x->emits[i], &change->emits[i]);
        change->emit_count = i + 1; /* what is to be freed with the change */
    }
    return is_good;
}

struct store_change *change_of_poll(struct flow *flow, const struct poll *poll)
{
    const struct sb_exchange *x = poll->call.x;
    struct store_change *change = store_change_new();

    if (!change)
        return NULL;
    change->now_ms = flow_wall_ms(flow);
    change->cursor_name = poll->gate->name;
    change->cursor_doc = keep_json(change, x->document);
    if (!change->cursor_doc || !add_emits(change, poll->pipeline->name, poll->gate->name, x)) {
        store_change_free(change);
        return NULL;
    }
    return change;
}

struct store_change *flow_emit_change(struct flow *flow, const struct flow_pipeline *pipeline,
                                      const struct sb_exchange *x)
{
    struct store_change *change = store_change_new();

    if (!change)
        return NULL;
    change->now_ms = flow_wall_ms(flow);
    if (!add_emits(change, pipeline->name, flow_gate(flow, pipeline->source)->name, x)) {
        store_change_free(change);
        return NULL;
    }
    return change;
}

/* ---- records ------------------------------------------------------------------------------------------- */

struct store_change *change_of_run(struct flow *flow, const struct run *run)
{
    struct store_change *change = store_change_new();

    if (!change)
        return NULL;
    change->now_ms = flow_wall_ms(flow);
    change->record_id = run->id;
    change->sets_place = true;
    change->state = run->record->state;
    change->reason = run->record->reason ? arena_strdup(change->arena, run->record->reason) : NULL;
    change->place = run->record->place; /* its texts are constants of the plan and the plugins */
    return change;
}

bool change_add_section(struct store_change *change, const char *name, const json_t *doc)
{
    struct store_text *sections = arena_alloc(change->arena, (change->section_count + 1) * sizeof(*sections));

    if (!sections)
        return false;
    if (change->section_count)
        memcpy(sections, change->sections, change->section_count * sizeof(*sections));
    struct store_text *added = &sections[change->section_count];
    added->name = arena_strdup(change->arena, name);
    added->text = doc ? keep_json(change, doc) : NULL;
    change->sections = sections;
    change->section_count++;
    return added->name && (!doc || added->text);
}

static bool add_file(struct store_change *change, const struct run *run, const struct sb_exchange *x)
{
    struct store_file *file = arena_alloc(change->arena, sizeof(*file));

    if (!file)
        return false;
    *file = (struct store_file){ .name = arena_strdup(change->arena, x->saved_file),
                                 .instance = run->call.gate->name,
                                 .size = x->response ? x->response->saved_size : 0,
                                 .created_ms = change->now_ms };
    change->file = file;
    return file->name != NULL;
}

bool change_add_exchange(struct store_change *change, const struct run *run, const struct sb_exchange *x)
{
    for (size_t i = 0; i < x->dirty_count; i++)
        if (!change_add_section(change, x->dirty[i], json_object_get(x->document, x->dirty[i])))
            return false;
    if (x->key_is_dirty && run->lock) {
        change->key_name = arena_strdup(change->arena, run->lock->name);
        change->key_instance = arena_strdup(change->arena, run->lock->instance);
        change->key_doc = keep_json(change, x->key_doc);
        if (!change->key_name || !change->key_instance || !change->key_doc)
            return false;
    }
    if (x->response && x->response->is_saved && x->saved_file && !add_file(change, run, x))
        return false;
    return add_meters(change, run->call.gate->name, x);
}

bool change_add_intent(struct store_change *change, const struct run *run, const struct call *call,
                       int64_t at_ms)
{
    struct store_intent *intent = arena_alloc(change->arena, sizeof(*intent));
    AUTO_JSON request = exchange_request_json(call->x);

    if (!intent || !request)
        return false;
    *intent =
        (struct store_intent){ .instance = call->gate->name,
                               .step = call->step->name,
                               .round = run->record->place.round,
                               .attempt = run->record->place.attempt,
                               .key = run->lock ? arena_strdup(change->arena, run->lock->name) : NULL,
                               .request = keep_json(change, request),
                               .kept = call->x->intent_kept ? keep_json(change, call->x->intent_kept) : "{}",
                               .at_ms = at_ms };
    change->intent = intent;
    return intent->request && intent->kept;
}

/* The reason, and the plugin's notes after it. */
static const char *outcome_text(struct store_change *change, const struct call_result *result,
                                const struct sb_exchange *x)
{
    AUTO_BUF text;
    size_t index;
    json_t *note;

    buf_init(&text, 8192);
    buf_str(&text, result->reason ? result->reason : "");
    json_array_foreach (x ? x->notes : NULL, index, note)
        buf_printf(&text, "%s%s", text.len ? "; " : "", json_string_value(note));
    return text.len ? arena_strdup(change->arena, text.data) : NULL;
}

bool change_add_outcome(struct flow *flow, struct store_change *change, const struct run *run,
                        const char *verdict, const struct call_result *result, const struct sb_exchange *x)
{
    struct store_outcome *outcome = arena_alloc(change->arena, sizeof(*outcome));

    if (!outcome)
        return false;
    *outcome = (struct store_outcome){ .at_ms = flow_wall_ms(flow),
                                       .instance = run->call.gate ? run->call.gate->name : "",
                                       .step = run->call.step ? run->call.step->name : "",
                                       .round = run->call_round,
                                       .attempt = run->call_attempt,
                                       .verdict = verdict,
                                       .http_status = result->http_status,
                                       .duration_ms = result->duration_ms,
                                       .text = outcome_text(change, result, x) };
    change->outcome = outcome;
    return true;
}

char *change_answer_text(const struct sb_exchange *x)
{
    const struct http_response *response = x->response;
    AUTO_JSON headers = json_object();
    AUTO_JSON doc = NULL;

    for (size_t i = 0; response && headers && i < response->header_count; i++)
        (void)json_object_set_new(
            headers, response->headers[i].name,
            json_stringn_nocheck(response->headers[i].value, strlen(response->headers[i].value)));
    if (response)
        doc = json_pack("{s:i, s:O, s:s%}", "status", response->status, "headers", headers, "body",
                        response->body, response->body_size);
    return doc ? json_text(doc) : NULL;
}
