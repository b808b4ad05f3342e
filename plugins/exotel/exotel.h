/* What the files of the Exotel source share. The words: a *call* is what the API says about one conversation,
 * read tolerantly; a *scan* is one walk through the list of calls; *open* calls were listed and have not
 * settled yet. */
#ifndef EXOTEL_PLUGIN_H
#define EXOTEL_PLUGIN_H

#include "switchboard/switchboard.h"

#define EXO_SECOND_MS INT64_C(1000)
#define EXO_MINUTE_MS (60 * EXO_SECOND_MS)
#define EXO_HOUR_MS   (60 * EXO_MINUTE_MS)
#define EXO_DAY_MS    (24 * EXO_HOUR_MS)

enum {
    EXO_PAGE_MAX = 100,     /* calls that the API lists at once, and SIDs that it takes at once */
    EXO_SID_SIZE_MAX = 64,  /* longer ones are not remembered, only emitted */
    EXO_MESSAGE_CHARS = 200 /* of a foreign error message in a reason */
};

/* The pause of an instance that only a person can mend. It is tried again by itself afterwards. */
#define EXO_SUSPEND_MS   (10 * EXO_MINUTE_MS)
/* The first wait after a 429, which comes without Retry-After. */
#define EXO_THROTTLED_MS (5 * EXO_SECOND_MS)

/* ---- text.c: small texts ------------------------------------------------------------------------------- */

/* "+05:30" to 330. -1 when malformed or beyond 18 hours; *ret_minutes is written on success only. */
int exo_parse_offset(const char *text, int *ret_minutes);
/* "now" to 0, "36h" to milliseconds; units s, m, h and d. -1 when malformed. */
int exo_parse_since(const char *text, int64_t *ret_ms);
/* The time of an HTTP Date header, or -1. */
int64_t exo_parse_http_date(const char *text);
/* A member as text: numbers are printed; NULL for absent, null, "", "null" and "N/A". */
const char *exo_text(struct sb_exchange *x, const json_t *object, const char *name);
/* The value of the query parameter `name` in `uri`, percent-decoded; NULL when it is absent or empty. */
const char *exo_query_value(struct sb_exchange *x, const char *uri, const char *name);
/* "https://host:port/path?query" without its query; for texts that people see. */
const char *exo_without_query(struct sb_exchange *x, const char *url);
/* Whether `url` carries its own permission, which must go without credentials and must not be kept. */
bool exo_is_signed(const char *url);
/* The host of `url`, with its port; "" when it has none. */
const char *exo_host(struct sb_exchange *x, const char *url);
/* Whether two numbers or SIP addresses mean the same line. NULL equals nothing. */
bool exo_same_line(struct sb_exchange *x, const char *a, const char *b);
/* Ends the function as out of memory when `rc` says that jansson failed. */
void exo_must(struct sb_exchange *x, int rc);
/* A new object that lives as long as the exchange, or a copy of `value` that does. */
json_t *exo_object(struct sb_exchange *x);
json_t *exo_copy(struct sb_exchange *x, const json_t *value);
void exo_put(struct sb_exchange *x, json_t *object, const char *name, json_t *value);        /* takes value */
void exo_put_str(struct sb_exchange *x, json_t *object, const char *name, const char *text); /* NULL: null */

/* ---- call.c: one call as the API tells it -------------------------------------------------------------- */

enum { EXO_UNKNOWN = -1 }; /* of times and durations */

struct exo_call {
    const char *sid; /* NULL: the item has none and is of no use */
    const char *from, *to, *our_number, *direction;
    const char *status, *leg1_status, *leg2_status, *custom_field;
    const char *recording_url, *presigned_url;
    int64_t created_ms, updated_ms, started_ms, ended_ms;
    int64_t duration_s, talk_s;
    bool has_details, is_inbound;
    bool to_our_number; /* `to` is our own number: the agent is not written (yet), or there is none */
};

void exo_read_call(struct sb_exchange *x, const json_t *item, struct exo_call *ret_call);
/* Whether the conversation is over. */
bool exo_has_ended(const struct exo_call *call);
/* Whether everything that is written late has been written. */
bool exo_has_settled(const struct exo_call *call);

enum exo_outcome { EXO_ANSWERED, EXO_MISSED, EXO_UNCLEAR };
/* What became of it; *ret_reason is why it was missed, else NULL. */
enum exo_outcome exo_outcome(const struct exo_call *call, const char **ret_reason);

/* ---- record.c: the record's sections ------------------------------------------------------------------- */

/* The record of a call, kept by the exchange. `is_final` false: it must be read again before it can be
 * trusted. */
json_t *exo_record(struct sb_exchange *x, const struct exo_call *call, bool is_final);
/* Writes what a newer reading of the call says into the record; what it does not say stays as it was. */
void exo_update_record(struct sb_exchange *x, const struct exo_call *call, bool is_final);
/* Until when (wall clock) the recording is waited for. */
int64_t exo_recording_deadline(const struct sb_exchange *x);
/* Removes what only counts while the recording is being fetched: tries, and addresses that open it. */
void exo_recording_forget_tries(struct sb_exchange *x);
/* Gives the recording up: notes `why` on the record. Returns the verdict. */
enum sb_verdict exo_recording_missing(struct sb_exchange *x, const char *why);

/* ---- agents.c ------------------------------------------------------------------------------------------ */

