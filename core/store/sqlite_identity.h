/* Who is known already. */
#ifndef STORE_SQLITE_IDENTITY_H
#define STORE_SQLITE_IDENTITY_H

#include "base/digest.h"
#include "store/sqlite_store.h"

/* Makes the reference of a conversation and tells whether it is known. SB_EINTERNAL when another conversation
 * has the same reference. */
int identity_look(struct store *store, const char *account, const char *external_id,
                  char ret_reference[REFERENCE_SIZE], bool *ret_is_known, struct sb_error *err) SB_MUST_CHECK;
/* `record_id` 0: there is no record, only the fact that it was delivered. */
int identity_add(struct store *store, const char *account, const char *external_id, const char *reference,
                 int64_t record_id, struct sb_error *err) SB_MUST_CHECK;

#endif
