/* Keeping house: retry, drop, import, retention, files. Each call is one transaction of its own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "store/sqlite_identity.h"
#include "store/sqlite_store.h"

enum { EXPIRE_AT_ONCE_MAX = 1000, FILES_MAX = 10000 };

/* ---- retry and drop ------------------------------------------------------------------------------------ */

struct standing {
    enum store_state state;
    int64_t problems;
};

static int look_at(struct store *store, int64_t id, struct standing *ret_standing, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_RETRY_CHECK);

    query_int(&query, id);
    int rc = query_next(&query, err);
    if (rc == 0)
        return sb_fail(err, SB_EINPUT, "there is no record %lld", (long long)id);
    if (rc < 0)
        return rc;
    ret_standing->state = store_state_from_word(query_text_at(&query, 0));
    ret_standing->problems = query_int_at(&query, 1);
    return 0;
}

static int activate(struct store *store, int64_t id, enum store_state state, int64_t now_ms,
                    size_t *ret_count, struct sb_error *err)
{
    bool is_done = state == STORE_DONE;
    AUTO_QUERY query = query_begin(store, is_done ? STATEMENT_RETRY_DONE : STATEMENT_RETRY_STATE);

    query_int(&query, now_ms);
    if (!is_done)
        query_text(&query, store_state_word(state));
    query_int(&query, id);
    int rc = query_run(&query, err);
    if (rc == 0)
        *ret_count = (size_t)query_changed(&query);
    return rc;
}

static int retry_one(struct store *store, int64_t id, int64_t now_ms, size_t *ret_count, struct sb_error *err)
{
    struct standing standing = { .state = STORE_STATE_INVALID };
    int rc = look_at(store, id, &standing, err);
    if (rc < 0)
        return rc;

    bool is_incomplete = standing.state == STORE_DONE && standing.problems > 0;
    if (standing.state != STORE_DEAD && standing.state != STORE_DISABLED && !is_incomplete)
        return sb_fail(
            err, SB_EINPUT,
            "record %lld is %s: only records that are dead, disabled, or done with problems can be retried",
            (long long)id, store_state_word(standing.state));
    return activate(store, id, standing.state, now_ms, ret_count, err);
}

int store_retry(struct store *store, int64_t id, enum store_state state, int64_t now_ms, size_t *ret_count,
                struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    size_t count = 0;

    if (id <= 0 && state != STORE_DEAD && state != STORE_DISABLED && state != STORE_DONE)
        return sb_fail(err, SB_EINPUT,
                       "cannot retry all '%s' records: only dead, disabled, or done with problems",
                       store_state_word(state));
    int rc = write_begin(store, err);
    if (rc < 0)
        return rc;
    rc =
        id > 0 ? retry_one(store, id, now_ms, &count, &why) : activate(store, 0, state, now_ms, &count, &why);
    rc = write_end(store, rc, &why, err);
    if (rc == 0)
        *ret_count = count;
    return rc;
}

static int drop_one(struct store *store, int64_t id, const char *reason, int64_t now_ms, struct sb_error *err)
{
    struct standing standing = { .state = STORE_STATE_INVALID };
    int rc = look_at(store, id, &standing, err);
    if (rc < 0)
        return rc;
    if (standing.state == STORE_DONE || standing.state == STORE_DROPPED)
        return sb_fail(err, SB_EINPUT, "record %lld is %s already: it cannot be dropped", (long long)id,
                       store_state_word(standing.state));

    AUTO_QUERY query = query_begin(store, STATEMENT_DROP);
    query_text(&query, reason);
    query_int(&query, now_ms);
    query_int(&query, id);
    return query_run(&query, err);
}

int store_drop(struct store *store, int64_t id, const char *reason, int64_t now_ms, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    int rc = write_begin(store, err);

    if (rc < 0)
        return rc;
    rc = drop_one(store, id, reason, now_ms, &why);
    return write_end(store, rc, &why, err);
}

/* ---- import -------------------------------------------------------------------------------------------- */

static int import_one(struct store *store, const char *account, const char *external_id, size_t *new_count,
                      struct sb_error *err)
{
    char reference[REFERENCE_SIZE];
    bool is_known = false;
    int rc = identity_look(store, account, external_id, reference, &is_known, err);

    if (rc < 0 || is_known)
        return rc;
    rc = identity_add(store, account, external_id, reference, 0, err);
    if (rc == 0)
        (*new_count)++;
    return rc;
}

int store_import(struct store *store, const char *account, const char *const *external_ids, size_t count,
                 int64_t now_ms, size_t *ret_new, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    size_t new_count = 0;
    int rc = write_begin(store, err);

    (void)now_ms; /* an identity has no time: it stands for ever */
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = import_one(store, account, external_ids[i], &new_count, &why);
    rc = write_end(store, rc, &why, err);
    if (rc == 0)
        *ret_new = new_count;
    return rc;
}

