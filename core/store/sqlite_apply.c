/* Writing one group of changes: every commit point of the engine goes through here. */
#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/scope.h"
#include "store/sqlite_identity.h"
#include "store/sqlite_store.h"

enum { CALLS_AGAIN_MS = 24 * 3600 * 1000 };

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- the record ---------------------------------------------------------------------------------------- */

static void bind_place(struct query *query, const struct store_change *change)
{
    const struct store_place *place = &change->place;

    query_text(query, change->reason);
    query_text(query, store_phase_word(place->phase));
    query_int(query, place->index);
    query_text(query, text_or_empty(place->instance));
    query_text(query, text_or_empty(place->step));
    query_int(query, place->round);
    query_int(query, place->attempt);
    query_int(query, place->since_ms);
    query_int(query, change->now_ms);
}

static int check_is_there(struct store *store, int64_t id, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_RECORD_IS_THERE);

    query_int(&query, id);
    int rc = query_next(&query, err);
    if (rc == 0)
        return sb_fail(err, SB_EINTERNAL, "record %lld is not in the journal", (long long)id);
    return rc < 0 ? rc : 0;
}

/* A record that an operator has ended in the meantime stays ended: only what happened to it is added. */
static int move_record(struct store *store, const struct store_change *change, struct sb_error *err)
{
    bool is_end = change->state != STORE_ACTIVE;
    AUTO_QUERY query = query_begin(store, is_end ? STATEMENT_RECORD_END : STATEMENT_RECORD_MOVE);

    bind_place(&query, change);
    if (is_end)
        query_text(&query, store_state_word(change->state));
    query_int(&query, change->record_id);
    int rc = query_run(&query, err);
    if (rc == 0 && query_changed(&query) == 0)
        rc = check_is_there(store, change->record_id, err);
    return rc;
}

static int touch_record(struct store *store, const struct store_change *change, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_RECORD_TOUCH);

    query_int(&query, change->now_ms);
    query_int(&query, change->record_id);
    int rc = query_run(&query, err);
    if (rc == 0 && query_changed(&query) == 0)
        return sb_fail(err, SB_EINTERNAL, "record %lld is not in the journal", (long long)change->record_id);
    return rc;
}

static int run_for_record(struct store *store, enum statement statement, int64_t id, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);

    query_int(&query, id);
    return query_run(&query, err);
}

static int put_sections(struct store *store, int64_t id, const struct store_text *sections, size_t count,
                        struct sb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        bool is_put = sections[i].text != NULL;
        AUTO_QUERY query = query_begin(store, is_put ? STATEMENT_SECTION_PUT : STATEMENT_SECTION_REMOVE);
        query_int(&query, id);
        query_text(&query, sections[i].name);
        if (is_put)
            query_text(&query, sections[i].text);
        int rc = query_run(&query, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int settle_intent(struct store *store, const struct store_change *change, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_INTENT_SETTLE);

    struct chain_settled settled = { .record_id = change->record_id,
                                     .settled_ms = change->now_ms,
                                     .state = store_intent_state_word(change->intent_state),
                                     .answer = change->intent_answer,
                                     .made = change->intent_made };
    query_text(&query, settled.state);
    query_text(&query, settled.answer);
    query_int(&query, settled.settled_ms);
    query_text(&query, settled.made);
    query_int(&query, settled.record_id);
    int rc = query_next(&query, err);
    if (rc == 0)
        return sb_fail(err, SB_EINTERNAL, "record %lld has no open intent to settle",
                       (long long)change->record_id);
    if (rc < 0)
        return rc;
    settled.intent_id = query_int_at(&query, 0);
    return chain_add_settled(store, &settled, err);
}

static int open_intent(struct store *store, const struct store_change *change, struct sb_error *err)
{
    const struct store_intent *intent = change->intent;
    AUTO_QUERY query = query_begin(store, STATEMENT_INTENT_OPEN);

    query_int(&query, change->record_id);
    query_text(&query, intent->instance);
    query_text(&query, intent->step);
    query_int(&query, intent->round);
    query_int(&query, intent->attempt);
    query_text(&query, intent->key);
    query_text(&query, intent->request);
    query_text(&query, intent->kept);
    query_int(&query, intent->at_ms);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    struct store_intent written = *intent;
    written.at_ms = query_int_at(&query, 1); /* that of the first attempt */
    return chain_add_intent(store, change->record_id, query_int_at(&query, 0), &written, err);
}

static int add_outcome(struct store *store, const struct store_change *change, struct sb_error *err)
{
    const struct store_outcome *outcome = change->outcome;
    const struct chain_end end = chain_next_outcome(store, change->record_id, outcome);
    AUTO_QUERY query = query_begin(store, STATEMENT_OUTCOME_ADD);

    query_int(&query, change->record_id);
    query_int(&query, outcome->at_ms);
    query_text(&query, text_or_empty(outcome->instance));
    query_text(&query, text_or_empty(outcome->step));
    query_int(&query, outcome->round);
    query_int(&query, outcome->attempt);
    query_text(&query, outcome->verdict);
    query_int(&query, outcome->http_status);
    query_int(&query, outcome->duration_ms);
    query_text(&query, outcome->text);
    query_int(&query, end.link);
    query_blob(&query, end.value, DIGEST_SIZE);
    return query_run(&query, err);
}

static int add_sweep(struct store *store, int64_t id, const struct store_sweep *sweep, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_SWEEP_ADD);

    query_int(&query, id);
    query_text(&query, sweep->instance);
    query_text(&query, sweep->step);
    query_int(&query, sweep->round);
    query_int(&query, sweep->due_ms);
    return query_run(&query, err);
}

