/* Comparing the journal with its hash chain, row by row; see sqlite_chain.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "store/sqlite_store.h"

enum { FAULTS_MAX = 100, FAULT_TEXT_MAX = 256, TELL_EVERY = 4096 };

/* The next link of one of the three places where links stand. */
struct stream {
    struct query query;
    bool is_there;
    int64_t link, last; /* last: of a gap; else the same */
    int64_t record_id;
    unsigned char digest[DIGEST_SIZE], value[DIGEST_SIZE], last_value[DIGEST_SIZE];
    bool is_sound; /* its digests are digests */
    char what[96]; /* for people */
    int (*next)(struct stream *stream, struct digest *digest, struct sb_error *err);
};

struct check {
    struct store *store;
    struct digest *digest; /* owned */
    json_t *faults;        /* owned */
    int64_t fault_count, expired, adopted;
    struct chain_end before, head;
};

static void note(struct check *check, const char *what, int64_t link, int64_t record_id, const char *text)
{
    check->fault_count++;
    if (json_array_size(check->faults) >= FAULTS_MAX)
        return;
    json_t *fault = json_pack("{s:s, s:I, s:s}", "what", what, "link", (json_int_t)link, "text", text);
    if (record_id > 0)
        (void)json_object_set_new(fault, "record_id", json_integer(record_id));
    (void)json_array_append_new(check->faults, fault); /* counted in any case */
}

/* ---- where links stand --------------------------------------------------------------------------------- */

static int step(struct stream *stream, struct sb_error *err)
{
    int rc = query_next(&stream->query, err);

    stream->is_there = rc > 0;
    return rc < 0 ? rc : 0;
}

static int next_outcome(struct stream *stream, struct digest *digest, struct sb_error *err)
{
    const struct query *query = &stream->query;
    int rc = step(stream, err);
    if (rc < 0 || !stream->is_there)
        return rc;

    const struct store_outcome outcome = {
        .at_ms = query_int_at(query, 2),
        .instance = query_text_at(query, 3),
        .step = query_text_at(query, 4),
        .round = (uint32_t)query_int_at(query, 5),
        .attempt = (uint32_t)query_int_at(query, 6),
        .verdict = query_text_at(query, 7),
        .http_status = (int32_t)query_int_at(query, 8),
        .duration_ms = (uint32_t)query_int_at(query, 9),
        .text = query_text_at(query, 10),
    };
    stream->record_id = query_int_at(query, 1);
    stream->link = stream->last = query_int_at(query, 11);
    stream->is_sound = query_digest_at(query, 12, stream->value) && stream->link > 0;
    memcpy(stream->last_value, stream->value, DIGEST_SIZE);
    chain_digest_outcome(digest, stream->link, stream->record_id, &outcome, stream->digest);
    (void)snprintf(stream->what, sizeof(stream->what), "outcome '%.20s' of %.30s.%.30s", outcome.verdict,
                   outcome.instance, outcome.step);
    return 0;
}

static int next_intent(struct stream *stream, struct digest *digest, struct sb_error *err)
{
    const struct query *query = &stream->query;
    int rc = step(stream, err);
    if (rc < 0 || !stream->is_there)
        return rc;

    (void)digest; /* its content is compared with the intent's own row: check_intents */
    stream->link = stream->last = query_int_at(query, 0);
    stream->record_id = query_int_at(query, 1);
    stream->is_sound = query_digest_at(query, 4, stream->digest) && query_digest_at(query, 5, stream->value);
    memcpy(stream->last_value, stream->value, DIGEST_SIZE);
    (void)snprintf(stream->what, sizeof(stream->what), "%s of intent %lld",
                   query_int_at(query, 3) == CHAIN_SETTLED ? "settling" : "request",
                   (long long)query_int_at(query, 2));
    return 0;
}

static int next_gap(struct stream *stream, struct digest *digest, struct sb_error *err)
{
    const struct query *query = &stream->query;
    int rc = step(stream, err);
    if (rc < 0 || !stream->is_there)
        return rc;

    (void)digest;
    stream->link = query_int_at(query, 0);
    stream->last = query_int_at(query, 1);
    stream->record_id = 0;
    stream->is_sound = query_digest_at(query, 2, stream->digest) &&
                       query_digest_at(query, 3, stream->value) &&
                       query_digest_at(query, 4, stream->last_value) && stream->last >= stream->link;
    (void)snprintf(stream->what, sizeof(stream->what), "mark of %" PRId64 " expired links",
                   (stream->last - stream->link) + 1);
    return 0;
}

