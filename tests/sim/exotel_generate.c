/* Many calls from one recipe. */
#include "exotel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GENERATED_MAX = 1000000 };

/* What a recipe says besides the members of a call. */
struct recipe {
    json_int_t count, spread_s, ended_s, callers, agents;
    const char *kind;
    json_t *members; /* owned; what every call of it gets */
};

static int take_count(const json_t *plan, const char *name, json_int_t initial, json_int_t *ret_value,
                      struct sim_error *err)
{
    const json_t *value = json_object_get(plan, name);
    *ret_value = value ? json_integer_value(value) : initial;
    if (value && (!json_is_integer(value) || *ret_value < 0 || *ret_value > GENERATED_MAX))
        return sim_fail(err, "generator: %s is not a count up to %d", name, GENERATED_MAX);
    return 0;
}

static int read_recipe(const json_t *plan, struct recipe *ret_recipe, struct sim_error *err)
{
    static const char *const own[] = { "generate", "spread_s", "ended_s", "callers", "agents" };
    struct recipe recipe = { .kind = json_string_value(json_object_get(plan, "kind")) };
    if (take_count(plan, "generate", 1, &recipe.count, err) < 0 ||
        take_count(plan, "spread_s", 3600, &recipe.spread_s, err) < 0 ||
        take_count(plan, "ended_s", 1200, &recipe.ended_s, err) < 0 ||
        take_count(plan, "callers", recipe.count, &recipe.callers, err) < 0 ||
        take_count(plan, "agents", 3, &recipe.agents, err) < 0)
        return -1;
    if (recipe.callers < 1 || recipe.agents < 1)
        return sim_fail(err, "generator: callers and agents are at least 1");
    recipe.members = json_copy((json_t *)plan);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        (void)json_object_del(recipe.members, own[i]); /* Most recipes lack most of them. */
    *ret_recipe = recipe;
    return 0;
}

/* The kinds that busy lines see, as often as they see them. */
static const char *choose_mixed(uint64_t index)
{
    static const char *const usual[] = { "answered_inbound",     "outbound_answered",
                                         "answered_inbound",     "missed_no_answer",
                                         "answered_inbound_sip", "outbound_no_answer",
                                         "answered_inbound",     "missed_ivr",
                                         "outbound_answered",    "talk_without_recording" };
    return usual[index % (sizeof(usual) / sizeof(usual[0]))];
}

static const char *choose_kind(const struct recipe *recipe, uint64_t index)
{
    if (!recipe->kind)
        return "answered_inbound";
    return strcmp(recipe->kind, "mixed") == 0 ? choose_mixed(index) : recipe->kind;
}

/* The parties that the recipe's numbers of callers and agents give, unless it names them itself. */
static void add_parties(json_t *extra, const struct recipe *recipe, const struct exo_kind *kind,
                        uint64_t index)
{
    char *caller = exo_caller_number(index % (uint64_t)recipe->callers);
    char *agent = exo_agent_number(index % (uint64_t)recipe->agents);
    bool is_inbound = kind->direction == EXO_INBOUND;
    json_object_set_new(extra, "from", json_string(is_inbound || kind->is_flow ? caller : agent));
    if (!kind->reaches_nobody && !kind->is_flow && !kind->has_sip_agent)
        json_object_set_new(extra, "to", json_string(is_inbound ? agent : caller));
    free(caller);
    free(agent);
}

static int generate_one(struct exotel *exotel, const struct recipe *recipe, uint64_t index,
                        struct sim_error *err)
{
    const char *name = choose_kind(recipe, index);
    const struct exo_kind *kind = exo_find_kind(name);
    if (!kind)
        return sim_fail(err, "generator: unknown kind '%s'", name);
    int64_t now_ms = sim_now_ms(exotel->service->sim);
    int64_t step_ms = recipe->spread_s * EXO_SECOND_MS / (recipe->count > 1 ? recipe->count - 1 : 1);
    int64_t end_ms = now_ms - (recipe->ended_s + recipe->spread_s) * EXO_SECOND_MS + (int64_t)index * step_ms;
    json_t *plan = json_copy(recipe->members), *extra = json_object();
    json_object_set_new(plan, "kind", json_string(name));
    add_parties(extra, recipe, kind, index);
    if (!kind->is_late_evening && !json_object_get(plan, "start"))
        json_object_set_new(extra, "end", json_integer(end_ms));
    int rc = exo_plan_call(exotel, plan, extra, err);
    json_decref(plan);
    json_decref(extra);
    return rc;
}

/* One call of every kind, half a minute apart, and two that began in the same second. */
static int generate_every_kind(struct exotel *exotel, const struct recipe *recipe, size_t *ret_count,
                               struct sim_error *err)
{
    size_t kinds = 0;
    while (exo_kind_at(kinds))
        kinds++;
    struct recipe one = *recipe;
    one.count = (json_int_t)kinds;
    one.callers = one.count;
    for (size_t i = 0; i < kinds; i++) {
        one.kind = exo_kind_at(i)->name;
        if (generate_one(exotel, &one, i, err) < 0)
            return -1;
    }
    const struct exo_call *last = exotel->calls[exotel->call_count / 2];
    json_t *twin = json_pack("{s:s, s:I}", "kind", "outbound_answered", "start", (json_int_t)last->start_ms);
    int rc = exo_plan_call(exotel, twin, recipe->members, err);
    json_decref(twin);
    *ret_count = kinds + 1;
    return rc;
}

int exo_generate(struct exotel *exotel, const json_t *plan, size_t *ret_count, struct sim_error *err)
{
    struct recipe recipe = { 0 };
    if (read_recipe(plan, &recipe, err) < 0)
        return -1;
    int rc = 0;
    if (recipe.kind && strcmp(recipe.kind, "every") == 0) {
        (void)json_object_del(recipe.members, "kind"); /* It was there a moment ago. */
        rc = generate_every_kind(exotel, &recipe, ret_count, err);
    } else {
        for (json_int_t i = 0; i < recipe.count && rc == 0; i++)
            rc = generate_one(exotel, &recipe, (uint64_t)i, err);
        *ret_count = (size_t)recipe.count;
    }
    json_decref(recipe.members);
    return rc;
}

static int plan_all(struct exotel *exotel, const json_t *plans, size_t *ret_count, struct sim_error *err)
{
    size_t total = 0, index;
    json_t *plan;
    if (json_is_object(plans)) {
        *ret_count = 1;
        return json_object_get(plans, "generate") ? exo_generate(exotel, plans, ret_count, err)
                                                  : exo_plan_call(exotel, plans, NULL, err);
    }
    if (!json_is_array(plans))
        return sim_fail(err, "calls: neither a list nor an object");
    json_array_foreach (plans, index, plan) {
        size_t count = 0;
        if (!json_is_object(plan))
            return sim_fail(err, "calls: member %zu is not an object", index);
        if (plan_all(exotel, plan, &count, err) < 0)
            return -1;
        total += count;
    }
    *ret_count = total;
    return 0;
}

int exo_plan_calls(struct exotel *exotel, const json_t *plans, size_t *ret_count, struct sim_error *err)
{
    uint64_t last_id = exotel->next_id;
    int rc = plan_all(exotel, plans, ret_count, err);
    if (rc < 0)
        exo_drop_calls_after(exotel, last_id);
    return rc;
}
