/* The journal: records, their place, every attempt, intents, cursors, keys, tokens. Nothing else speaks SQL.
 *
 * This header is the synchronous core: one connection, one thread at a time. store_thread.h puts a thread
 * around it. A writer owns data_dir by a lock; readers may open beside it. Every text is UTF-8. Times are
 * wall clock ms since 1970.
 *
 *     ACTIVE -> DONE       every sink has it
 *       |   `-> DROPPED    nobody wants it: a rule, a missed call, an inactive agent (reason says which)
 *       |   `-> DISABLED   its sinks are switched off; `retry --disabled` makes it active again
 *       |   `-> DEAD       dead letter: a person must look (reason says why); `retry` makes it active again
 *       `---- with an open intent it is shown as UNKNOWN
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "switchboard/error.h"

/* The words are stored and shown: a state may be added, never renamed. */
#define STORE_STATES(X)                                                                                      \
    X(STORE_ACTIVE, "active")                                                                                \
    X(STORE_DONE, "done")                                                                                    \
    X(STORE_DROPPED, "dropped")                                                                              \
    X(STORE_DISABLED, "disabled")                                                                            \
    X(STORE_DEAD, "dead")

enum store_state {
#define X(id, word) id,
    STORE_STATES(X)
#undef X
        STORE_STATE_COUNT,
    STORE_STATE_INVALID = -1
};
const char *store_state_word(enum store_state state);
enum store_state store_state_from_word(const char *word);

/* Where a record stands. By names, so that it survives a changed configuration. */
#define STORE_PHASES(X)                                                                                      \
    X(STORE_PHASE_SOURCE, "source")                                                                          \
    X(STORE_PHASE_STAGE, "stage")                                                                            \
    X(STORE_PHASE_SINK, "sink")

enum store_phase {
#define X(id, word) id,
    STORE_PHASES(X)
#undef X
        STORE_PHASE_COUNT
};
const char *store_phase_word(enum store_phase phase);

struct store_place {
    enum store_phase phase;
    uint32_t index;       /* of the stage or sink */
    const char *instance; /* "" at the beginning of a stage: the first alternative */
    const char *step;     /* "" at the beginning of an instance */
    uint32_t round;       /* SB_AGAIN so far */
    uint32_t attempt;     /* failed attempts of this step so far */
    int64_t since_ms;     /* when the step was first reached */
};

/* An intent: what was about to be created. One row for each (record, instance, step, round); a later attempt
 * replaces it. Open until an outcome settles it. */
struct store_intent {
    const char *instance, *step;
    uint32_t round, attempt;
    const char *key;     /* the lock held, or NULL */
    const char *request; /* JSON: method, url, headers, body with secrets as placeholders */
    const char *kept;    /* JSON object of sb_intent_keep */
    int64_t at_ms;       /* of the first attempt */
    const char *adopt;   /* read only: the id that an operator says it made; NULL: none */
    bool is_forced;      /* read only: the operator takes it without the reference too */
};

#define STORE_INTENT_STATES(X)                                                                               \
    X(STORE_INTENT_OPEN, "open")       /* sent, or about to be */                                            \
    X(STORE_INTENT_DONE, "done")       /* it happened, and its answer was folded */                          \
    X(STORE_INTENT_REFUSED, "refused") /* it certainly did not happen */                                     \
    X(STORE_INTENT_ANSWERED,                                                                                 \
      "answered") /* it happened, but the answer could not be folded: `answer` has it */

enum store_intent_state {
#define X(id, word) id,
    STORE_INTENT_STATES(X)
#undef X
        STORE_INTENT_STATE_COUNT
};
const char *store_intent_state_word(enum store_intent_state state);

/* One line of a record's timeline: an attempt and what became of it. */
struct store_outcome {
    int64_t at_ms;
    const char *instance, *step;
    uint32_t round, attempt;
    const char
        *verdict; /* "ok", "skip", "again", "retry", "reject", "drop", "unknown", "found", "not found", ... */
    int32_t http_status; /* 0: none */
    uint32_t duration_ms;
    const char *text; /* reason or note for people; NULL: none */
};

struct store_text {
    const char *name, *text;
};

/* A second look, some time after an unknown outcome was settled: whether there are two. Named like its intent. */
struct store_sweep {
    const char *instance, *step;
    uint32_t round;
    int64_t due_ms; /* wall clock */
};

