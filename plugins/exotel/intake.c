/* What is done with a listed call: emitted once it has settled, remembered as open until then.
 *
 * An open call is read again every round (settle.c) until one of these:
 *   it has settled                                    -> emitted
 *   it is over, and nothing changed for `settle_wait` -> emitted as it is: some records never settle
 *   it is running for longer than a call can be       -> emitted, to be read again by its own step
 * More open calls than OPEN_MAX are emitted at once, to be read again by their own step: nothing is ever let
 * go. */
#include <string.h>

#include "exotel.h"

enum { OPEN_MAX = 1000 };

/* Calls bear the times of their clock: how long ago one has ended is told by it. Ours may have been set wrong. */
static int64_t now_ms(const struct sb_exchange *x)
{
    int64_t date_ms = exo_parse_http_date(sb_http_header(x, "Date"));

    return date_ms != EXO_UNKNOWN ? date_ms : sb_now_ms(x);
}

void exo_intake_begin(struct sb_exchange *x, struct exo_intake *ret_intake)
{
    const json_t *open = sb_get(x, "open");

    *ret_intake = (struct exo_intake){
        .x = x,
        .seen = exo_seen_open(x),
        .open = open ? exo_copy(x, open) : exo_object(x),
        .now_ms = now_ms(x),
        .floor_ms = sb_get_int(x, "state.floor_ms", 0),
        .round = sb_get_int(x, "state.round", 0),
        .is_listing = sb_list_since_ms(x) != 0,
        .due_ms = sb_get_int(x, "state.due_ms", 0),
        .newest_ms = EXO_UNKNOWN,
        .last_ms = EXO_UNKNOWN,
    };
}

const json_t *exo_calls_of(struct sb_exchange *x, const json_t *answer)
{
    if (json_is_array(answer))
        return answer;
    const json_t *calls = json_object_get(answer, "Calls");
    if (json_is_array(calls))
        return calls;
    const json_t *one = calls ? calls : json_object_get(answer, "Call");
    if (!json_is_object(one))
        return NULL;
    json_t *list = json_array();
    exo_must(x, list ? 0 : -1);
    exo_must(x, json_array_append(sb_keep(x, list), (json_t *)(uintptr_t)one));
    return list;
}

int64_t exo_longest_call_ms(const struct sb_exchange *x)
{
    return sb_option_int(x, "overlap") + sb_option_int(x, "settle_wait");
}

/* ---- open calls ---------------------------------------------------------------------------------------- */

static bool fits_a_list(const char *sid)
{
    return strlen(sid) <= EXO_SID_SIZE_MAX && !strpbrk(sid, ", ");
}

static bool keep_open(struct exo_intake *intake, const struct exo_call *call, int64_t ended_ms)
{
    bool is_known = json_object_get(intake->open, call->sid) != NULL;

    if (!fits_a_list(call->sid) || (!is_known && json_object_size(intake->open) >= OPEN_MAX))
        return false;
    json_t *entry = exo_object(intake->x);
    int64_t created_ms = call->created_ms != EXO_UNKNOWN ? call->created_ms : intake->now_ms;
    exo_put(intake->x, entry, "at", json_integer(created_ms));
    if (ended_ms != EXO_UNKNOWN)
        exo_put(intake->x, entry, "ended", json_integer(ended_ms));
    exo_put(intake->x, entry, "round", json_integer(intake->round));
    exo_put(intake->x, intake->open, call->sid, json_incref(entry));
    intake->open_changed = true;
    return true;
}

/* When this engine first saw the call ended. A clock that was set back starts the wait anew. */
static int64_t first_seen_ended(const struct exo_intake *intake, const struct exo_call *call)
{
    int64_t now = intake->now_ms;
    int64_t ended = sb_json_int(json_object_get(intake->open, call->sid), "ended", now);

    return ended < now ? ended : now;
}

/* Whether an ended call that has not settled is taken as it is: untouched by Exotel for `settle_wait`, or
 * known to us as ended for that long. */
static bool has_waited(const struct exo_intake *intake, const struct exo_call *call, int64_t ended_ms)
{
    int64_t now = intake->now_ms;
    int64_t wait = sb_option_int(intake->x, "settle_wait");
    int64_t touched = call->updated_ms > call->ended_ms ? call->updated_ms : call->ended_ms;

    return (touched != EXO_UNKNOWN && now - touched >= wait) || now - ended_ms >= wait;
}

/* ---- emitting ------------------------------------------------------------------------------------------ */

