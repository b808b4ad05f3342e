/* Reading what the engine needs to go on: unfinished records, one record whole, documents. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/scope.h"
#include "store/sqlite_store.h"

enum { RECORD_BYTES_MAX = 256 * 1024 * 1024, LIST_FIRST = 64, REFERENCE_TEXT_MAX = 64 };

/* Copies a text column. A NULL column gives NULL; so does want of memory, which is noted. */
static const char *copy_text(const struct query *query, int column, struct arena *arena, bool *ret_failed)
{
    const char *text = query_text_at(query, column);
    if (!text)
        return NULL;

    const char *copy = arena_strdup(arena, text);
    if (!copy)
        *ret_failed = true;
    return copy;
}

static int fail_memory(struct sb_error *err)
{
    return sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");
}

static int fail_word(const struct store *store, int64_t id, const char *word, struct sb_error *err)
{
    return sb_fail(err, SB_ECONFIG,
                   "'%s' is damaged: record %lld has the word '%.40s'; put a backup in its place with "
                   "'switchboard restore FILE'",
                   store->path, (long long)id, word ? word : "");
}

/* ---- unfinished records -------------------------------------------------------------------------------- */

/* Room for one more; `list` as it is when there is none. */
static void *grow_list(void *list, size_t count, size_t size, size_t *capacity, bool *ret_failed)
{
    if (count < *capacity)
        return list;
    size_t larger = *capacity ? *capacity * 2 : LIST_FIRST;
    void *grown = reallocarray(list, larger, size);

    *ret_failed = !grown;
    if (grown)
        *capacity = larger;
    return grown ? grown : list;
}

/* Consecutive records are mostly of the same pipeline, whose name is then kept once. */
static const char *copy_pipeline(const struct query *query, struct arena *arena, const char *last,
                                 bool *ret_failed)
{
    const char *pipeline = query_text_at(query, 1);

    return last && pipeline && strcmp(last, pipeline) == 0 ? last : copy_text(query, 1, arena, ret_failed);
}

