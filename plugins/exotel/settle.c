/* Open calls: listed, not settled. Those that no scan of this round has met are read again, up to a hundred
 * at once. */
#include <string.h>

#include "exotel.h"

/* Without a DateCreated, the API looks for SIDs in the last 31 days only. */
#define FOUND_WITHOUT_DATE_MS (30 * EXO_DAY_MS)
#define BATCH_SPAN_MS         (29 * EXO_DAY_MS)

struct batch {
    const char *sids[EXO_PAGE_MAX];
    size_t count;
    int64_t oldest_ms, newest_ms; /* starts of its calls */
};

static int64_t started(const json_t *entry)
{
    return sb_json_int(entry, "at", 0);
}

/* Whether this round has read it. Rounds are counted, for a clock may be set back. */
static bool is_read(const json_t *entry, int64_t round)
{
    return sb_json_int(entry, "round", -1) == round;
}

/* The oldest call that still waits for its turn in this round sets the span of the batch. */
static bool find_oldest(const json_t *open, int64_t round, int64_t *ret_ms)
{
    const char *sid;
    json_t *entry;
    bool found = false;

    json_object_foreach ((json_t *)(uintptr_t)open, sid, entry) {
        if (is_read(entry, round) || (found && started(entry) >= *ret_ms))
            continue;
        *ret_ms = started(entry);
        found = true;
    }
    return found;
}

/* The same batch for `build` and `fold`: it follows from the cursor document alone. */
static void choose(struct sb_exchange *x, struct batch *ret_batch)
{
    const json_t *open = sb_get(x, "open");
    int64_t round = sb_get_int(x, "state.round", 0);
    struct batch batch = { .count = 0 };
    const char *sid;
    json_t *entry;

    if (find_oldest(open, round, &batch.oldest_ms)) {
        batch.newest_ms = batch.oldest_ms;
        json_object_foreach ((json_t *)(uintptr_t)open, sid, entry) {
            if (batch.count == EXO_PAGE_MAX)
                break;
            if (is_read(entry, round) || started(entry) - batch.oldest_ms > BATCH_SPAN_MS)
                continue;
            batch.sids[batch.count++] = sid;
            if (started(entry) > batch.newest_ms)
                batch.newest_ms = started(entry);
        }
    }
    *ret_batch = batch;
}

static const char *join(struct sb_exchange *x, const struct batch *batch)
{
    char *text = sb_alloc(x, batch->count * (EXO_SID_SIZE_MAX + 1) + 1);
    size_t size = 0;

    for (size_t i = 0; i < batch->count; i++) {
        size_t sid_size = strlen(batch->sids[i]);
        if (i > 0)
            text[size++] = ',';
        memcpy(text + size, batch->sids[i], sid_size);
        size += sid_size;
    }
    return text;
}

enum sb_verdict exo_build_settle(struct sb_exchange *x)
{
    struct batch batch;

    choose(x, &batch);
    if (batch.count == 0)
        return SB_SKIP;
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/Accounts");
    sb_path(x, sb_option_str(x, "account_sid"));
    sb_paths(x, "/Calls.json");
    sb_query(x, "Sid", join(x, &batch));
    if (sb_get_int(x, "state.round_ms", 0) - batch.oldest_ms > FOUND_WITHOUT_DATE_MS)
        sb_query(x, "DateCreated", exo_date_filter(x, batch.oldest_ms, batch.newest_ms));
    sb_query_int(x, "PageSize", EXO_PAGE_MAX);
    sb_query(x, "details", "true");
    return SB_OK;
}

/* Calls that the answer does not name are hidden (running) or gone: asked for again, until a call cannot last
 * longer. */
static void note_absent(struct exo_intake *intake, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        json_t *entry = json_object_get(intake->open, batch->sids[i]);
        if (!entry || is_read(entry, intake->round))
            continue;
        exo_put(intake->x, entry, "round", json_integer(intake->round));
        intake->open_changed = true;
        if (intake->now_ms - started(entry) >= exo_longest_call_ms(intake->x))
            exo_intake_release(intake, batch->sids[i], entry);
    }
}

/* One odd SID must not stand in the way of the rest: each call of a refused batch is read by itself, by its
 * record. */
static void release_all(struct exo_intake *intake, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        exo_intake_release(intake, batch->sids[i], json_object_get(intake->open, batch->sids[i]));
}

enum sb_verdict exo_fold_settle(struct sb_exchange *x)
{
    enum sb_verdict verdict = SB_RETRY;
    bool is_refused = exo_status(x) == 400;
    struct exo_intake intake;
    struct batch batch;

    const json_t *answer = is_refused ? NULL : exo_api_answer(x, &verdict);
    if (!answer && !is_refused)
        return verdict;
    const json_t *calls = exo_calls_of(x, answer);
    if (!calls && !is_refused)
        return sb_retry(x, "Exotel's answer has no list of calls: check 'base_url'");
    choose(x, &batch);
    exo_intake_begin(x, &intake);
    if (is_refused) {
        release_all(&intake, &batch);
    } else {
        exo_intake_take(&intake, calls);
        note_absent(&intake, &batch);
    }
    exo_intake_end(&intake);
    choose(x, &batch);
    return batch.count > 0 ? sb_again(x, 0) : SB_OK;
}
