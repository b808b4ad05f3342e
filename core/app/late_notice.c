/* What a notice is made of: enough for the sinks that tell, and nothing of what was said. */
#include "app/late_notice.h"

#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { SECTIONS_MAX = 5 };

static const struct sb_instance *sink_of(const struct setup *setup, const struct setup_notices *notices,
                                         size_t i)
{
    const struct flow_pipeline *pipeline = &setup->plan.pipelines[notices->pipeline];

    return setup->instances[pipeline->sinks[i]];
}

/* Whether the record has come to a sink that tells: what is late then is the receiver, not the ticket. */
static bool is_being_told(const struct setup *setup, const struct setup_notices *notices,
                          const struct store_record *record)
{
    size_t count = setup->plan.pipelines[notices->pipeline].sink_count;

    for (size_t i = 0; i < count && record->place.phase == STORE_PHASE_SINK; i++)
        if (strcmp(sink_of(setup, notices, i)->name, record->place.instance) == 0)
            return true;
    return false;
}

static bool has_address(const struct setup *setup, const struct setup_notices *notices,
                        const json_t *escalation)
{
    size_t count = setup->plan.pipelines[notices->pipeline].sink_count;

    if (json_str(escalation, "callback_url"))
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct instance_value *url = instance_value(sink_of(setup, notices, i), "url");
        if (url && url->is_set)
            return true;
    }
    return false;
}

/* ---- the sections -------------------------------------------------------------------------------------- */

/* The members of `from` that `names` lists, as far as they are there. New reference. */
static json_t *copy_members(const json_t *from, const char *const *names)
{
    json_t *copy = json_object();

    for (; copy && *names; names++)
        if (json_object_get(from, *names))
            (void)json_object_set(copy, *names,
                                  json_object_get(from, *names)); /* a failure is a missing member */
    return copy;
}

static json_t *make_sections(const struct store_record *record, const char *external_id, int64_t now_ms)
{
    static const char *const of_escalation[] = { "id",       "agent",   "reason_code",  "summary",
                                                 "language", "channel", "callback_url", "received_at",
                                                 "digest",   NULL };
    static const char *const of_user[] = { "id", "name", "locale", NULL };
    const json_t *source = json_object_get(record->sections, "source");
    const json_t *ticket = json_object_get(record->sections, "ticket");
    const json_t *user = json_object_get(record->sections, "user");
    const char *plugin = source ? json_str(source, "plugin") : NULL;
    char at[TIME_TEXT_MAX];

    time_format_rfc3339(now_ms, at);
    return json_pack("{s:{s:s, s:s, s:s, s:I}, s:{s:s, s:I, s:s, s:s}, s:o, s:o*, s:O*}", "source", "plugin",
                     plugin ? plugin : "", "account", record->account, "external_id", external_id, "at_ms",
                     (json_int_t)now_ms, "notice", "event", "ticket.delayed", "of", (json_int_t)record->id,
                     "reference", record->reference, "at", at, "escalation",
                     copy_members(json_object_get(record->sections, "escalation"), of_escalation), "user",
                     user ? copy_members(user, of_user) : NULL, "ticket",
                     ticket && json_str(ticket, "id") ? ticket : NULL);
}

static int fill_emit(struct store_change *change, const struct setup_notices *notices,
                     const struct store_record *record, struct store_emit *emit, struct sb_error *err)
{
    const char *external_id = arena_printf(change->arena, "%s%s", record->external_id, LATE_NOTICE_SUFFIX);
    AUTO_JSON sections = external_id ? make_sections(record, external_id, change->now_ms) : NULL;
    struct store_text *texts = arena_alloc(change->arena, SECTIONS_MAX * sizeof(*texts));
    const char *name;
    json_t *doc;
    size_t count = 0;

    if (!sections || !texts)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    json_object_foreach (sections, name, doc) {
        AUTO_STR text = json_text(doc);
        texts[count] = (struct store_text){ .name = arena_strdup(change->arena, name),
                                            .text = text ? arena_strdup(change->arena, text) : NULL };
        if (!texts[count].name || !texts[count].text)
            return sb_fail(err, SB_ENOMEM, "out of memory");
        count++;
    }
    *emit = (struct store_emit){ .pipeline = notices->name,
                                 .account = arena_strdup(change->arena, record->account),
                                 .external_id = external_id,
                                 .sections = texts,
                                 .section_count = count,
                                 .conversation_at_ms = change->now_ms };
    return emit->account ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

int late_notice_add(const struct setup *setup, const struct setup_notices *notices,
                    const struct store_record *record, struct store_change *change, struct sb_error *err)
{
    const json_t *escalation = json_object_get(record->sections, "escalation");

    if (!escalation || json_object_get(record->sections, "callback") ||
        is_being_told(setup, notices, record) || !has_address(setup, notices, escalation))
        return 0;
    struct store_emit *emits = arena_alloc(change->arena, (change->emit_count + 1) * sizeof(*emits));
    if (!emits)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (change->emit_count)
        memcpy(emits, change->emits, change->emit_count * sizeof(*emits));
    int rc = fill_emit(change, notices, record, &emits[change->emit_count], err);
    if (rc < 0)
        return rc;
    change->emits = emits;
    change->emit_count++;
    return 0;
}
