/* The text of every kept statement. Values are always bound; `state IN ('open','answered')` is spelt as in
 * the index over unsettled intents, or SQLite would not use it. */
#include "store/sqlite_statements.h"

#include <stddef.h>

#define UNSETTLED "state IN ('open','answered')"

#define CHAIN_OUTCOME                                                                                        \
    "SELECT id, record_id, at_ms, instance, step, round, attempt, verdict, http_status, duration_ms, text,"  \
    " link, value FROM outcome"

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
    /* Looks into a table, too, for what a transaction sees is fixed by its first look. */
    [STATEMENT_PAGE_SIZE] = "SELECT page_size, EXISTS (SELECT 1 FROM sqlite_schema) FROM pragma_page_size",
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
    [STATEMENT_INTENT_SETTLE] =
        "UPDATE intent SET state = ?, answer = ?, settled_ms = ?, made = ?, adopt = NULL"
        " WHERE record_id = ? AND " UNSETTLED " RETURNING id",
    /* The first attempt's time stays: whoever looks for what was created looks back to before it. */
    [STATEMENT_INTENT_OPEN] =
        "INSERT INTO intent (record_id, instance, step, round, attempt, state, key, request, kept,"
        " at_ms) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)"
        " ON CONFLICT (record_id, instance, step, round) DO UPDATE SET"
        " attempt = excluded.attempt, state = 'open', key = excluded.key,"
        " request = excluded.request, kept = excluded.kept, answer = NULL,"
        " at_ms = min(at_ms, excluded.at_ms), settled_ms = 0, made = NULL, adopt = NULL"
        " RETURNING id, at_ms",
    [STATEMENT_OUTCOME_ADD] =
        "INSERT INTO outcome (record_id, at_ms, instance, step, round, attempt, verdict,"
        " http_status, duration_ms, text, link, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_FILE_ADD] =
        "INSERT INTO file (name, record_id, instance, size, created_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET record_id = excluded.record_id,"
        " instance = excluded.instance, size = excluded.size, created_ms = excluded.created_ms",
    [STATEMENT_METER_ADD] = "INSERT INTO meter (instance, name, total) VALUES (?, ?, ?)"
                            " ON CONFLICT (instance, name) DO UPDATE SET total = total + excluded.total",

    [STATEMENT_SWEEP_ADD] =
        "INSERT INTO sweep (record_id, instance, step, round, due_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (record_id, instance, step, round) DO UPDATE SET"
        " due_ms = max(due_ms, excluded.due_ms)",
    [STATEMENT_SWEEP_REMOVE] =
        "DELETE FROM sweep WHERE record_id = ? AND instance = ? AND step = ? AND round = ?",
    [STATEMENT_DOUBLED_ADD] =
        "INSERT INTO doubled (record_id, instance, step, round, at_ms, others, made, reference)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, (SELECT made FROM intent WHERE record_id = ?1 AND instance = ?2 AND"
        " step = ?3 AND round = ?4), reference FROM record WHERE id = ?1"
        " ON CONFLICT (record_id, instance, step, round) DO UPDATE SET at_ms = excluded.at_ms, others ="
        " excluded.others, made = excluded.made",
    [STATEMENT_DOUBLED_REMOVE] =
        "DELETE FROM doubled WHERE record_id = ? AND instance = ? AND step = ? AND round = ?",
    [STATEMENT_SWEEP_NEXT] =
        "SELECT s.due_ms, s.record_id, s.instance, s.step, s.round, t.state, t.at_ms, t.settled_ms, t.made,"
        " t.kept, r.state FROM sweep s LEFT JOIN intent t ON t.record_id = s.record_id AND t.instance ="
        " s.instance AND t.step = s.step AND t.round = s.round LEFT JOIN record r ON r.id = s.record_id"
        " ORDER BY s.due_ms, s.record_id LIMIT 1",

    [STATEMENT_CHAIN_HEAD_GET] = "SELECT link, value, adopted FROM chain_head",
    [STATEMENT_CHAIN_HEAD_ADD] = "INSERT INTO chain_head (one, link, value, adopted) VALUES (1, ?1, ?2, ?1)",
    [STATEMENT_CHAIN_HEAD_MOVE] = "UPDATE chain_head SET link = ?, value = ?",
    [STATEMENT_CHAIN_ADD] =
        "INSERT INTO chain (link, record_id, intent_id, kind, digest, value) VALUES (?, ?, ?, ?, ?, ?)",
    [STATEMENT_CHAIN_INTENTS] =
        "SELECT id, record_id, instance, step, round, attempt, key, request, kept, at_ms, settled_ms, state,"
        " answer, made FROM intent WHERE id > ? ORDER BY id",
    [STATEMENT_CHAIN_OUTCOMES] = CHAIN_OUTCOME " WHERE id > ? ORDER BY id",
    [STATEMENT_CHAIN_ADOPT_OUTCOME] = "UPDATE outcome SET link = ?, value = ? WHERE id = ?",
    [STATEMENT_CHAIN_OUTCOMES_OF] = CHAIN_OUTCOME " WHERE record_id = ?",
    [STATEMENT_CHAIN_OF] = "SELECT link, digest, value FROM chain WHERE record_id = ?",
    [STATEMENT_CHAIN_REMOVE] = "DELETE FROM chain WHERE record_id = ?",
    [STATEMENT_CHAIN_GAP_BEFORE] = "SELECT first, last, first_digest, first_value, last_value FROM chain_gap"
                                   " WHERE first < ? ORDER BY first DESC LIMIT 1",
    [STATEMENT_CHAIN_GAP_AT] =
        "SELECT first, last, first_digest, first_value, last_value FROM chain_gap WHERE first = ?",
    [STATEMENT_CHAIN_GAP_PUT] = "INSERT OR REPLACE INTO chain_gap (first, last, first_digest, first_value,"
                                " last_value) VALUES (?, ?, ?, ?, ?)",
    [STATEMENT_CHAIN_GAP_REMOVE] = "DELETE FROM chain_gap WHERE first = ?",
    [STATEMENT_CHAIN_LINKS] =
        "SELECT link, record_id, intent_id, kind, digest, value FROM chain ORDER BY link",
    [STATEMENT_CHAIN_GAPS] =
        "SELECT first, last, first_digest, first_value, last_value FROM chain_gap ORDER BY first",
    [STATEMENT_CHAIN_LAST_OF_INTENT] = "SELECT kind, digest FROM chain WHERE record_id = ? AND intent_id = ?"
                                       " ORDER BY link DESC",
    [STATEMENT_CHAIN_LOST_INTENTS] =
        "SELECT DISTINCT c.record_id, c.intent_id FROM chain c LEFT JOIN intent t ON t.id = c.intent_id"
        " WHERE t.id IS NULL ORDER BY 1, 2",

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

    [STATEMENT_IDENTITY_GET] = "SELECT account, external_id, record_id FROM identity WHERE reference = ?",
    [STATEMENT_IDENTITY_ADD] =
        "INSERT INTO identity (reference, account, external_id, record_id) VALUES (?, ?, ?, ?)",
    [STATEMENT_RECORD_ADD] =
        "INSERT INTO record (reference, pipeline, is_doubtful, since_ms, received_ms, updated_ms)"
        " VALUES (?, ?, ?, ?4, ?4, ?4)",

    [STATEMENT_ACTIVE] = "SELECT r.id, r.pipeline, t.state, t.instance, t.key FROM record r"
                         " LEFT JOIN intent t ON t.record_id = r.id AND t." UNSETTLED
                         " WHERE r.state = 'active' ORDER BY r.id",
    [STATEMENT_LEFT_KEYS] =
        "SELECT t.instance, t.key, max(r.ended_ms) FROM intent t JOIN record r ON r.id = t.record_id"
        " WHERE t." UNSETTLED " AND t.key IS NOT NULL AND r.ended_ms > 0 GROUP BY t.instance, t.key"
        " ORDER BY t.instance, t.key",
    [STATEMENT_RECORD_GET] =
        "SELECT r.pipeline, i.account, i.external_id, r.reference, r.reason, r.state, r.phase,"
        " r.place, r.instance, r.step, r.round, r.attempt, r.since_ms, r.is_doubtful, r.problems,"
        " r.received_ms, r.updated_ms, r.ended_ms"
        " FROM record r JOIN identity i ON i.reference = r.reference WHERE r.id = ?",
    [STATEMENT_SECTIONS_GET] = "SELECT name, doc FROM section WHERE record_id = ?",
    [STATEMENT_INTENTS_GET] =
        "SELECT state, instance, step, round, attempt, key, request, kept, answer, at_ms, adopt, is_forced"
        " FROM intent WHERE record_id = ? ORDER BY id",
    [STATEMENT_INTENTS_COUNT] = "SELECT count(*) FROM intent WHERE record_id = ?",
    [STATEMENT_FIND_EXTERNAL_ID] = "SELECT max(record_id) FROM identity WHERE external_id = ?",
    [STATEMENT_FIND_REFERENCE] = "SELECT record_id FROM identity WHERE reference = ?",

    [STATEMENT_LATE] = "SELECT r.id, EXISTS (SELECT 1 FROM identity n WHERE n.external_id = i.external_id || "
                       "?5 AND n.account ="
                       " i.account) FROM record r JOIN identity i ON i.reference = r.reference"
                       " WHERE r.state = ?1 AND r.id > ?2 AND r.pipeline = ?3 AND r.received_ms <= ?4 ORDER "
                       "BY r.id LIMIT ?6",
    /* A suffix that the external id does not end in would cut another one out of it. */
    [STATEMENT_LATE_OVERTAKEN] =
        "SELECT n.id FROM record n JOIN identity i ON i.reference = n.reference"
        " JOIN identity m ON m.account = i.account"
        " AND m.external_id = substr(i.external_id, 1, length(i.external_id) - length(?2))"
        " JOIN record r ON r.id = m.record_id"
        " WHERE n.state = 'active' AND n.pipeline = ?1 AND i.external_id = m.external_id || ?2"
        " AND (r.state = 'done' OR (r.state = 'active' AND r.phase = 'sink' AND r.instance = ?3))"
        " ORDER BY n.id LIMIT ?4",
    [STATEMENT_LIST_ALL] = LIST_COLUMNS " WHERE" LIST_PAGE,
    [STATEMENT_LIST_STATE] = LIST_COLUMNS " WHERE r.state = ?4 AND" LIST_PAGE,
    [STATEMENT_LIST_UNKNOWN] =
        LIST_COLUMNS " WHERE r.id IN (SELECT record_id FROM intent WHERE " UNSETTLED
                     " AND state = 'open') AND r.state IN ('active','dead') AND" LIST_PAGE,
    [STATEMENT_LIST_INCOMPLETE] = LIST_COLUMNS " WHERE r.problems > 0 AND r.state = 'done' AND" LIST_PAGE,
    [STATEMENT_TIMELINE] =
        "SELECT 'outcome', at_ms, instance, step, round, attempt, verdict, http_status, duration_ms,"
        " text, NULL, NULL, NULL, NULL, lower(hex(value)), id FROM outcome WHERE record_id = ?1"
        " UNION ALL SELECT 'intent', at_ms, instance, step, round, attempt, state, NULL, NULL,"
        " NULL, request, kept, made, nullif(settled_ms, 0), (SELECT lower(hex(c.value)) FROM chain c WHERE"
        " c.record_id = ?1 AND c.intent_id = intent.id ORDER BY c.link DESC LIMIT 1), 0"
        " FROM intent WHERE record_id = ?1 ORDER BY 2, 16 LIMIT ?2",
    [STATEMENT_COUNT_STATES] = "SELECT state, count(*) FROM record GROUP BY state",
    [STATEMENT_COUNT_NOTICES] =
        "SELECT state, count(*) FROM record WHERE instr(pipeline, '/') > 0 GROUP BY state",
    [STATEMENT_COUNT_UNKNOWN] =
        "SELECT count(*) FROM intent t JOIN record r ON r.id = t.record_id WHERE t." UNSETTLED
        " AND t.state = 'open' AND r.state IN ('active','dead')",
    [STATEMENT_COUNT_INCOMPLETE] =
        "SELECT count(*) FROM record WHERE problems > 0 AND state = 'done' AND instr(pipeline, '/') = 0",
    [STATEMENT_METERS] = "SELECT instance, name, total FROM meter ORDER BY instance, name",
    [STATEMENT_NEWEST_RECEIVED] = "SELECT received_ms FROM record ORDER BY id DESC LIMIT 1",

    [STATEMENT_PROOF_VERDICTS] =
        "SELECT verdict, count(*) FROM outcome WHERE verdict IN ('unknown','found','not found','not sure',"
        "'not found, sending again','adopted','not adopted','sent again by an operator','doubled','one only')"
        " GROUP BY verdict",
    [STATEMENT_PROOF_CREATED] =
        "SELECT instance, step, state, count(*) FROM intent GROUP BY instance, step, state ORDER BY 1, 2, 3",
    [STATEMENT_PROOF_DOUBLED] =
        "SELECT record_id, reference, instance, step, round, at_ms, made, others FROM doubled"
        " WHERE ?1 = 0 OR record_id = ?1 ORDER BY at_ms",
    [STATEMENT_PROOF_SWEEPS] = "SELECT record_id, instance, step, round, due_ms FROM sweep"
                               " WHERE ?1 = 0 OR record_id = ?1 ORDER BY due_ms",
    [STATEMENT_PROOF_MADE] =
        "SELECT 0, record_id, instance, step, round, state, at_ms, settled_ms, made, kept, 'done' FROM intent"
        " WHERE record_id = ? AND state = 'done' AND made IS NOT NULL ORDER BY id",
    [STATEMENT_STANDING] =
        "SELECT i.record_id, r.state, r.reason, r.received_ms, EXISTS (SELECT 1 FROM intent t WHERE"
        " t.record_id = r.id AND t." UNSETTLED " AND t.state = 'open') FROM identity i"
        " LEFT JOIN record r ON r.id = i.record_id WHERE i.external_id = ? AND i.account = ?",
    [STATEMENT_REPORT_GET] = "SELECT at_ms, doc FROM report WHERE name = ?",
    [STATEMENT_REPORT_PUT] = "INSERT INTO report (name, at_ms, doc) VALUES (?, ?, ?)"
                             " ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms, doc = excluded.doc",

    [STATEMENT_RETRY_CHECK] = "SELECT state, problems FROM record WHERE id = ?",
    [STATEMENT_RETRY_STATE] = "UPDATE record SET state = 'active', reason = NULL, attempt = 0, since_ms = ?1,"
                              " updated_ms = ?1, ended_ms = 0 WHERE state = ?2 AND (?3 = 0 OR id = ?3)",
    /* The section has the problems of earlier passes before those that count now. A place behind the last stage is that of the
     * first sink. */
    [STATEMENT_RETRY_DONE] =
        "UPDATE record SET state = 'active', reason = NULL, phase = 'stage', place = coalesce((SELECT"
        " min(CASE json_extract(p.value, '$.phase') WHEN 'source' THEN 0"
        " WHEN 'stage' THEN json_extract(p.value, '$.index') ELSE 1000 END)"
        " FROM section s, json_each(s.doc) p WHERE s.record_id = record.id AND s.name = 'problems'"
        " AND p.key >= json_array_length(s.doc) - record.problems), 0),"
        " instance = '', step = '', round = 0, attempt = 0, problems = 0, since_ms = ?1,"
        " updated_ms = ?1, ended_ms = 0"
        " WHERE state = 'done' AND problems > 0 AND (?2 = 0 OR id = ?2)",
    [STATEMENT_DROP] =
        "UPDATE record SET state = 'dropped', reason = ?1, updated_ms = ?2, ended_ms = ?2 WHERE id = ?3",
    [STATEMENT_UNKNOWN_GET] = "SELECT r.state, t.instance, t.step, t.round, t.attempt FROM record r LEFT "
                              "JOIN intent t ON t.record_id ="
                              " r.id AND t." UNSETTLED " AND t.state = 'open' WHERE r.id = ?",
    [STATEMENT_ADOPT] =
        "UPDATE intent SET adopt = ?, is_forced = ? WHERE record_id = ? AND " UNSETTLED " AND state = 'open'",
    [STATEMENT_ADOPT_FORGET] = "UPDATE intent SET adopt = NULL WHERE record_id = ? AND " UNSETTLED,
    [STATEMENT_EXPIRED] =
        "SELECT id, reference FROM record WHERE ended_ms > 0 AND ended_ms < ? AND state <> 'dead'"
        " ORDER BY ended_ms LIMIT 1",
    [STATEMENT_EXPIRE_IDENTITY] = "UPDATE identity SET record_id = NULL WHERE reference = ?",
    [STATEMENT_EXPIRE_SECTIONS] = "DELETE FROM section WHERE record_id = ?",
    [STATEMENT_EXPIRE_INTENTS] = "DELETE FROM intent WHERE record_id = ?",
    [STATEMENT_EXPIRE_OUTCOMES] = "DELETE FROM outcome WHERE record_id = ?",
    [STATEMENT_EXPIRE_SWEEPS] = "DELETE FROM sweep WHERE record_id = ?",
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
