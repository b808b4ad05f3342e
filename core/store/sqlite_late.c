/* Looking for conversations that wait for long. It happens a few times a minute, so that its statements are not kept. */
#include "store/late.h"

#include "store/sqlite_store.h"

static const char late_sql[] =
    "SELECT r.id, EXISTS (SELECT 1 FROM identity n WHERE n.external_id = i.external_id || ?5 AND n.account ="
    " i.account) FROM record r JOIN identity i ON i.reference = r.reference"
    " WHERE r.state = ?1 AND r.id > ?2 AND r.pipeline = ?3 AND r.received_ms <= ?4 ORDER BY r.id LIMIT ?6";

/* A suffix that the external id does not end in would cut another one out of it. */
static const char overtaken_sql[] =
    "SELECT n.id FROM record n JOIN identity i ON i.reference = n.reference"
    " JOIN identity m ON m.account = i.account"
    " AND m.external_id = substr(i.external_id, 1, length(i.external_id) - length(?2))"
    " JOIN record r ON r.id = m.record_id"
    " WHERE n.state = 'active' AND n.pipeline = ?1 AND i.external_id = m.external_id || ?2"
    " AND (r.state = 'done' OR (r.state = 'active' AND r.phase = 'sink' AND r.instance = ?3))"
    " ORDER BY n.id LIMIT ?4";

static int prepare(struct store *store, const char *sql, struct query *ret_query)
{
    *ret_query = (struct query){ .store = store, .doing = "read" };
    ret_query->rc = sqlite3_prepare_v2(store->db, sql, -1, &ret_query->stmt, NULL);
    return ret_query->rc;
}

static void finalize(struct query *query)
{
    (void)sqlite3_finalize(query->stmt); /* repeats a failure that was reported before */
}

#define AUTO_ONCE __attribute__((cleanup(finalize))) struct query

int store_late(struct store *store, const struct store_late_query *query, size_t limit,
               struct store_late *ret_list, size_t *ret_count, struct sb_error *err)
{
    AUTO_ONCE rows = { .stmt = NULL };
    size_t count = 0;
    int rc = 0;

    (void)prepare(store, late_sql, &rows); /* a failure shows in the first query_next */
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
    AUTO_ONCE rows = { .stmt = NULL };
    size_t count = 0;
    int rc = 0;

    (void)prepare(store, overtaken_sql, &rows);
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
