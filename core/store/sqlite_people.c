/* Reading for people: lists, one record's timeline, totals. */
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "store/sqlite_store.h"

enum { LIST_MAX = 10000, TIMELINE_MAX = 10000 };

static int fail_memory(struct sb_error *err)
{
    return sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");
}

/* A text that is not UTF-8 is mended, so that one bad reason does not hide a whole list. New reference. */
static json_t *text_value(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;

    AUTO_BUF mended;
    size_t size = strlen(text);
    buf_init(&mended, size * 3);
    utf8_mend(&mended, text, size);
    return mended.failed ? NULL : json_string(mended.data);
}

/* A stored JSON document as what it is; as text when it cannot be parsed. New reference. */
static json_t *doc_value(const struct query *query, int column)
{
    const char *text = query_text_at(query, column);
    json_t *value = text ? json_parse(text, query_size_at(query, column), NULL) : NULL;

    return value ? value : text_value(text);
}

/* What a column holds, by name. `kind`: 't'ext, 'i'nteger, 'b'oolean, 'd'ocument. */
struct column {
    const char *name;
    char kind;
};

static json_t *column_value(const struct query *query, int column, char kind)
{
    switch (kind) {
    case 'i':
        return json_integer(query_int_at(query, column));
    case 'b':
        return json_boolean(query_int_at(query, column) != 0);
    case 'd':
        return doc_value(query, column);
    default:
        return text_value(query_text_at(query, column));
    }
}

/* The row as an object, NULLs left out when `only_set`. NULL when out of memory. */
static json_t *row_object(const struct query *query, const struct column *columns, size_t count,
                          bool only_set)
{
    AUTO_JSON row = json_object();

    for (size_t i = 0; row && i < count; i++) {
        if (only_set && sqlite3_column_type(query->stmt, (int)i) == SQLITE_NULL)
            continue;
        if (json_object_set_new(row, columns[i].name, column_value(query, (int)i, columns[i].kind)) < 0)
            return NULL;
    }
    return TAKE(row);
}

/* ---- lists --------------------------------------------------------------------------------------------- */

static const struct column list_columns[] = {
    { "id", 'i' },          { "pipeline", 't' },        { "account", 't' },
    { "external_id", 't' }, { "reference", 't' },       { "state", 't' },
    { "reason", 't' },      { "phase", 't' },           { "instance", 't' },
    { "step", 't' },        { "attempt", 'i' },         { "is_doubtful", 'b' },
    { "problems", 'i' },    { "has_open_intent", 'b' }, { "received_ms", 'i' },
    { "updated_ms", 'i' },  { "ended_ms", 'i' },
};

static enum statement list_statement(const char *state)
{
    if (!state)
        return STATEMENT_LIST_ALL;
    if (strcmp(state, "unknown") == 0)
        return STATEMENT_LIST_UNKNOWN;
    return strcmp(state, "incomplete") == 0 ? STATEMENT_LIST_INCOMPLETE : STATEMENT_LIST_STATE;
}

int store_list(struct store *store, const struct store_query *page, json_t **ret_array, struct sb_error *err)
{
    enum statement statement = list_statement(page->state);
    if (statement == STATEMENT_LIST_STATE && store_state_from_word(page->state) == STORE_STATE_INVALID)
        return sb_fail(
            err, SB_EINPUT,
            "unknown state '%s': active, done, dropped, disabled, dead, unknown and incomplete are known",
            page->state);

    AUTO_JSON array = json_array();
    AUTO_QUERY query = query_begin(store, statement);
    int rc = 0;
    query_int(&query, page->before_id > 0 ? page->before_id : INT64_MAX);
    query_int(&query, (int64_t)(page->limit < LIST_MAX ? page->limit : LIST_MAX));
    query_text(&query, page->pipeline);
    if (statement == STATEMENT_LIST_STATE)
        query_text(&query, page->state);
    while ((rc = query_next(&query, err)) > 0)
        if (json_array_append_new(array, row_object(&query, list_columns, COUNT_OF(list_columns), false)) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    *ret_array = TAKE(array);
    return *ret_array ? 0 : fail_memory(err);
}

/* ---- one record's timeline ----------------------------------------------------------------------------- */

static const struct column outcome_columns[] = {
    { "kind", 't' },
    { "at_ms", 'i' },
    { "instance", 't' },
    { "step", 't' },
    { "round", 'i' },
    { "attempt", 'i' },
    { "verdict", 't' },
    { "http_status", 'i' },
    { "duration_ms", 'i' },
    { "text", 't' },
    { "", 0 },
    { "", 0 },
    { "", 0 },
    { "", 0 },
    { "digest", 't' },
};

static const struct column intent_columns[] = {
    { "kind", 't' },    { "at_ms", 'i' }, { "instance", 't' },    { "step", 't' },        { "round", 'i' },
    { "attempt", 'i' }, { "state", 't' }, { "http_status", 'i' }, { "duration_ms", 'i' }, { "text", 't' },
    { "request", 'd' }, { "kept", 'd' },  { "made", 't' },        { "settled_ms", 'i' },  { "digest", 't' },
};

static json_t *timeline_row(const struct query *query)
{
    const char *kind = query_text_at(query, 0);

    if (kind && strcmp(kind, "intent") == 0)
        return row_object(query, intent_columns, COUNT_OF(intent_columns), true);
    return row_object(query, outcome_columns, COUNT_OF(outcome_columns), true);
}

int store_timeline(struct store *store, int64_t id, json_t **ret_array, struct sb_error *err)
{
    AUTO_JSON array = json_array();
    AUTO_QUERY query = query_begin(store, STATEMENT_TIMELINE);
    int rc = 0;

    query_int(&query, id);
    query_int(&query, TIMELINE_MAX);
    while ((rc = query_next(&query, err)) > 0)
        if (json_array_append_new(array, timeline_row(&query)) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    *ret_array = TAKE(array);
    return *ret_array ? 0 : fail_memory(err);
}

/* ---- totals -------------------------------------------------------------------------------------------- */

static int read_count(struct store *store, enum statement statement, int64_t *ret_count, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);

    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    *ret_count = rc > 0 ? query_int_at(&query, 0) : 0;
    return 0;
}

static int put_count(struct store *store, json_t *object, const char *name, enum statement statement,
                     struct sb_error *err)
{
    int64_t count = 0;
    int rc = read_count(store, statement, &count, err);

    if (rc < 0)
        return rc;
    return json_object_set_new(object, name, json_integer(count)) < 0 ? fail_memory(err) : 0;
}

static int put_states(struct store *store, json_t *records, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_COUNT_STATES);
    int rc = 0;

    for (int state = 0; state < STORE_STATE_COUNT; state++)
        if (json_object_set_new(records, store_state_word((enum store_state)state), json_integer(0)) < 0)
            return fail_memory(err);
    while ((rc = query_next(&query, err)) > 0) {
        const char *word = query_text_at(&query, 0);
        if (!word || json_object_set_new(records, word, json_integer(query_int_at(&query, 1))) < 0)
            return fail_memory(err);
    }
    return rc;
}

