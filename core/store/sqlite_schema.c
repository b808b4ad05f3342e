/* The tables of the journal. A step that has been released is never edited; a change is a new step at the
 * end.
 *
 * References between tables are not declared: every write of a record's parts goes through a statement that
 * first finds the record in the same transaction, and the check would cost a look-up for every row. */
#include "store/sqlite_schema.h"

#include "base/scope.h"

/* 1: what the engine needs to go on. */
static const char create_tables[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    /* Who is known. Outlives the record: record_id is NULL for what was imported or has expired. */
    "CREATE TABLE identity (reference TEXT PRIMARY KEY, external_id TEXT NOT NULL, account TEXT NOT NULL,"
    " record_id INTEGER) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX identity_source ON identity (external_id, account);"

    /* AUTOINCREMENT: the id of a record that has expired is never given again. */
    "CREATE TABLE record (id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, pipeline TEXT NOT "
    "NULL,"
    " state TEXT NOT NULL DEFAULT 'active', reason TEXT,"
    " phase TEXT NOT NULL DEFAULT 'source', place INTEGER NOT NULL DEFAULT 0, instance TEXT NOT NULL DEFAULT "
    "'',"
    " step TEXT NOT NULL DEFAULT '', round INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,"
    " since_ms INTEGER NOT NULL, is_doubtful INTEGER NOT NULL DEFAULT 0, problems INTEGER NOT NULL DEFAULT 0,"
    " received_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX record_state ON record (state);"

    "CREATE TABLE section (record_id INTEGER NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL,"
    " PRIMARY KEY (record_id, name)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE intent (id INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, instance TEXT NOT NULL,"
    " step TEXT NOT NULL, round INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL, key TEXT,"
    " at_ms INTEGER NOT NULL, kept TEXT, answer TEXT, request TEXT,"
    " UNIQUE (record_id, instance, step, round)) STRICT;"
    /* Unique: a record's next side effect waits until the last one is settled. */
    "CREATE UNIQUE INDEX intent_unsettled ON intent (record_id) WHERE state IN ('open','answered');"

    "CREATE TABLE outcome (id INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " instance TEXT NOT NULL, step TEXT NOT NULL, round INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " verdict TEXT NOT NULL, http_status INTEGER NOT NULL, duration_ms INTEGER NOT NULL, text TEXT) STRICT;"
    "CREATE INDEX outcome_record ON outcome (record_id);"

    "CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, record_id INTEGER NOT NULL,"
    " instance TEXT NOT NULL, size INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE meter (instance TEXT NOT NULL, name TEXT NOT NULL, total REAL NOT NULL,"
    " PRIMARY KEY (instance, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE key_doc (instance TEXT NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL,"
    " PRIMARY KEY (instance, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cursor_doc (name TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE token_doc (name TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;";

/* 2: what people and housekeeping ask for, found without reading every record. */
static const char create_indexes[] = "CREATE INDEX record_ended ON record (ended_ms) WHERE ended_ms > 0;"
                                     "CREATE INDEX record_incomplete ON record (id) WHERE problems > 0;"
                                     "CREATE INDEX file_age ON file (instance, created_ms);";

/* 3: what proves that nothing was changed (sqlite_chain.h), what an operator has decided, second looks that are
 * due and what they found, and reports that are kept. */
static const char create_proof[] =
    "ALTER TABLE outcome ADD COLUMN link INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE outcome ADD COLUMN value BLOB;"
    "ALTER TABLE intent ADD COLUMN settled_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE intent ADD COLUMN made TEXT;"  /* id of what it made, as the plugin told it */
    "ALTER TABLE intent ADD COLUMN adopt TEXT;" /* id that an operator has named: to be looked at */
    "ALTER TABLE intent ADD COLUMN is_forced INTEGER NOT NULL DEFAULT 0;"

    "CREATE TABLE chain (link INTEGER PRIMARY KEY, record_id INTEGER NOT NULL, intent_id INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, digest BLOB NOT NULL, value BLOB NOT NULL) STRICT;"
    "CREATE INDEX chain_record ON chain (record_id, intent_id);"
    "CREATE TABLE chain_gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, first_digest BLOB NOT NULL,"
    " first_value BLOB NOT NULL, last_value BLOB NOT NULL) STRICT;"
    "CREATE TABLE chain_head (one INTEGER PRIMARY KEY CHECK (one = 1), link INTEGER NOT NULL, value BLOB NOT "
    "NULL, adopted INTEGER NOT NULL) STRICT;"
    /* Without rows there is nothing to chain afterwards. */
    "INSERT INTO chain_head SELECT 1, 0, zeroblob(32), 0 WHERE NOT EXISTS (SELECT 1 FROM outcome) AND NOT "
    "EXISTS (SELECT 1 FROM intent);"

    "CREATE TABLE sweep (record_id INTEGER NOT NULL, instance TEXT NOT NULL, step TEXT NOT NULL, round "
    "INTEGER "
    "NOT NULL, due_ms INTEGER NOT NULL, PRIMARY KEY (record_id, instance, step, round)) STRICT, WITHOUT "
    "ROWID;"
    "CREATE INDEX sweep_due ON sweep (due_ms);"
    /* Outlives its record: who has two tickets still has them. */
    "CREATE TABLE doubled (record_id INTEGER NOT NULL, instance TEXT NOT NULL, step TEXT NOT NULL, round "
    "INTEGER "
    "NOT NULL, at_ms INTEGER NOT NULL, reference TEXT NOT NULL, made TEXT, others TEXT NOT NULL,"
    " PRIMARY KEY (record_id, instance, step, round)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE report (name TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, doc TEXT NOT NULL) STRICT, WITHOUT "
    "ROWID;";

/* 4: notices, which are no conversations. A pipeline of engine.conf has no '/' in its name; those for notices have. */
static const char create_notices[] =
    "CREATE INDEX record_notice ON record (state) WHERE instr(pipeline, '/') > 0;";

static const char *const steps[] = { create_tables, create_indexes, create_proof, create_notices };

int schema_version(void)
{
    return (int)COUNT_OF(steps);
}

static int read_number(struct store *store, const char *sql, int *ret_number, struct sb_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        rc = sqlite_fail(store, "read", err);
    else
        *ret_number = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt); /* repeats a failure that was reported above */
    return rc;
}

