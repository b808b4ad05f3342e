/* Making, running and ending an engine. */
#include "app/engine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin.h"
#include "app/alerts.h"
#include "app/contacts_file.h"
#include "app/control.h"
#include "app/engine_world.h"
#include "app/keeper.h"
#include "app/late.h"
#include "app/reconcile.h"
#include "app/webhooks.h"
#include "base/file.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { WORKER_QUEUE_SPARE = 64 };

void engine_look(struct engine *engine)
{
    if (!engine->flow)
        return;
    if (flow_has_failed(engine->flow)) {
        engine->has_failed = true;
        loop_stop(engine->loop);
    } else if (engine->is_stopping ? flow_is_quiet(engine->flow) && webhooks_is_quiet(engine->webhooks)
                                   : engine->options.once && flow_is_done(engine->flow)) {
        loop_stop(engine->loop);
    }
}

static void on_store_wake(void *ctx)
{
    struct engine *engine = ctx;
    loop_post_send(engine->store_post);
}

/* A verb, housekeeping or a file may have failed to write while no record was moving: nothing can be remembered any more, and
 * nobody may be told that it is. */
static void look_at_journal(struct engine *engine)
{
    const struct sb_error *why = store_thread_failure(engine->store);

    if (!why || engine->has_failed)
        return;
    LOG_ERROR(engine->log, "the journal cannot be written", LOG_STR("error", why->text));
    engine->has_failed = true;
    loop_stop(engine->loop);
}

static void on_store_post(void *ctx)
{
    struct engine *engine = ctx;

    store_thread_deliver(engine->store);
    engine_look(engine);
    look_at_journal(engine);
}

static void on_end_of_turn(void *ctx)
{
    struct engine *engine = ctx;
    store_thread_flush(engine->store);
}

static void on_flow_timer(void *ctx)
{
    struct engine *engine = ctx;

    flow_on_wake(engine->flow);
    engine_look(engine);
}

static void on_shutdown_timer(void *ctx)
{
    struct engine *engine = ctx;

    LOG_WARN(engine->log, "shutdown timeout: what is under way is taken up at the next start",
             LOG_STR("option", "shutdown_timeout"));
    loop_stop(engine->loop);
}

void engine_stop(struct engine *engine)
{
    if (engine->is_stopping)
        return;
    engine->is_stopping = true;
    LOG_NOTICE(engine->log, "stopping",
               LOG_INT("timeout_ms", engine->setup->conf->settings.shutdown_timeout_ms));
    loop_timer_arm(engine->shutdown_timer, (uint64_t)engine->setup->conf->settings.shutdown_timeout_ms);
    webhooks_stop(engine->webhooks);
    flow_stop(engine->flow);
    engine_look(engine);
}

static void on_end(void *ctx, int signum)
{
    struct engine *engine = ctx;

    (void)signum;
    engine->is_told_to_end = true;
    engine_stop(engine);
}

static void on_reload(void *ctx, int signum)
{
    struct engine *engine = ctx;

    (void)signum;
    if (!engine->is_told_to_end && engine->options.reload(engine->options.reload_ctx))
        engine_stop(engine);
}

/* ---- making -------------------------------------------------------------------------------------------- */

static int open_journal(struct engine *engine, struct sb_error *err)
{
    const struct store_options options = { .data_dir = engine->setup->conf->settings.data_dir };
    struct store *store = NULL;

    int rc = store_open(&options, &store, err);
    if (rc < 0)
        return rc;
    rc = file_make_dir(engine->setup->files_dir, 0700, err);
    if (rc == 0)
        rc = contacts_file_load(engine->setup, store, engine->log, err);
    if (rc < 0) {
        store_close(store);
        return rc;
    }
    rc = store_thread_new(store, on_store_wake, engine, &engine->store, err);
    if (rc < 0)
        return rc;
    store_thread_gather(engine->store);
    return loop_before_wait(engine->loop, on_end_of_turn, engine, err);
}

static int open_io(struct engine *engine, struct sb_error *err)
{
    const struct conf_settings *settings = &engine->setup->conf->settings;
    const struct http_client_options options = { .ca_file = settings->ca_file,
                                                 .user_agent = "switchboard/" SB_VERSION };
    uint32_t queue_max = (uint32_t)settings->max_in_flight + WORKER_QUEUE_SPARE;

    engine->client = http_client_new(engine->loop, &options, engine->log, err);
    if (!engine->client)
        return err->status;
    engine->workers = workers_new(engine->loop, (uint32_t)settings->workers, queue_max, err);
    if (!engine->workers)
        return err->status;
    engine->flow_timer = loop_timer_new(engine->loop, on_flow_timer, engine);
    engine->shutdown_timer = loop_timer_new(engine->loop, on_shutdown_timer, engine);
    if (!engine->flow_timer || !engine->shutdown_timer)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    return 0;
}

static int open_flow(struct engine *engine, struct sb_error *err)
{
    const struct conf_settings *settings = &engine->setup->conf->settings;
    const struct flow_options options = { .in_flight_max = (size_t)settings->max_in_flight,
                                          .is_once = engine->options.once,
                                          .alert_breaker_ms = settings->alert_breaker_open_ms,
                                          .alert_silent_ms = settings->alert_source_silent_ms };
    struct flow_world world;

    engine_world(engine, &world);
    engine->flow = flow_new(&world, &engine->setup->plan, &options, engine->log, engine->metrics, err);
    return engine->flow ? 0 : err->status;
}