/* Fills the agent's name and department from the agents file. False: the agent is inactive. */
bool exo_name_agent(struct sb_exchange *x);

/* ---- answer.c ------------------------------------------------------------------------------------------ */

/* The status that counts: that of a RestException in the body, else that of HTTP. */
int exo_status(struct sb_exchange *x);
/* What Exotel says about an error, cut; "" when it says nothing. */
const char *exo_message(struct sb_exchange *x);
/* What an answer of the API without calls in it means. */
enum sb_verdict exo_api_error(struct sb_exchange *x);
/* The body, when it is a good answer in JSON; else NULL, with the verdict in *ret_verdict. */
const json_t *exo_api_answer(struct sb_exchange *x, enum sb_verdict *ret_verdict);

/* ---- seen.c: SIDs that were emitted -------------------------------------------------------------------- */

struct exo_seen;
struct exo_seen *exo_seen_open(struct sb_exchange *x);
bool exo_seen_has(const struct exo_seen *seen, const char *sid);
void exo_seen_add(struct exo_seen *seen, const char *sid, int64_t created_ms);
void exo_seen_save(struct exo_seen *seen);
/* Forgets calls that began before `before_ms`: no scan lists them again. */
void exo_seen_forget(struct sb_exchange *x, int64_t before_ms);

/* ---- intake.c: what is done with a listed call --------------------------------------------------------- */

struct exo_intake {
    struct sb_exchange *x;
    struct exo_seen *seen;
    json_t *open; /* kept; sid -> {at: its start, ended: first seen so, round: of the last reading} */
    bool open_changed;
    int64_t now_ms; /* their clock, as the answer tells it; else ours */
    int64_t floor_ms, round;
    bool is_listing;            /* for a comparison: nothing is taken */
    int64_t due_ms;             /* then: an ordinary round lists again what began later */
    int64_t newest_ms, last_ms; /* start of the newest call, and of the last on the page; EXO_UNKNOWN: none */
    size_t count;
};

void exo_intake_begin(struct sb_exchange *x, struct exo_intake *ret_intake);
/* The calls of an answer: a list, or the one object that stands in its place; NULL when there are none. */
const json_t *exo_calls_of(struct sb_exchange *x, const json_t *answer);
/* Emits what has settled, remembers what has not. */
void exo_intake_take(struct exo_intake *intake, const json_t *calls);
/* Emits an open call of which nothing but its `entry` is known; its record reads it by itself. */
void exo_intake_release(struct exo_intake *intake, const char *sid, const json_t *entry);
void exo_intake_end(struct exo_intake *intake);
/* For how long after its start a call may be seen running. */
int64_t exo_longest_call_ms(const struct sb_exchange *x);

/* ---- scan.c, poll.c, settle.c: the round --------------------------------------------------------------- */

/* One walk through the list. Times are wall clock ms; both ends of a window are inclusive. */
struct exo_scan {
    int64_t started_ms;         /* our clock when it began */
    int64_t from_ms, to_ms;     /* the window that is being listed */
    int64_t end_ms;             /* of the last window */
    int64_t position_ms;        /* every call that began before it was listed */
    int64_t date_ms, newest_ms; /* their clock when it began; newest start listed; EXO_UNKNOWN: not known */
    const char *after;          /* their cursor, or NULL at the beginning of a window */
    int64_t pages, slice;       /* listed in all; in this round */
    int64_t refusals;           /* in a row, of the cursor or of the time range */
};

bool exo_scan_load(struct sb_exchange *x, const char *name, struct exo_scan *ret_scan);
void exo_scan_save(struct sb_exchange *x, const char *name, const struct exo_scan *scan);
void exo_scan_drop(struct sb_exchange *x, const char *name);
/* Writes the request for the next page. */
void exo_scan_request(struct sb_exchange *x, const struct exo_scan *scan);
/* Moves the scan behind the page that was folded. False: its last window is done. */
bool exo_scan_advance(struct sb_exchange *x, struct exo_scan *scan, const struct exo_intake *intake,
                      const char *next_uri);
/* "gte:...;lte:..." in the account's wall clock. */
const char *exo_date_filter(struct sb_exchange *x, int64_t from_ms, int64_t to_ms);

enum sb_verdict exo_plan_round(struct sb_exchange *x);
enum sb_verdict exo_build_recent(struct sb_exchange *x);
enum sb_verdict exo_fold_recent(struct sb_exchange *x);
enum sb_verdict exo_build_sweep(struct sb_exchange *x);
enum sb_verdict exo_fold_sweep(struct sb_exchange *x);
enum sb_verdict exo_build_settle(struct sb_exchange *x);
enum sb_verdict exo_fold_settle(struct sb_exchange *x);

/* ---- the steps of a record: screen.c, refresh.c, recording.c ------------------------------------------- */

/* Names the agent; SB_DROP with the reason when nobody wants the call, else SB_SKIP. */
enum sb_verdict exo_screen(struct sb_exchange *x);
enum sb_verdict exo_build_refresh(struct sb_exchange *x);
enum sb_verdict exo_fold_refresh(struct sb_exchange *x);
enum sb_verdict exo_build_recording(struct sb_exchange *x);
enum sb_verdict exo_fold_recording(struct sb_exchange *x);
/* Asks for the record's call by itself. */
void exo_request_call(struct sb_exchange *x);

#endif