static int remove_sweep(struct store *store, int64_t id, const struct store_sweep *sweep,
                        struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_SWEEP_REMOVE);

    query_int(&query, id);
    query_text(&query, sweep->instance);
    query_text(&query, sweep->step);
    query_int(&query, sweep->round);
    return query_run(&query, err);
}

static int add_doubled(struct store *store, const struct store_change *change, struct sb_error *err)
{
    const struct store_sweep *sweep = change->swept;
    AUTO_QUERY query = query_begin(store, STATEMENT_DOUBLED_ADD);

    query_int(&query, change->record_id);
    query_text(&query, sweep->instance);
    query_text(&query, sweep->step);
    query_int(&query, sweep->round);
    query_int(&query, change->now_ms);
    query_text(&query, change->doubles);
    return query_run(&query, err);
}

static int apply_sweeps(struct store *store, const struct store_change *change, struct sb_error *err)
{
    int rc = 0;

    if (change->swept)
        rc = remove_sweep(store, change->record_id, change->swept, err);
    if (rc == 0 && change->swept && change->doubles)
        rc = add_doubled(store, change, err);
    if (rc == 0 && change->sweep)
        rc = add_sweep(store, change->record_id, change->sweep, err);
    return rc;
}

static int add_file(struct store *store, const struct store_change *change, struct sb_error *err)
{
    const struct store_file *file = change->file;
    AUTO_QUERY query = query_begin(store, STATEMENT_FILE_ADD);

    query_text(&query, file->name);
    query_int(&query, change->record_id);
    query_text(&query, file->instance);
    query_int(&query, (int64_t)file->size);
    query_int(&query, file->created_ms);
    return query_run(&query, err);
}

static int apply_to_record(struct store *store, const struct store_change *change, struct sb_error *err)
{
    int64_t id = change->record_id;
    int rc = change->sets_place ? move_record(store, change, err) : touch_record(store, change, err);

    if (rc == 0 && change->clears_doubt)
        rc = run_for_record(store, STATEMENT_RECORD_CLEAR_DOUBT, id, err);
    if (rc == 0 && change->adds_problem)
        rc = run_for_record(store, STATEMENT_RECORD_ADD_PROBLEM, id, err);
    if (rc == 0)
        rc = put_sections(store, id, change->sections, change->section_count, err);
    /* The last intent is settled before the next one opens, so that one commit may do both. */
    if (rc == 0 && change->settles_intent)
        rc = settle_intent(store, change, err);
    if (rc == 0 && change->forgets_adopt)
        rc = run_for_record(store, STATEMENT_ADOPT_FORGET, id, err);
    if (rc == 0 && change->intent)
        rc = open_intent(store, change, err);
    if (rc == 0 && change->outcome)
        rc = add_outcome(store, change, err);
    if (rc == 0 && change->file)
        rc = add_file(store, change, err);
    return rc == 0 ? apply_sweeps(store, change, err) : rc;
}

/* ---- documents, meters, new conversations -------------------------------------------------------------- */

static int put_key(struct store *store, const struct store_change *change, struct sb_error *err)
{
    bool is_put = change->key_doc != NULL;
    AUTO_QUERY query = query_begin(store, is_put ? STATEMENT_KEY_PUT : STATEMENT_KEY_REMOVE);

    query_text(&query, text_or_empty(change->key_instance));
    query_text(&query, change->key_name);
    if (is_put)
        query_text(&query, change->key_doc);
    return query_run(&query, err);
}

static int put_named(struct store *store, enum statement put, enum statement remove, const char *name,
                     const char *doc, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, doc ? put : remove);

    query_text(&query, name);
    if (doc)
        query_text(&query, doc);
    return query_run(&query, err);
}

