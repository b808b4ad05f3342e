/* Where a flow test begins: instances of the plugins of flow_plugins.h and the plan that wires them, for a world of
 * flow_life.h, and what must hold in its shop when all is over. */
#ifndef TESTS_UNIT_FLOW_SHOP_H
#define TESTS_UNIT_FLOW_SHOP_H

#include "unit/flow_life.h"
#include "unit/flow_plugins.h"

enum { HOUR_MS = 3600 * 1000 };

/* ---- instances and plan -------------------------------------------------------------------------------- */

static const struct sb_option concurrency_row = { .name = "concurrency", .type = SB_OPT_INT };
static const struct sb_option poll_row = { .name = "poll_interval", .type = SB_OPT_DURATION };
static const struct sb_option retries_row = { .name = "retries", .type = SB_OPT_INT };

static struct sb_instance *make_instance(const char *name, const struct sb_plugin *plugin)
{
    struct arena *arena = arena_new(1 << 20);
    struct instance_value *values = arena_alloc(arena, 16 * sizeof(*values));
    struct sb_instance *instance = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    for (const struct sb_option *row = plugin->options; row->name; row++, count++) {
        bool is_settle = strcmp(row->name, "settle") == 0;
        values[count] =
            (struct instance_value){ .option = row,
                                     .is_set = true,
                                     .text = arena_strdup(arena, strcmp(row->name, "base_url") == 0
                                                                     ? "https://shop.example.com"
                                                                     : "invented-secret"),
                                     .number = is_settle ? 10 * 60 * 1000 : 0 };
    }
    values[count++] = (struct instance_value){ .option = &concurrency_row, .is_set = true, .number = 4 };
    values[count++] = (struct instance_value){ .option = &poll_row, .is_set = true, .number = 60 * 1000 };
    values[count++] = (struct instance_value){ .option = &retries_row, .is_set = true, .number = 8 };
    if (instance_new(name, plugin, arena, values, count, &instance, &err) < 0)
        fail_msg("%s", err.text);
    instance->files_dir = "/tmp";
    if (instance_open(instance, &err) < 0)
        fail_msg("%s", err.text);
    return instance;
}

static struct flow_plan_instance planned[4];
static struct flow_pipeline pipeline;
static struct flow_plan plan;

static int set_up(void **state)
{
    (void)state;
    planned[0] =
        (struct flow_plan_instance){ .instance = make_instance("calls", &calls_plugin), .name = "calls" };
    planned[1] =
        (struct flow_plan_instance){ .instance = make_instance("think", &think_plugin), .name = "think" };
    planned[2] =
        (struct flow_plan_instance){ .instance = make_instance("desk", &desk_plugin), .name = "desk" };
    planned[3] = (struct flow_plan_instance){ .instance = make_instance("no", &no_plugin), .name = "no" };
    pipeline = (struct flow_pipeline){ .name = "calls",
                                       .source = 0,
                                       .stages = { { .alternatives = { 1 }, .alternative_count = 1 } },
                                       .stage_count = 1,
                                       .sinks = { 2 },
                                       .sink_count = 1 };
    plan = (struct flow_plan){
        .instances = planned, .instance_count = 4, .pipelines = &pipeline, .pipeline_count = 1
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(planned); i++)
        instance_free(planned[i].instance);
    return 0;
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- records -------------------------------------------------------------------------------------------- */

static inline void apply(struct flow_world_test *w, struct store_change *change)
{
    struct sb_error err = SB_ERROR_INIT;

    if (store_apply(w->store, &change, 1, &err) < 0)
        fail_msg("%s", err.text);
    store_change_free(change);
}

/* Straight into the journal, with its transcript; the flow is not told. Gives its id. */
static inline int64_t emit_call(struct flow_world_test *w, const char *pipeline_name, const char *id)
{
    const struct store_text sections[] = { { "source", "{\"plugin\":\"calls\"}" },
                                           { "transcript", "{\"text\":\"hello\"}" } };
    struct store_emit emit = { .pipeline = pipeline_name,
                               .account = "acmedemo1",
                               .external_id = id,
                               .sections = sections,
                               .section_count = ROWS(sections) };
    struct store_change *change = store_change_new();

    assert_non_null(change);
    change->now_ms = w->now_ms;
    change->emits = &emit;
    change->emit_count = 1;
    apply(w, change);
    shop_add_call(w, id);
    return emit.ret_id;
}

/* ---- a desk with other steps --------------------------------------------------------------------------- */

/* Before the flow starts. The steps are copied. */
static inline void set_desk_steps(const struct sb_step *steps)
{
    static struct sb_step copies[8];
    static struct sb_plugin plugin;
    size_t count = 0;

    do {
        assert_true(count < ROWS(copies));
        copies[count] = steps[count];
    } while (steps[count++].name);
    plugin = desk_plugin;
    plugin.steps = copies;
    instance_free(planned[2].instance);
    planned[2].instance = make_instance("desk", &plugin);
}

/* The usual steps, of which one (DESK_...) takes its answer in this way. */
static inline void set_desk_fold(int place, enum sb_verdict (*fold)(struct sb_exchange *x))
{
    struct sb_step steps[ROWS(desk_steps)];

    memcpy(steps, desk_steps, sizeof(steps));
    steps[place].fold = fold;
    set_desk_steps(steps);
}

/* ---- what must hold ------------------------------------------------------------------------------------ */

static void check_ticket_once(const char *row, const struct flow_world_test *w, int calls)
{
    CHECK_INT(row, calls, w->shop.ticket_count);
    CHECK_INT(row, 1, w->shop.contact_count);
    CHECK_INT(row, calls * PARTS, w->shop.note_count);
    for (int i = 0; i < w->shop.ticket_count; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(w->shop.tickets[i].reference, w->shop.tickets[j].reference);
}

static int64_t count_state(struct flow_world_test *w, const char *state)
{
    AUTO_JSON totals = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_totals(w->store, &totals, &err), 0);
    return json_int(json_object_get(totals, "records"), state, 0);
}

#endif
