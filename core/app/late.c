/* The watch over late conversations. It looks on the store's thread and emits on the loop. */
#include "app/late.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "app/late_notice.h"
#include "base/timefmt.h"
#include "store/late.h"

enum {
    LOOK_FIRST_MS = 1000,
    LOOK_MS_MIN = 250,
    LOOK_MS_MAX = 30 * 1000,
    BATCH = 100, /* records of one look, of one state */
    STATES = 2
};

static const enum store_state states[STATES] = { STORE_ACTIVE, STORE_DEAD };

/* One pipeline that is watched. */
struct watch {
    const struct setup_notices *notices;
    int64_t seen_id[STATES]; /* up to here every record of that state that was due was dealt with */
};

struct late {
    struct engine *engine;
    struct loop_timer *timer;
    struct watch *watches; /* owned, one for each of setup->notices */
    uint64_t every_ms;
    int64_t last_look_ms; /* wall */

    /* Of the look under way. */
    struct store_change *change; /* owned; what it emits; NULL: out of memory */
    bool has_more;
    int64_t overtaken[BATCH];
    size_t overtaken_count;
    struct sb_error err;
};

/* ---- on the store's thread ----------------------------------------------------------------------------- */

static int look_at(struct late *late, struct store *store, const struct watch *watch, int64_t id)
{
    struct store_record *record = NULL;
    int rc = store_load(store, id, &record, &late->err);

    if (rc == 0 && record)
        rc = late_notice_add(late->engine->setup, watch->notices, record, late->change, &late->err);
    store_record_free(record);
    return rc;
}

static int look_for(struct late *late, struct store *store, struct watch *watch, size_t state, int64_t now_ms)
{
    const struct flow_plan *plan = &late->engine->setup->plan;
    const struct store_late_query query = { .pipeline = plan->pipelines[watch->notices->of].name,
                                            .state = states[state],
                                            .after_id = watch->seen_id[state],
                                            .received_until_ms = now_ms - watch->notices->after_ms,
                                            .suffix = LATE_NOTICE_SUFFIX };
    struct store_late found[BATCH];
    size_t count = 0;
    int rc = store_late(store, &query, BATCH, found, &count, &late->err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!found[i].has_notice)
            rc = look_at(late, store, watch, found[i].id);
        watch->seen_id[state] = found[i].id;
    }
    late->has_more = late->has_more || count == BATCH;
    return rc;
}

/* Who is being told of the ticket itself need not hear any more that it is late. */
static int look_for_overtaken(struct late *late, struct store *store, const struct watch *watch)
{
    const struct setup *setup = late->engine->setup;
    const struct flow_pipeline *pipeline = &setup->plan.pipelines[watch->notices->pipeline];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < pipeline->sink_count; i++) {
        size_t count = 0;
        rc = store_late_overtaken(store, watch->notices->name, LATE_NOTICE_SUFFIX,
                                  setup->instances[pipeline->sinks[i]]->name, BATCH - late->overtaken_count,
                                  late->overtaken + late->overtaken_count, &count, &late->err);
        late->overtaken_count += rc == 0 ? count : 0;
    }
    return rc;
}

/* After a clock that was set back, newer records may be older than those that were seen. */
static void heed_clock(struct late *late, int64_t now_ms)
{
    for (size_t i = 0; now_ms < late->last_look_ms && i < late->engine->setup->notice_count; i++)
        memset(late->watches[i].seen_id, 0, sizeof(late->watches[i].seen_id));
    late->last_look_ms = now_ms;
}

static void look(void *ctx, struct store *store)
{
    struct late *late = ctx;
    int64_t now_ms = clock_wall_ms();
    int rc = 0;

    heed_clock(late, now_ms);
    for (size_t i = 0; rc == 0 && i < late->engine->setup->notice_count; i++) {
        for (size_t state = 0; rc == 0 && state < STATES; state++)
            rc = look_for(late, store, &late->watches[i], state, now_ms);
        if (rc == 0)
            rc = look_for_overtaken(late, store, &late->watches[i]);
    }
}

/* ---- on the loop --------------------------------------------------------------------------------------- */

static void rest(struct late *late)
{
    store_change_free(late->change);
    late->change = NULL;
    loop_timer_arm(late->timer, late->has_more ? LOOK_MS_MIN : late->every_ms);
}

static void on_emitted(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct late *late = ctx;
    struct engine *engine = late->engine;

    if (err) {
        LOG_ERROR(engine->log, "notices not committed", LOG_STR("error", err->text));
        engine->has_failed = true;
        loop_stop(engine->loop);
        return;
    }
    for (size_t i = 0; i < change->emit_count; i++) {
        const struct store_emit *emit = &change->emits[i];
        if (!emit->ret_id)
            continue;
        LOG_NOTICE(engine->log, "a ticket is late: its agent is told", LOG_INT("record", emit->ret_id),
                   LOG_STR("id", emit->external_id));
        flow_admit(engine->flow, emit->ret_id, emit->pipeline);
    }
    rest(late);
    engine_look(engine);
}

static void drop_overtaken(struct late *late)
{
    for (size_t i = 0; i < late->overtaken_count; i++)
        (void)flow_drop(late->engine->flow, late->overtaken[i],
                        "its ticket was there before the delay could be told");
}

static void on_looked(void *ctx)
{
    struct late *late = ctx;
    struct engine *engine = late->engine;

    if (late->err.status) {
        LOG_WARN(engine->log, "looking for late tickets failed", LOG_STR("error", late->err.text));
        rest(late);
        return;
    }
    drop_overtaken(late);
    if (late->change->emit_count == 0 || engine->is_stopping) {
        rest(late);
        return;
    }
    struct store_change *change = late->change;
    late->change = NULL;
    store_thread_commit(engine->store, change, on_emitted, late);
}

static void on_timer(void *ctx)
{
    struct late *late = ctx;

    late->has_more = false;
    late->overtaken_count = 0;
    late->err = (struct sb_error)SB_ERROR_INIT;
    late->change = store_change_new();
    if (!late->change) {
        rest(late);
        return;
    }
    late->change->now_ms = clock_wall_ms();
    store_thread_run(late->engine->store, look, on_looked, late);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static uint64_t look_every_ms(const struct setup *setup)
{
    int64_t every_ms = LOOK_MS_MAX;

    for (size_t i = 0; i < setup->notice_count; i++)
        if (setup->notices[i].after_ms / 4 < every_ms)
            every_ms = setup->notices[i].after_ms / 4;
    return (uint64_t)(every_ms < LOOK_MS_MIN ? LOOK_MS_MIN : every_ms);
}

int late_new(struct engine *engine, struct late **ret_late, struct sb_error *err)
{
    const struct setup *setup = engine->setup;

    if (setup->notice_count == 0)
        return 0;
    struct late *late = calloc(1, sizeof(*late));
    if (late) {
        late->engine = engine;
        late->every_ms = look_every_ms(setup);
        late->watches = calloc(setup->notice_count, sizeof(*late->watches));
        late->timer = loop_timer_new(engine->loop, on_timer, late);
    }
    if (!late || !late->watches || !late->timer) {
        late_free(late);
        return sb_fail(err, SB_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < setup->notice_count; i++)
        late->watches[i].notices = &setup->notices[i];
    loop_timer_arm(late->timer, late->every_ms < LOOK_FIRST_MS ? late->every_ms : LOOK_FIRST_MS);
    *ret_late = late;
    return 0;
}

void late_free(struct late *late)
{
    if (!late)
        return;
    loop_timer_free(late->timer);
    store_change_free(late->change);
    free(late->watches);
    free(late);
}