int schema_look(struct store *store, struct schema_state *ret_state, struct sb_error *err)
{
    int version = 0;
    int application = 0;
    int tables = 0;
    int rc = read_number(store, "PRAGMA user_version", &version, err);

    if (rc == 0)
        rc = read_number(store, "PRAGMA application_id", &application, err);
    if (rc == 0)
        rc = read_number(store, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (rc < 0)
        return rc;

    bool is_empty = version == 0 && application == 0 && tables == 0;
    if (!is_empty && (application != JOURNAL_APPLICATION_ID || version < 1))
        return sb_fail(
            err, SB_ECONFIG,
            "'%s' is another program's SQLite file, not a journal; move it away, or use another data_dir",
            store->path);
    if (version > schema_version())
        return sb_fail(
            err, SB_ECONFIG,
            "'%s' has schema %d, this switchboard knows up to %d: a newer one has written it; run that one, "
            "or put an older backup in its place with 'switchboard restore FILE'",
            store->path, version, schema_version());
    *ret_state = (struct schema_state){ .is_empty = is_empty, .version = version };
    return 0;
}

/* PRAGMA takes no parameters, so that the number is written into the text. */
static int set_number(struct store *store, const char *pragma, int number, struct sb_error *err)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "PRAGMA %s = %d", pragma, number); /* both are ours and short */
    return sqlite_run(store, sql, "write", err);
}

/* All steps together: whoever reads beside it sees the old journal or the new one, and nothing between. */
int schema_migrate(struct store *store, int from_version, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    int rc = from_version < schema_version() ? write_begin(store, err) : 0;

    if (rc < 0 || from_version >= schema_version())
        return rc;
    for (int version = from_version + 1; rc == 0 && version <= schema_version(); version++)
        rc = sqlite_run(store, steps[version - 1], "write", &why);
    if (rc == 0)
        rc = set_number(store, "application_id", JOURNAL_APPLICATION_ID, &why);
    if (rc == 0)
        rc = set_number(store, "user_version", schema_version(), &why);
    return write_end(store, rc, &why, err);
}
