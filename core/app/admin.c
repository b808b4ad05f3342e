/* The server on admin_listen. */
#include "app/admin.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "base/json.h"
#include "base/scope.h"
#include "io/http_server.h"

enum { METRICS_TEXT_MAX = 16 * 1024 * 1024 };

struct admin {
    struct engine *engine;
    struct http_server *server;
    struct store_thread_stats told; /* what the counters of the journal have been told of already */
};

static void reply_text(struct http_call *call, int status, const char *text)
{
    http_call_reply(call, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void on_readyz(struct engine *engine, struct http_call *call)
{
    if (engine->is_stopping || engine->has_failed)
        reply_text(call, 503, "stopping\n");
    else
        reply_text(call, 200, "ready\n");
}

/* ---- metrics ------------------------------------------------------------------------------------------- */

struct scrape {
    struct admin *admin;
    struct http_call *call;
    json_t *totals; /* owned */
};

static void read_totals(void *ctx, struct store *store)
{
    struct scrape *scrape = ctx;

    if (store_totals(store, &scrape->totals, NULL) < 0)
        scrape->totals = NULL;
}

static void set_gauge(struct metrics *metrics, const char *name, const char *help, const char *label,
                      const char *value, double number)
{
    const char *const labels[] = { label, value, NULL };
    metric_set(metrics_get(metrics, METRIC_GAUGE, name, help, label ? labels : NULL), number);
}

static void set_record_gauges(struct metrics *metrics, const json_t *totals)
{
    const char *state;
    json_t *count;

    json_object_foreach (json_object_get(totals, "records"), state, count)
        set_gauge(metrics, "switchboard_records",
                  "records in the journal by state; unknown and incomplete ones are among the others",
                  "state", state, json_number_value(count));
}

static void add_to_counter(struct metrics *metrics, const char *name, const char *help, double amount)
{
    metric_add(metrics_get(metrics, METRIC_COUNTER, name, help, NULL), amount);
}

static void set_engine_gauges(struct admin *admin)
{
    struct engine *engine = admin->engine;
    struct store_thread_stats stats;
    struct flow_counts counts;
    struct metrics *metrics = engine->metrics;

    store_thread_stats(engine->store, &stats);
    flow_counts(engine->flow, &counts);
    set_gauge(metrics, "switchboard_in_flight", "records in memory", NULL, NULL, (double)counts.loaded);
    set_gauge(metrics, "switchboard_unfinished", "records that have not ended", NULL, NULL,
              (double)counts.active);
    set_gauge(metrics, "switchboard_unknown", "records whose last creation has an unknown outcome", NULL,
              NULL, (double)counts.unknown);
    set_gauge(metrics, "switchboard_requests_in_flight", "HTTP requests under way", NULL, NULL,
              (double)http_client_in_flight(engine->client));
    set_gauge(metrics, "switchboard_work_waiting", "jobs that wait for a worker", NULL, NULL,
              (double)workers_waiting(engine->workers));
    add_to_counter(metrics, "switchboard_journal_commits_total", "synced transactions",
                   (double)(stats.commits - admin->told.commits));
    add_to_counter(metrics, "switchboard_journal_changes_total", "changes in them",
                   (double)(stats.changes - admin->told.changes));
    add_to_counter(metrics, "switchboard_journal_commit_seconds_total", "time spent committing",
                   stats.commit_seconds_total - admin->told.commit_seconds_total);
    admin->told = stats;
    set_gauge(metrics, "switchboard_journal_commit_seconds_last", "time of the last commit", NULL, NULL,
              stats.commit_seconds_last);
    set_gauge(metrics, "switchboard_journal_waiting", "changes that wait for their commit", NULL, NULL,
              (double)stats.waiting);
}

static void on_totals(void *ctx)
{
    struct scrape *scrape = ctx;
    AUTO_BUF text;

    buf_init(&text, METRICS_TEXT_MAX);
    if (scrape->totals)
        set_record_gauges(scrape->admin->engine->metrics, scrape->totals);
    set_engine_gauges(scrape->admin);
    metrics_write(scrape->admin->engine->metrics, &text);
    if (text.failed)
        reply_text(scrape->call, 500, "too many metrics\n");
    else
        http_call_reply(scrape->call, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.len);
    json_decref(scrape->totals);
    free(scrape);
}

static void on_metrics(struct admin *admin, struct http_call *call)
{
    struct scrape *scrape = calloc(1, sizeof(*scrape));

    if (!scrape) {
        reply_text(call, 503, "out of memory\n");
        return;
    }
    scrape->admin = admin;
    scrape->call = call;
    store_thread_run(admin->engine->store, read_totals, on_totals, scrape);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void on_call(void *ctx, struct http_call *call)
{
    struct admin *admin = ctx;
    const char *method = http_call_method(call), *path = http_call_path(call);

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        reply_text(call, 405, "only GET is answered here\n");
    else if (strcmp(path, "/healthz") == 0)
        reply_text(call, 200, "ok\n");
    else if (strcmp(path, "/readyz") == 0)
        on_readyz(admin->engine, call);
    else if (strcmp(path, "/metrics") == 0)
        on_metrics(admin, call);
    else
        reply_text(call, 404, "not found: try /healthz, /readyz or /metrics\n");
}

struct admin *admin_new(struct engine *engine, struct sb_error *err)
{
    const struct conf_settings *settings = &engine->setup->conf->settings;
    const struct http_server_options options = { .host = settings->admin_host, .port = settings->admin_port };
    struct admin *admin = calloc(1, sizeof(*admin));

    if (!admin) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        return NULL;
    }
    admin->engine = engine;
    admin->server = http_server_new(engine->loop, &options, on_call, admin, engine->log, err);
    if (!admin->server) {
        free(admin);
        return NULL;
    }
    store_thread_measure(engine->store,
                         metrics_get(engine->metrics, METRIC_HISTOGRAM, "switchboard_journal_commit_seconds",
                                     "how long a synced transaction took", NULL));
    LOG_NOTICE(engine->log, "listening for operators", LOG_STR("host", settings->admin_host),
               LOG_INT("port", admin_port(admin)));
    return admin;
}

uint16_t admin_port(const struct admin *admin)
{
    return http_server_port(admin->server);
}

void admin_free(struct admin *admin)
{
    if (!admin)
        return;
    http_server_free(admin->server);
    free(admin);
}
