/* The journal as the verbs of the command line use it: beside a running engine, or in its place. */
#ifndef APP_JOURNAL_H
#define APP_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "store/store.h"

/* Opens the journal of `conf` for reading, whoever else has it. */
int journal_read(const struct conf *conf, struct store **ret_store, struct sb_error *err) SB_MUST_CHECK;
/* The record that a person means: its id, its external id, or its reference. SB_EINPUT when there is none. */
int journal_find(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err) SB_MUST_CHECK;
/* The same with a reader of its own. */
int journal_look_up(const struct conf *conf, const char *text, int64_t *ret_id,
                    struct sb_error *err) SB_MUST_CHECK;

/* One change, in two forms. */
struct journal_change {
    const char *verb;   /* what the running engine is asked: "retry" */
    const json_t *body; /* borrowed */
    /* What is done instead when nothing runs. Gives the same answer as the engine would. */
    int (*alone)(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err);
    void *ctx;
};

/* Changes: several in a row go the same way as the first. */
struct journal_changer;

/* Finds out whether an engine runs on the journal of `conf`; else takes the journal for itself, waiting a little for one
 * that is just starting or ending. Borrows `conf`. */
int journal_changer_new(const struct conf *conf, struct journal_changer **ret_changer,
                        struct sb_error *err) SB_MUST_CHECK;
void journal_changer_free(struct journal_changer *changer); /* NULL allowed */
bool journal_changer_is_alone(const struct journal_changer *changer);
/* Carries out one change. Gives the answer, an object. */
int journal_do(struct journal_changer *changer, const struct journal_change *change, json_t **ret_answer,
               struct sb_error *err) SB_MUST_CHECK;
/* The same for a single change. `ret_alone` (may be NULL): whether no engine runs. */
int journal_change_once(const struct conf *conf, const struct journal_change *change, bool *ret_alone,
                        json_t **ret_answer, struct sb_error *err) SB_MUST_CHECK;

#endif
