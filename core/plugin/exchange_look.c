/* What plugins tell for proof: include/switchboard/look.h. */
#include <string.h>

#include "base/json.h"
#include "plugin/exchange_inner.h"
#include "switchboard/look.h"

enum { FOUND_MAX = 1000, FOUND_ID_MAX = 200, LISTED_MAX = 100000 };

/* The array that `*array` is, made on first use. */
static json_t *array_of(struct sb_exchange *x, json_t **array)
{
    if (!*array)
        *array = sb_keep(x, json_array());
    return *array;
}

void sb_found(struct sb_exchange *x, const char *id)
{
    exchange_only_in(x, PHASE_FOLD, "sb_found");
    if (!id || !*id || strlen(id) > FOUND_ID_MAX) {
        exchange_defect(x, "sb_found needs an id of 1 to %d bytes", FOUND_ID_MAX);
        return;
    }
    json_t *found = array_of(x, &x->found);
    if (json_array_size(found) < FOUND_MAX && json_array_append_new(found, json_string(id)) < 0)
        exchange_defect(x, "sb_found: the id is not UTF-8");
}

bool sb_look_all(const struct sb_exchange *x)
{
    return x->in.looks_for_all;
}

const char *sb_look_id(const struct sb_exchange *x)
{
    return x->in.look_id;
}

bool sb_look_is_forced(const struct sb_exchange *x)
{
    return x->in.is_forced;
}

int64_t sb_list_since_ms(const struct sb_exchange *x)
{
    return x->in.list_since_ms;
}

void sb_listed(struct sb_exchange *x, const char *account, const char *external_id, const char *reason)
{
    exchange_only_in(x, PHASE_FOLD, "sb_listed");
    if (!x->in.list_since_ms || !account || !external_id || !reason) {
        exchange_defect(x, "sb_listed is for a round that lists, with account, id and reason");
        return;
    }
    json_t *listed = array_of(x, &x->listed);
    if (json_array_size(listed) < LISTED_MAX &&
        json_array_append_new(listed, json_pack("{s:s, s:s, s:s}", "account", account, "external_id",
                                                external_id, "reason", reason)) < 0)
        exchange_defect(x, "sb_listed: an id or a reason is not UTF-8");
}