static int open_servers(struct engine *engine, struct sb_error *err)
{
    if (engine->options.no_servers)
        return 0;
    engine->admin = admin_new(engine, err);
    if (!engine->admin)
        return err->status;
    engine->control = control_new(engine, err);
    return engine->control ? webhooks_new(engine, &engine->webhooks, err) : err->status;
}

static int watch_signals(struct engine *engine, struct sb_error *err)
{
    int rc = loop_on_signal(engine->loop, SIGTERM, on_end, engine, err);

    if (rc == 0)
        rc = loop_on_signal(engine->loop, SIGINT, on_end, engine, err);
    if (rc == 0 && engine->options.reload)
        rc = loop_on_signal(engine->loop, SIGHUP, on_reload, engine, err);
    return rc;
}

static int open_all(struct engine *engine, struct sb_error *err)
{
    engine->metrics = metrics_new();
    engine->loop = loop_new(err);
    if (!engine->metrics || !engine->loop)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    engine->store_post = loop_post_new(engine->loop, on_store_post, engine);
    if (!engine->store_post)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    int rc = watch_signals(engine, err);
    if (rc == 0)
        rc = open_journal(engine, err);
    if (rc == 0)
        rc = open_io(engine, err);
    if (rc == 0) {
        engine->alerts = alerts_new(engine, err);
        rc = engine->alerts ? 0 : err->status;
    }
    if (rc == 0)
        rc = open_flow(engine, err);
    if (rc == 0)
        rc = open_servers(engine, err);
    if (rc == 0) {
        engine->keeper = keeper_new(engine, err);
        rc = engine->keeper ? 0 : err->status;
    }
    if (rc == 0) {
        engine->reconcile = reconcile_new(engine, err);
        rc = engine->reconcile ? 0 : err->status;
    }
    if (rc == 0) {
        engine->contacts_file = contacts_file_new(engine, err);
        rc = engine->contacts_file ? 0 : err->status;
    }
    if (rc == 0)
        rc = late_new(engine, &engine->late, err);
    return rc;
}

int engine_new(struct setup *setup, const struct engine_options *options, struct log *log,
               struct engine **ret_engine, struct sb_error *err)
{
    struct engine *engine = calloc(1, sizeof(*engine));

    if (!engine)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    engine->setup = setup;
    engine->log = log;
    engine->options = *options;
    engine->started_ms = clock_wall_ms();
    int rc = open_all(engine, err);
    if (rc < 0) {
        engine_free(engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    /* Those who may call back end first, the flow that they call last. */
    webhooks_close(engine->webhooks);
    control_free(engine->control);
    admin_free(engine->admin);
    http_client_free(engine->client);
    workers_free(engine->workers);
    store_thread_free(engine->store);
    reconcile_free(engine->reconcile);
    webhooks_free(engine->webhooks); /* its looks work on the store's thread */
    keeper_free(engine->keeper);     /* both work on the store's thread */
    contacts_file_free(engine->contacts_file);
    late_free(engine->late);
    engine_world_done(engine);
    flow_free(engine->flow);
    alerts_free(engine->alerts);
    loop_timer_free(engine->flow_timer);
    loop_timer_free(engine->shutdown_timer);
    loop_post_free(engine->store_post);
    loop_free(engine->loop);
    metrics_free(engine->metrics);
    free(engine);
}

/* ---- running ------------------------------------------------------------------------------------------- */

/* What is not finished is read on the store's thread, before anything else can be. */
struct start {
    struct engine *engine;
    struct arena *arena;
    struct store_unfinished unfinished;
    int rc;
    struct sb_error err;
};

enum { START_ARENA_MAX = 1 << 28 };

static void read_unfinished(void *ctx, struct store *store)
{
    struct start *start = ctx;
    start->rc = store_unfinished(store, start->arena, &start->unfinished, &start->err);
}

static void on_unfinished(void *ctx)
{
    struct start *start = ctx;
    struct engine *engine = start->engine;

    if (start->rc < 0) {
        LOG_ERROR(engine->log, "cannot read the journal", LOG_STR("error", start->err.text));
        engine->has_failed = true;
        loop_stop(engine->loop);
    } else if (engine->options.errand) {
        engine->options.errand(engine->options.errand_ctx, engine);
    } else if (!engine->is_stopping) {
        LOG_NOTICE(engine->log, "started", LOG_INT("unfinished", (int64_t)start->unfinished.active_count));
        flow_start(engine->flow, &start->unfinished);
        engine_look(engine);
    }
    store_unfinished_done(&start->unfinished);
}

int engine_run(struct engine *engine, size_t *ret_dead, struct sb_error *err)
{
    struct start start = { .engine = engine, .arena = arena_new(START_ARENA_MAX), .err = SB_ERROR_INIT };
    struct flow_counts counts;

    if (!start.arena)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    store_thread_run(engine->store, read_unfinished, on_unfinished, &start);
    int rc = loop_run(engine->loop, err);
    store_unfinished_done(&start.unfinished);
    arena_free(start.arena);
    flow_counts(engine->flow, &counts);
    *ret_dead = counts.ended_dead;
    if (rc == 0 && engine->has_failed)
        rc = sb_fail(err, SB_EINTERNAL,
                     "the engine had to stop: see the log lines above; nothing that was committed is lost");
    return rc;
}
