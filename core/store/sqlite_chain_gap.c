/* Taking links out of the hash chain when their record expires: what is left is a gap; see sqlite_chain.h. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "store/sqlite_store.h"

/* A link that goes, or a gap: links from `first` to `last` are gone. */
struct gap {
    int64_t first, last;
    unsigned char
        first_digest[DIGEST_SIZE]; /* with the value before, it gives the next: the tie to the left */
    unsigned char first_value[DIGEST_SIZE];
    unsigned char last_value[DIGEST_SIZE]; /* what the link behind it is made of */
};

enum { LINKS_FIRST = 64 };

struct links {
    struct gap *list; /* owned */
    size_t count, room;
};

static struct gap *add(struct links *links, int64_t link)
{
    if (links->count == links->room) {
        size_t room = links->room ? links->room * 2 : LINKS_FIRST;
        struct gap *grown = reallocarray(links->list, room, sizeof(*grown));
        if (!grown)
            return NULL;
        links->list = grown;
        links->room = room;
    }
    struct gap *gap = &links->list[links->count++];
    *gap = (struct gap){ .first = link, .last = link };
    return gap;
}

static int read_outcomes(struct store *store, int64_t record_id, struct links *links, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_OUTCOMES_OF);
    int rc = 0;

    query_int(&query, record_id);
    while ((rc = query_next(&query, err)) > 0) {
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
        struct gap *gap = add(links, query_int_at(&query, 11));
        if (!gap)
            return sb_fail(err, SB_ENOMEM, "cannot write '%s': out of memory", store->path);
        /* A row that somebody else has put in is no link; it goes with the rest. */
        if (!query_digest_at(&query, 12, gap->first_value)) {
            links->count--;
            continue;
        }
        chain_digest_outcome(store->chain.digest, gap->first, record_id, &outcome, gap->first_digest);
    }
    return rc;
}

static int read_others(struct store *store, int64_t record_id, struct links *links, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_OF);
    int rc = 0;

    query_int(&query, record_id);
    while ((rc = query_next(&query, err)) > 0) {
        struct gap *gap = add(links, query_int_at(&query, 0));
        if (!gap)
            return sb_fail(err, SB_ENOMEM, "cannot write '%s': out of memory", store->path);
        if (!query_digest_at(&query, 1, gap->first_digest) || !query_digest_at(&query, 2, gap->first_value))
            links->count--;
    }
    return rc;
}

static int by_link(const void *a, const void *b)
{
    const struct gap *left = a, *right = b;

    return left->first < right->first ? -1 : left->first > right->first;
}

/* Links of one record mostly follow each other. */
static void join_neighbours(struct links *links)
{
    size_t count = 0;

    for (size_t i = 0; i < links->count; i++) {
        struct gap *last = count ? &links->list[count - 1] : NULL;
        memcpy(links->list[i].last_value, links->list[i].first_value, DIGEST_SIZE);
        if (last && last->last + 1 == links->list[i].first) {
            last->last = links->list[i].last;
            memcpy(last->last_value, links->list[i].last_value, DIGEST_SIZE);
        } else {
            links->list[count++] = links->list[i];
        }
    }
    links->count = count;
}

static int remove_gap(struct store *store, int64_t first, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_GAP_REMOVE);

    query_int(&query, first);
    return query_run(&query, err);
}

/* The last gap that begins before `link`, or the one that begins at it. */
static int find_gap(struct store *store, enum statement statement, int64_t link, struct gap *ret_gap,
                    bool *ret_is_there, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, statement);

    query_int(&query, link);
    int rc = query_next(&query, err);
    *ret_is_there = rc > 0;
    if (rc <= 0)
        return rc; /* so is one that is damaged: `prove` says so, and retention goes on */
    ret_gap->first = query_int_at(&query, 0);
    ret_gap->last = query_int_at(&query, 1);
    *ret_is_there = query_digest_at(&query, 2, ret_gap->first_digest) &&
                    query_digest_at(&query, 3, ret_gap->first_value) &&
                    query_digest_at(&query, 4, ret_gap->last_value);
    return 0;
}

static int put_gap(struct store *store, const struct gap *gap, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_GAP_PUT);

    query_int(&query, gap->first);
    query_int(&query, gap->last);
    query_blob(&query, gap->first_digest, DIGEST_SIZE);
    query_blob(&query, gap->first_value, DIGEST_SIZE);
    query_blob(&query, gap->last_value, DIGEST_SIZE);
    return query_run(&query, err);
}

/* Gaps that touch become one. */
static int add_gap(struct store *store, struct gap *gap, struct sb_error *err)
{
    struct gap before, behind;
    bool is_there = false;
    int rc = find_gap(store, STATEMENT_CHAIN_GAP_BEFORE, gap->first, &before, &is_there, err);

    if (rc == 0 && is_there && before.last + 1 == gap->first) {
        gap->first = before.first;
        memcpy(gap->first_digest, before.first_digest, DIGEST_SIZE);
        memcpy(gap->first_value, before.first_value, DIGEST_SIZE);
    }
    if (rc == 0)
        rc = find_gap(store, STATEMENT_CHAIN_GAP_AT, gap->last + 1, &behind, &is_there, err);
    if (rc == 0 && is_there) {
        gap->last = behind.last;
        memcpy(gap->last_value, behind.last_value, DIGEST_SIZE);
        rc = remove_gap(store, behind.first, err);
    }
    return rc == 0 ? put_gap(store, gap, err) : rc;
}

static int remove_others(struct store *store, int64_t record_id, struct sb_error *err)
{
    AUTO_QUERY query = query_begin(store, STATEMENT_CHAIN_REMOVE);

    query_int(&query, record_id);
    return query_run(&query, err);
}

int chain_forget(struct store *store, int64_t record_id, struct sb_error *err)
{
    struct links links = { .count = 0 };
    int rc = read_outcomes(store, record_id, &links, err);

    if (rc == 0)
        rc = read_others(store, record_id, &links, err);
    if (rc == 0 && links.count) {
        qsort(links.list, links.count, sizeof(*links.list), by_link);
        join_neighbours(&links);
    }
    for (size_t i = 0; rc == 0 && i < links.count; i++)
        rc = add_gap(store, &links.list[i], err);
    if (rc == 0)
        rc = remove_others(store, record_id, err);
    free(links.list);
    return rc;
}
