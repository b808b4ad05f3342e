/* What a comparison says of each conversation, and in all. Pure. */
#ifndef APP_RECONCILE_REPORT_H
#define APP_RECONCILE_REPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct flow_plan;

/* One conversation: {account, external_id, pipeline, record or reason (as flow_list tells it), standing (store_standing) or
 * none, job (store_made) and found or look_fault, is_young}. Gives "delivered", "explained", "missing", "doubled" or
 * "uncertain", and why, for people ("" for delivered). `ret_why` is at most 400 bytes. */
const char *reconcile_judge(const json_t *entry, char ret_why[400]);

/* Sets is_young in `entry` when what `job` (store_made) names was made less than its step's settle time before `now_ms` (wall
 * clock): that it is not found says nothing yet. */
void reconcile_note_age(json_t *entry, const json_t *job, const struct flow_plan *plan, int64_t now_ms);

/* What was looked at and is there once: the jobs of `entries`, an array. New reference. */
json_t *reconcile_single(const json_t *entries);

/* The report over all entries (an array). New reference. */
json_t *reconcile_report(const json_t *entries, const json_t *sources, const json_t *faults, int64_t since_ms,
                         size_t back_filled);

#endif