static void emit(struct exo_intake *intake, const struct exo_call *call, bool is_final)
{
    json_t *record = exo_record(intake->x, call, is_final);

    sb_emit(intake->x, sb_option_str(intake->x, "account_sid"), call->sid, json_incref(record));
    exo_seen_add(intake->seen, call->sid, call->created_ms);
    if (json_object_del(intake->open, call->sid) == 0)
        intake->open_changed = true;
}

static void take_or_keep(struct exo_intake *intake, const struct exo_call *call)
{
    int64_t ended_ms = EXO_UNKNOWN;

    if (exo_has_ended(call)) {
        ended_ms = first_seen_ended(intake, call);
        if (exo_has_settled(call) || has_waited(intake, call, ended_ms)) {
            emit(intake, call, true);
            return;
        }
    } else if (call->created_ms != EXO_UNKNOWN &&
               intake->now_ms - call->created_ms >= exo_longest_call_ms(intake->x)) {
        emit(intake, call, false);
        return;
    }
    if (!keep_open(intake, call, ended_ms))
        emit(intake, call, false);
}

static bool is_wanted(const struct exo_intake *intake, const struct exo_call *call)
{
    const char *wanted = sb_option_str(intake->x, "direction");

    if (call->created_ms != EXO_UNKNOWN && call->created_ms < intake->floor_ms)
        return false; /* it began before the first start looked back */
    return strcmp(wanted, "both") == 0 || strcmp(wanted, call->is_inbound ? "inbound" : "outbound") == 0;
}

/* ---- listing for a comparison -------------------------------------------------------------------------- */

static void tell(const struct exo_intake *intake, const struct exo_call *call, const char *reason)
{
    sb_listed(intake->x, sb_option_str(intake->x, "account_sid"), call->sid, reason);
}

/* Says what an ordinary round would do with the call. One that it has emitted must be in the journal; so must one that it
 * does not list again. */
static void list_call(struct exo_intake *intake, const struct exo_call *call)
{
    bool is_emitted = exo_seen_has(intake->seen, call->sid);
    int64_t ended_ms = exo_has_ended(call) ? first_seen_ended(intake, call) : EXO_UNKNOWN;

    if (call->created_ms != EXO_UNKNOWN && call->created_ms < intake->floor_ms)
        tell(intake, call, "it began before the first start looked back ('since')");
    else if (!is_wanted(intake, call))
        tell(intake, call, "its direction is not taken ('direction')");
    else if (!is_emitted && !exo_has_ended(call))
        tell(intake, call, "it has not ended yet");
    else if (!is_emitted && !exo_has_settled(call) && !has_waited(intake, call, ended_ms))
        tell(intake, call, "it has ended, and its data are not complete yet");
    else if (!is_emitted && (call->created_ms == EXO_UNKNOWN || call->created_ms >= intake->due_ms))
        tell(intake, call, "the next rounds take it");
    else
        emit(intake, call, true);
}

void exo_intake_take(struct exo_intake *intake, const json_t *calls)
{
    size_t i;
    const json_t *item;
    struct exo_call call;

    json_array_foreach (calls, i, item) {
        exo_read_call(intake->x, item, &call);
        if (call.created_ms != EXO_UNKNOWN) {
            intake->last_ms = call.created_ms;
            if (call.created_ms > intake->newest_ms)
                intake->newest_ms = call.created_ms;
        }
        intake->count++;
        if (call.sid && intake->is_listing)
            list_call(intake, &call);
        else if (call.sid && !exo_seen_has(intake->seen, call.sid) && is_wanted(intake, &call))
            take_or_keep(intake, &call);
    }
}

void exo_intake_release(struct exo_intake *intake, const char *sid, const json_t *entry)
{
    int64_t started_ms = sb_json_int(entry, "at", EXO_UNKNOWN);
    struct exo_call call = {
        .sid = sb_strdup(intake->x, sid),
        .created_ms = started_ms,
        .updated_ms = EXO_UNKNOWN,
        .started_ms = started_ms,
        .ended_ms = EXO_UNKNOWN,
        .duration_s = EXO_UNKNOWN,
        .talk_s = EXO_UNKNOWN,
        .is_inbound = true,
    };

    emit(intake, &call, false);
}

void exo_intake_end(struct exo_intake *intake)
{
    if (intake->open_changed)
        sb_set(intake->x, "open", json_incref(intake->open));
    exo_seen_save(intake->seen);
}