/* Notices are no conversations: they are counted apart. */
static int put_notices(struct store *store, json_t *records, json_t *totals, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_COUNT_NOTICES);
    json_t *notices = json_object(); /* borrowed from `totals` once it is set */
    int rc = 0;

    if (json_object_set_new(totals, "notices", notices) < 0)
        return fail_memory(err);
    while ((rc = query_next(&query, err)) > 0) {
        const char *word = query_text_at(&query, 0);
        json_int_t count = query_int_at(&query, 1);
        json_int_t all = json_integer_value(json_object_get(records, word));
        if (!word || json_object_set_new(notices, word, json_integer(count)) < 0 ||
            json_object_set_new(records, word, json_integer(all - count)) < 0)
            return fail_memory(err);
    }
    return rc;
}

static int put_meters(struct store *store, json_t *meters, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_METERS);
    int rc = 0;

    while ((rc = query_next(&query, err)) > 0) {
        const char *instance = query_text_at(&query, 0);
        const char *name = query_text_at(&query, 1);
        if (!instance || !name)
            return fail_memory(err);
        if (!json_object_get(meters, instance) && json_object_set_new(meters, instance, json_object()) < 0)
            return fail_memory(err);
        if (json_object_set_new(json_object_get(meters, instance), name,
                                json_real(query_real_at(&query, 2))) < 0)
            return fail_memory(err);
    }
    return rc;
}

static int put_restored(struct store *store, json_t *totals, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_META_GET);

    query_text(&query, "restored_ms");
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    json_t *value = json_integer(rc > 0 ? query_int_at(&query, 0) : 0);
    return json_object_set_new(totals, "restored_ms", value) < 0 ? fail_memory(err) : 0;
}

static int fill_totals(struct store *store, json_t *totals, json_t *records, json_t *meters,
                       struct sb_error *err)
{
    int rc = put_states(store, records, err);

    if (rc == 0)
        rc = put_notices(store, records, totals, err);
    if (rc == 0)
        rc = put_count(store, records, "unknown", STATEMENT_COUNT_UNKNOWN, err);
    if (rc == 0)
        rc = put_count(store, records, "incomplete", STATEMENT_COUNT_INCOMPLETE, err);
    if (rc == 0)
        rc = put_meters(store, meters, err);
    if (rc == 0)
        rc = put_count(store, totals, "newest_received_ms", STATEMENT_NEWEST_RECEIVED, err);
    if (rc == 0)
        rc = put_restored(store, totals, err);
    return rc;
}

int store_totals(struct store *store, json_t **ret_object, struct sb_error *err)
{
    AUTO_JSON totals = json_object();
    json_t *records = json_object(); /* both borrowed from `totals` once they are set */
    json_t *meters = json_object();

    int rc = json_object_set_new(totals, "records", records) | json_object_set_new(totals, "meters", meters);
    if (rc < 0)
        return fail_memory(err);
    rc = read_begin(store, err);
    if (rc < 0)
        return rc;
    rc = fill_totals(store, totals, records, meters, err);
    read_end(store);
    if (rc == 0)
        *ret_object = TAKE(totals);
    return rc;
}
