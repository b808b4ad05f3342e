/* One comparison on its way through flow and the store's thread; see reconcile.h. */
#include "app/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "app/alerts.h"
#include "app/engine.h"
#include "app/reconcile_fill.h"
#include "app/reconcile_report.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

/* BATCH: conversations looked up at once: a commit never waits for long. */
enum { BATCH = 200, KEY_MAX = 4096 };
enum {
    FIRST_LOOK_MS = 10 * 1000,       /* after the start */
    LOOK_EVERY_MS = 15 * 60 * 1000,  /* whether it is time again */
    OVERLAP_MS = 12 * 60 * 60 * 1000 /* what is still too young at one comparison is old enough at the next */
};

struct reconcile {
    struct engine *engine;
    struct loop_timer *timer; /* NULL: not by itself */
    int64_t every_ms;
    struct reconcile_options options;
    bool is_running, is_checking;
    void (*on_end)(void *ctx);
    void (*on_step)(void *ctx); /* NULL: nobody looks */
    void *ctx;

    /* of the one under way */
    const char *doing; /* constant */
    size_t pipeline;
    json_t *by_identity; /* owned: what was listed, by account and id */
    json_t *entries;     /* owned: the same as an array */
    json_t *sources, *faults;
    size_t index, back_filled;
    int64_t own_before_id;
    bool own_is_read;
    json_t *doc;   /* owned: the report */
    int64_t at_ms; /* of the last report in the journal */
    struct sb_error err;
};

static void list_next(struct reconcile *reconcile);
static void compare_next(struct reconcile *reconcile);
static void look_next(struct reconcile *reconcile);
static void fill_next(struct reconcile *reconcile);

