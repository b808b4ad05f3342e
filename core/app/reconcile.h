/* Comparing what the sources had, what the journal knows and what the helpdesk has: `switchboard reconcile`, and by itself
 * (`reconcile = "daily"`). One comparison at a time, in the background of a running engine.
 *
 *   list      every source that is asked is listed anew (flow_list); nothing is emitted
 *   own       what the journal has beside that came in since then is added: a source that tells keeps no list
 *   compare   each conversation is looked up by its identity, a few hundred at a time
 *   look      for each that is done, the step that made its ticket looks for all there are (flow_look)
 *   fill      missing ones are emitted as doubtful records, when that was asked for
 *   report    kept in the journal, logged, an alert when something is missing or doubled */
#ifndef APP_RECONCILE_H
#define APP_RECONCILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "switchboard/error.h"

struct engine;
struct reconcile;

/* Under which the last report is kept: {since_ms, listed, told, delivered, explained, missing, doubled, back_filled, uncertain,
 * sources: [{source, listed or is_told}], faults: [text], rows: [{what, account, external_id, record_id, why}]}. */
#define RECONCILE_REPORT "reconcile"

struct reconcile_options {
    int64_t since_ms; /* wall clock */
    bool back_fills;
};

/* `reconcile` of engine.conf decides whether it also begins by itself. */
struct reconcile *reconcile_new(struct engine *engine, struct sb_error *err);
void reconcile_free(struct reconcile *reconcile); /* NULL allowed */

/* SB_EBUSY when one is under way. */
int reconcile_begin(struct reconcile *reconcile, const struct reconcile_options *options,
                    struct sb_error *err) SB_MUST_CHECK;
/* {"is_running": b; while it runs "doing": "listing" | "comparing" | "looking" | "filling in", "done": n, "whole": n (both 0
 * as long as nobody knows); once one has ended, of this process: "error": text or "report": {...}}. New reference. */
json_t *reconcile_status(const struct reconcile *reconcile);
/* Calls on_step, which may be NULL, whenever the next one to begin has come further, and on_end once when it has ended. */
void reconcile_watch(struct reconcile *reconcile, void (*on_step)(void *ctx), void (*on_end)(void *ctx),
                     void *ctx);

#endif