static int apply_documents(struct store *store, const struct store_change *change, struct sb_error *err)
{
    int rc = 0;

    if (change->key_name)
        rc = put_key(store, change, err);
    if (rc == 0 && change->cursor_name)
        rc = put_named(store, STATEMENT_CURSOR_PUT, STATEMENT_CURSOR_REMOVE, change->cursor_name,
                       change->cursor_doc, err);
    if (rc == 0 && change->token_name)
        rc = put_named(store, STATEMENT_TOKEN_PUT, STATEMENT_TOKEN_REMOVE, change->token_name,
                       change->token_doc, err);
    return rc;
}

static int add_meter(struct store *store, const struct store_meter *meter, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_METER_ADD);

    query_text(&query, meter->instance);
    query_text(&query, meter->name);
    query_real(&query, meter->amount);
    return query_run(&query, err);
}

static int add_record(struct store *store, const struct store_emit *emit, const char *reference,
                      int64_t now_ms, int64_t *ret_id, struct sb_error *err)
{
    /* What the backup did not know may have been delivered between it and the restore. Of what nobody knows the time of,
     * that is thought for as long as a caller may try again. */
    int64_t at_ms = emit->conversation_at_ms ? emit->conversation_at_ms : now_ms - CALLS_AGAIN_MS;
    bool is_from_before = store->restored_ms > 0 && at_ms <= store->restored_ms;
    AUTO_QUERY query = query_begin(store, STATEMENT_RECORD_ADD);

    query_text(&query, reference);
    query_text(&query, emit->pipeline);
    query_int(&query, emit->is_doubtful || is_from_before);
    query_int(&query, now_ms);
    int rc = query_run(&query, err);
    if (rc == 0)
        *ret_id = sqlite3_last_insert_rowid(store->db);
    return rc;
}

static int apply_emit(struct store *store, struct store_emit *emit, int64_t now_ms, struct sb_error *err)
{
    const char *reference = emit->ret_reference;
    bool is_known = false;
    int64_t id = 0;
    int rc = identity_look(store, emit->account, emit->external_id, emit->ret_reference, &is_known, err);

    if (rc < 0 || is_known)
        return rc;
    rc = add_record(store, emit, reference, now_ms, &id, err);
    if (rc == 0)
        rc = identity_add(store, emit->account, emit->external_id, reference, id, err);
    if (rc == 0)
        rc = put_sections(store, id, emit->sections, emit->section_count, err);
    if (rc == 0)
        emit->ret_id = id;
    return rc;
}

/* False: there is no memory for it, or it is nothing that JSON can say. */
static bool write_sections(struct arena *arena, struct store_emit *emit)
{
    struct store_text *sections = arena_alloc(arena, json_object_size(emit->record) * sizeof(*sections));
    size_t count = 0;
    const char *name;
    json_t *doc;

    if (!sections)
        return false;
    json_object_foreach (emit->record, name, doc) {
        AUTO_STR text = json_text(doc);
        sections[count].name = name;
        sections[count].text = text ? arena_strdup(arena, text) : NULL;
        if (!sections[count++].text)
            return false;
    }
    emit->sections = sections;
    emit->section_count = count;
    return true;
}

/* Before anything of the change is made, so that it can be left out without harm to the others of the transaction. */
static bool write_records(struct store_change *change)
{
    for (size_t i = 0; i < change->emit_count; i++)
        if (change->emits[i].record && !write_sections(change->arena, &change->emits[i]))
            return false;
    return true;
}

static int apply_change(struct store *store, struct store_change *change, struct sb_error *err)
{
    assert(change->record_id > 0 ||
           (!change->sets_place && !change->section_count && !change->settles_intent && !change->intent &&
            !change->outcome && !change->file));

    int rc = change->record_id > 0 ? apply_to_record(store, change, err) : 0;
    if (rc == 0)
        rc = apply_documents(store, change, err);
    for (size_t i = 0; rc == 0 && i < change->emit_count; i++)
        rc = apply_emit(store, &change->emits[i], change->now_ms, err);
    for (size_t i = 0; rc == 0 && i < change->meter_count; i++)
        rc = add_meter(store, &change->meters[i], err);
    return rc;
}

static void forget_ids(struct store_change *const *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < changes[i]->emit_count; k++)
            changes[i]->emits[k].ret_id = 0;
}

/* A change that found no memory for a part of it must not become the truth without that part. */
static int check_whole(const struct store_change *change, struct sb_error *err)
{
    return arena_ran_out(change->arena) ? sb_fail(err, SB_ENOMEM, "out of memory for a change of the journal")
                                        : 0;
}

int store_apply(struct store *store, struct store_change *const *changes, size_t count, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;

    forget_ids(changes, count);
    int rc = write_begin(store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = check_whole(changes[i], &why);
        changes[i]->ret_is_left_out = rc == 0 && !write_records(changes[i]);
        if (rc == 0 && !changes[i]->ret_is_left_out)
            rc = apply_change(store, changes[i], &why);
    }
    rc = write_end(store, rc, &why, err);
    if (rc < 0)
        forget_ids(changes, count);
    return rc;
}
