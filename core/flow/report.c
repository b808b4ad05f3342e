/* What people and machines hear of a flow. */
#include "flow/report.h"

#include <stdio.h>

#include "flow/run.h"
#include "flow/state.h"

static const char *const verdict_words[] = {
    [SB_OK] = "ok",       [SB_SKIP] = "skip",     [SB_AGAIN] = "again",
    [SB_RETRY] = "retry", [SB_REJECT] = "reject", [SB_DROP] = "drop"
};

const char *report_verdict_word(enum sb_verdict verdict)
{
    return (unsigned)verdict <= SB_DROP ? verdict_words[verdict] : "invalid";
}

static void measure(struct flow *flow, const struct call *call, const struct call_result *result)
{
    const char *plugin = call->gate->instance->plugin->name;
    const char *const labels[] = { "plugin",   plugin,
                                   "instance", call->gate->name,
                                   "step",     call->step->name,
                                   "outcome",  report_verdict_word(result->verdict),
                                   NULL };
    const char *const latency[] = { "instance", call->gate->name, "step", call->step->name, NULL };

    metric_add(
        metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_steps_total", "steps by outcome", labels), 1);
    if (result->was_sent)
        metric_observe(metrics_get(flow->metrics, METRIC_HISTOGRAM, "switchboard_step_seconds",
                                   "time from sending to the answer", latency),
                       (double)result->duration_ms / 1000.0);
    if (result->verdict == SB_RETRY)
        metric_add(metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_retries_total",
                               "steps that have to be tried again", latency),
                   1);
    for (size_t i = 0; i < call->x->meter_count; i++) {
        const char *const meter[] = { "instance", call->gate->name, "meter", call->x->meters[i].name, NULL };
        metric_add(metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_meter_total",
                               "what a plugin counts: audio seconds, tokens, requests", meter),
                   call->x->meters[i].amount);
    }
}

void report_call(struct flow *flow, const struct call *call, const struct call_result *result,
                 const struct run *run)
{
    enum log_level level = LOG_LEVEL_DEBUG;

    measure(flow, call, result);
    if (result->is_defect)
        level = LOG_LEVEL_ERROR;
    else if (result->verdict == SB_RETRY || result->verdict == SB_REJECT)
        level = LOG_LEVEL_WARN;
    LOG_AT(flow->log, level, "step", LOG_INT("record", run ? run->id : 0),
           LOG_STR("id", run && run->record ? run->record->external_id : NULL),
           LOG_STR("instance", call->gate->name), LOG_STR("step", call->step->name),
           LOG_STR("outcome", report_verdict_word(result->verdict)), LOG_INT("status", result->http_status),
           LOG_INT("ms", result->duration_ms), LOG_STR("reason", result->reason[0] ? result->reason : NULL));
}

void report_notes(struct flow *flow, const struct run *run)
{
    size_t index;
    json_t *note;

    /* The phrase is the plugin's own: people look for "created Zoho Desk ticket #..." as their script said
     * it. */
    json_array_foreach (run->notes, index, note)
        LOG_AT(flow->log, LOG_LEVEL_INFO, json_string_value(note), LOG_INT("record", run->id),
               LOG_STR("id", run->record ? run->record->external_id : NULL));
}

void report_end(struct flow *flow, const struct run *run)
{
    const char *word = store_state_word(run->record->state);
    const char *const labels[] = { "state", word, NULL };
    enum log_level level = run->record->state == STORE_DEAD ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;

    bool is_notice = run->pipeline && run->pipeline->is_notices;

    metric_add(is_notice ? metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_notices_ended_total",
                                       "notices by how they ended", labels)
                         : metrics_get(flow->metrics, METRIC_COUNTER, "switchboard_records_ended_total",
                                       "records by how they ended", labels),
               1);
    LOG_AT(flow->log, level, is_notice ? "notice ended" : "record ended", LOG_INT("record", run->id),
           LOG_STR("id", run->record->external_id), LOG_STR("state", word),
           LOG_STR("reason", run->record->reason));
}