/* A new conversation. `ret_id` is set by store_apply: 0 when the identity was known already. */
struct store_emit {
    const char *pipeline, *account, *external_id;
    const struct store_text *sections; /* JSON texts by section name */
    size_t section_count;
    json_t *
        record; /* owned; NULL: none. An object of sections, which store_apply writes as `sections`, for the caller's
                       thread has more to do: nobody may change it until then */
    int64_t conversation_at_ms; /* when it took place; 0: not known. Decides whether a restore makes it
                                   doubtful: what is not known may be from before it for a day */
    bool is_doubtful;           /* it may have been delivered before */
    int64_t ret_id;
    char ret_reference[REFERENCE_SIZE]; /* of the identity, known or new */
};

/* A file that belongs to a record and is removed some time after the record has ended. */
struct store_file {
    const char *name;     /* relative to data_dir/files: "12/recording.mp3" */
    const char *instance; /* whose option says how long it is kept */
    uint64_t size;
    int64_t created_ms;
};

struct store_meter {
    const char *instance, *name;
    double amount; /* added to the total */
};

/* Everything that one commit point of one record (or one poll page) changes: all of it or nothing. Built on
 * the loop, handed to the store, freed after the commit. Everything it points to lives in `arena`, or longer.
 */
struct store_change {
    struct arena *arena; /* owned */

    int64_t record_id; /* 0: no record is moved */
    bool sets_place;
    enum store_state state;
    const char *reason; /* NULL: none */
    struct store_place place;
    bool clears_doubt;                 /* the record is no longer doubtful */
    bool adds_problem;                 /* counts one problem on the record: shown as "incomplete" */
    const struct store_text *sections; /* changed sections; text NULL removes */
    size_t section_count;

    const struct store_intent *intent; /* opens (or replaces) an intent */
    bool settles_intent;               /* the open or answered intent of the record becomes: */
    enum store_intent_state intent_state;
    const char *intent_answer;           /* ANSWERED: status and raw body as JSON */
    const char *intent_made;             /* DONE: id of what was made or found; NULL: not told */
    const struct store_outcome *outcome; /* adds a line to the timeline */
    const struct store_file *file;       /* adds a file */
    const struct store_sweep *sweep;     /* adds a second look, or puts it off to its later time */
    const struct store_sweep *swept;     /* ends a second look; goes before `sweep` */
    bool forgets_adopt;                  /* the operator's id was looked at, and it cannot be it */
    const char *doubles;                 /* with `swept`: JSON array of the ids that should not be there */

    const char *key_instance, *key_name, *key_doc; /* key_name NULL: none; key_doc NULL removes */
    const char *cursor_name, *cursor_doc;          /* cursor_name NULL: none */
    const char *token_name, *token_doc;            /* token_name NULL: none; token_doc NULL removes */

    struct store_emit *emits;
    size_t emit_count;
    bool
        ret_is_left_out; /* set by store_apply: a record of `emits` could not be written as JSON, and nothing of the change
                             was made */
    const struct store_meter *meters;
    size_t meter_count;
    int64_t now_ms; /* for updated_at and ended_at */
};

struct store_change *store_change_new(void);         /* NULL when out of memory */
void store_change_free(struct store_change *change); /* NULL allowed */

/* An intent that is over. A DONE one must never be sent again, also when its record passes the step again. */
struct store_settled {
    const char *instance, *step;
    uint32_t round;
    enum store_intent_state state; /* DONE or REFUSED */
};

/* A record as it is loaded to go on. Owned by the caller; free with store_record_free. */
struct store_record {
    struct arena *arena; /* owned; every text below */
    int64_t id;
    const char *pipeline, *account, *external_id, *reference, *reason;
    enum store_state state;
    struct store_place place;
    bool is_doubtful;
    uint32_t problems;
    int64_t received_ms, updated_ms, ended_ms; /* ended 0: not yet */
    json_t *sections;                          /* owned object: section name -> document */
    bool has_intent;                           /* an open or answered intent: */
    enum store_intent_state intent_state;
    struct store_intent intent;
    const char *intent_answer;
    const struct store_settled
        *settled; /* every other intent of the record, in the order they were first opened */
    size_t settled_count;
};
void store_record_free(struct store_record *record); /* NULL allowed */

struct store;

