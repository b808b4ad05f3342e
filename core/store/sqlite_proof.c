/* What proves, and what is still to be looked at: second looks, doubles, unknown outcomes and decisions about them. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "store/sqlite_store.h"

static int fail_memory(struct sb_error *err)
{
    return sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");
}

/* ---- second looks -------------------------------------------------------------------------------------- */

/* New reference. NULL when out of memory. */
static json_t *look_of(const struct query *query)
{
    const char *kept = query_text_at(query, 9);
    size_t kept_size = kept ? query_size_at(query, 9) : 0;
    AUTO_JSON look = json_object();
    int rc = json_object_set_new(look, "due_ms", json_integer(query_int_at(query, 0)));

    rc |= json_object_set_new(look, "record_id", json_integer(query_int_at(query, 1)));
    rc |= json_object_set_new(look, "instance", json_string(query_text_at(query, 2)));
    rc |= json_object_set_new(look, "step", json_string(query_text_at(query, 3)));
    rc |= json_object_set_new(look, "round", json_integer(query_int_at(query, 4)));
    if (query_text_at(query, 5))
        rc |= json_object_set_new(look, "intent_state", json_string(query_text_at(query, 5)));
    rc |= json_object_set_new(look, "at_ms", json_integer(query_int_at(query, 6)));
    rc |= json_object_set_new(look, "settled_ms", json_integer(query_int_at(query, 7)));
    if (query_text_at(query, 8))
        rc |= json_object_set_new(look, "made", json_string(query_text_at(query, 8)));
    if (query_text_at(query, 10))
        rc |= json_object_set_new(look, "record_state", json_string(query_text_at(query, 10)));
    json_t *values = kept ? json_parse(query_text_at(query, 9), kept_size, NULL) : NULL;
    rc |= json_object_set_new(look, "kept", values ? values : json_object());
    return rc == 0 ? TAKE(look) : NULL;
}

int store_next_sweep(struct store *store, char **ret_doc, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_SWEEP_NEXT);
    int rc = query_next(&query, err);

    if (rc < 0)
        return rc;
    if (rc == 0) {
        *ret_doc = NULL;
        return 0;
    }
    AUTO_JSON look = look_of(&query);
    char *text = look ? json_text(look) : NULL;
    if (!text)
        return fail_memory(err);
    *ret_doc = text;
    return 0;
}

int store_made(struct store *store, int64_t record_id, json_t **ret_array, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_PROOF_MADE);
    AUTO_JSON array = json_array();
    int rc = 0;

    query_int(&query, record_id);
    while ((rc = query_next(&query, err)) > 0)
        if (json_array_append_new(array, look_of(&query)) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    *ret_array = TAKE(array);
    return *ret_array ? 0 : fail_memory(err);
}

/* ---- figures ------------------------------------------------------------------------------------------- */

static int put_verdicts(struct store *store, json_t *proof, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_PROOF_VERDICTS);
    AUTO_JSON verdicts = json_object();
    int rc = 0;

    while ((rc = query_next(&query, err)) > 0)
        if (json_object_set_new(verdicts, query_text_at(&query, 0), json_integer(query_int_at(&query, 1))) <
            0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    return json_object_set(proof, "verdicts", verdicts) < 0 ? fail_memory(err) : 0;
}

static int put_created(struct store *store, json_t *proof, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_PROOF_CREATED);
    AUTO_JSON created = json_array();
    int rc = 0;

    while ((rc = query_next(&query, err)) > 0)
        if (json_array_append_new(
                created, json_pack("{s:s, s:s, s:s, s:I}", "instance", query_text_at(&query, 0), "step",
                                   query_text_at(&query, 1), "state", query_text_at(&query, 2), "count",
                                   (json_int_t)query_int_at(&query, 3))) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    return json_object_set(proof, "intents", created) < 0 ? fail_memory(err) : 0;
}

static json_t *doubled_of(const struct query *query)
{
    const char *text = query_text_at(query, 7);
    json_t *others = text ? json_parse(text, query_size_at(query, 7), NULL) : NULL;

    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:s?, s:o}", "record_id",
                     (json_int_t)query_int_at(query, 0), "reference", query_text_at(query, 1), "instance",
                     query_text_at(query, 2), "step", query_text_at(query, 3), "round",
                     (json_int_t)query_int_at(query, 4), "at_ms", (json_int_t)query_int_at(query, 5), "made",
                     query_text_at(query, 6), "others", others ? others : json_array());
}