/* ---- walking along it ---------------------------------------------------------------------------------- */

static void note_missing(struct check *check, int64_t until, const char *behind)
{
    char text[FAULT_TEXT_MAX];
    int64_t from = check->before.link + 1;

    if (from == until)
        (void)snprintf(text, sizeof(text), "link %lld was removed, before %s", (long long)from, behind);
    else
        (void)snprintf(text, sizeof(text), "links %lld to %lld were removed, before %s", (long long)from,
                       (long long)until, behind);
    note(check, "removed", from, 0, text);
}

static void compare(struct check *check, const struct stream *stream)
{
    char text[FAULT_TEXT_MAX];
    unsigned char value[DIGEST_SIZE];

    if (stream->link > check->before.link + 1) {
        note_missing(check, stream->link - 1, stream->what);
    } else {
        chain_value(check->digest, check->before.value, stream->digest, value);
        if (memcmp(value, stream->value, DIGEST_SIZE) != 0) {
            (void)snprintf(text, sizeof(text), "the %s was changed (link %lld)", stream->what,
                           (long long)stream->link);
            note(check, "changed", stream->link, stream->record_id, text);
        }
    }
    check->before.link = stream->last;
    memcpy(check->before.value, stream->last_value, DIGEST_SIZE);
}

static void take(struct check *check, const struct stream *stream)
{
    char text[FAULT_TEXT_MAX];

    if (!stream->is_sound || stream->link <= check->before.link || stream->last > check->head.link) {
        (void)snprintf(text, sizeof(text), "the %s was inserted: it is no link of the chain", stream->what);
        note(check, "inserted", stream->link, stream->record_id, text);
        return;
    }
    if (stream->last != stream->link || stream->next == next_gap)
        check->expired += stream->last - stream->link + 1;
    compare(check, stream);
}

static int walk(struct check *check, struct stream *streams, size_t count, struct sb_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = streams[i].next(&streams[i], check->digest, err);
        if (rc < 0)
            return rc;
    }
    for (;;) {
        struct stream *first = NULL;
        for (size_t i = 0; i < count; i++)
            if (streams[i].is_there && (!first || streams[i].link < first->link))
                first = &streams[i];
        if (!first)
            return 0;
        take(check, first);
        if (first->link % TELL_EVERY == 0)
            tell_progress(check->store, STORE_PROVING, first->link, check->head.link);
        int rc = first->next(first, check->digest, err);
        if (rc < 0)
            return rc;
    }
}

static int walk_all(struct check *check, struct sb_error *err)
{
    struct stream streams[] = {
        { .query = query_begin(check->store, STATEMENT_CHAIN_OUTCOMES), .next = next_outcome },
        { .query = query_begin(check->store, STATEMENT_CHAIN_LINKS), .next = next_intent },
        { .query = query_begin(check->store, STATEMENT_CHAIN_GAPS), .next = next_gap },
    };

    query_int(&streams[0].query, 0);
    int rc = walk(check, streams, COUNT_OF(streams), err);
    for (size_t i = 0; i < COUNT_OF(streams); i++)
        query_end(&streams[i].query);
    if (rc < 0)
        return rc;
    if (check->before.link < check->head.link)
        note_missing(check, check->head.link, "the end of the chain");
    else if (memcmp(check->before.value, check->head.value, DIGEST_SIZE) != 0)
        note(check, "changed", check->head.link, 0, "the end of the chain was changed");
    return 0;
}

/* ---- intents ------------------------------------------------------------------------------------------- */

/* What the chain says last of an intent. */
struct told {
    bool has_intent, has_settled;
    unsigned char intent[DIGEST_SIZE], settled[DIGEST_SIZE];
};

static int read_told(struct check *check, int64_t record_id, int64_t intent_id, struct told *ret_told,
                     struct sb_error *err)
{
    AUTO_QUERY query = query_begin(check->store, STATEMENT_CHAIN_LAST_OF_INTENT);
    struct told told = { .has_intent = false };
    int rc = 0;

    query_int(&query, record_id);
    query_int(&query, intent_id);
    while (!told.has_intent && (rc = query_next(&query, err)) > 0) {
        if (query_int_at(&query, 0) == CHAIN_INTENT)
            told.has_intent = query_digest_at(&query, 1, told.intent);
        else if (!told.has_settled)
            told.has_settled = query_digest_at(&query, 1, told.settled);
    }
    *ret_told = told;
    return rc < 0 ? rc : 0;
}