struct store_options {
    const char *data_dir;
    bool is_reader;  /* no lock, no writes; SB_ECONFIG when there is no journal yet */
    bool skip_check; /* no quick_check (simulation) */
    /* NULL: SQLite's own. Another one (simulation) has data_dir and everything in it to itself: no folder is
     * made, no lock is taken, and the journal is held exclusively, as WAL needs where there is no shared
     * memory. */
    const char *vfs;
};

/* Opens data_dir/journal.db (made, 0600, in a folder 0700, when it is not there): lock, WAL asserted,
 * synchronous=FULL, migrations, quick_check. SB_EBUSY when another process owns data_dir (says its pid);
 * SB_ECONFIG for a damaged file, a read-only disk, a newer schema, each with what to do. */
int store_open(const struct store_options *options, struct store **ret_store,
               struct sb_error *err) SB_MUST_CHECK;
void store_close(struct store *store); /* NULL allowed */

/* Applies all changes in order in one transaction, synced when it returns. Sets each emit's ret_id.
 * On failure nothing was changed, and the caller must stop: the message says why (disk full, read-only, I/O
 * error), and every later write of this store fails with the same message, for after a failed sync nobody
 * knows what the disk holds. (When only the sync failed, the changes may be there after the next start: all
 * of them or none.) Within a change the open intent is settled before `intent` opens. A record that an
 * operator has ended meanwhile stays ended: its place is left alone, the rest is added. A record that is not
 * there, a second unsettled intent, or nothing to settle is SB_EINTERNAL. */
int store_apply(struct store *store, struct store_change *const *changes, size_t count,
                struct sb_error *err) SB_MUST_CHECK;
/* Why every write fails from now on; NULL: none has failed. Lives as long as the store. */
const struct sb_error *store_failure(const struct store *store);

/* ---- reading ------------------------------------------------------------------------------------------- */

/* Ids of all ACTIVE records, oldest first, and, where an intent is open or answered, the key that it holds.
 * free() the array; texts are in `arena`. */
struct store_active {
    int64_t id;
    const char *pipeline;
    bool has_open_intent;
    const char *intent_instance, *intent_key; /* NULL: no open or answered intent, or no key */
};
int store_active(struct store *store, struct arena *arena, struct store_active **ret_list, size_t *ret_count,
                 struct sb_error *err) SB_MUST_CHECK;
/* All that an engine begins with: beside the ACTIVE records the keys of ended ones whose intent is not settled, each key once
 * with the time of the last that ended so. To be given to store_unfinished_done() (zeroed: nothing is done); texts are in
 * `arena`. */
struct store_left_key {
    const char *instance, *key;
    int64_t ended_ms;
};
struct store_unfinished {
    struct store_active *active;
    size_t active_count;
    struct store_left_key *left;
    size_t left_count;
};
int store_unfinished(struct store *store, struct arena *arena, struct store_unfinished *ret_unfinished,
                     struct sb_error *err) SB_MUST_CHECK;
void store_unfinished_done(struct store_unfinished *unfinished);
/* Gives NULL in *ret_record when there is none. */
int store_load(struct store *store, int64_t id, struct store_record **ret_record,
               struct sb_error *err) SB_MUST_CHECK;
/* By record id in decimal, external id, or reference (any case). 0 when there is none. */
int store_find(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err) SB_MUST_CHECK;
/* Whether the conversation is known, and the id of its record: 0 when it was imported, or has expired. */
int store_find_identity(struct store *store, const char *account, const char *external_id, bool *ret_is_known,
                        int64_t *ret_id, struct sb_error *err) SB_MUST_CHECK;
/* Cursor, key and token documents: gives the JSON text (malloc'ed) or NULL when there is none. */
int store_cursor(struct store *store, const char *name, char **ret_doc, struct sb_error *err) SB_MUST_CHECK;
int store_key(struct store *store, const char *instance, const char *name, char **ret_doc,
              struct sb_error *err) SB_MUST_CHECK;
int store_token(struct store *store, const char *name, char **ret_doc, struct sb_error *err) SB_MUST_CHECK;

/* A page of records, newest first, for people. */
struct store_query {
    /* A state word; "unknown": active or dead with an open intent; "incomplete": with problems; NULL: all.
     * SB_EINPUT for another word. */
    const char *state;
    const char *pipeline; /* NULL: all */
    int64_t before_id;    /* 0: from the newest */
    size_t limit;         /* <= 10,000 */
};
/* Gives a JSON array of {id, pipeline, account, external_id, reference, state, reason, phase, instance, step,
 * attempt, is_doubtful, problems, has_open_intent, received_ms, updated_ms, ended_ms}. */
