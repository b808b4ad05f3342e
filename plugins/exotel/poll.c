/* One round of asking: how it is made sure that no call is missed, at a price that does not grow out of hand.
 *
 * What the API gives: calls by their start (DateCreated) only, in pages by cursor. What it does not: calls by
 * their end or change. A running call may be hidden until it ends, at most 4 hours after its start; it
 * settles minutes later.
 *
 *     floor ........ low ................................... now
 *     never before   every call before it was listed,        `- recent: the last minutes, every round
 *     the first      at a time when it had to be visible     `- sweep: low .. now, again and again
 *     start
 *
 * The promise. Let a call be visible at the latest `overlap` after its start. A *sweep* lists all calls with
 * a start in [low, now], page by page; the cursor neither repeats nor drops what is there all the time. When
 * it is through, every call that was visible when it began has been listed. So `low` moves to the beginning
 * of the sweep less `overlap`, and never otherwise: every call that began before `low` was listed. A listed
 * call is emitted or put on the list of open calls (intake.c), in the transaction that moves the cursor.
 * Nothing else matters for the promise:
 *   - restarts: the sweep goes on with the page that was not committed;
 *   - a cursor that Exotel does not take any more: the sweep goes on from the start of the last call listed;
 *   - a wrong clock: `low` follows the earlier of our clock and theirs (the answer's Date, or the newest
 * start listed). A clock that runs ahead asks for the future and is refused: then their clock is used, until
 * it is not refused. One that was set back to before `low` makes for an empty window, and nothing is
 * forgotten;
 *   - a long standstill: windows of a month; what is older than half a year is not listed any more by
 * anybody.
 *
 * The price. A sweep costs a request for each page of calls in the overlap. It is worked off at most
 * SLICE_PAGES a round, and the next one begins when the sweeps have not taken more than a quarter of the
 * documented 200 requests a minute. While a sweep fits into SMALL_PAGES it simply runs every round. Otherwise
 * a *recent* scan of about that many pages runs first in every round, so that most calls are found at once;
 * it proves nothing and may be given up at any time. */
#include <string.h>

#include "exotel.h"

enum { SMALL_PAGES = 10, RECENT_PAGES_MAX = 40, SLICE_PAGES = 60 };

/* Four times the pace of 200 requests a minute, so that sweeps take a quarter of it. */
#define PAGE_COST_MS  INT64_C(1200)
#define RECENT_MS_MIN (5 * EXO_MINUTE_MS)
#define LISTED_FOR_MS (180 * EXO_DAY_MS) /* how long the API lists a call */
#define SKEW_STEP_MS  EXO_MINUTE_MS      /* taken off when they refuse our time and do not tell theirs */
#define SKEW_SMALL_MS (5 * EXO_SECOND_MS)

/* ---- planning ------------------------------------------------------------------------------------------ */

static int64_t to_second(int64_t ms)
{
    return ms - ms % EXO_SECOND_MS;
}

/* A new cursor document, or one for another account: looks back `since` and no further. */
static json_t *first_state(struct sb_exchange *x)
{
    int64_t back_ms = 0;
    json_t *state = exo_object(x);

    (void)exo_parse_since(sb_option_str(x, "since"), &back_ms); /* `open` has refused a malformed one */
    int64_t floor_ms = to_second(sb_now_ms(x) - (back_ms < LISTED_FOR_MS ? back_ms : LISTED_FOR_MS));
    exo_put_str(x, state, "account", sb_option_str(x, "account_sid"));
    exo_put(x, state, "floor_ms", json_integer(floor_ms));
    exo_put(x, state, "low_ms", json_integer(floor_ms));
    exo_scan_drop(x, "sweep");
    exo_scan_drop(x, "recent");
    sb_set(x, "open", NULL);
    sb_set(x, "seen", NULL);
    return state;
}

static json_t *load_state(struct sb_exchange *x)
{
    const char *account = sb_get_str(x, "state.account");

    if (!account || strcmp(account, sb_option_str(x, "account_sid")) != 0)
        return first_state(x);
    return exo_copy(x, sb_get(x, "state"));
}

/* The time up to which may be asked: ours, unless it was refused. */
static int64_t their_now(const struct sb_exchange *x, const json_t *state)
{
    return sb_now_ms(x) + sb_json_int(state, "skew_ms", 0);
}

static void plan_sweep(struct sb_exchange *x, json_t *state)
{
    int64_t now = their_now(x, state);
    int64_t low = sb_json_int(state, "low_ms", 0);

    if (low < now - LISTED_FOR_MS) {
        sb_note(x,
                "the source stood still for longer than Exotel lists calls: those before that are not found");
        low = now - LISTED_FOR_MS;
    }
    struct exo_scan sweep = {
        .started_ms = now,
        .from_ms = low,
        .end_ms = now > low ? now : low,
        .position_ms = low,
        .date_ms = EXO_UNKNOWN,
        .newest_ms = EXO_UNKNOWN,
    };
    sweep.to_ms = sweep.end_ms - low > 30 * EXO_DAY_MS ? low + 30 * EXO_DAY_MS : sweep.end_ms;
    exo_put(x, state, "sweep_ms", json_integer(sb_now_ms(x)));
    exo_scan_save(x, "sweep", &sweep);
}