/* NULL: as the chain says. */
static const char *fault_of(struct check *check, const struct query *row, const struct told *told)
{
    unsigned char content[DIGEST_SIZE];
    int64_t id = query_int_at(row, 0), record_id = query_int_at(row, 1);
    const struct store_intent intent = { .instance = query_text_at(row, 2),
                                         .step = query_text_at(row, 3),
                                         .round = (uint32_t)query_int_at(row, 4),
                                         .attempt = (uint32_t)query_int_at(row, 5),
                                         .key = query_text_at(row, 6),
                                         .request = query_text_at(row, 7),
                                         .kept = query_text_at(row, 8),
                                         .at_ms = query_int_at(row, 9) };
    const struct chain_settled settled = { .record_id = record_id,
                                           .intent_id = id,
                                           .settled_ms = query_int_at(row, 10),
                                           .state = query_text_at(row, 11),
                                           .answer = query_text_at(row, 12),
                                           .made = query_text_at(row, 13) };
    bool is_open = strcmp(settled.state, store_intent_state_word(STORE_INTENT_OPEN)) == 0;

    if (!told->has_intent)
        return "inserted";
    chain_digest_intent(check->digest, record_id, id, &intent, content);
    if (memcmp(content, told->intent, DIGEST_SIZE) != 0 || is_open == told->has_settled)
        return "changed";
    if (is_open)
        return settled.made || settled.answer ? "changed" : NULL;
    chain_digest_settled(check->digest, &settled, content);
    return memcmp(content, told->settled, DIGEST_SIZE) == 0 ? NULL : "changed";
}

static int check_intents(struct check *check, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(check->store, STATEMENT_CHAIN_INTENTS);
    char text[FAULT_TEXT_MAX];
    int rc = 0;

    query_int(&query, 0);
    while (rc == 0 && (rc = query_next(&query, err)) > 0) {
        struct told told;
        rc = read_told(check, query_int_at(&query, 1), query_int_at(&query, 0), &told, err);
        const char *fault = rc == 0 ? fault_of(check, &query, &told) : NULL;
        if (!fault)
            continue;
        (void)snprintf(text, sizeof(text), "the intent of %.30s.%.30s was %s", query_text_at(&query, 2),
                       query_text_at(&query, 3), fault);
        note(check, fault, 0, query_int_at(&query, 1), text);
    }
    return rc;
}

static int check_lost(struct check *check, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(check->store, STATEMENT_CHAIN_LOST_INTENTS);
    char text[FAULT_TEXT_MAX];
    int rc = 0;

    while ((rc = query_next(&query, err)) > 0) {
        (void)snprintf(text, sizeof(text), "intent %lld was removed", (long long)query_int_at(&query, 1));
        note(check, "removed", 0, query_int_at(&query, 0), text);
    }
    return rc;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static int read_end_of_chain(struct check *check, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(check->store, STATEMENT_CHAIN_HEAD_GET);

    int rc = query_next(&query, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        note(check, "removed", 0, 0, "the end of the chain was removed");
        return 0;
    }
    check->head.link = query_int_at(&query, 0);
    check->adopted = query_int_at(&query, 2);
    if (!query_digest_at(&query, 1, check->head.value))
        note(check, "changed", 0, 0, "the end of the chain was changed");
    return 0;
}

static int check_all(struct check *check, struct sb_error *err)
{
    int rc = read_begin(check->store, err);
    if (rc < 0)
        return rc;

    rc = read_end_of_chain(check, err);
    if (rc == 0)
        rc = walk_all(check, err);
    if (rc == 0)
        rc = check_intents(check, err);
    if (rc == 0)
        rc = check_lost(check, err);
    read_end(check->store);
    return rc;
}

int store_check_chain(struct store *store, json_t **ret_object, struct sb_error *err)
{
    char end[DIGEST_HEX_SIZE];
    AUTO_JSON faults = json_array();
    struct check check = { .store = store, .digest = digest_new(), .faults = faults };
    int rc = check.digest && faults ? check_all(&check, err)
                                    : sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");

    digest_free(check.digest);
    if (rc < 0)
        return rc;
    digest_to_hex(check.head.value, end);
    *ret_object = json_pack("{s:b, s:I, s:I, s:I, s:s, s:I, s:O}", "is_whole", check.fault_count == 0,
                            "links", (json_int_t)check.head.link, "adopted", (json_int_t)check.adopted,
                            "expired", (json_int_t)check.expired, "end", end, "fault_count",
                            (json_int_t)check.fault_count, "faults", faults);
    return *ret_object ? 0 : sb_fail(err, SB_ENOMEM, "cannot read the journal: out of memory");
}
