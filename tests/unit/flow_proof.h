/* The shop for tests of proof: what the journal says of a record, and a first request for a ticket that goes wrong. */
#ifndef TESTS_UNIT_FLOW_PROOF_H
#define TESTS_UNIT_FLOW_PROOF_H

#include "unit/flow_shop.h"

enum { MINUTE_MS = 60 * 1000 };

static inline int64_t count_rows(struct flow_world_test *w, const char *path)
{
    AUTO_JSON proof = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_proof(w->store, 0, &proof, &err), 0);
    const json_t *found = json_at(proof, path);
    return json_is_array(found) ? (int64_t)json_array_size(found) : json_integer_value(found);
}

static inline bool has_outcome(struct flow_world_test *w, int64_t id, const char *verdict, const char *words)
{
    AUTO_JSON timeline = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t index;
    json_t *row;

    assert_int_equal(store_timeline(w->store, id, &timeline, &err), 0);
    json_array_foreach (timeline, index, row) {
        const char *said = json_str(row, "verdict"), *text = json_str(row, "text");
        if (said && strcmp(said, verdict) == 0 && (!words || (text && strstr(text, words))))
            return true;
    }
    return false;
}

static inline void check_chain(struct flow_world_test *w)
{
    AUTO_JSON report = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_check_chain(w->store, &report, &err), 0);
    AUTO_STR text = json_dumps(report, JSON_COMPACT);
    if (!json_is_true(json_object_get(report, "is_whole")))
        fail_msg("%s", text);
}

/* The first request for a ticket goes wrong in this way. */
static inline struct flow_world_test *world_with(enum mishap mishap)
{
    struct flow_world_test *w = flow_world_new(&plan);

    w->mishap = mishap;
    w->mishap_path = "/tickets";
    w->mishap_at = 0;
    w->shop.late_ms = 15 * MINUTE_MS;
    shop_add_call(w, "call1");
    return w;
}

#endif
