/* The hash chain over what was done: each outcome, each intent and each settling of an intent is a link.
 *
 *     digest(n) = SHA-256 of the link's number, its kind, its record and its content
 *     value(n)  = SHA-256 of value(n-1) and digest(n);   value(0) = 32 zero bytes
 *
 * An outcome has its link and value in its own row, an intent in rows of `chain`, for an intent is replaced by
 * its later attempts and settled. The last link and value stand in `chain_head`. A changed, removed or inserted
 * row no longer fits. There is no secret in it: whoever can write the journal could make the whole chain anew,
 * and only a value that was noted elsewhere (a backup, a log) shows that.
 *
 * Retention removes records with their links. What is removed in a row leaves one row of `chain_gap`, which
 * keeps what ties it to its neighbours; gaps that touch become one, so that there are never more gaps than
 * links. A journal from before the chain is chained when it is opened for the first time: the number of links
 * that were made so is kept (`adopted`), for they prove only what was found then. */
#ifndef STORE_SQLITE_CHAIN_H
#define STORE_SQLITE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "store/store.h"

struct store;

enum chain_kind { CHAIN_OUTCOME = 1, CHAIN_INTENT = 2, CHAIN_SETTLED = 3 };

struct chain_end {
    int64_t link;
    unsigned char value[DIGEST_SIZE];
};

struct chain {
    struct digest *digest; /* owned; NULL: nothing is chained here (a reader, a backup that is marked) */
    struct chain_end last; /* of the transaction under way */
    struct chain_end kept; /* as it was committed */
};

/* How an intent was settled. */
struct chain_settled {
    int64_t record_id, intent_id, settled_ms;
    const char *state, *answer, *made; /* the last two may be NULL */
};

/* Reads the end of the chain; first chains what an older program has written. For the writer. */
int chain_open(struct store *store, struct sb_error *err) SB_MUST_CHECK;
void chain_done(struct chain *chain);

/* The next link, for an outcome that is about to be written with it. */
struct chain_end chain_next_outcome(struct store *store, int64_t record_id,
                                    const struct store_outcome *outcome);
int chain_add_intent(struct store *store, int64_t record_id, int64_t intent_id,
                     const struct store_intent *intent, struct sb_error *err) SB_MUST_CHECK;
int chain_add_settled(struct store *store, const struct chain_settled *settled,
                      struct sb_error *err) SB_MUST_CHECK;
/* Takes the links of a record out before its rows are removed. */
int chain_forget(struct store *store, int64_t record_id, struct sb_error *err) SB_MUST_CHECK;

/* Around the commit: writes the end of the chain when it moved; then it counts, or is as before. */
int chain_keep(struct store *store, struct sb_error *err) SB_MUST_CHECK;
void chain_end(struct store *store, bool was_committed);

/* ---- for checking -------------------------------------------------------------------------------------- */

void chain_digest_outcome(struct digest *digest, int64_t link, int64_t record_id,
                          const struct store_outcome *outcome, unsigned char ret[DIGEST_SIZE]);
void chain_digest_intent(struct digest *digest, int64_t record_id, int64_t intent_id,
                         const struct store_intent *intent, unsigned char ret[DIGEST_SIZE]);
void chain_digest_settled(struct digest *digest, const struct chain_settled *settled,
                          unsigned char ret[DIGEST_SIZE]);
/* value(n) from value(n-1) and digest(n). */
void chain_value(struct digest *digest, const unsigned char before[DIGEST_SIZE],
                 const unsigned char content[DIGEST_SIZE], unsigned char ret[DIGEST_SIZE]);

#endif
