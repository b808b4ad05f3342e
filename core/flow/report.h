/* Log lines and metrics of exchanges. */
#ifndef FLOW_REPORT_H
#define FLOW_REPORT_H

#include "flow/call.h"

struct run;

const char *report_verdict_word(enum sb_verdict verdict);
/* One exchange is over. `run` NULL: a poll. */
void report_call(struct flow *flow, const struct call *call, const struct call_result *result,
                 const struct run *run);
/* Says the notes of a committed step. */
void report_notes(struct flow *flow, const struct run *run);
void report_end(struct flow *flow, const struct run *run);

#endif