static void tell_step(struct reconcile *reconcile, const char *doing)
{
    reconcile->doing = doing;
    if (reconcile->on_step)
        reconcile->on_step(reconcile->ctx);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void clear(struct reconcile *reconcile)
{
    json_decref(reconcile->by_identity);
    json_decref(reconcile->entries);
    json_decref(reconcile->sources);
    json_decref(reconcile->faults);
    reconcile->by_identity = reconcile->entries = reconcile->sources = reconcile->faults = NULL;
    reconcile->index = reconcile->pipeline = reconcile->back_filled = 0;
    reconcile->own_before_id = 0;
}

static void log_report(const struct reconcile *reconcile)
{
    const json_t *report = reconcile->doc;
    int64_t missing = json_int(report, "missing", 0), doubled = json_int(report, "doubled", 0);
    char text[160];

    LOG_AT(reconcile->engine->log, missing + doubled > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, "compared",
           LOG_INT("listed", json_int(report, "listed", 0)),
           LOG_INT("delivered", json_int(report, "delivered", 0)),
           LOG_INT("explained", json_int(report, "explained", 0)), LOG_INT("missing", missing),
           LOG_INT("doubled", doubled), LOG_INT("uncertain", json_int(report, "uncertain", 0)),
           LOG_INT("back_filled", json_int(report, "back_filled", 0)),
           LOG_INT("faults", (int64_t)json_array_size(json_object_get(report, "faults"))));
    if (missing + doubled == 0)
        return;
    (void)snprintf(text, sizeof(text), "%lld missing, %lld doubled: 'switchboard reconcile' names them",
                   (long long)missing, (long long)doubled);
    alerts_raise(reconcile->engine->alerts, doubled > 0 ? FLOW_ALERT_DOUBLED : FLOW_ALERT_MISSING,
                 "reconcile", text);
}

static void end(void *ctx)
{
    struct reconcile *reconcile = ctx;
    void (*fn)(void *ctx) = reconcile->on_end;

    clear(reconcile);
    reconcile->is_running = false;
    reconcile->on_end = reconcile->on_step = NULL;
    if (reconcile->err.status)
        LOG_ERROR(reconcile->engine->log, "comparison failed", LOG_STR("error", reconcile->err.text));
    else
        log_report(reconcile);
    if (fn)
        fn(reconcile->ctx);
    engine_look(reconcile->engine);
}

static void keep_report(void *ctx, struct store *store)
{
    struct reconcile *reconcile = ctx;
    AUTO_JSON single = reconcile_single(reconcile->entries);
    int rc = store_forget_doubled(store, single, &reconcile->err);

    if (rc == 0)
        rc = store_keep_report(store, RECONCILE_REPORT, reconcile->at_ms, reconcile->doc, &reconcile->err);
    (void)rc; /* stands in err */
}

static void report(struct reconcile *reconcile)
{
    json_decref(reconcile->doc);
    reconcile->doc = reconcile_report(reconcile->entries, reconcile->sources, reconcile->faults,
                                      reconcile->options.since_ms, reconcile->back_filled);
    reconcile->at_ms = clock_wall_ms();
    store_thread_run(reconcile->engine->store, keep_report, end, reconcile);
}

/* ---- list ---------------------------------------------------------------------------------------------- */

static void write_key(struct buf *out, const json_t *entry)
{
    const char *account = json_str(entry, "account"), *external_id = json_str(entry, "external_id");

    buf_printf(out, "%s\n%s", account ? account : "", external_id ? external_id : "");
}

/* Two pipelines may have one source: each conversation counts once. What it would take says more than why it would not. */
static void add_listed(struct reconcile *reconcile, const char *pipeline, json_t *entry)
{
    AUTO_BUF key;

    buf_init(&key, KEY_MAX);
    write_key(&key, entry);
    const json_t *known = json_object_get(reconcile->by_identity, key.data);
    if (key.failed || (known && !json_object_get(known, "reason")))
        return;
    (void)json_object_set_new(entry, "pipeline", json_string(pipeline));
    (void)json_object_set(reconcile->by_identity, key.data, entry);
}

static void on_listed(void *ctx, json_t *listed, const char *fault)
{
    struct reconcile *reconcile = ctx;
    const struct flow_plan *plan = &reconcile->engine->setup->plan;
    const struct flow_pipeline *pipeline = &plan->pipelines[reconcile->pipeline];
    const char *source = plan->instances[pipeline->source].name;
    size_t index;
    json_t *entry;

    if (fault)
        (void)json_array_append_new(reconcile->faults,
                                    json_sprintf("source '%s' could not be listed: %s", source, fault));
    else
        (void)json_array_append_new(reconcile->sources, json_pack("{s:s, s:I}", "source", source, "listed",
                                                                  (json_int_t)json_array_size(listed)));
    json_array_foreach (listed, index, entry)
        add_listed(reconcile, pipeline->name, entry);
    json_decref(listed);
    reconcile->pipeline++;
    list_next(reconcile);
}

static bool was_listed(const struct flow_plan *plan, size_t pipeline)
{
    for (size_t i = 0; i < pipeline; i++)
        if (plan->pipelines[i].source == plan->pipelines[pipeline].source && !plan->pipelines[i].is_off)
            return true;
    return false;
}

/* The next page of records that came in since then and were not listed: those of sources that tell. */
static void read_own(void *ctx, struct store *store)
{
    struct reconcile *reconcile = ctx;
    const struct store_query query = { .before_id = reconcile->own_before_id, .limit = BATCH };
    AUTO_JSON rows = NULL;
    size_t index;
    json_t *row;
    int rc = store_list(store, &query, &rows, &reconcile->err);

    reconcile->own_is_read = rc < 0 || json_array_size(rows) < BATCH;
    json_array_foreach (rows, index, row) {
        AUTO_BUF key;
        buf_init(&key, KEY_MAX);
        reconcile->own_before_id = json_int(row, "id", 0);
        if (json_int(row, "received_ms", 0) < reconcile->options.since_ms) {
            reconcile->own_is_read = true;
            return;
        }
        write_key(&key, row);
        if (!json_object_get(reconcile->by_identity, key.data))
            (void)json_array_append_new(reconcile->entries,
                                        json_pack("{s:O, s:O, s:b}", "account",
                                                  json_object_get(row, "account"), "external_id",
                                                  json_object_get(row, "external_id"), "is_own", 1));
    }
}

static void on_own(void *ctx)
{
    struct reconcile *reconcile = ctx;

    if (reconcile->own_is_read)
        compare_next(reconcile);
    else
        store_thread_run(reconcile->engine->store, read_own, on_own, reconcile);
}

/* Whether there is something to list; what cannot be listed is said. */
static bool is_listable(struct reconcile *reconcile, size_t i)
{
    const struct flow_plan *plan = &reconcile->engine->setup->plan;
    const struct flow_pipeline *pipeline = &plan->pipelines[i];
    const struct flow_plan_instance *source = &plan->instances[pipeline->source];

    if (pipeline->is_off || pipeline->is_notices || source->off_reason || was_listed(plan, i))
        return false;
    if (source->instance->plugin->poll)
        return true;
    (void)json_array_append_new(reconcile->sources,
                                json_pack("{s:s, s:b}", "source", source->name, "is_told", 1));
    return false;
}

static void list_next(struct reconcile *reconcile)
{
    const struct flow_plan *plan = &reconcile->engine->setup->plan;
    const char *key;
    json_t *entry;

    tell_step(reconcile, "listing");
    for (; reconcile->pipeline < plan->pipeline_count; reconcile->pipeline++)
        if (is_listable(reconcile, reconcile->pipeline) &&
            flow_list(reconcile->engine->flow, reconcile->pipeline, reconcile->options.since_ms, on_listed,
                      reconcile))
            return;
    json_object_foreach (reconcile->by_identity, key, entry)
        (void)json_array_append(reconcile->entries, entry);
    store_thread_run(reconcile->engine->store, read_own, on_own, reconcile);
}

/* ---- compare ------------------------------------------------------------------------------------------- */

/* A record's first creation that has a name is its ticket: contacts have none. */
static int find_ticket(struct store *store, json_t *entry, int64_t record_id, struct sb_error *err)
{
    AUTO_JSON made = NULL;
    int rc = store_made(store, record_id, &made, err);

    if (rc == 0 && json_array_size(made) > 0)
        (void)json_object_set(entry, "job", json_array_get(made, 0));
    return rc;
}

static int compare_one(struct store *store, json_t *entry, struct sb_error *err)
{
    json_t *standing = NULL;
    int rc =
        store_standing(store, json_str(entry, "account"), json_str(entry, "external_id"), &standing, err);

    if (rc < 0 || !standing)
        return rc;
    const char *state = json_str(standing, "state");
    bool is_done = state && strcmp(state, "done") == 0;
    int64_t record_id = json_int(standing, "record_id", 0);
    (void)json_object_set_new(entry, "standing", standing);
    (void)json_object_del(entry, "record"); /* not missing: no need to keep it */
    return is_done ? find_ticket(store, entry, record_id, err) : 0;
}

static void compare(void *ctx, struct store *store)
{
    struct reconcile *reconcile = ctx;
    size_t until = reconcile->index + BATCH;

    for (; reconcile->index < until && reconcile->index < json_array_size(reconcile->entries) &&
           !reconcile->err.status;
         reconcile->index++)
        (void)compare_one(store, json_array_get(reconcile->entries, reconcile->index), &reconcile->err);
}

static void on_compared(void *ctx)
{
    struct reconcile *reconcile = ctx;

    if (reconcile->err.status) {
        end(reconcile);
    } else if (reconcile->index < json_array_size(reconcile->entries)) {
        compare_next(reconcile);
    } else {
        reconcile->index = 0;
        look_next(reconcile);
    }
}

static void compare_next(struct reconcile *reconcile)
{
    tell_step(reconcile, "comparing");
    store_thread_run(reconcile->engine->store, compare, on_compared, reconcile);
}

/* ---- look ---------------------------------------------------------------------------------------------- */

static void on_looked(void *ctx, const json_t *job, const json_t *found, const char *fault)
{
    struct reconcile *reconcile = ctx;
    json_t *entry = json_array_get(reconcile->entries, reconcile->index);

    reconcile_note_age(entry, job, &reconcile->engine->setup->plan, clock_wall_ms());
    if (found)
        (void)json_object_set_new(entry, "found", json_deep_copy(found));
    else
        (void)json_object_set_new(entry, "look_fault", json_string(fault ? fault : "no answer"));
    reconcile->index++;
    look_next(reconcile);
}

static void look_next(struct reconcile *reconcile)
{
    tell_step(reconcile, "looking");
    for (; reconcile->index < json_array_size(reconcile->entries); reconcile->index++) {
        const json_t *entry = json_array_get(reconcile->entries, reconcile->index);
        json_t *job = json_object_get(entry, "job");
        if (job && flow_look(reconcile->engine->flow, json_incref(job), on_looked, reconcile))
            return;
    }
    reconcile->index = 0;
    fill_next(reconcile);
}

/* ---- fill ---------------------------------------------------------------------------------------------- */

static void on_filled(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct reconcile *reconcile = ctx;
    struct engine *engine = reconcile->engine;

    if (err) {
        reconcile->err = *err;
        end(reconcile);
        return;
    }
    for (size_t i = 0; i < change->emit_count; i++) {
        const struct store_emit *emit = &change->emits[i];
        if (!emit->ret_id)
            continue;
        reconcile->back_filled++;
        LOG_NOTICE(engine->log, "conversation filled in", LOG_INT("record", emit->ret_id),
                   LOG_STR("pipeline", emit->pipeline), LOG_STR("id", emit->external_id));
        if (!engine->options.errand)
            flow_admit(engine->flow, emit->ret_id, emit->pipeline);
    }
    fill_next(reconcile);
}

static void fill_next(struct reconcile *reconcile)
{
    struct store_change *change = reconcile->options.back_fills
                                      ? reconcile_fill(reconcile->entries, &reconcile->index, clock_wall_ms())
                                      : NULL;

    tell_step(reconcile, "filling in");
    if (reconcile->options.back_fills && !change) {
        (void)sb_fail(&reconcile->err, SB_ENOMEM, "out of memory");
        end(reconcile);
    } else if (change && change->emit_count > 0) {
        store_thread_commit(reconcile->engine->store, change, on_filled, reconcile);
    } else {
        store_change_free(change);
        report(reconcile);
    }
}

/* ---- beginning ----------------------------------------------------------------------------------------- */

int reconcile_begin(struct reconcile *reconcile, const struct reconcile_options *options,
                    struct sb_error *err)
{
    if (reconcile->is_running)
        return sb_fail(err, SB_EBUSY, "a comparison is under way already");
    clear(reconcile);
    reconcile->options = *options;
    reconcile->err = (struct sb_error)SB_ERROR_INIT;
    reconcile->by_identity = json_object();
    reconcile->entries = json_array();
    reconcile->sources = json_array();
    reconcile->faults = json_array();
    reconcile->is_running = true;
    LOG_INFO(reconcile->engine->log, "comparing the sources, the journal and the helpdesk",
             LOG_INT("since_ms", options->since_ms));
    list_next(reconcile);
    return 0;
}

json_t *reconcile_status(const struct reconcile *reconcile)
{
    if (reconcile->is_running)
        return json_pack("{s:b, s:s, s:I, s:I}", "is_running", 1, "doing", reconcile->doing, "done",
                         (json_int_t)reconcile->index, "whole",
                         (json_int_t)json_array_size(reconcile->entries));

    json_t *status = json_pack("{s:b}", "is_running", 0);
    if (reconcile->err.status)
        (void)json_object_set_new(status, "error", json_string(reconcile->err.text));
    else if (reconcile->doc)
        (void)json_object_set(status, "report", reconcile->doc);
    return status;
}

void reconcile_watch(struct reconcile *reconcile, void (*on_step)(void *ctx), void (*on_end)(void *ctx),
                     void *ctx)
{
    reconcile->on_step = on_step;
    reconcile->on_end = on_end;
    reconcile->ctx = ctx;
}

/* ---- by itself ----------------------------------------------------------------------------------------- */

static void read_last(void *ctx, struct store *store)
{
    struct reconcile *reconcile = ctx;
    struct sb_error ignored = SB_ERROR_INIT;
    AUTO_JSON last = NULL;
    int64_t at_ms = 0;

    if (store_report(store, RECONCILE_REPORT, &at_ms, &last, &ignored) == 0)
        reconcile->at_ms = at_ms;
}

static void on_read(void *ctx)
{
    struct reconcile *reconcile = ctx;
    int64_t now_ms = clock_wall_ms();
    const struct reconcile_options options = { .since_ms = now_ms - reconcile->every_ms - OVERLAP_MS };
    struct sb_error ignored = SB_ERROR_INIT;

    reconcile->is_checking = false;
    loop_timer_arm(reconcile->timer, LOOK_EVERY_MS);
    bool is_due = reconcile->at_ms > now_ms || now_ms - reconcile->at_ms >= reconcile->every_ms;
    if (is_due && !reconcile->engine->is_stopping && reconcile_begin(reconcile, &options, &ignored) < 0)
        LOG_INFO(reconcile->engine->log, "not compared now", LOG_STR("reason", ignored.text));
}

static void on_timer(void *ctx)
{
    struct reconcile *reconcile = ctx;

    if (reconcile->is_running || reconcile->is_checking || reconcile->engine->is_stopping) {
        loop_timer_arm(reconcile->timer, LOOK_EVERY_MS);
        return;
    }
    reconcile->is_checking = true;
    store_thread_run(reconcile->engine->store, read_last, on_read, reconcile);
}

struct reconcile *reconcile_new(struct engine *engine, struct sb_error *err)
{
    struct reconcile *reconcile = calloc(1, sizeof(*reconcile));
    int64_t every_ms = engine->setup->conf->settings.reconcile_every_ms;

    if (!reconcile) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        return NULL;
    }
    reconcile->engine = engine;
    reconcile->every_ms = every_ms;
    if (every_ms > 0 && !engine->options.once && !engine->options.errand) {
        reconcile->timer = loop_timer_new(engine->loop, on_timer, reconcile);
        if (!reconcile->timer) {
            (void)sb_fail(err, SB_ENOMEM, "out of memory");
            reconcile_free(reconcile);
            return NULL;
        }
        loop_timer_arm(reconcile->timer, FIRST_LOOK_MS);
    }
    return reconcile;
}

void reconcile_free(struct reconcile *reconcile)
{
    if (!reconcile)
        return;
    clear(reconcile);
    json_decref(reconcile->doc);
    loop_timer_free(reconcile->timer);
    free(reconcile);
}
