/* Making links of the hash chain; see sqlite_chain.h. */
#include <assert.h>
#include <string.h>

#include "store/sqlite_store.h"

/* ---- digests ------------------------------------------------------------------------------------------- */

enum { NUMBERS_MAX = 10, TEXTS_MAX = 6, NUMBER_SIZE = 8 };

/* What a link says, in a form in which two different contents are never the same bytes. */
struct content {
    int64_t numbers[NUMBERS_MAX];
    size_t number_count;
    const char *texts[TEXTS_MAX]; /* NULL is told from "" */
    size_t text_count;
};

static void put_number(unsigned char *to, int64_t number)
{
    uint64_t bits = (uint64_t)number;

    for (size_t i = 0; i < NUMBER_SIZE; i++)
        to[i] = (unsigned char)(bits >> (8 * i));
}

/* Numbers first, then the lengths of the texts, then the texts. */
static void digest_content(struct digest *digest, const struct content *content,
                           unsigned char ret[DIGEST_SIZE])
{
    unsigned char packed[(NUMBERS_MAX + TEXTS_MAX) * NUMBER_SIZE];
    size_t sizes[TEXTS_MAX] = { 0 };
    size_t at = 0;

    for (size_t i = 0; i < content->number_count; i++, at += NUMBER_SIZE)
        put_number(packed + at, content->numbers[i]);
    for (size_t i = 0; i < content->text_count; i++, at += NUMBER_SIZE) {
        sizes[i] = content->texts[i] ? strlen(content->texts[i]) : 0;
        put_number(packed + at, content->texts[i] ? (int64_t)sizes[i] : -1);
    }
    digest_add(digest, packed, at);
    for (size_t i = 0; i < content->text_count; i++)
        if (sizes[i])
            digest_add(digest, content->texts[i], sizes[i]);
    digest_take(digest, ret);
}

void chain_digest_outcome(struct digest *digest, int64_t link, int64_t record_id,
                          const struct store_outcome *outcome, unsigned char ret[DIGEST_SIZE])
{
    const struct content content = {
        .numbers = { CHAIN_OUTCOME, link, record_id, outcome->at_ms, outcome->round, outcome->attempt,
                     outcome->http_status, outcome->duration_ms },
        .number_count = 8,
        .texts = { outcome->instance ? outcome->instance : "", outcome->step ? outcome->step : "",
                   outcome->verdict, outcome->text },
        .text_count = 4,
    };
    digest_content(digest, &content, ret);
}

void chain_digest_intent(struct digest *digest, int64_t record_id, int64_t intent_id,
                         const struct store_intent *intent, unsigned char ret[DIGEST_SIZE])
{
    const struct content content = {
        .numbers = { CHAIN_INTENT, record_id, intent_id, intent->at_ms, intent->round, intent->attempt },
        .number_count = 6,
        .texts = { intent->instance, intent->step, intent->key, intent->request, intent->kept },
        .text_count = 5,
    };
    digest_content(digest, &content, ret);
}

void chain_digest_settled(struct digest *digest, const struct chain_settled *settled,
                          unsigned char ret[DIGEST_SIZE])
{
    const struct content content = {
        .numbers = { CHAIN_SETTLED, settled->record_id, settled->intent_id, settled->settled_ms },
        .number_count = 4,
        .texts = { settled->state, settled->answer, settled->made },
        .text_count = 3,
    };
    digest_content(digest, &content, ret);
}

void chain_value(struct digest *digest, const unsigned char before[DIGEST_SIZE],
                 const unsigned char content[DIGEST_SIZE], unsigned char ret[DIGEST_SIZE])
{
    unsigned char both[2 * DIGEST_SIZE];

    memcpy(both, before, DIGEST_SIZE);
    memcpy(both + DIGEST_SIZE, content, DIGEST_SIZE);
    digest_add(digest, both, sizeof(both));
    digest_take(digest, ret);
}

/* ---- links --------------------------------------------------------------------------------------------- */

struct chain_end chain_next_outcome(struct store *store, int64_t record_id,
                                    const struct store_outcome *outcome)
{
    struct chain *chain = &store->chain;
    unsigned char content[DIGEST_SIZE];

    assert(chain->digest);
    chain->last.link++;
    chain_digest_outcome(chain->digest, chain->last.link, record_id, outcome, content);
    chain_value(chain->digest, chain->last.value, content, chain->last.value);
    return chain->last;
}

static int add_link(struct store *store, enum chain_kind kind, int64_t record_id, int64_t intent_id,
                    const unsigned char content[DIGEST_SIZE], struct sb_error *err)
{
    struct chain *chain = &store->chain;
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_ADD);

    chain->last.link++;
    chain_value(chain->digest, chain->last.value, content, chain->last.value);
    query_int(&query, chain->last.link);
    query_int(&query, record_id);
    query_int(&query, intent_id);
    query_int(&query, kind);
    query_blob(&query, content, DIGEST_SIZE);
    query_blob(&query, chain->last.value, DIGEST_SIZE);
    return query_run(&query, err);
}

int chain_add_intent(struct store *store, int64_t record_id, int64_t intent_id,
                     const struct store_intent *intent, struct sb_error *err)
{
    unsigned char content[DIGEST_SIZE];

    assert(store->chain.digest);
    chain_digest_intent(store->chain.digest, record_id, intent_id, intent, content);
    return add_link(store, CHAIN_INTENT, record_id, intent_id, content, err);
}