int store_list(struct store *store, const struct store_query *query, json_t **ret_array,
               struct sb_error *err) SB_MUST_CHECK;
/* Gives a JSON array of the record's outcomes and intents in time order: {kind: "outcome"|"intent", at_ms,
 * instance, step, round, attempt, verdict|state, http_status, duration_ms, text, request, kept, made, settled_ms,
 * digest}, request and kept as JSON values, digest the hex of the row's (last) value in the hash chain; members that
 * are not set are left out. At most 10,000. */
int store_timeline(struct store *store, int64_t id, json_t **ret_array, struct sb_error *err) SB_MUST_CHECK;
/* Gives {"records": {state word: count, ..., "unknown": n, "incomplete": n} (these two are counted under
 * their state as well), "notices": {state word: count, where there are any; not among the records}, "meters": {instance:
 * {name: total}}, "newest_received_ms": n, "restored_ms": n}. */
int store_totals(struct store *store, json_t **ret_object, struct sb_error *err) SB_MUST_CHECK;

/* ---- proof --------------------------------------------------------------------------------------------- */

/* Reads the whole journal and compares it with its hash chain (sqlite_chain.h). Gives {"is_whole": bool, "links": n,
 * "adopted": n (made when an older journal was brought up to date), "expired": n (whose records retention has removed),
 * "end": "hex of the last value", "fault_count": n, "faults": [{"what": "changed"|"removed"|"inserted", "link": n,
 * "record_id": n, "text": "..."}, the first 100]}; members that are not known are left out. Tells STORE_PROVING. */
int store_check_chain(struct store *store, json_t **ret_object, struct sb_error *err) SB_MUST_CHECK;

/* What is to be looked at once more, the one that is due first, as JSON text: {due_ms, record_id, record_state, instance,
 * step, round, intent_state, at_ms, settled_ms, made, kept}. NULL in *ret_doc: nothing. free() it. */
int store_next_sweep(struct store *store, char **ret_doc, struct sb_error *err) SB_MUST_CHECK;
/* What the record has made, and the plugin has named: an array of objects as above. */
int store_made(struct store *store, int64_t record_id, json_t **ret_array,
               struct sb_error *err) SB_MUST_CHECK;
/* {"doubled": [{record_id, reference, instance, step, round, at_ms, made, others}], "sweeps": [{record_id, instance,
 * step, round, due_ms}]} of one record, or (record_id 0) of all, and then also "verdicts": {verdict: count} of what
 * looking has said and operators have decided, and "intents": [{instance, step, state, count}]. */
int store_proof(struct store *store, int64_t record_id, json_t **ret_object,
                struct sb_error *err) SB_MUST_CHECK;
/* Takes back that these (objects of store_made()) were created twice: one only is there now. */
int store_forget_doubled(struct store *store, const json_t *looks, struct sb_error *err) SB_MUST_CHECK;
/* {"record_id": 0 when imported or expired, "state", "reason", "received_ms", "is_unknown"} of an identity; NULL in
 * *ret_object: it is not known. */
int store_standing(struct store *store, const char *account, const char *external_id, json_t **ret_object,
                   struct sb_error *err) SB_MUST_CHECK;
/* Documents that are kept by name with their time: NULL when there is none. */
int store_report(struct store *store, const char *name, int64_t *ret_at_ms, json_t **ret_doc,
                 struct sb_error *err) SB_MUST_CHECK;
int store_keep_report(struct store *store, const char *name, int64_t at_ms, const json_t *doc,
                      struct sb_error *err) SB_MUST_CHECK;

/* What an operator says of an unknown outcome. */
struct store_decision {
    /* It made the thing of this id, which is looked at when the record goes on; NULL: it made nothing, and is sent again. */
    const char *adopt;
    bool is_forced;   /* take it even without the reference */
    const char *text; /* with `adopt`: what the timeline says */
    int64_t sweep_ms; /* without: when to look whether there are two after all */
};
/* SB_EINPUT when the record is not there, or not UNKNOWN (active or dead with an open intent). */
int store_check_unknown(struct store *store, int64_t id, enum store_state *ret_state,
                        struct sb_error *err) SB_MUST_CHECK;