int store_active(struct store *store, struct arena *arena, struct store_active **ret_list, size_t *ret_count,
                 struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_ACTIVE);
    struct store_active *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool has_failed = false;
    int rc = 0;

    while (!has_failed && (rc = query_next(&query, err)) > 0) {
        list = grow_list(list, count, sizeof(*list), &capacity, &has_failed);
        if (has_failed)
            break;
        const char *state = query_text_at(&query, 2);
        list[count] = (struct store_active){
            .id = query_int_at(&query, 0),
            .pipeline = copy_pipeline(&query, arena, count ? list[count - 1].pipeline : NULL, &has_failed),
            .has_open_intent = state && strcmp(state, store_intent_state_word(STORE_INTENT_OPEN)) == 0,
            .intent_instance = copy_text(&query, 3, arena, &has_failed),
            .intent_key = copy_text(&query, 4, arena, &has_failed),
        };
        count++;
    }
    if (has_failed)
        rc = fail_memory(err);
    if (rc < 0) {
        free(list);
        return rc;
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

static int load_left_keys(struct store *store, struct arena *arena, struct store_left_key **ret_list,
                          size_t *ret_count, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_LEFT_KEYS);
    struct store_left_key *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool has_failed = false;
    int rc = 0;

    while (!has_failed && (rc = query_next(&query, err)) > 0) {
        list = grow_list(list, count, sizeof(*list), &capacity, &has_failed);
        if (has_failed)
            break;
        list[count++] = (struct store_left_key){ .instance = copy_text(&query, 0, arena, &has_failed),
                                                 .key = copy_text(&query, 1, arena, &has_failed),
                                                 .ended_ms = query_int_at(&query, 2) };
    }
    if (has_failed)
        rc = fail_memory(err);
    if (rc < 0) {
        free(list);
        return rc;
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

int store_unfinished(struct store *store, struct arena *arena, struct store_unfinished *ret_unfinished,
                     struct sb_error *err)
{
    struct store_unfinished found = { .active = NULL };
    int rc = store_active(store, arena, &found.active, &found.active_count, err);

    if (rc == 0)
        rc = load_left_keys(store, arena, &found.left, &found.left_count, err);
    if (rc < 0)
        store_unfinished_done(&found);
    *ret_unfinished = found;
    return rc;
}

void store_unfinished_done(struct store_unfinished *unfinished)
{
    free(unfinished->active);
    free(unfinished->left);
    *unfinished = (struct store_unfinished){ .active = NULL };
}

/* ---- one record ---------------------------------------------------------------------------------------- */

static int phase_from_word(const char *word)
{
    for (int phase = 0; word && phase < STORE_PHASE_COUNT; phase++)
        if (strcmp(word, store_phase_word((enum store_phase)phase)) == 0)
            return phase;
    return -1;
}

static int intent_state_from_word(const char *word)
{
    for (int state = 0; word && state < STORE_INTENT_STATE_COUNT; state++)
        if (strcmp(word, store_intent_state_word((enum store_intent_state)state)) == 0)
            return state;
    return -1;
}

static int fill_record(const struct query *query, struct store_record *record, struct sb_error *err)
{
    struct arena *arena = record->arena;
    const char *state = query_text_at(query, 5);
    const char *phase = query_text_at(query, 6);
    bool has_failed = false;

    record->state = store_state_from_word(state);
    if (record->state == STORE_STATE_INVALID)
        return fail_word(query->store, record->id, state, err);
    if (phase_from_word(phase) < 0)
        return fail_word(query->store, record->id, phase, err);
    record->pipeline = copy_text(query, 0, arena, &has_failed);
    record->account = copy_text(query, 1, arena, &has_failed);
    record->external_id = copy_text(query, 2, arena, &has_failed);
    record->reference = copy_text(query, 3, arena, &has_failed);
    record->reason = copy_text(query, 4, arena, &has_failed);
    record->place = (struct store_place){
        .phase = (enum store_phase)phase_from_word(phase),
        .index = (uint32_t)query_int_at(query, 7),
        .instance = copy_text(query, 8, arena, &has_failed),
        .step = copy_text(query, 9, arena, &has_failed),
        .round = (uint32_t)query_int_at(query, 10),
        .attempt = (uint32_t)query_int_at(query, 11),
        .since_ms = query_int_at(query, 12),
    };
    record->is_doubtful = query_int_at(query, 13) != 0;
    record->problems = (uint32_t)query_int_at(query, 14);
    record->received_ms = query_int_at(query, 15);
    record->updated_ms = query_int_at(query, 16);
    record->ended_ms = query_int_at(query, 17);
    return has_failed ? fail_memory(err) : 0;
}

/* What was written here is taken back as it is: a script may have put a NUL into a text, and a record that
 * cannot be loaded would be lost for that. */
static json_t *parse_section(const char *doc, size_t size, json_error_t *why)
{
    return json_loadb(doc, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, why);
}

static int load_sections(struct store *store, struct store_record *record, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_SECTIONS_GET);
    int rc = 0;

    query_int(&query, record->id);
    while ((rc = query_next(&query, err)) > 0) {
        json_error_t why;
        const char *name = query_text_at(&query, 0);
        const char *doc = query_text_at(&query, 1);
        if (!name || !doc)
            return fail_memory(err);
        json_t *section = parse_section(doc, query_size_at(&query, 1), &why);
        if (!section && json_error_code(&why) == json_error_out_of_memory)
            return fail_memory(err);
        if (!section)
            return sb_fail(err, SB_ECONFIG,
                           "'%s' is damaged: section '%.40s' of record %lld is no JSON (%d:%d)", store->path,
                           name, (long long)record->id, why.line, why.column);
        if (json_object_set_new(record->sections, name, section) < 0)
            return fail_memory(err);
    }
    return rc;
}

static int count_intents(struct store *store, int64_t id, size_t *ret_count, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_INTENTS_COUNT);

    query_int(&query, id);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    *ret_count = rc > 0 ? (size_t)query_int_at(&query, 0) : 0;
    return 0;
}

static void fill_unsettled(const struct query *query, struct store_record *record,
                           enum store_intent_state state, bool *ret_failed)
{
    struct arena *arena = record->arena;

    record->has_intent = true;
    record->intent_state = state;
    record->intent = (struct store_intent){
        .instance = copy_text(query, 1, arena, ret_failed),
        .step = copy_text(query, 2, arena, ret_failed),
        .round = (uint32_t)query_int_at(query, 3),
        .attempt = (uint32_t)query_int_at(query, 4),
        .key = copy_text(query, 5, arena, ret_failed),
        .request = copy_text(query, 6, arena, ret_failed),
        .kept = copy_text(query, 7, arena, ret_failed),
        .at_ms = query_int_at(query, 9),
        .adopt = copy_text(query, 10, arena, ret_failed),
        .is_forced = query_int_at(query, 11) != 0,
    };
    record->intent_answer = copy_text(query, 8, arena, ret_failed);
}

static int load_intents(struct store *store, struct store_record *record, struct sb_error *err)
{
    size_t count = 0;
    size_t settled_count = 0;
    bool has_failed = false;
    int rc = count_intents(store, record->id, &count, err);
    if (rc < 0 || count == 0)
        return rc;

    struct store_settled *settled = arena_alloc(record->arena, count * sizeof(*settled));
    if (!settled)
        return fail_memory(err);
    AUTO_QUERY query = query_begin(store, STATEMENT_INTENTS_GET);
    query_int(&query, record->id);
    while (!has_failed && (rc = query_next(&query, err)) > 0) {
        int state = intent_state_from_word(query_text_at(&query, 0));
        if (state < 0)
            return fail_word(store, record->id, query_text_at(&query, 0), err);
        if (state == STORE_INTENT_OPEN || state == STORE_INTENT_ANSWERED) {
            fill_unsettled(&query, record, (enum store_intent_state)state, &has_failed);
            continue;
        }
        assert(settled_count < count);
        settled[settled_count++] = (struct store_settled){
            .instance = copy_text(&query, 1, record->arena, &has_failed),
            .step = copy_text(&query, 2, record->arena, &has_failed),
            .round = (uint32_t)query_int_at(&query, 3),
            .state = (enum store_intent_state)state,
        };
    }
    record->settled = settled;
    record->settled_count = settled_count;
    return has_failed ? fail_memory(err) : rc;
}

