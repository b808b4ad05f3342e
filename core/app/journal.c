/* The journal for verbs: read beside the engine, changed through it, or without it. */
#include "app/journal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "app/control.h"
#include "base/scope.h"

enum { TRIES_MAX = 50, TRY_AGAIN_MS = 100 };

int journal_read(const struct conf *conf, struct store **ret_store, struct sb_error *err)
{
    const struct store_options options = { .data_dir = conf->settings.data_dir, .is_reader = true };

    return store_open(&options, ret_store, err);
}

/* A reference as tickets show it, "[SB-0123456789ABC]" or without brackets. 0 when it is none, or there is no such
 * record. */
static int find_shown_reference(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err)
{
    char reference[REFERENCE_SIZE];
    const char *begin = *text == '[' ? text + 1 : text;

    if (strncasecmp(begin, "SB-", 3) != 0 || strcspn(begin + 3, "]/") != REFERENCE_SIZE - 1)
        return 0;
    memcpy(reference, begin + 3, REFERENCE_SIZE - 1);
    reference[REFERENCE_SIZE - 1] = '\0';
    return store_find(store, reference, ret_id, err);
}

int journal_find(struct store *store, const char *text, int64_t *ret_id, struct sb_error *err)
{
    int64_t id = 0;
    int rc = store_find(store, text, &id, err);

    if (rc == 0 && id == 0)
        rc = find_shown_reference(store, text, &id, err);
    if (rc < 0)
        return rc;
    if (id == 0)
        return sb_fail(err, SB_EINPUT,
                       "there is no record '%.100s': give its id, its call's id or its reference (see "
                       "'switchboard records')",
                       text);
    *ret_id = id;
    return 0;
}

int journal_look_up(const struct conf *conf, const char *text, int64_t *ret_id, struct sb_error *err)
{
    struct store *store = NULL;
    int rc = journal_read(conf, &store, err);

    if (rc == 0)
        rc = journal_find(store, text, ret_id, err);
    store_close(store);
    return rc;
}

/* ---- changing ---- */

struct journal_changer {
    const char *data_dir;
    struct store *store; /* owned; NULL: an engine runs */
};

static void wait_a_little(void)
{
    const struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000L };

    (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
}

/* An engine that holds the journal but does not answer yet is opening it, or has just closed its door. */
static int settle_who(struct journal_changer *changer, struct sb_error *err)
{
    const struct store_options options = { .data_dir = changer->data_dir };
    struct sb_error why = SB_ERROR_INIT;

    for (int i = 0; i < TRIES_MAX; i++) {
        AUTO_JSON status = NULL;
        why = (struct sb_error)SB_ERROR_INIT;
        int rc = control_ask(changer->data_dir, "status", /* body= */ NULL, &status, &why);
        if (rc == 0)
            return 0;
        if (rc != SB_EBUSY)
            break;
        why = (struct sb_error)SB_ERROR_INIT;
        rc = store_open(&options, &changer->store, &why);
        if (rc == 0)
            return 0;
        if (rc != SB_EBUSY)
            break;
        wait_a_little();
    }
    return sb_fail(err, (enum sb_status)why.status, "%s", why.text);
}

int journal_changer_new(const struct conf *conf, struct journal_changer **ret_changer, struct sb_error *err)
{
    struct journal_changer *changer = calloc(1, sizeof(*changer));

    if (!changer)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    changer->data_dir = conf->settings.data_dir;
    int rc = settle_who(changer, err);
    if (rc < 0) {
        journal_changer_free(changer);
        return rc;
    }
    *ret_changer = changer;
    return 0;
}

void journal_changer_free(struct journal_changer *changer)
{
    if (!changer)
        return;
    store_close(changer->store);
    free(changer);
}

bool journal_changer_is_alone(const struct journal_changer *changer)
{
    return changer->store != NULL;
}

int journal_do(struct journal_changer *changer, const struct journal_change *change, json_t **ret_answer,
               struct sb_error *err)
{
    if (changer->store)
        return change->alone(change->ctx, changer->store, ret_answer, err);
    return control_ask(changer->data_dir, change->verb, change->body, ret_answer, err);
}

int journal_change_once(const struct conf *conf, const struct journal_change *change, bool *ret_alone,
                        json_t **ret_answer, struct sb_error *err)
{
    struct journal_changer *changer = NULL;
    int rc = journal_changer_new(conf, &changer, err);

    if (!changer)
        return rc;
    rc = journal_do(changer, change, ret_answer, err);
    if (rc == 0 && ret_alone)
        *ret_alone = journal_changer_is_alone(changer);
    journal_changer_free(changer);
    return rc;
}
