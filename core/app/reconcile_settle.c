/* How long a creation may be hidden, by the settle time of its step; see reconcile_report.h. */
#include "app/reconcile_report.h"

#include <string.h>

#include "base/json.h"
#include "flow/flow.h"
#include "plugin/instance.h"

static int64_t settle_of(const struct sb_instance *instance, const char *step)
{
    for (const struct sb_step *each = instance->plugin->steps; each && each->name; each++)
        if (strcmp(each->name, step) == 0)
            return instance_number(instance, "settle", each->settle_ms);
    return 0;
}

void reconcile_note_age(json_t *entry, const json_t *job, const struct flow_plan *plan, int64_t now_ms)
{
    const char *name = json_str(job, "instance"), *step = json_str(job, "step");
    int64_t settled_ms = json_int(job, "settled_ms", 0);

    for (size_t i = 0; name && step && i < plan->instance_count; i++) {
        const struct flow_plan_instance *each = &plan->instances[i];
        if (each->instance && strcmp(each->name, name) == 0 &&
            now_ms < settled_ms + settle_of(each->instance, step))
            (void)json_object_set_new(entry, "is_young", json_true());
    }
}