/* Whether the sweeps so far leave room for the next. A clock that was set back must not keep it waiting. */
static bool sweep_is_due(const struct sb_exchange *x, const json_t *state)
{
    int64_t last = sb_json_int(state, "sweep_ms", 0);
    int64_t pages = sb_json_int(state, "sweep_pages", 0);
    int64_t now = sb_now_ms(x);

    return now < last || pages <= SMALL_PAGES || now - last >= pages * PAGE_COST_MS;
}

/* As much of the overlap as, at the density that the last sweep met, fits into SMALL_PAGES. */
static void plan_recent(struct sb_exchange *x, const json_t *state)
{
    int64_t now = their_now(x, state);
    int64_t low = sb_json_int(state, "low_ms", 0);
    int64_t pages = sb_json_int(state, "sweep_pages", 0);
    int64_t back_ms = sb_option_int(x, "overlap") * SMALL_PAGES / (pages > SMALL_PAGES ? pages : SMALL_PAGES);

    if (back_ms < RECENT_MS_MIN)
        back_ms = RECENT_MS_MIN;
    int64_t from = now - back_ms > low ? now - back_ms : low;
    if (from >= now)
        return;
    struct exo_scan recent = { .started_ms = now,
                               .from_ms = from,
                               .to_ms = now,
                               .end_ms = now,
                               .position_ms = from,
                               .date_ms = EXO_UNKNOWN,
                               .newest_ms = EXO_UNKNOWN };
    exo_scan_save(x, "recent", &recent);
}

/* A clock that was ahead may have been set right: what is taken off it halves, until they refuse again. */
static void relax_skew(struct sb_exchange *x, json_t *state)
{
    int64_t skew = sb_json_int(state, "skew_ms", 0);

    if (skew < -SKEW_SMALL_MS)
        exo_put(x, state, "skew_ms", json_integer(skew / 2));
}

/* Everything that began since then, in one sweep; which call must have been taken already follows from the real `low`. */
static enum sb_verdict plan_listing(struct sb_exchange *x)
{
    json_t *state = load_state(x);

    exo_put(x, state, "due_ms", json_integer(sb_json_int(state, "low_ms", 0)));
    exo_put(x, state, "low_ms", json_integer(to_second(sb_list_since_ms(x))));
    exo_put(x, state, "round", json_integer(sb_json_int(state, "round", 0) + 1));
    exo_put(x, state, "round_ms", json_integer(sb_now_ms(x)));
    exo_scan_drop(x, "recent");
    sb_set(x, "open", NULL);
    plan_sweep(x, state);
    sb_set(x, "state", json_incref(state));
    return SB_SKIP;
}

/* How much of a sweep is done in one round. */
static int64_t slice_max(const struct sb_exchange *x)
{
    return sb_list_since_ms(x) ? INT64_MAX : SLICE_PAGES;
}

enum sb_verdict exo_plan_round(struct sb_exchange *x)
{
    if (sb_list_since_ms(x))
        return plan_listing(x);
    json_t *state = load_state(x);
    struct exo_scan sweep;
    bool sweep_will_see_all = false;

    relax_skew(x, state);
    exo_put(x, state, "round", json_integer(sb_json_int(state, "round", 0) + 1));
    exo_put(x, state, "round_ms", json_integer(sb_now_ms(x)));
    exo_scan_drop(x, "recent");
    if (exo_scan_load(x, "sweep", &sweep)) {
        sweep.slice = 0;
        exo_scan_save(x, "sweep", &sweep);
    } else if (sweep_is_due(x, state)) {
        sweep_will_see_all = sb_json_int(state, "sweep_pages", 0) <= SMALL_PAGES;
        plan_sweep(x, state);
    }
    if (!sweep_will_see_all)
        plan_recent(x, state);
    sb_set(x, "state", json_incref(state));
    return SB_SKIP;
}

/* ---- answers ------------------------------------------------------------------------------------------- */

/* Their clock when the answer was made. Without a Date, the newest call listed began before it. */
static int64_t evidence_ms(const struct exo_scan *scan)
{
    return scan->date_ms > scan->newest_ms ? scan->date_ms : scan->newest_ms;
}

static void finish_sweep(struct sb_exchange *x, const struct exo_scan *sweep)
{
    int64_t theirs = evidence_ms(sweep);
    int64_t low = sb_get_int(x, "state.low_ms", 0);
    int64_t sure =
        to_second((theirs < sweep->started_ms ? theirs : sweep->started_ms) - sb_option_int(x, "overlap"));

    if (theirs != EXO_UNKNOWN && sure > low) {
        sb_set_int(x, "state.low_ms", sure);
        exo_seen_forget(x, sure);
    }
    /* What was listed before lies in our future: our clock was set back, and theirs tells how far. */
    if (sweep->started_ms < low && sweep->date_ms > low)
        sb_set_int(x, "state.skew_ms", sweep->date_ms - sb_now_ms(x));
    sb_set_int(x, "state.sweep_pages", sweep->pages);
    exo_scan_drop(x, "sweep");
}