static json_t *sweep_of(const struct query *query)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:I}", "record_id", (json_int_t)query_int_at(query, 0), "instance",
                     query_text_at(query, 1), "step", query_text_at(query, 2), "round",
                     (json_int_t)query_int_at(query, 3), "due_ms", (json_int_t)query_int_at(query, 4));
}

static int put_rows(struct store *store, enum statement statement, int64_t id,
                    json_t *(*row)(const struct query *query), json_t *proof, const char *name,
                    struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);
    AUTO_JSON rows = json_array();
    int rc = 0;

    query_int(&query, id);
    while ((rc = query_next(&query, err)) > 0)
        if (json_array_append_new(rows, row(&query)) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    return json_object_set(proof, name, rows) < 0 ? fail_memory(err) : 0;
}

int store_proof(struct store *store, int64_t record_id, json_t **ret_object, struct sb_error *err)
{
    AUTO_JSON proof = json_object();
    int rc = read_begin(store, err);
    if (rc < 0)
        return rc;

    rc = put_rows(store, STATEMENT_PROOF_DOUBLED, record_id, doubled_of, proof, "doubled", err);
    if (rc == 0)
        rc = put_rows(store, STATEMENT_PROOF_SWEEPS, record_id, sweep_of, proof, "sweeps", err);
    if (rc == 0 && record_id == 0)
        rc = put_verdicts(store, proof, err);
    if (rc == 0 && record_id == 0)
        rc = put_created(store, proof, err);
    read_end(store);
    if (rc == 0)
        *ret_object = TAKE(proof);
    return rc;
}

static int forget_doubled(struct store *store, const json_t *look, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_DOUBLED_REMOVE);

    query_int(&query, json_int(look, "record_id", 0));
    query_text(&query, json_str(look, "instance"));
    query_text(&query, json_str(look, "step"));
    query_int(&query, json_int(look, "round", 0));
    return query_run(&query, err);
}

int store_forget_doubled(struct store *store, const json_t *looks, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    size_t index;
    json_t *look;
    int rc = write_begin(store, err);

    if (rc < 0)
        return rc;
    json_array_foreach (looks, index, look) {
        rc = forget_doubled(store, look, &why);
        if (rc < 0)
            break;
    }
    return write_end(store, rc, &why, err);
}

/* ---- how a conversation stands ------------------------------------------------------------------------- */

int store_standing(struct store *store, const char *account, const char *external_id, json_t **ret_object,
                   struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_STANDING);

    query_text(&query, external_id);
    query_text(&query, account);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        *ret_object = NULL;
        return 0;
    }
    *ret_object =
        json_pack("{s:I, s:s?, s:s?, s:I, s:b}", "record_id", (json_int_t)query_int_at(&query, 0), "state",
                  query_text_at(&query, 1), "reason", query_text_at(&query, 2), "received_ms",
                  (json_int_t)query_int_at(&query, 3), "is_unknown", query_int_at(&query, 4) != 0);
    return *ret_object ? 0 : fail_memory(err);
}

/* ---- reports ------------------------------------------------------------------------------------------- */

int store_report(struct store *store, const char *name, int64_t *ret_at_ms, json_t **ret_doc,
                 struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_REPORT_GET);

    query_text(&query, name);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    const char *text = rc > 0 ? query_text_at(&query, 1) : NULL;
    *ret_doc = text ? json_parse(text, query_size_at(&query, 1), NULL) : NULL;
    *ret_at_ms = text ? query_int_at(&query, 0) : 0;
    return 0;
}

static int put_report(struct store *store, const char *name, int64_t at_ms, const char *text,
                      struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_REPORT_PUT);

    query_text(&query, name);
    query_int(&query, at_ms);
    query_text(&query, text);
    return query_run(&query, err);
}

int store_keep_report(struct store *store, const char *name, int64_t at_ms, const json_t *doc,
                      struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    AUTO_STR text = json_text(doc);
    if (!text)
        return sb_fail(err, SB_ENOMEM, "cannot keep the report: out of memory");

    int rc = write_begin(store, err);
    if (rc < 0)
        return rc;
    rc = put_report(store, name, at_ms, text, &why);
    return write_end(store, rc, &why, err);
}

/* ---- decisions ----------------------------------------------------------------------------------------- */

