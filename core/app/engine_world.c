/* The glue between flow and libuv, libcurl and the journal. Each request carries its ticket in a small errand. */
#include "app/engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "app/alerts.h"
#include "app/engine.h"
#include "app/webhooks.h"
#include "base/scope.h"
#include "base/timefmt.h"

struct errand {
    struct errand *prev, *next; /* all that are out, for the end of the engine */
    struct engine *engine;
    uint64_t ticket;
    int64_t record_id;
    char *instance, *name; /* owned */
    char *doc;             /* owned: answer */
    struct store_record *record;
    struct sb_exchange *x;
    enum sb_verdict verdict;
    int (*read)(struct store *store, struct errand *errand, struct sb_error *err);
    struct sb_error err;
};

/* There is no way back from here: a ticket that is never answered would hang its record for ever. */
static struct errand *new_errand(struct engine *engine, uint64_t ticket)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (!errand) {
        (void)fputs("switchboard: out of memory\n", stderr);
        abort();
    }
    errand->engine = engine;
    errand->ticket = ticket;
    errand->next = engine->errands;
    if (errand->next)
        errand->next->prev = errand;
    engine->errands = errand;
    return errand;
}

static void release_errand(struct errand *errand)
{
    free(errand->instance);
    free(errand->name);
    free(errand->doc);
    free(errand);
}

static void free_errand(struct errand *errand)
{
    if (errand->prev)
        errand->prev->next = errand->next;
    else
        errand->engine->errands = errand->next;
    if (errand->next)
        errand->next->prev = errand->prev;
    release_errand(errand);
}

static char *copy(const char *text)
{
    char *copied = strdup(text);

    if (!copied) {
        (void)fputs("switchboard: out of memory\n", stderr);
        abort();
    }
    return copied;
}

/* ---- clock and chance ---------------------------------------------------------------------------------- */

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return clock_wall_ms();
}

static uint64_t random_number(void *ctx)
{
    uint64_t number = 0;

    (void)ctx;
    /* Only for jitter: zero in the impossible case of a failure is as good as any. */
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = 0;
    return number;
}

/* ---- journal ------------------------------------------------------------------------------------------- */

static void on_committed(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct errand *errand = ctx;

    flow_on_committed(errand->engine->flow, errand->ticket, change, err);
    free_errand(errand);
}

static void commit(void *ctx, struct store_change *change, uint64_t ticket)
{
    struct engine *engine = ctx;
    store_thread_commit(engine->store, change, on_committed, new_errand(engine, ticket));
}

static void run_read(void *ctx, struct store *store)
{
    struct errand *errand = ctx;

    if (errand->read(store, errand, &errand->err) < 0 && !errand->err.status)
        errand->err.status = SB_EINTERNAL;
}

/* A journal that cannot be read is as bad as one that cannot be written. */
static bool has_failed(struct errand *errand)
{
    if (!errand->err.status)
        return false;
    LOG_ERROR(errand->engine->log, "cannot read the journal", LOG_STR("error", errand->err.text));
    errand->engine->has_failed = true;
    loop_stop(errand->engine->loop);
    return true;
}

static int read_record(struct store *store, struct errand *errand, struct sb_error *err)
{
    return store_load(store, errand->record_id, &errand->record, err);
}

static void on_record(void *ctx)
{
    struct errand *errand = ctx;

    if (!has_failed(errand))
        flow_on_loaded(errand->engine->flow, errand->ticket, TAKE(errand->record));
    free_errand(errand);
}

static void load(void *ctx, int64_t record_id, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    errand->record_id = record_id;
    errand->read = read_record;
    store_thread_read(engine->store, run_read, on_record, errand);
}

static void on_document(void *ctx)
{
    struct errand *errand = ctx;

    if (!has_failed(errand))
        flow_on_document(errand->engine->flow, errand->ticket, errand->doc);
    if (errand->doc)
        explicit_bzero(errand->doc, strlen(errand->doc));
    free_errand(errand);
}

static int read_key_doc(struct store *store, struct errand *errand, struct sb_error *err)
{
    return store_key(store, errand->instance, errand->name, &errand->doc, err);
}

static int read_cursor_doc(struct store *store, struct errand *errand, struct sb_error *err)
{
    return store_cursor(store, errand->name, &errand->doc, err);
}