/* ---- retention ----------------------------------------------------------------------------------------- */

struct expired {
    int64_t id;
    char reference[REFERENCE_SIZE];
};

static int next_expired(struct store *store, int64_t before_ms, struct expired *ret_expired,
                        bool *ret_is_there, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_EXPIRED);

    query_int(&query, before_ms);
    int rc = query_next(&query, err);
    *ret_is_there = rc > 0;
    if (rc <= 0)
        return rc;
    const char *reference = query_text_at(&query, 1);
    size_t size = reference ? strlen(reference) : 0;
    if (size != REFERENCE_SIZE - 1)
        return sb_fail(err, SB_ECONFIG, "'%s' is damaged: record %lld has a reference of %zu characters",
                       store->path, (long long)query_int_at(&query, 0), size);
    ret_expired->id = query_int_at(&query, 0);
    memcpy(ret_expired->reference, reference, sizeof(ret_expired->reference));
    return 0;
}

static int expire_one(struct store *store, const struct expired *expired, struct sb_error *err)
{
    static const enum statement parts[] = { STATEMENT_EXPIRE_SECTIONS, STATEMENT_EXPIRE_INTENTS,
                                            STATEMENT_EXPIRE_OUTCOMES, STATEMENT_EXPIRE_SWEEPS,
                                            STATEMENT_EXPIRE_RECORD };
    AUTO_QUERY identity = query_begin(store, STATEMENT_EXPIRE_IDENTITY);

    query_text(&identity, expired->reference);
    int rc = query_run(&identity, err);
    if (rc == 0)
        rc = chain_forget(store, expired->id, err);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(parts); i++) {
        AUTO_QUERY query = query_begin(store, parts[i]);
        query_int(&query, expired->id);
        rc = query_run(&query, err);
    }
    return rc;
}

int store_expire(struct store *store, int64_t before_ms, size_t limit, size_t *ret_count,
                 struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    size_t limit_now = limit < EXPIRE_AT_ONCE_MAX ? limit : EXPIRE_AT_ONCE_MAX;
    size_t count = 0;
    bool is_there = true;
    int rc = write_begin(store, err);

    if (rc < 0)
        return rc;
    while (rc == 0 && count < limit_now) {
        struct expired expired = { .id = 0 };
        rc = next_expired(store, before_ms, &expired, &is_there, &why);
        if (rc < 0 || !is_there)
            break;
        rc = expire_one(store, &expired, &why);
        count++;
    }
    rc = write_end(store, rc, &why, err);
    if (rc == 0)
        *ret_count = count;
    return rc;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static int fail_memory(struct sb_error *err)
{
    return sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");
}

static json_t *file_object(const struct query *query)
{
    AUTO_JSON file = json_object();
    int rc = json_object_set_new(file, "record_id", json_integer(query_int_at(query, 0)));

    rc |= json_object_set_new(file, "name", json_string(query_text_at(query, 1)));
    rc |= json_object_set_new(file, "instance", json_string(query_text_at(query, 2)));
    rc |= json_object_set_new(file, "created_ms", json_integer(query_int_at(query, 3)));
    rc |= json_object_set_new(file, "ended_ms", json_integer(query_int_at(query, 4)));
    return rc == 0 ? TAKE(file) : NULL;
}

static int take_files(struct query *query, json_t **ret_array, struct sb_error *err)
{
    AUTO_JSON array = json_array();
    int rc = 0;

    while ((rc = query_next(query, err)) > 0)
        if (json_array_append_new(array, file_object(query)) < 0)
            return fail_memory(err);
    if (rc < 0)
        return rc;
    *ret_array = TAKE(array);
    return *ret_array ? 0 : fail_memory(err);
}

int store_files(struct store *store, size_t limit, json_t **ret_array, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_FILES);

    query_int(&query, (int64_t)(limit < FILES_MAX ? limit : FILES_MAX));
    return take_files(&query, ret_array, err);
}

int store_files_of(struct store *store, const char *instance, int64_t ended_before_ms, size_t limit,
                   json_t **ret_array, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_FILES_OF);

    query_text(&query, instance);
    query_int(&query, ended_before_ms);
    query_int(&query, (int64_t)(limit < FILES_MAX ? limit : FILES_MAX));
    return take_files(&query, ret_array, err);
}

static int forget_one(struct store *store, const char *name, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_FILE_FORGET);

    query_text(&query, name);
    return query_run(&query, err);
}

int store_forget_files(struct store *store, const char *const *names, size_t count, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    int rc = write_begin(store, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = forget_one(store, names[i], &why);
    return write_end(store, rc, &why, err);
}

int store_forget_file(struct store *store, const char *name, struct sb_error *err)
{
    return store_forget_files(store, &name, 1, err);
}
