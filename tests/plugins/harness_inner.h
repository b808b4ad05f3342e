/* What the files of the harness share. */
#ifndef HARNESS_INNER_H
#define HARNESS_INNER_H

#include "plugins/harness.h"

enum harness_kind { HARNESS_STEP, HARNESS_POLL, HARNESS_RECONCILE };

/* One call that is made twice: the exchanges, and the documents that they were given. */
struct harness_pair {
    struct sb_exchange *x[2];
    json_t *documents[2], *key_docs[2];
    const struct sb_step *step; /* NULL: no call under way */
    bool is_built;              /* build said SB_OK and no fold has followed */
};

struct harness_known {
    const struct sb_known *known; /* NULL: not set */
    const char *record;
};

struct harness {
    struct sb_instance *instance;
    char files_dir[64];
    json_t *record, *cursor, *key_doc, *intent;
    int64_t now_ms, age_ms, intent_at_ms;
    uint32_t round;
    bool is_doubtful;
    bool looks_for_all, is_forced;
    const char *look_id;
    int64_t list_since_ms;
    char reference[32];
    struct harness_pair pair;
    struct harness_result result;
    json_t *shot; /* what `result` points into */
    char *key;
    const struct harness_answer *answers;
    unsigned answered[HARNESS_ANSWERS_MAX];
    json_t *requests;
    struct harness_reply reply;
    struct harness_known known[2]; /* of a look, and after a wait */
    const char *caller;
    bool has_caller;
    json_t *loose; /* documents handed out besides */
    void *script;  /* loaded by the harness, freed with it */
};

/* Parses `text` or fails the test. */
json_t *harness_parse(const char *text, const char *what);
/* An exchange's outcome as one document, for comparing and for results. */
json_t *harness_shot(struct sb_exchange *x, enum sb_verdict verdict, bool with_request);
void harness_compare(const json_t *first, const json_t *second, const char *what);

#endif
