/* Judging conversations one by one, and counting them. */
#include "app/reconcile_report.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum { WHY_MAX = 400, ROWS_MAX = 10000 };

static const char *say(char ret_why[WHY_MAX], const char *what, const char *why)
{
    (void)snprintf(ret_why, WHY_MAX, "%s", why);
    return what;
}

/* A record that is done: what the helpdesk has of it. */
static const char *judge_done(const json_t *entry, char ret_why[WHY_MAX])
{
    const json_t *found = json_object_get(entry, "found");
    const char *made = json_str(json_object_get(entry, "job"), "made"),
               *fault = json_str(entry, "look_fault");
    size_t index, others = 0;
    json_t *id;
    bool is_there = false;

    if (fault) {
        (void)snprintf(ret_why, WHY_MAX, "the helpdesk could not be asked: %.300s", fault);
        return "uncertain";
    }
    if (!made) /* before ids were kept, or a sink that names none */
        return say(ret_why, "delivered", "");
    json_array_foreach (found, index, id) {
        bool is_made = strcmp(json_string_value(id), made) == 0;
        is_there |= is_made;
        others += !is_made;
    }
    if (others > 0) {
        (void)snprintf(ret_why, WHY_MAX, "%s was made; %zu more at the helpdesk carr%s the same reference",
                       made, others, others == 1 ? "ies" : "y");
        return "doubled";
    }
    if (is_there)
        return say(ret_why, "delivered", "");
    (void)snprintf(ret_why, WHY_MAX, "%s was made, and is not shown %s", made,
                   json_is_true(json_object_get(entry, "is_young"))
                       ? "yet: the settle time has not passed"
                       : "any more: deleted or merged at the helpdesk");
    return "explained";
}

static const char *judge_state(const json_t *standing, const char *state, char ret_why[WHY_MAX])
{
    const char *reason = json_str(standing, "reason");

    if (json_is_true(json_object_get(standing, "is_unknown")))
        return say(ret_why, "explained", "unknown: whether its ticket was created is being found out");
    if (strcmp(state, "active") == 0)
        return say(ret_why, "explained", "in flight");
    (void)snprintf(ret_why, WHY_MAX, "%s%s%.300s", state, reason ? ": " : "", reason ? reason : "");
    return "explained";
}

const char *reconcile_judge(const json_t *entry, char ret_why[WHY_MAX])
{
    const json_t *standing = json_object_get(entry, "standing");
    const char *state = json_str(standing, "state"), *reason = json_str(entry, "reason");

    if (!standing && reason)
        return say(ret_why, "explained", reason);
    if (!standing)
        return say(ret_why, "missing", "its source had it, and the journal has never heard of it");
    if (!state)
        return say(ret_why, "explained", "delivered before: imported, or its record has expired");
    return strcmp(state, "done") == 0 ? judge_done(entry, ret_why) : judge_state(standing, state, ret_why);
}

json_t *reconcile_single(const json_t *entries)
{
    json_t *single = json_array();
    size_t index;
    json_t *entry;

    json_array_foreach (entries, index, entry) {
        char why[WHY_MAX];
        json_t *job = json_object_get(entry, "job");
        if (job && json_array_size(json_object_get(entry, "found")) == 1 &&
            strcmp(reconcile_judge(entry, why), "delivered") == 0)
            (void)json_array_append(single, job);
    }
    return single;
}

static const char *const kinds[] = { "delivered", "explained", "missing", "doubled", "uncertain" };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static json_t *row_of(const json_t *entry, const char *what, const char *why)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "what", what, "account", json_str(entry, "account"),
                            "external_id", json_str(entry, "external_id"), "why", why);
    int64_t id = json_int(json_object_get(entry, "standing"), "record_id", 0);

    if (row && id > 0)
        (void)json_object_set_new(row, "record_id", json_integer(id));
    return row;
}

json_t *reconcile_report(const json_t *entries, const json_t *sources, const json_t *faults, int64_t since_ms,
                         size_t back_filled)
{
    json_t *report = json_object(), *rows = json_array();
    json_int_t counts[KINDS] = { 0 }, own = 0;
    size_t index;
    json_t *entry;

    json_array_foreach (entries, index, entry) {
        char why[WHY_MAX];
        const char *what = reconcile_judge(entry, why);
        own += json_is_true(json_object_get(entry, "is_own"));
        for (size_t i = 0; i < KINDS; i++)
            counts[i] += strcmp(kinds[i], what) == 0;
        if (strcmp(what, "delivered") != 0 && json_array_size(rows) < ROWS_MAX)
            (void)json_array_append_new(rows, row_of(entry, what, why));
    }
    (void)json_object_set_new(report, "since_ms", json_integer(since_ms));
    (void)json_object_set_new(report, "listed", json_integer((json_int_t)json_array_size(entries) - own));
    (void)json_object_set_new(report, "told", json_integer(own));
    for (size_t i = 0; i < KINDS; i++)
        (void)json_object_set_new(report, kinds[i], json_integer(counts[i]));
    (void)json_object_set_new(report, "back_filled", json_integer((json_int_t)back_filled));
    (void)json_object_set(report, "sources", (json_t *)(uintptr_t)sources);
    (void)json_object_set(report, "faults", (json_t *)(uintptr_t)faults);
    (void)json_object_set_new(report, "rows", rows);
    return report;
}
