/* From what an exchange wrote to one change of the journal. NULL: out of memory. */
#ifndef FLOW_CHANGE_H
#define FLOW_CHANGE_H

#include "flow/call.h"

struct poll;
struct run;

/* The page of a poll: cursor, emitted records, meters. */
struct store_change *change_of_poll(struct flow *flow, const struct poll *poll);
/* The beginning of every change of a record: id, time, its place as it is in run->record. */
struct store_change *change_of_run(struct flow *flow, const struct run *run);
/* Adds what the exchange changed: sections, key document, file, meters. False: out of memory. */
bool change_add_exchange(struct store_change *change, const struct run *run, const struct sb_exchange *x);
/* Adds one section from its document (NULL removes it). */
bool change_add_section(struct store_change *change, const char *name, const json_t *doc);
/* Adds the intent of what was built. */
bool change_add_intent(struct store_change *change, const struct run *run, const struct call *call,
                       int64_t at_ms);
/* Adds a line of the timeline. `verdict` is a constant. */
bool change_add_outcome(struct flow *flow, struct store_change *change, const struct run *run,
                        const char *verdict, const struct call_result *result, const struct sb_exchange *x);
/* The raw answer as a text for the intent, for a mended plugin to fold. NULL: out of memory, or there is none; else to be
 * freed. */
char *change_answer_text(const struct sb_exchange *x);

#endif
