/* What the tests of the store share: a folder of its own for each test, and changes in one line. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/scope.h"
#include "store/store.h"

static const int64_t T0 = INT64_C(1773133211000); /* 2026-03-10 09:00:11 UTC */

struct fixture {
    char root[64];     /* made for the test, removed with everything in it */
    char dir[96];      /* data_dir, made by the store */
    char journal[128]; /* data_dir/journal.db */
    struct store *store;
};

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)where;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

static inline struct store *open_store(const char *dir)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;

    if (store_open(&(struct store_options){ .data_dir = dir }, &store, &err) < 0)
        fail_msg("cannot open: %s", err.text);
    return store;
}

static inline struct store *open_reader(const char *dir)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;

    if (store_open(&(struct store_options){ .data_dir = dir, .is_reader = true }, &store, &err) < 0)
        fail_msg("cannot open for reading: %s", err.text);
    return store;
}

static inline const struct store_options *writer_of(const struct fixture *fixture)
{
    static struct store_options options;

    options = (struct store_options){ .data_dir = fixture->dir };
    return &options;
}

static inline const struct store_options *reader_of(const struct fixture *fixture)
{
    static struct store_options options;

    options = (struct store_options){ .data_dir = fixture->dir, .is_reader = true };
    return &options;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Opening must fail with `status`, saying all of `words` (NULL-terminated). */
static inline void assert_open_fails(const struct store_options *options, int status,
                                     const char *const *words)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store *store = NULL;

    if (store_open(options, &store, &err) == 0) {
        store_close(store);
        fail_msg("opened, but should have failed with '%s'", words[0]);
    }
    assert_int_equal(status, err.status);
    for (size_t i = 0; words[i]; i++)
        if (!strstr(err.text, words[i]))
            fail_msg("'%s' is missing in: %s", words[i], err.text);
}

static inline int setup_folder_in(void **state, const char *base)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    (void)snprintf(fixture->root, sizeof(fixture->root), "%s/test_store.XXXXXX", base);
    assert_non_null(mkdtemp(fixture->root));
    (void)snprintf(fixture->dir, sizeof(fixture->dir), "%s/var", fixture->root);
    (void)snprintf(fixture->journal, sizeof(fixture->journal), "%s/journal.db", fixture->dir);
    *state = fixture;
    return 0;
}

/* A folder name without a store in it yet. */
static inline int setup_folder(void **state)
{
    return setup_folder_in(state, "/tmp");
}

/* The same where a sync costs nothing, for tests that need hundreds of stores. */
static inline int setup_memory_folder(void **state)
{
    return setup_folder_in(state, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline int setup_store(void **state)
{
    (void)setup_folder(state);
    struct fixture *fixture = *state;
    fixture->store = open_store(fixture->dir);
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    assert_int_equal(0, nftw(fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS));
    free(fixture);
    return 0;
}

static inline void reopen(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = open_store(fixture->dir);
}

/* ---- changes ------------------------------------------------------------------------------------------- */

static inline struct store_change *new_change(int64_t record_id)
{
    struct store_change *change = store_change_new();

    assert_non_null(change);
    change->record_id = record_id;
    change->now_ms = T0;
    return change;
}

static inline int try_apply(struct store *store, struct store_change *change, struct sb_error *err)
{
    struct store_change *changes[] = { change };

    return store_apply(store, changes, 1, err);
}

/* Applies and frees. */
static inline void apply(struct store *store, struct store_change *change)
{
    struct sb_error err = SB_ERROR_INIT;

    if (try_apply(store, change, &err) < 0)
        fail_msg("cannot apply: %s", err.text);
    store_change_free(change);
}

static inline struct store_emit *add_emit(struct store_change *change, const char *external_id)
{
    struct store_emit *emit = arena_alloc(change->arena, sizeof(*emit));
    struct store_text *section = arena_alloc(change->arena, sizeof(*section));

    assert_non_null(emit);
    assert_non_null(section);
    *section = (struct store_text){ "call", "{\"from\":\"+915550100001\"}" };
    *emit = (struct store_emit){ .pipeline = "calls",
                                 .account = "acmedemo1",
                                 .external_id = arena_strdup(change->arena, external_id),
                                 .sections = section,
                                 .section_count = 1,
                                 .conversation_at_ms = T0 };
    change->emits = emit;
    change->emit_count = 1;
    return emit;
}

/* Emits one conversation: its record's id, or 0 when it was known. */
static inline int64_t emit_one(struct store *store, const char *external_id)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(0);
    struct store_emit *emit = add_emit(change, external_id);

    if (try_apply(store, change, &err) < 0)
        fail_msg("cannot emit: %s", err.text);
    int64_t id = emit->ret_id;
    store_change_free(change);
    return id;
}

/* Emits so many: call0, call1 and so on. */
static inline void emit_many(struct store *store, int count)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "call%d", i);
        (void)emit_one(store, name);
    }
}

/* Puts the record at a step of a sink, in any state. */
static inline struct store_change *move_change(int64_t id, enum store_state state, const char *reason)
{
    struct store_change *change = new_change(id);

    change->sets_place = true;
    change->state = state;
    change->reason = reason;
    change->place = (struct store_place){ .phase = STORE_PHASE_SINK,
                                          .index = 1,
                                          .instance = "zoho_desk",
                                          .step = "create_ticket",
                                          .round = 2,
                                          .attempt = 3,
                                          .since_ms = T0 + 5 };
    return change;
}

static inline void end_record(struct store *store, int64_t id, enum store_state state, const char *reason,
                              int64_t at_ms)
{
    struct store_change *change = move_change(id, state, reason);

    change->now_ms = at_ms;
    apply(store, change);
}

static inline struct store_change *intent_change(int64_t id, const char *step, uint32_t attempt)
{
    struct store_change *change = new_change(id);
    struct store_intent *intent = arena_alloc(change->arena, sizeof(*intent));

    assert_non_null(intent);
    *intent = (struct store_intent){ .instance = "zoho_desk",
                                     .step = step,
                                     .attempt = attempt,
                                     .key = "phone:5550100001",
                                     .request = "{\"method\":\"POST\"}",
                                     .kept = "{\"contact\":\"77\"}",
                                     .at_ms = T0 + attempt };
    change->intent = intent;
    return change;
}

static inline void open_intent(struct store *store, int64_t id, const char *step, uint32_t attempt)
{
    apply(store, intent_change(id, step, attempt));
}

static inline void settle_intent(struct store *store, int64_t id, enum store_intent_state state,
                                 const char *answer)
{
    struct store_change *change = new_change(id);

    change->settles_intent = true;
    change->intent_state = state;
    change->intent_answer = answer;
    apply(store, change);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static inline struct store_record *load(struct store *store, int64_t id)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_record *record = NULL;

    if (store_load(store, id, &record, &err) < 0)
        fail_msg("cannot load: %s", err.text);
    return record;
}

static inline json_t *totals(struct store *store)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *object = NULL;

    if (store_totals(store, &object, &err) < 0)
        fail_msg("cannot read totals: %s", err.text);
    return object;
}

static inline int64_t total(struct store *store, const char *path)
{
    AUTO_JSON object = totals(store);
    json_t *value = json_at(object, path);

    if (!value)
        fail_msg("no total '%s'", path);
    return (int64_t)json_number_value(value);
}

static inline int64_t find(struct store *store, const char *text)
{
    struct sb_error err = SB_ERROR_INIT;
    int64_t id = -1;

    if (store_find(store, text, &id, &err) < 0)
        fail_msg("cannot find: %s", err.text);
    return id;
}

#endif
