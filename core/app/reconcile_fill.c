/* From conversations that are missing to a change that emits them. */
#include "app/reconcile_fill.h"

#include "base/json.h"
#include "base/scope.h"

enum { FILL_MAX = 100 }; /* records emitted in one change */

static bool is_missing(const json_t *entry)
{
    return !json_object_get(entry, "standing") && json_object_get(entry, "record");
}

static bool fill_emit(struct store_change *change, const json_t *entry, struct store_emit *ret_emit)
{
    json_t *record = json_object_get(entry, "record");
    struct store_text *sections =
        arena_alloc(change->arena, (json_object_size(record) + 1) * sizeof(*sections));
    const char *name;
    json_t *doc;
    size_t count = 0;

    json_object_foreach (record, name, doc) {
        AUTO_STR text = json_text(doc);
        if (!sections || !text)
            return false;
        sections[count].name = arena_strdup(change->arena, name);
        sections[count].text = arena_strdup(change->arena, text);
        if (!sections[count].name || !sections[count].text)
            return false;
        count++;
    }
    *ret_emit =
        (struct store_emit){ .pipeline = arena_strdup(change->arena, json_str(entry, "pipeline")),
                             .account = arena_strdup(change->arena, json_str(entry, "account")),
                             .external_id = arena_strdup(change->arena, json_str(entry, "external_id")),
                             .sections = sections,
                             .section_count = count,
                             .conversation_at_ms = json_int(json_object_get(record, "source"), "at_ms", 0),
                             .is_doubtful = true };
    return ret_emit->pipeline && ret_emit->account && ret_emit->external_id;
}

struct store_change *reconcile_fill(const json_t *entries, size_t *index, int64_t now_ms)
{
    struct store_change *change = store_change_new();
    struct store_emit *emits = change ? arena_alloc(change->arena, FILL_MAX * sizeof(*emits)) : NULL;

    if (!emits) {
        store_change_free(change);
        return NULL;
    }
    change->now_ms = now_ms;
    change->emits = emits;
    for (; *index < json_array_size(entries) && change->emit_count < FILL_MAX; (*index)++) {
        const json_t *entry = json_array_get(entries, *index);
        if (!is_missing(entry))
            continue;
        if (!fill_emit(change, entry, &emits[change->emit_count])) {
            store_change_free(change);
            return NULL;
        }
        change->emit_count++;
    }
    return change;
}