int chain_add_settled(struct store *store, const struct chain_settled *settled, struct sb_error *err)
{
    unsigned char content[DIGEST_SIZE];

    assert(store->chain.digest);
    chain_digest_settled(store->chain.digest, settled, content);
    return add_link(store, CHAIN_SETTLED, settled->record_id, settled->intent_id, content, err);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

int chain_keep(struct store *store, struct sb_error *err)
{
    const struct chain *chain = &store->chain;
    if (chain->last.link == chain->kept.link)
        return 0;

    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_HEAD_MOVE);
    query_int(&query, chain->last.link);
    query_blob(&query, chain->last.value, DIGEST_SIZE);
    return query_run(&query, err);
}

void chain_end(struct store *store, bool was_committed)
{
    if (was_committed)
        store->chain.kept = store->chain.last;
    else
        store->chain.last = store->chain.kept;
}

/* ---- a journal from before ----------------------------------------------------------------------------- */

static int adopt_intents(struct store *store, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_INTENTS);
    int rc = 0;

    query_int(&query, 0);
    while (rc == 0 && (rc = query_next(&query, err)) > 0) {
        int64_t id = query_int_at(&query, 0), record_id = query_int_at(&query, 1);
        const struct store_intent intent = {
            .instance = query_text_at(&query, 2),
            .step = query_text_at(&query, 3),
            .round = (uint32_t)query_int_at(&query, 4),
            .attempt = (uint32_t)query_int_at(&query, 5),
            .key = query_text_at(&query, 6),
            .request = query_text_at(&query, 7),
            .kept = query_text_at(&query, 8),
            .at_ms = query_int_at(&query, 9),
        };
        const struct chain_settled settled = { .record_id = record_id,
                                               .intent_id = id,
                                               .settled_ms = query_int_at(&query, 10),
                                               .state = query_text_at(&query, 11),
                                               .answer = query_text_at(&query, 12),
                                               .made = query_text_at(&query, 13) };
        rc = chain_add_intent(store, record_id, id, &intent, err);
        if (rc == 0 && strcmp(settled.state, store_intent_state_word(STORE_INTENT_OPEN)) != 0)
            rc = chain_add_settled(store, &settled, err);
    }
    return rc;
}

static int adopt_outcome(struct store *store, int64_t id, int64_t record_id,
                         const struct store_outcome *outcome, struct sb_error *err)
{
    const struct chain_end end = chain_next_outcome(store, record_id, outcome);
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_ADOPT_OUTCOME);

    query_int(&query, end.link);
    query_blob(&query, end.value, DIGEST_SIZE);
    query_int(&query, id);
    return query_run(&query, err);
}

static int adopt_outcomes(struct store *store, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_OUTCOMES);
    int rc = 0;

    query_int(&query, 0);
    while (rc == 0 && (rc = query_next(&query, err)) > 0) {
        const struct store_outcome outcome = {
            .at_ms = query_int_at(&query, 2),
            .instance = query_text_at(&query, 3),
            .step = query_text_at(&query, 4),
            .round = (uint32_t)query_int_at(&query, 5),
            .attempt = (uint32_t)query_int_at(&query, 6),
            .verdict = query_text_at(&query, 7),
            .http_status = (int32_t)query_int_at(&query, 8),
            .duration_ms = (uint32_t)query_int_at(&query, 9),
            .text = query_text_at(&query, 10),
        };
        rc = adopt_outcome(store, query_int_at(&query, 0), query_int_at(&query, 1), &outcome, err);
    }
    return rc;
}

static int put_head(struct store *store, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_HEAD_ADD);

    query_int(&query, store->chain.last.link);
    query_blob(&query, store->chain.last.value, DIGEST_SIZE);
    return query_run(&query, err);
}

static int adopt(struct store *store, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    int rc = write_begin(store, err);
    if (rc < 0)
        return rc;

    rc = adopt_intents(store, &why);
    if (rc == 0)
        rc = adopt_outcomes(store, &why);
    if (rc == 0)
        rc = put_head(store, &why);
    return write_end(store, rc, &why, err);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static int read_head(struct store *store, bool *ret_is_there, struct sb_error *err)
{
    struct chain *chain = &store->chain;
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_HEAD_GET);

    int rc = query_next(&query, err);
    *ret_is_there = rc > 0;
    if (rc <= 0)
        return rc;
    chain->kept.link = query_int_at(&query, 0);
    if (!query_digest_at(&query, 1, chain->kept.value)) {
        return sb_fail(
            err, SB_ECONFIG,
            "'%s' is damaged: the end of its hash chain is no digest; put a backup in its place with "
            "'switchboard restore FILE'",
            store->path);
    }
    chain->last = chain->kept;
    return 0;
}

int chain_open(struct store *store, struct sb_error *err)
{
    bool is_there = false;

    store->chain.digest = digest_new();
    if (!store->chain.digest)
        return sb_fail(err, SB_ENOMEM, "cannot open '%s': out of memory", store->path);
    int rc = read_head(store, &is_there, err);
    return rc < 0 || is_there ? rc : adopt(store, err);
}

void chain_done(struct chain *chain)
{
    digest_free(chain->digest);
    chain->digest = NULL;
}
