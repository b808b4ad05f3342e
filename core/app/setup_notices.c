/* Pipelines for notices: where a sink wants to tell that a conversation is late, its pipeline gets a second one,
 * "<name>/delayed", without stages and with those sinks alone. No name of engine.conf can have a '/' in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/setup.h"

static bool tells_delay(const struct setup *setup, size_t sink, int64_t *ret_after_ms)
{
    const struct sb_instance *instance = setup->instances[sink];

    if (!instance || !(instance->plugin->flags & SB_TELLS_DELAY))
        return false;
    *ret_after_ms = instance_number(instance, "delayed_after", 0);
    return *ret_after_ms > 0;
}

/* The sinks of `from` that tell, as the pipeline `to`, and the shortest of their times. 0: there are none. */
static int64_t copy_sinks(const struct setup *setup, const struct flow_pipeline *from,
                          struct flow_pipeline *to)
{
    int64_t shortest_ms = 0;

    for (size_t i = 0; i < from->sink_count; i++) {
        int64_t after_ms = 0;
        if (!tells_delay(setup, from->sinks[i], &after_ms))
            continue;
        to->sinks[to->sink_count++] = from->sinks[i];
        if (shortest_ms == 0 || after_ms < shortest_ms)
            shortest_ms = after_ms;
    }
    return shortest_ms;
}

/* Whether somebody waits for the answer: the source is told, and not asked for what took place before. */
static bool is_told(const struct setup *setup, const struct flow_pipeline *pipeline)
{
    const struct sb_instance *source = setup->instances[pipeline->source];

    return source && source->plugin->routes && !pipeline->is_off;
}

static int add_notices(struct setup *setup, size_t index, struct sb_error *err)
{
    static const char suffix[] = "/delayed";
    const struct flow_pipeline *main = &setup->pipelines[index];
    struct flow_pipeline notices = { .source = main->source, .is_notices = true };

    int64_t after_ms = is_told(setup, main) ? copy_sinks(setup, main, &notices) : 0;
    if (after_ms == 0)
        return 0;
    size_t size = strlen(main->name) + sizeof(suffix);
    char *name = malloc(size);
    if (!name)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    (void)snprintf(name, size, "%s%s", main->name, suffix);
    notices.name = name;
    size_t at = setup->plan.pipeline_count++;
    setup->pipelines[at] = notices;
    setup->notices[setup->notice_count++] =
        (struct setup_notices){ .name = name, .of = index, .pipeline = at, .after_ms = after_ms };
    return 0;
}

int setup_plan_notices(struct setup *setup, struct sb_error *err)
{
    size_t count = setup->plan.pipeline_count;

    setup->notices = calloc(count + 1, sizeof(*setup->notices));
    if (!setup->notices)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int rc = add_notices(setup, i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void setup_free_notices(struct setup *setup)
{
    for (size_t i = 0; i < setup->notice_count; i++)
        free(setup->notices[i].name);
    free(setup->notices);
}