/* Notes the decision on the record's timeline; makes a dead one active. For a record that is not under way in a flow. */
int store_decide(struct store *store, int64_t id, const struct store_decision *decision, int64_t now_ms,
                 struct sb_error *err) SB_MUST_CHECK;

/* ---- keeping house ------------------------------------------------------------------------------------- */

/* Makes records of `state` (id 0), or one record (id > 0, whatever its state), active again; counts them. DEAD and DISABLED
 * records keep their place, with attempts 0. DONE ones are taken only with problems: they pass all stages again from the first
 * that had one, for the transcript may be had now, and what came of it may change the rest; their problems are counted anew.
 * Intents stay as they are: what is done is not done again. SB_EINPUT when the record is not there, or in another state. */
int store_retry(struct store *store, int64_t id, enum store_state state, int64_t now_ms, size_t *ret_count,
                struct sb_error *err) SB_MUST_CHECK;
/* Ends a record that is ACTIVE (and not under way in the flow), DEAD or DISABLED; SB_EINPUT for any other. */
int store_drop(struct store *store, int64_t id, const char *reason, int64_t now_ms,
               struct sb_error *err) SB_MUST_CHECK;
/* Marks identities as delivered, so that they are never emitted; counts those that were new. */
int store_import(struct store *store, const char *account, const char *const *external_ids, size_t count,
                 int64_t now_ms, size_t *ret_new, struct sb_error *err) SB_MUST_CHECK;
/* Removes records that ended before `before_ms` with their timeline; identities, references, keys stay, and
 * so do dead letters: they wait for a person (retry or drop). At most `limit`, and 1,000, at once; counts
 * them. */
int store_expire(struct store *store, int64_t before_ms, size_t limit, size_t *ret_count,
                 struct sb_error *err) SB_MUST_CHECK;
/* Files of ended records (or of records that are gone), oldest first: a JSON array of {record_id, name,
 * instance, created_ms, ended_ms}; ended_ms 0: the record is gone. */
int store_files(struct store *store, size_t limit, json_t **ret_array, struct sb_error *err) SB_MUST_CHECK;
/* The same for one instance, and only where the record ended before `ended_before_ms` or is gone: what is
 * due. */
int store_files_of(struct store *store, const char *instance, int64_t ended_before_ms, size_t limit,
                   json_t **ret_array, struct sb_error *err) SB_MUST_CHECK;
/* Takes files that were removed out of the journal, in one transaction; a name that is not there is no failure. */
int store_forget_files(struct store *store, const char *const *names, size_t count,
                       struct sb_error *err) SB_MUST_CHECK;
int store_forget_file(struct store *store, const char *name, struct sb_error *err) SB_MUST_CHECK;
/* Work that may last for minutes in a large journal. */
enum store_work {
    STORE_CHECKING, /* a backup that is to be restored; nobody knows how far it is: done stays 0 */
    STORE_COPYING,  /* both of these are bytes */
    STORE_PROVING   /* links of the hash chain */
};
/* Called on the thread that does the work, from time to time and when it is whole. Must not use the store. */
typedef void store_progress_fn(void *ctx, enum store_work work, int64_t done, int64_t whole);
struct store_progress {
    store_progress_fn *fn; /* NULL: nobody wants to know */
    void *ctx;
};
/* From now on for this store; copied. */
void store_tell(struct store *store, const struct store_progress *progress);

/* A consistent copy into the new file `path` (0600; relative to the working folder), while others write.
 * Blocks for as long as the copy takes: best with a reader of its own. SB_EINPUT when the file exists. A
 * failure leaves no file. Tells STORE_COPYING. */
int store_backup(struct store *store, const char *path, struct sb_error *err) SB_MUST_CHECK;
/* Puts the backup at `path` in the place of data_dir's journal, which is kept as journal.db.replaced-<time>:
 * every unfinished record, and every conversation from before now that is emitted later, is doubtful.
 * data_dir must be owned by nobody (SB_EBUSY). A file that is no sound journal is refused and changes
 * nothing. After a crash in the middle the next store_open, or store_restore, finds the old journal or
 * finishes the work. Tells STORE_CHECKING and STORE_COPYING; `progress` may be NULL. */
int store_restore(const char *data_dir, const char *path, int64_t now_ms,
                  const struct store_progress *progress, struct sb_error *err) SB_MUST_CHECK;

#endif
