/* How the webhook server runs a route of a source: the handler reads the call, emits records and writes the
 * reply. Loop thread. The reply leaves after the records are committed. */
#ifndef PLUGIN_ROUTE_RUN_H
#define PLUGIN_ROUTE_RUN_H

#include <jansson.h>

#include "plugin/exchange_run.h"

enum { ROUTE_HEADERS_MAX = 8, ROUTE_PARAMS_MAX = 8, ROUTE_SEGMENT_MAX = 256 };

/* One call. Everything is borrowed for the life of the exchange. */
struct route_input {
    struct sb_instance *instance;
    const struct sb_route *route;
    const char *path;                                   /* decoded, without the query; fits the route */
    const char *(*header)(void *ctx, const char *name); /* any case; NULL when absent */
    const char *(*query)(void *ctx, const char *name);  /* decoded; NULL when absent */
    void *ctx;
    const char *body; /* NUL-terminated */
    size_t body_size;
    int64_t now_ms;
    const char *caller; /* who it is; NULL: not known */
    /* Calls `fn` with every header. NULL: there are none. */
    void (*each_header)(void *ctx, void (*fn)(void *to, const char *name, const char *value), void *to);
};

/* What a handler has asked for with sb_await(); borrowed until the next round. */
struct route_wanted {
    const char *account, *external_id;
    int64_t wait_ms;
};

/* What to answer. */
struct route_reply {
    int status;   /* 200 or 400 when the handler set none; 500 after a defect */
    json_t *json; /* owned, or NULL for an empty body */
    struct http_header headers[ROUTE_HEADERS_MAX]; /* in the exchange's memory */
    size_t header_count;
};

/* Whether `path` ("/v1/escalations/17") fits `pattern` ("/v1/escalations/{id}"): each {name} fits one segment
 * that is not empty. */
bool route_fits(const char *pattern, const char *path);
/* The route of `plugin` for a call, or NULL; then *ret_known tells whether the path has another method (405,
 * not 404). */
const struct sb_route *route_find(const struct sb_plugin *plugin, const char *method, const char *path,
                                  bool *ret_known);

/* An exchange for one call: x->emits afterwards holds what was emitted. NULL when out of memory. */
struct sb_exchange *route_exchange(const struct route_input *in);
/* Runs the handler. SB_OK: commit x->emits, then reply. SB_AGAIN: commit x->emits, look up route_wanted(), and run it
 * again after route_next(). Anything else: reply, nothing was emitted. */
enum sb_verdict route_run(struct sb_exchange *x, struct route_reply *ret_reply);
/* What the handler that said SB_AGAIN waits for. */
struct route_wanted route_wanted(const struct sb_exchange *x);
/* Begins the next round: copies `known`, whose `kept` is ignored and whose texts are borrowed for the life of the
 * exchange, as is `reference` (NULL: nobody knows it). Borrows `sections` (NULL: there is no record). False when out of
 * memory. */
bool route_next(struct sb_exchange *x, const struct sb_known *known, const char *reference, json_t *sections);
void route_reply_done(struct route_reply *reply);

#endif
