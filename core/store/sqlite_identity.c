/* Identities: each conversation once, found by its reference, which is made of account and external id. */
#include "store/sqlite_identity.h"

#include <string.h>

static int look(struct store *store, const char *account, const char *external_id,
                char ret_reference[REFERENCE_SIZE], bool *ret_is_known, int64_t *ret_id, struct sb_error *err)
{
    digest_reference(account, external_id, ret_reference);
    AUTO_QUERY query = query_begin(store, STATEMENT_IDENTITY_GET);
    query_text(&query, ret_reference);

    int rc = query_next(&query, err);
    if (rc <= 0) {
        *ret_is_known = false;
        return rc;
    }
    /* Two conversations under one reference would share one ticket. With 65 bits it does not happen by
     * chance. */
    if (strcmp(query_text_at(&query, 0), account) != 0 || strcmp(query_text_at(&query, 1), external_id) != 0)
        return sb_fail(err, SB_EINTERNAL,
                       "reference %s belongs to another conversation already than '%s' of '%s'",
                       ret_reference, external_id, account);
    *ret_is_known = true;
    *ret_id = query_int_at(&query, 2); /* NULL, an identity without a record, reads as 0 */
    return 0;
}

int identity_look(struct store *store, const char *account, const char *external_id,
                  char ret_reference[REFERENCE_SIZE], bool *ret_is_known, struct sb_error *err)
{
    int64_t id = 0;
    return look(store, account, external_id, ret_reference, ret_is_known, &id, err);
}

int store_find_identity(struct store *store, const char *account, const char *external_id, bool *ret_is_known,
                        int64_t *ret_id, struct sb_error *err)
{
    char reference[REFERENCE_SIZE];
    bool is_known = false;
    int64_t id = 0;

    int rc = look(store, account, external_id, reference, &is_known, &id, err);
    if (rc < 0)
        return rc;
    *ret_is_known = is_known;
    *ret_id = id;
    return 0;
}

int identity_add(struct store *store, const char *account, const char *external_id, const char *reference,
                 int64_t record_id, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_IDENTITY_ADD);

    query_text(&query, reference);
    query_text(&query, account);
    query_text(&query, external_id);
    if (record_id > 0)
        query_int(&query, record_id);
    else
        query_text(&query, NULL);
    return query_run(&query, err);
}