static int load_row(struct store *store, struct store_record *record, bool *ret_is_there,
                    struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_RECORD_GET);

    query_int(&query, record->id);
    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    *ret_is_there = rc > 0;
    return rc > 0 ? fill_record(&query, record, err) : 0;
}

static int load_whole(struct store *store, struct store_record *record, bool *ret_is_there,
                      struct sb_error *err)
{
    int rc = read_begin(store, err);

    if (rc < 0)
        return rc;
    rc = load_row(store, record, ret_is_there, err);
    if (rc == 0 && *ret_is_there)
        rc = load_sections(store, record, err);
    if (rc == 0 && *ret_is_there)
        rc = load_intents(store, record, err);
    read_end(store);
    return rc;
}

int store_load(struct store *store, int64_t id, struct store_record **ret_record, struct sb_error *err)
{
    bool is_there = false;
    struct store_record *record = calloc(1, sizeof(*record));
    if (!record)
        return fail_memory(err);

    record->id = id;
    record->arena = arena_new(RECORD_BYTES_MAX);
    record->sections = json_object();
    int rc = record->arena && record->sections ? load_whole(store, record, &is_there, err) : fail_memory(err);
    if (rc != 0 || !is_there) {
        store_record_free(record);
        record = NULL;
    }
    if (rc == 0)
        *ret_record = record;
    return rc;
}

/* ---- finding ------------------------------------------------------------------------------------------- */

static int find_text(struct store *store, enum statement statement, const char *text, int64_t *ret_id,
                     struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);

    query_text(&query, text);
    int rc = query_next(&query, err);
    if (rc > 0)
        *ret_id = query_int_at(&query, 0); /* NULL, an identity without a record, reads as 0 */
    return rc < 0 ? rc : 0;
}

static int find_number(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err)
{
    int64_t id = 0;
    if (parse_int(text, &id, NULL) < 0 || id <= 0)
        return 0;

    AUTO_QUERY query = query_begin(store, STATEMENT_RECORD_IS_THERE);
    query_int(&query, id);
    int rc = query_next(&query, err);
    if (rc > 0)
        *ret_id = id;
    return rc < 0 ? rc : 0;
}

/* As a person may have typed it: any case, and the letters that base 32 leaves out because they look like
 * digits. */
static int find_reference(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err)
{
    char reference[REFERENCE_SIZE];

    if (strlen(text) != REFERENCE_SIZE - 1)
        return 0;
    for (size_t i = 0; i < sizeof(reference); i++) {
        char c = text[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c == 'O')
            c = '0';
        if (c == 'I' || c == 'L')
            c = '1';
        reference[i] = c;
    }
    return find_text(store, STATEMENT_FIND_REFERENCE, reference, ret_id, err);
}

int store_find(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err)
{
    int64_t id = 0;
    int rc = find_number(store, text, &id, err);

    if (rc == 0 && id == 0)
        rc = find_text(store, STATEMENT_FIND_EXTERNAL_ID, text, &id, err);
    if (rc == 0 && id == 0)
        rc = find_reference(store, text, &id, err);
    if (rc == 0)
        *ret_id = id;
    return rc;
}

/* ---- documents ----------------------------------------------------------------------------------------- */

static int take_doc(struct query *query, char **ret_doc, struct sb_error *err)
{
    int rc = query_next(query, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        *ret_doc = NULL;
        return 0;
    }
    const char *text = query_text_at(query, 0);
    char *doc = text ? strdup(text) : NULL;
    if (!doc)
        return fail_memory(err);
    *ret_doc = doc;
    return 0;
}

int store_cursor(struct store *store, const char *name, char **ret_doc, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CURSOR_GET);

    query_text(&query, name);
    return take_doc(&query, ret_doc, err);
}

int store_key(struct store *store, const char *instance, const char *name, char **ret_doc,
              struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_KEY_GET);

    query_text(&query, instance ? instance : "");
    query_text(&query, name);
    return take_doc(&query, ret_doc, err);
}

int store_token(struct store *store, const char *name, char **ret_doc, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_TOKEN_GET);

    query_text(&query, name);
    return take_doc(&query, ret_doc, err);
}