/* They call our time the future. From now on theirs is used: as the answer tells it, else by feeling the way
 * back. */
static enum sb_verdict adopt_their_clock(struct sb_exchange *x, const char *name, struct exo_scan *scan)
{
    int64_t date = exo_parse_http_date(sb_http_header(x, "Date"));
    int64_t old = sb_get_int(x, "state.skew_ms", 0);
    int64_t measured = date - sb_now_ms(x) - EXO_SECOND_MS;
    int64_t skew = date != EXO_UNKNOWN && measured < old ? measured : (old < 0 ? 2 * old : 0) - SKEW_STEP_MS;

    if (scan->refusals == 0 && skew < -SKEW_SMALL_MS)
        sb_note(
            x,
            "Exotel calls this machine's time the future: its own is used (set the clock, or 'utc_offset')");
    sb_set_int(x, "state.skew_ms", skew);
    scan->refusals++;
    scan->end_ms = scan->started_ms = their_now(x, sb_get(x, "state"));
    if (scan->end_ms < scan->from_ms)
        scan->end_ms = scan->from_ms;
    if (scan->to_ms > scan->end_ms)
        scan->to_ms = scan->end_ms;
    exo_scan_save(x, name, scan);
    return sb_again(x, 0);
}

/* The page cursor is not taken (any more). From the position on, nothing is left out. */
static enum sb_verdict leave_cursor(struct sb_exchange *x, const char *name, struct exo_scan *scan)
{
    if (scan->refusals == 0)
        sb_note(x,
                "Exotel does not take its page cursor any more: the list is read on from the last call seen");
    scan->refusals++;
    scan->from_ms = scan->position_ms;
    scan->after = NULL;
    exo_scan_save(x, name, scan);
    return sb_again(x, 0);
}

static enum sb_verdict fold_refusal(struct sb_exchange *x, const char *name, struct exo_scan *scan)
{
    enum { REFUSALS_MAX = 16 };

    if (scan->refusals >= REFUSALS_MAX)
        return exo_api_error(x);
    if (strstr(exo_message(x), "out of bounds"))
        return adopt_their_clock(x, name, scan);
    return scan->after ? leave_cursor(x, name, scan) : exo_api_error(x);
}

/* Folds a page of the scan `name`. SB_AGAIN: it goes on; SB_OK: it is through, and *ret_scan is as it ended.
 */
static enum sb_verdict fold_page(struct sb_exchange *x, const char *name, struct exo_scan *ret_scan)
{
    enum sb_verdict verdict = SB_RETRY;
    struct exo_intake intake;

    if (!exo_scan_load(x, name, ret_scan))
        return sb_retry(x, "the scan is gone from the cursor document");
    if (exo_status(x) == 400)
        return fold_refusal(x, name, ret_scan);
    const json_t *answer = exo_api_answer(x, &verdict);
    if (!answer)
        return verdict;
    const json_t *calls = exo_calls_of(x, answer);
    if (!calls)
        return sb_retry(x, "Exotel's answer has no list of calls: check 'base_url'");

    exo_intake_begin(x, &intake);
    exo_intake_take(&intake, calls);
    exo_intake_end(&intake);
    if (ret_scan->pages == 0)
        ret_scan->date_ms = exo_parse_http_date(sb_http_header(x, "Date"));
    if (!exo_scan_advance(x, ret_scan, &intake,
                          exo_text(x, json_object_get(answer, "Metadata"), "NextPageUri")))
        return SB_OK;
    exo_scan_save(x, name, ret_scan);
    return sb_again(x, 0);
}

enum sb_verdict exo_build_recent(struct sb_exchange *x)
{
    struct exo_scan scan;

    if (!exo_scan_load(x, "recent", &scan))
        return SB_SKIP;
    exo_scan_request(x, &scan);
    return SB_OK;
}

enum sb_verdict exo_fold_recent(struct sb_exchange *x)
{
    struct exo_scan scan;
    enum sb_verdict verdict = fold_page(x, "recent", &scan);

    if (verdict == SB_OK || (verdict == SB_AGAIN && scan.pages >= RECENT_PAGES_MAX)) {
        exo_scan_drop(x, "recent");
        return SB_OK;
    }
    return verdict;
}

enum sb_verdict exo_build_sweep(struct sb_exchange *x)
{
    struct exo_scan scan;

    if (!exo_scan_load(x, "sweep", &scan) || scan.slice >= slice_max(x))
        return SB_SKIP;
    exo_scan_request(x, &scan);
    return SB_OK;
}

enum sb_verdict exo_fold_sweep(struct sb_exchange *x)
{
    struct exo_scan scan;
    enum sb_verdict verdict = fold_page(x, "sweep", &scan);

    if (verdict == SB_OK)
        finish_sweep(x, &scan);
    return verdict == SB_AGAIN && scan.slice >= slice_max(x) ? SB_OK : verdict;
}
