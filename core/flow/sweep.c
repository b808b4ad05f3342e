/* The changes of second looks; see sweep.h. */
#include "flow/sweep.h"

#include "base/arena.h"

static struct store_sweep *add_sweep(struct store_change *change, const char *instance, const char *step,
                                     uint32_t round, int64_t due_ms)
{
    struct store_sweep *sweep = arena_alloc(change->arena, sizeof(*sweep));

    if (!sweep)
        return NULL;
    *sweep = (struct store_sweep){ .instance = arena_strdup(change->arena, instance),
                                   .step = arena_strdup(change->arena, step),
                                   .round = round,
                                   .due_ms = due_ms };
    return sweep->instance && sweep->step ? sweep : NULL;
}

/* Every change begins with the end of the look that is under way. */
static struct store_change *change_of(const struct swept *swept)
{
    struct store_change *change = store_change_new();

    if (!change)
        return NULL;
    change->now_ms = swept->now_ms;
    change->record_id = swept->record_id;
    change->swept = add_sweep(change, swept->instance, swept->step, swept->round, 0);
    if (change->swept)
        return change;
    store_change_free(change);
    return NULL;
}

static struct store_change *look_at(const struct swept *swept, const char *instance, const char *step,
                                    uint32_t round, int64_t due_ms)
{
    struct store_change *change = change_of(swept);

    if (!change)
        return NULL;
    change->sweep = add_sweep(change, instance, step, round, due_ms);
    if (change->sweep)
        return change;
    store_change_free(change);
    return NULL;
}

struct store_change *change_of_sweep_later(const struct swept *swept, int64_t due_ms)
{
    return look_at(swept, swept->instance, swept->step, swept->round, due_ms);
}

struct store_change *change_of_sweep_instead(const struct swept *swept, const struct store_settled *other,
                                             int64_t due_ms)
{
    return look_at(swept, other->instance, other->step, other->round, due_ms);
}

static bool add_outcome(struct store_change *change, const char *verdict, const char *text)
{
    struct store_outcome *outcome = arena_alloc(change->arena, sizeof(*outcome));

    if (!outcome)
        return false;
    *outcome = (struct store_outcome){ .at_ms = change->now_ms,
                                       .instance = change->swept->instance,
                                       .step = change->swept->step,
                                       .round = change->swept->round,
                                       .verdict = verdict,
                                       .text = arena_strdup(change->arena, text) };
    change->outcome = outcome;
    return outcome->text != NULL;
}

struct store_change *change_of_sweep_end(const struct swept *swept, const char *verdict, const char *text,
                                         const char *others)
{
    struct store_change *change = change_of(swept);

    if (!change)
        return NULL;
    change->doubles = others ? arena_strdup(change->arena, others) : NULL;
    bool has_all = change->doubles || !others;
    if (has_all && verdict)
        has_all = add_outcome(change, verdict, text);
    if (has_all)
        return change;
    store_change_free(change);
    return NULL;
}
