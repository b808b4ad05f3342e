/* Looking for conversations that wait for long. */
#include "store/late.h"

#include "store/sqlite_store.h"

int store_late(struct store *store, const struct store_late_query *query, size_t limit,
               struct store_late *ret_list, size_t *ret_count, struct sb_error *err)
{
    AUTO_QUERY rows = query_begin(store, STATEMENT_LATE);
    size_t count = 0;
    int rc = 0;

    query_text(&rows, store_state_word(query->state));
    query_int(&rows, query->after_id);
    query_text(&rows, query->pipeline);
    query_int(&rows, query->received_until_ms);
    query_text(&rows, query->suffix);
    query_int(&rows, (int64_t)limit);
    while (count < limit && (rc = query_next(&rows, err)) > 0)
        ret_list[count++] =
            (struct store_late){ .id = query_int_at(&rows, 0), .has_notice = query_int_at(&rows, 1) != 0 };
    if (rc < 0)
        return rc;
    *ret_count = count;
    return 0;
}

int store_late_overtaken(struct store *store, const char *notices, const char *suffix, const char *instance,
                         size_t limit, int64_t *ret_ids, size_t *ret_count, struct sb_error *err)
{
    AUTO_QUERY rows = query_begin(store, STATEMENT_LATE_OVERTAKEN);
    size_t count = 0;
    int rc = 0;

    query_text(&rows, notices);
    query_text(&rows, suffix);
    query_text(&rows, instance);
    query_int(&rows, (int64_t)limit);
    while (count < limit && (rc = query_next(&rows, err)) > 0)
        ret_ids[count++] = query_int_at(&rows, 0);
    if (rc < 0)
        return rc;
    *ret_count = count;
    return 0;
}