static int read_token_doc(struct store *store, struct errand *errand, struct sb_error *err)
{
    return store_token(store, errand->name, &errand->doc, err);
}

static void read_key(void *ctx, const char *instance, const char *name, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    errand->instance = copy(instance);
    errand->name = copy(name);
    errand->read = read_key_doc;
    store_thread_read(engine->store, run_read, on_document, errand);
}

static void read_cursor(void *ctx, const char *name, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    errand->name = copy(name);
    errand->read = read_cursor_doc;
    store_thread_read(engine->store, run_read, on_document, errand);
}

static void read_token(void *ctx, const char *name, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    errand->name = copy(name);
    errand->read = read_token_doc;
    store_thread_read(engine->store, run_read, on_document, errand);
}

static int read_next_sweep(struct store *store, struct errand *errand, struct sb_error *err)
{
    return store_next_sweep(store, &errand->doc, err);
}

static void read_sweep(void *ctx, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    errand->read = read_next_sweep;
    store_thread_read(engine->store, run_read, on_document, errand);
}

/* ---- network and work ---------------------------------------------------------------------------------- */

static void on_answered(void *ctx, struct http_response *response)
{
    struct errand *errand = ctx;
    struct engine *engine = errand->engine;

    flow_on_answered(engine->flow, errand->ticket, response);
    free_errand(errand);
    engine_look(engine);
}

static void send_request(void *ctx, const struct http_request *request, struct sb_instance *instance,
                         uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);

    if (http_client_send(engine->client, request, instance_resolve, instance, on_answered, errand))
        return;
    LOG_ERROR(engine->log, "cannot send", LOG_STR("error", "out of memory"));
    engine->has_failed = true;
    loop_stop(engine->loop);
    free_errand(errand);
}

static void do_work(void *ctx)
{
    struct errand *errand = ctx;
    errand->verdict = exchange_work(errand->x);
}

static void on_worked(void *ctx)
{
    struct errand *errand = ctx;
    struct engine *engine = errand->engine;

    flow_on_worked(engine->flow, errand->ticket, errand->verdict);
    free_errand(errand);
    engine_look(engine);
}

static void work(void *ctx, struct sb_exchange *x, uint64_t ticket)
{
    struct engine *engine = ctx;
    struct errand *errand = new_errand(engine, ticket);
    struct sb_error err = SB_ERROR_INIT;

    errand->x = x;
    /* The queue has room for every record that may be in memory. */
    if (workers_submit(engine->workers, do_work, on_worked, errand, &err) < 0) {
        LOG_ERROR(engine->log, "cannot start work", LOG_STR("error", err.text));
        engine->has_failed = true;
        loop_stop(engine->loop);
        free_errand(errand);
    }
}

static void wake(void *ctx, int64_t at_ms)
{
    struct engine *engine = ctx;
    int64_t delay_ms = at_ms - clock_mono_ms();

    if (at_ms == INT64_MAX)
        loop_timer_disarm(engine->flow_timer);
    else
        loop_timer_arm(engine->flow_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0);
}

static void alert(void *ctx, enum flow_alert kind, const char *subject, const char *text)
{
    struct engine *engine = ctx;
    alerts_raise(engine->alerts, kind, subject, text);
}

static void news(void *ctx, int64_t record_id)
{
    struct engine *engine = ctx;
    webhooks_on_news(engine->webhooks, record_id);
}

void engine_world(struct engine *engine, struct flow_world *ret_world)
{
    *ret_world = (struct flow_world){ .ctx = engine,
                                      .mono_ms = mono_ms,
                                      .wall_ms = wall_ms,
                                      .random = random_number,
                                      .commit = commit,
                                      .load = load,
                                      .read_key = read_key,
                                      .read_cursor = read_cursor,
                                      .read_token = read_token,
                                      .read_sweep = read_sweep,
                                      .send = send_request,
                                      .work = work,
                                      .wake = wake,
                                      .alert = alert,
                                      .news = news };
}

void engine_world_done(struct engine *engine)
{
    for (struct errand *errand = engine->errands, *next = NULL; errand; errand = next) {
        next = errand->next;
        store_record_free(errand->record);
        release_errand(errand);
    }
    engine->errands = NULL;
}