/* The open intent of a record, as its texts lie in `arena`. */
static int open_intent_of(struct store *store, int64_t id, struct arena *arena, enum store_state *ret_state,
                          struct store_intent *ret_intent, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_UNKNOWN_GET);

    query_int(&query, id);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return sb_fail(err, SB_EINPUT, "there is no record %lld", (long long)id);
    *ret_state = store_state_from_word(query_text_at(&query, 0));
    bool may_be = *ret_state == STORE_ACTIVE || *ret_state == STORE_DEAD;
    if (!may_be || !query_text_at(&query, 1))
        return sb_fail(err, SB_EINPUT,
                       "record %lld is not unknown: there is nothing to decide ('switchboard records --state "
                       "unknown' lists those that are)",
                       (long long)id);
    *ret_intent = (struct store_intent){ .instance = arena_strdup(arena, query_text_at(&query, 1)),
                                         .step = arena_strdup(arena, query_text_at(&query, 2)),
                                         .round = (uint32_t)query_int_at(&query, 3),
                                         .attempt = (uint32_t)query_int_at(&query, 4) };
    return ret_intent->instance && ret_intent->step ? 0 : fail_memory(err);
}

int store_check_unknown(struct store *store, int64_t id, enum store_state *ret_state, struct sb_error *err)
{
    struct store_intent intent;
    struct arena *arena = arena_new(1 << 16);
    if (!arena)
        return fail_memory(err);

    int rc = open_intent_of(store, id, arena, ret_state, &intent, err);
    arena_free(arena);
    return rc;
}

static int set_adopt(struct store *store, int64_t id, const struct store_decision *decision,
                     struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_ADOPT);

    query_text(&query, decision->adopt);
    query_int(&query, decision->is_forced);
    query_int(&query, id);
    return query_run(&query, err);
}

static int make_active(struct store *store, int64_t id, int64_t now_ms, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_RETRY_STATE);

    query_int(&query, now_ms);
    query_text(&query, store_state_word(STORE_DEAD));
    query_int(&query, id);
    return query_run(&query, err);
}

/* What the change that carries the decision says. Sent again: whoever was right, a second look will tell. */
static void fill_change(struct store_change *change, const struct store_decision *decision,
                        const struct store_intent *intent, struct store_outcome *outcome,
                        struct store_sweep *sweep)
{
    *outcome = (struct store_outcome){ .at_ms = change->now_ms,
                                       .instance = intent->instance,
                                       .step = intent->step,
                                       .round = intent->round,
                                       .attempt = intent->attempt };
    change->outcome = outcome;
    if (decision->adopt) {
        outcome->verdict = "decided";
        outcome->text = decision->text;
        return;
    }
    outcome->verdict = "sent again by an operator";
    outcome->text = "an operator says that it is not there";
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_REFUSED;
    change->clears_doubt = true;
    *sweep = (struct store_sweep){ .instance = intent->instance,
                                   .step = intent->step,
                                   .round = intent->round,
                                   .due_ms = change->now_ms + decision->sweep_ms };
    change->sweep = sweep;
}

static int decide(struct store *store, struct store_change *change, const struct store_decision *decision,
                  struct sb_error *err)
{
    enum store_state state = STORE_STATE_INVALID;
    struct store_intent intent;
    struct store_outcome outcome;
    struct store_sweep sweep;
    struct sb_error why = SB_ERROR_INIT;
    int rc = open_intent_of(store, change->record_id, change->arena, &state, &intent, err);
    if (rc < 0)
        return rc;

    fill_change(change, decision, &intent, &outcome, &sweep);
    rc = store_apply(store, &change, 1, err);
    if (rc == 0)
        rc = write_begin(store, err);
    if (rc < 0)
        return rc;
    if (decision->adopt)
        rc = set_adopt(store, change->record_id, decision, &why);
    if (rc == 0 && state == STORE_DEAD)
        rc = make_active(store, change->record_id, change->now_ms, &why);
    return write_end(store, rc, &why, err);
}

int store_decide(struct store *store, int64_t id, const struct store_decision *decision, int64_t now_ms,
                 struct sb_error *err)
{
    struct store_change *change = store_change_new();
    if (!change)
        return fail_memory(err);

    change->record_id = id;
    change->now_ms = now_ms;
    int rc = decide(store, change, decision, err);
    store_change_free(change);
    return rc;
}
