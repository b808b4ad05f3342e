/* The running engine: a flow in the real world of libuv, libcurl and the journal. */
#ifndef APP_ENGINE_H
#define APP_ENGINE_H

#include "app/setup.h"
#include "base/metrics.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/workers.h"
#include "store/store_thread.h"

struct alerts;
struct engine;
struct errand;
struct admin;
struct contacts_file;
struct control;
struct keeper;
struct late;
struct webhooks;

struct engine_options {
    bool once;       /* end when the sources have nothing new and every record has ended */
    bool no_servers; /* neither admin nor control (benchmarks) */
    /* Instead of working on records: only this is done, which ends with engine_stop(). NULL: the ordinary work. */
    void (*errand)(void *ctx, struct engine *engine);
    void *errand_ctx;
    /* Asked at SIGHUP, on the loop: whether this engine is to end, because the configuration was read again and another
     * engine goes on with it. Asked again when the signal comes while it is ending. NULL: the signal is not watched. */
    bool (*reload)(void *ctx);
    void *reload_ctx;
};

struct engine {
    struct setup *setup; /* borrowed */
    struct log *log;     /* borrowed */
    struct engine_options options;
    struct metrics *metrics;
    struct loop *loop;
    struct store_thread *store;
    struct loop_post *store_post;
    struct http_client *client;
    struct workers *workers;
    struct flow *flow;
    struct loop_timer *flow_timer, *shutdown_timer;
    struct errand *errands;
    struct alerts *alerts;
    struct admin *admin;
    struct control *control;
    struct webhooks *webhooks;
    struct keeper *keeper;
    struct reconcile *reconcile;
    struct contacts_file *contacts_file;
    struct late *late; /* NULL: no sink tells of delays */
    bool is_stopping, has_failed;
    bool is_told_to_end; /* by SIGTERM or SIGINT: no other engine goes on */
    int64_t started_ms;  /* wall */
};

/* Opens the journal and everything else, and watches the signals. Takes nothing. Another engine with the same setup may follow
 * when this one is freed. */
int engine_new(struct setup *setup, const struct engine_options *options, struct log *log,
               struct engine **ret_engine, struct sb_error *err) SB_MUST_CHECK;
void engine_free(struct engine *engine); /* NULL allowed */
/* Runs until SIGTERM, SIGINT, the end of `once`, or a failure that must not be survived (SB_EINTERNAL). Gives the number
 * of records that ended in the dead letters. */
int engine_run(struct engine *engine, size_t *ret_dead, struct sb_error *err) SB_MUST_CHECK;
/* Asks it to end: no new work, what is under way comes to its next commit, at most shutdown_timeout. */
void engine_stop(struct engine *engine);
/* To be called after everything that may have moved the flow from outside. */
void engine_look(struct engine *engine);

#endif
