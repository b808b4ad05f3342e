/* The tables of the journal, as numbered steps. */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include "store/sqlite_store.h"

enum { JOURNAL_APPLICATION_ID = 0x53774264 }; /* "SwBd": told apart from any other SQLite file */

/* What stands in the file. */
struct schema_state {
    bool is_empty; /* no table at all: a new file */
    int version;
};

/* The version that this program writes. */
int schema_version(void);
/* Reads what the file is. SB_ECONFIG when it is another program's, or of a newer version. */
int schema_look(struct store *store, struct schema_state *ret_state, struct sb_error *err) SB_MUST_CHECK;
/* Takes every step that is missing, each in one transaction. */
int schema_migrate(struct store *store, int from_version, struct sb_error *err) SB_MUST_CHECK;

#endif
