/* The text of every kept statement. Values are always bound; `state IN ('open','answered')` is spelt as in
 * the index over unsettled intents, or SQLite would not use it. */
#include "store/sqlite_statements.h"

#include <stddef.h>

#define UNSETTLED "state IN ('open','answered')"

#define LIST_COLUMNS                                                                                         \
    "SELECT r.id, r.pipeline, i.account, i.external_id, r.reference, r.state, r.reason, r.phase, "           \
    "r.instance, r.step,"                                                                                    \
    " r.attempt, r.is_doubtful, r.problems,"                                                                 \
    " EXISTS (SELECT 1 FROM intent t WHERE t.record_id = r.id AND t." UNSETTLED " AND t.state = 'open'),"    \
    " r.received_ms, r.updated_ms, r.ended_ms"                                                               \
    " FROM record r JOIN identity i ON i.reference = r.reference"
/* ?1: before this id, ?2: how many, ?3: pipeline or NULL */
#define LIST_PAGE " r.id < ?1 AND (?3 IS NULL OR r.pipeline = ?3) ORDER BY r.id DESC LIMIT ?2"

static const char *const texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [STATEMENT_BEGIN_READ] = "BEGIN",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",

    /* `state` is left alone where it does not change, and with it the indexes over it. */
    [STATEMENT_RECORD_MOVE] =
        "UPDATE record SET reason = ?, phase = ?, place = ?, instance = ?, step = ?, round = ?,"
        " attempt = ?, since_ms = ?, updated_ms = ? WHERE id = ? AND state = 'active'",
    [STATEMENT_RECORD_END] =
        "UPDATE record SET reason = ?, phase = ?, place = ?, instance = ?, step = ?, round = ?,"
        " attempt = ?, since_ms = ?, updated_ms = ?9, state = ?10, ended_ms = ?9"
        " WHERE id = ?11 AND state = 'active'",
    [STATEMENT_RECORD_TOUCH] = "UPDATE record SET updated_ms = ? WHERE id = ?",
    [STATEMENT_RECORD_IS_THERE] = "SELECT 1 FROM record WHERE id = ?",
    [STATEMENT_RECORD_CLEAR_DOUBT] = "UPDATE record SET is_doubtful = 0 WHERE id = ?",
    [STATEMENT_RECORD_ADD_PROBLEM] = "UPDATE record SET problems = problems + 1 WHERE id = ?",
    [STATEMENT_SECTION_PUT] = "INSERT INTO section (record_id, name, doc) VALUES (?, ?, ?)"
                              " ON CONFLICT (record_id, name) DO UPDATE SET doc = excluded.doc",
    [STATEMENT_SECTION_REMOVE] = "DELETE FROM section WHERE record_id = ? AND name = ?",
    [STATEMENT_INTENT_SETTLE] = "UPDATE intent SET state = ?, answer = ? WHERE record_id = ? AND " UNSETTLED,
    /* The first attempt's time stays: whoever looks for what was created looks back to before it. */
    [STATEMENT_INTENT_OPEN] =
        "INSERT INTO intent (record_id, instance, step, round, attempt, state, key, request, kept,"
        " at_ms) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)"
        " ON CONFLICT (record_id, instance, step, round) DO UPDATE SET"
        " attempt = excluded.attempt, state = 'open', key = excluded.key,"
        " request = excluded.request, kept = excluded.kept, answer = NULL,"
        " at_ms = min(at_ms, excluded.at_ms)",
    [STATEMENT_OUTCOME_ADD] =
        "INSERT INTO outcome (record_id, at_ms, instance, step, round, attempt, verdict,"
        " http_status, duration_ms, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_FILE_ADD] =
        "INSERT INTO file (name, record_id, instance, size, created_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET record_id = excluded.record_id,"
        " instance = excluded.instance, size = excluded.size, created_ms = excluded.created_ms",
    [STATEMENT_METER_ADD] = "INSERT INTO meter (instance, name, total) VALUES (?, ?, ?)"
                            " ON CONFLICT (instance, name) DO UPDATE SET total = total + excluded.total",

    [STATEMENT_KEY_PUT] = "INSERT INTO key_doc (instance, name, doc) VALUES (?, ?, ?)"
                          " ON CONFLICT (instance, name) DO UPDATE SET doc = excluded.doc",
    [STATEMENT_KEY_REMOVE] = "DELETE FROM key_doc WHERE instance = ? AND name = ?",
    [STATEMENT_KEY_GET] = "SELECT doc FROM key_doc WHERE instance = ? AND name = ?",
    [STATEMENT_CURSOR_PUT] = "INSERT INTO cursor_doc (name, doc) VALUES (?, ?)"
                             " ON CONFLICT (name) DO UPDATE SET doc = excluded.doc",
    [STATEMENT_CURSOR_REMOVE] = "DELETE FROM cursor_doc WHERE name = ?",
    [STATEMENT_CURSOR_GET] = "SELECT doc FROM cursor_doc WHERE name = ?",
    [STATEMENT_TOKEN_PUT] = "INSERT INTO token_doc (name, doc) VALUES (?, ?)"
                            " ON CONFLICT (name) DO UPDATE SET doc = excluded.doc",
    [STATEMENT_TOKEN_REMOVE] = "DELETE FROM token_doc WHERE name = ?",
    [STATEMENT_TOKEN_GET] = "SELECT doc FROM token_doc WHERE name = ?",

    [STATEMENT_IDENTITY_GET] = "SELECT account, external_id FROM identity WHERE reference = ?",
    [STATEMENT_IDENTITY_ADD] =
        "INSERT INTO identity (reference, account, external_id, record_id) VALUES (?, ?, ?, ?)",
    [STATEMENT_RECORD_ADD] =
        "INSERT INTO record (reference, pipeline, is_doubtful, since_ms, received_ms, updated_ms)"
        " VALUES (?, ?, ?, ?4, ?4, ?4)",

    [STATEMENT_ACTIVE] = "SELECT r.id, r.pipeline, t.state, t.instance, t.key FROM record r"
                         " LEFT JOIN intent t ON t.record_id = r.id AND t." UNSETTLED
                         " WHERE r.state = 'active' ORDER BY r.id",
    [STATEMENT_RECORD_GET] =
        "SELECT r.pipeline, i.account, i.external_id, r.reference, r.reason, r.state, r.phase,"
        " r.place, r.instance, r.step, r.round, r.attempt, r.since_ms, r.is_doubtful, r.problems,"
        " r.received_ms, r.updated_ms, r.ended_ms"
        " FROM record r JOIN identity i ON i.reference = r.reference WHERE r.id = ?",
    [STATEMENT_SECTIONS_GET] = "SELECT name, doc FROM section WHERE record_id = ?",
    [STATEMENT_INTENTS_GET] =
        "SELECT state, instance, step, round, attempt, key, request, kept, answer, at_ms"
        " FROM intent WHERE record_id = ? ORDER BY id",
    [STATEMENT_INTENTS_COUNT] = "SELECT count(*) FROM intent WHERE record_id = ?",
    [STATEMENT_FIND_EXTERNAL_ID] = "SELECT max(record_id) FROM identity WHERE external_id = ?",
    [STATEMENT_FIND_REFERENCE] = "SELECT record_id FROM identity WHERE reference = ?",

    [STATEMENT_LIST_ALL] = LIST_COLUMNS " WHERE" LIST_PAGE,
    [STATEMENT_LIST_STATE] = LIST_COLUMNS " WHERE r.state = ?4 AND" LIST_PAGE,
    [STATEMENT_LIST_UNKNOWN] =
        LIST_COLUMNS " WHERE r.id IN (SELECT record_id FROM intent WHERE " UNSETTLED
                     " AND state = 'open') AND r.state IN ('active','dead') AND" LIST_PAGE,
    [STATEMENT_LIST_INCOMPLETE] = LIST_COLUMNS " WHERE r.problems > 0 AND" LIST_PAGE,
    [STATEMENT_TIMELINE] =
        "SELECT 'outcome', at_ms, instance, step, round, attempt, verdict, http_status, duration_ms,"
        " text, NULL, NULL, id FROM outcome WHERE record_id = ?1"
        " UNION ALL SELECT 'intent', at_ms, instance, step, round, attempt, state, NULL, NULL,"
        " NULL, request, kept, 0 FROM intent WHERE record_id = ?1"
        " ORDER BY 2, 13 LIMIT ?2",
    [STATEMENT_COUNT_STATES] = "SELECT state, count(*) FROM record GROUP BY state",
    [STATEMENT_COUNT_UNKNOWN] =
        "SELECT count(*) FROM intent t JOIN record r ON r.id = t.record_id WHERE t." UNSETTLED
        " AND t.state = 'open' AND r.state IN ('active','dead')",
    [STATEMENT_COUNT_INCOMPLETE] = "SELECT count(*) FROM record WHERE problems > 0",
    [STATEMENT_METERS] = "SELECT instance, name, total FROM meter ORDER BY instance, name",
    [STATEMENT_NEWEST_RECEIVED] = "SELECT received_ms FROM record ORDER BY id DESC LIMIT 1",

    [STATEMENT_RETRY_CHECK] = "SELECT state, problems FROM record WHERE id = ?",
    [STATEMENT_RETRY_STATE] = "UPDATE record SET state = 'active', reason = NULL, attempt = 0, since_ms = ?1,"
                              " updated_ms = ?1, ended_ms = 0 WHERE state = ?2 AND (?3 = 0 OR id = ?3)",
    [STATEMENT_RETRY_DONE] = "UPDATE record SET state = 'active', reason = NULL, phase = 'stage', place = 0,"
                             " instance = '', step = '', round = 0, attempt = 0, problems = 0, since_ms = ?1,"
                             " updated_ms = ?1, ended_ms = 0"
                             " WHERE state = 'done' AND problems > 0 AND (?2 = 0 OR id = ?2)",
    [STATEMENT_DROP] =
        "UPDATE record SET state = 'dropped', reason = ?1, updated_ms = ?2, ended_ms = ?2 WHERE id = ?3",
    [STATEMENT_EXPIRED] =
        "SELECT id, reference FROM record WHERE ended_ms > 0 AND ended_ms < ? AND state <> 'dead'"
        " ORDER BY ended_ms LIMIT 1",
    [STATEMENT_EXPIRE_IDENTITY] = "UPDATE identity SET record_id = NULL WHERE reference = ?",
    [STATEMENT_EXPIRE_SECTIONS] = "DELETE FROM section WHERE record_id = ?",
    [STATEMENT_EXPIRE_INTENTS] = "DELETE FROM intent WHERE record_id = ?",
    [STATEMENT_EXPIRE_OUTCOMES] = "DELETE FROM outcome WHERE record_id = ?",
    [STATEMENT_EXPIRE_RECORD] = "DELETE FROM record WHERE id = ?",
    [STATEMENT_FILES] =
        "SELECT f.record_id, f.name, f.instance, f.created_ms, coalesce(r.ended_ms, 0) FROM file f"
        " LEFT JOIN record r ON r.id = f.record_id WHERE r.id IS NULL OR r.ended_ms > 0"
        " ORDER BY f.created_ms LIMIT ?",
    [STATEMENT_FILES_OF] =
        "SELECT f.record_id, f.name, f.instance, f.created_ms, coalesce(r.ended_ms, 0) FROM file f"
        " LEFT JOIN record r ON r.id = f.record_id WHERE f.instance = ?1 AND (r.id IS NULL OR"
        " (r.ended_ms > 0 AND r.ended_ms < ?2)) ORDER BY f.created_ms LIMIT ?3",
    [STATEMENT_FILE_FORGET] = "DELETE FROM file WHERE name = ?",
    [STATEMENT_META_GET] = "SELECT value FROM meta WHERE name = ?",
    [STATEMENT_META_PUT] = "INSERT INTO meta (name, value) VALUES (?, ?)"
                           " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    [STATEMENT_DOUBT_UNFINISHED] =
        "UPDATE record SET is_doubtful = 1 WHERE state IN ('active','dead','disabled')",
};

const char *statement_sql(enum statement statement)
{
    return texts[statement];
}
