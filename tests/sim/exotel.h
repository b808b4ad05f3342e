/* The simulated telephone company: what exotel*.c share among themselves and with the recordings host. Other
 * services find it with exotel_of(). */
#ifndef EXOTEL_H
#define EXOTEL_H

#include "service.h"

enum { EXO_IST_MINUTES = 330, EXO_IST_S = 19800, EXO_SECOND_MS = 1000, EXO_DAY_S = 86400 };

/* Knobs in the order of the table in exotel.c. */
enum exo_knob {
    EXO_ACCESS,
    EXO_UNKNOWN_ACCOUNT,
    EXO_AUTH_BODY,
    EXO_KYC,
    EXO_RATE_PER_MINUTE,
    EXO_LEGS_PER_MINUTE,
    EXO_LEGS_RATE_BODY,
    EXO_RATE_BODY,
    EXO_RATE_RETRY_AFTER_S,
    EXO_FUTURE_TOLERANCE,
    EXO_PAGE_SIZE_OVER,
    EXO_UNKNOWN_PARAMETERS,
    EXO_PAGE_URI,
    EXO_LAST_PAGE_URI,
    EXO_EXTRA_EMPTY_PAGE,
    EXO_LIST_ONGOING,
    EXO_PHONE_NUMBER,
    EXO_NUMBERS_AS_TEXT,
    EXO_NO_RECORDING_URL,
    EXO_RECORDING_URL_AT,
    EXO_RECORDING_PATH,
    EXO_PRESIGNED,
    EXO_PRESIGNED_MINUTES,
    EXO_SETTLE_S,
    EXO_RECORDING_DELAY_S,
    EXO_CONNECT_S,
    EXO_STATUS_CALLBACK_FORM,
    EXO_STATUS_CALLBACK_FIELDS,
    EXO_STATUS_CALLBACK_INBOUND,
    EXO_PASSTHRU_METHOD,
    EXO_PASSTHRU_AGENT,
    EXO_WEBHOOK_TIMEOUT_MS,
    EXO_WEBHOOK_RETRIES,
    EXO_WEBHOOK_COPIES,
    EXO_WEBHOOK_DELAY_S,
    EXO_WEBHOOK_JITTER_S,
    EXO_WEBHOOK_LOST_PERCENT,
    EXO_WEBHOOK_EARLY_S,
    EXO_WEBHOOK_EXTRA_FIELDS,
    EXO_WEBHOOK_WRONG_SECRET,
    EXO_WEBHOOK_PAD_BYTES,
    EXO_WEBHOOK_CONTENT_TYPE,
    EXO_KNOBS
};

enum exo_direction { EXO_INBOUND, EXO_OUTBOUND_DIAL, EXO_OUTBOUND_API, EXO_DIRECTIONS };

/* Where the bytes of a recording come from: a file on disk, or a stream made on the spot. */
struct exo_recording {
    bool exists;
    char *name;        /* owned; file name without ".mp3"; not always the call's id */
    char *key;         /* owned; "account/name" */
    char *file;        /* owned; path on disk, or NULL: generated */
    size_t bytes;      /* generated: how many; 0 means as long as the call talked */
    unsigned channels; /* generated: 1 or 2 */
    bool is_silent;
    bool is_deleted;
    int64_t delay_ms;      /* after the end of the call; -1: the file never comes */
    struct sim_blob *blob; /* owned; the file's bytes once read */
    char sha256[65];       /* of a file, once read; "" before */
    uint64_t served, refused, not_ready;
};

struct exo_account {
    char *sid, *api_key, *api_token;
    char *recordings;   /* basic, open, ip, presigned */
    bool has_presigned; /* PreSignedRecordingUrl in answers */
    int64_t *recent_ms; /* ring of the last accepted requests */
    size_t recent_size, recent_next;
    int64_t *recent_legs_ms;
    size_t recent_legs_size, recent_legs_next;
};

struct exo_call {
    const struct exo_account *account;
    char *sid;
    uint64_t id; /* order of insertion; breaks ties of the start */
    enum exo_direction direction;
    char *from, *to; /* as they read once settled; `to` of an inbound call is the agent, if one was reached */
    char *exophone;
    int64_t start_ms, end_ms;
    char *status;                    /* final; may be NULL or "" */
    char *leg1_status, *leg2_status; /* leg 2: NULL when never tried */
    int64_t duration_s, leg1_s, leg2_s, talk_s;
    double price;      /* negative: never written */
    int64_t settle_ms; /* after the end */
    bool never_settles;
    char *answered_by, *forwarded_from, *caller_name, *custom_field; /* NULL allowed */
    json_t *omit;       /* owned; names of members that this record lacks, or NULL */
    json_t *script;     /* owned; who says what, or NULL */
    char *kind;         /* owned; the preset it was made from, or NULL */
    char *callback_url; /* owned; what connect asked for, or NULL */
    bool callback_has_events, callback_wants_answered, callback_is_json;
    struct exo_recording recording;
    uint64_t listed, read;
};

/* Text to call, by open addressing. Calls are never taken out one by one. */
struct exo_slot {
    const char *key; /* borrowed from the call; NULL: free */
    struct exo_call *call;
};
struct exo_index {
    struct exo_slot *slots; /* owned */
    size_t size, used;      /* size is a power of two, or 0 */
};

enum exo_hook_kind { EXO_STATUS_CALLBACK, EXO_PASSTHRU, EXO_POPUP, EXO_HOOK_KINDS };

struct exotel {
    struct sim_service *service;
    struct exo_account *accounts;
    size_t account_count;
    struct exo_call **calls; /* owned; by start, then id */
    size_t call_count, call_capacity;
    struct exo_index by_sid;
    struct exo_index by_recording; /* "account/name" */
    json_t *users;                 /* owned; list for the users of the ccm API */
    uint64_t next_id;
    uint64_t lists, reads, rate_limited, unauthorized;

    /* exotel_hooks.c */
    char *hook_urls[EXO_HOOK_KINDS]; /* owned; NULL: nobody is told */
    bool has_callbacks;              /* a call of connect has its own */
    int64_t hooks_told_ms;           /* what happened up to then was told of */
    struct sim_alarm hooks_alarm;
};

/* The state of the exotel service of this program. */
struct exotel *exotel_of(struct sim *sim);

/* ---- exotel_calls.c: the store ---- */

/* Takes `call` (allocated with sim_calloc), gives it its place. -1 when the id or the recording's name is
 * taken. */
int exo_add_call(struct exotel *exotel, struct exo_call *call, struct sim_error *err);
void exo_free_call(struct exo_call *call); /* NULL is allowed */
void exo_drop_calls(struct exotel *exotel);
/* Takes away the calls that came after the one with this id, as if they had never come. */
void exo_drop_calls_after(struct exotel *exotel, uint64_t id);
struct exo_call *exo_find_call(const struct exotel *exotel, const char *sid);
struct exo_call *exo_find_recording(const struct exotel *exotel, const char *account, const char *name);
/* The position of the first call that does not start before `start_s` (seconds since 1970). */
size_t exo_first_since(const struct exotel *exotel, int64_t start_s);
struct exo_account *exo_find_account(struct exotel *exotel, const char *sid);

/* ---- exotel_view.c: what a call looks like at a given time ---- */

enum exo_phase { EXO_FUTURE, EXO_ONGOING, EXO_ENDED, EXO_SETTLED };

enum exo_phase exo_phase_of(const struct exo_call *call, int64_t now_ms);
const char *exo_status_at(const struct exo_call *call, int64_t now_ms);
const char *exo_to_at(const struct exo_call *call, int64_t now_ms);
/* False while the call has no duration, or price. */
bool exo_duration_at(const struct exo_call *call, int64_t now_ms, int64_t *ret_seconds);
bool exo_price_at(const struct exo_call *call, int64_t now_ms, double *ret_price);
const char *exo_direction_word(enum exo_direction direction);

struct exo_look {
    int64_t now_ms;
    bool has_details;
    int64_t validity_minutes; /* of presigned URLs; 0: the account's own */
};

/* The Call object of the v1 API. Gives a new reference. */
json_t *exo_call_json(const struct exotel *exotel, const struct exo_call *call, const struct exo_look *look);
/* The recording's URL, or NULL when the API does not show one (yet). Gives memory for free(). */
char *exo_recording_url(const struct exotel *exotel, const struct exo_call *call, int64_t now_ms);

/* ---- exotel_filter.c: the parameters of the list ---- */

enum { EXO_SIDS_MAX = 100, EXO_NUMBERS_MAX = 5, EXO_PAGE_MAX = 100, EXO_PAGE_DEFAULT = 50 };

struct exo_filter {
    int64_t from_s, to_s; /* DateCreated, both ends included */
    const char *sids[EXO_SIDS_MAX];
    size_t sid_count;
    const char *numbers[3][EXO_NUMBERS_MAX]; /* To, From, PhoneNumber */
    size_t number_counts[3];
    unsigned statuses, directions; /* bit sets; 0: any */
    bool has_duration, has_price;
    double duration_min, duration_max, price_min, price_max;
    size_t page_size;
    bool is_ascending, has_cursor, is_before;
    int64_t cursor_s;
    uint64_t cursor_id;
    bool has_details;
    int64_t validity_minutes;
};

/* Reads the query. NULL and *ret_filter, or the message of the 400. Texts point into memory of the request.
 */
const char *exo_read_filter(struct sim_request *req, struct exo_filter *ret_filter);
/* Reads `details` and `RecordingUrlValidity`, the only parameters of a single call. */
const char *exo_read_look(struct sim_request *req, struct exo_look *ret_look);
bool exo_matches(const struct exo_filter *filter, const struct exo_call *call, int64_t now_ms);
/* Writes the cursor that names `call`. */
void exo_write_cursor(const struct exo_call *call, char text[40]);

/* ---- exotel_answer.c ---- */

/* Answers with `body` as JSON or, when the path does not end in .json, as XML. Takes `body`. */
void exo_respond(struct sim_request *req, struct sim_response *res, unsigned status, json_t *body);
/* The RestException. `code` 0 leaves it out. */
void exo_respond_error(struct sim_request *req, struct sim_response *res, unsigned status,
                       const char *message, int code);
/* The same for v2 and v3. */
void exo_respond_ccm_error(struct sim_request *req, struct sim_response *res, unsigned status, int code,
                           const char *message);
/* Everything that comes before the answer proper: access, credentials, account, rate. NULL when it has
 * answered. */
struct exo_account *exo_admit(struct sim_request *req, struct sim_response *res);
struct exo_account *exo_admit_ccm(struct sim_request *req, struct sim_response *res, bool is_legs);

/* ---- handlers ---- */

sim_handler exo_handle_list, exo_handle_call, exo_handle_account, exo_handle_connect, exo_handle_nothing;
sim_handler exo_handle_users, exo_handle_call_v2, exo_handle_call_v3, exo_handle_legs;

/* ---- exotel_scenario.c, exotel_kinds.c, exotel_generate.c ---- */

int exo_load(struct sim_service *service, const json_t *section, struct sim_error *err);
/* Back to one account, the default users and no calls. */
void exo_set_defaults(struct exotel *exotel);
void exo_drop_accounts(struct exotel *exotel);
/* Adds one call. `plan` describes it as the README says; `extra`, which may be NULL, stands under it: a
 * member of `plan` wins. */
int exo_plan_call(struct exotel *exotel, const json_t *plan, const json_t *extra, struct sim_error *err);
/* Adds what `plans` describes: a list, one call, or a generator. Gives how many in *ret_count; after
 * a mistake none of them is there. */
int exo_plan_calls(struct exotel *exotel, const json_t *plans, size_t *ret_count, struct sim_error *err);
/* Adds the calls of a generator (a plan with the member "generate"). */
int exo_generate(struct exotel *exotel, const json_t *recipe, size_t *ret_count, struct sim_error *err);

/* A kind of call: what is true of it unless the plan says otherwise. */
struct exo_kind {
    const char *name;
    enum exo_direction direction;
    bool is_flow, has_sip_agent, reaches_nobody; /* the last: `to` stays the ExoPhone */
    const char *status, *leg1_status, *leg2_status;
    int64_t duration_s, talk_s, leg2_s;
    bool has_recording, never_settles, has_no_price;
    bool is_silent, is_renamed, is_wide_sid, is_late_evening;
    unsigned channels;
    int64_t recording_delay_s; /* 0: the knob's; -1: never */
    const char *custom_field;
    const char *const *omit; /* ends with NULL */
};
const struct exo_kind *exo_find_kind(const char *name);
/* Kind `index` of the table, or NULL behind the last. */
const struct exo_kind *exo_kind_at(size_t index);

/* A fresh id of 32 characters, and numbered invented phone numbers. Give memory for free(). */
char *exo_new_sid(struct exotel *exotel, bool is_wide);
char *exo_caller_number(uint64_t index);
char *exo_agent_number(uint64_t index);
/* Replaces an owned text. Copies `text`, which may be NULL. */
void exo_set_text(char **owned, const char *text);

/* ---- exotel_hooks.c: webhooks, by themselves and by request (E6) ---- */

/* Tells of all that has happened to calls by now. Before calls are added or changed. */
void exo_hooks_catch_up(struct exotel *exotel);
/* Finds out anew when to tell next. After calls were added or changed. */
void exo_hooks_rearm(struct exotel *exotel);
/* The end of `call` was moved; it may be one that has just come. */
void exo_hooks_end_moved(struct exotel *exotel, const struct exo_call *call, int64_t old_end_ms);
void exo_hooks_reset(struct exotel *exotel);
/* {"passthru": URL, "popup": URL, "status_callback": URL}; null ends it. */
int exo_hooks_load(struct exotel *exotel, const json_t *plan, struct sim_error *err);
/* Sends what the control request describes; gives how many messages that are. */
int exo_hooks_send(struct exotel *exotel, json_t *plan, size_t *ret_count, struct sim_error *err);

/* ---- exotel_hook_fields.c: what webhooks say ---- */

/* Each gives a new object of the members in their order; `now_ms` is when it is told. */
json_t *exo_status_callback(const struct exotel *exotel, const struct exo_call *call, const char *event,
                            bool has_all, int64_t now_ms);
/* `type` is a CallType, or NULL for the one that follows from the call. `digits` may be NULL. */
json_t *exo_passthru(const struct exotel *exotel, const struct exo_call *call, const char *type,
                     const char *digits, int64_t now_ms);
json_t *exo_popup(const struct exotel *exotel, const struct exo_call *call, const char *event,
                  int64_t now_ms);

/* ---- exotel_hook_form.c: how they travel ---- */

/* Each gives memory for free(). Lists become Legs[0][Status]. */
char *exo_as_query(const char *url,
                   const json_t *fields); /* NULL when `url` is not a URL; `fields` may be NULL */
char *exo_as_form(const json_t *fields);
char *exo_as_multipart(const json_t *fields, const char *boundary);
/* The URL with another secret: as the value of "key", or else as the last segment of its path. NULL as above. */
char *exo_spoil_secret(const char *url);

/* ---- exotel_control.c ---- */

extern const struct sim_route exo_control[];
json_t *exo_report(struct sim_service *service);

/* ---- exotel_time.c ---- */

/* "2026-03-10 14:30:00", IST. */
const char *exo_ist_text(int64_t time_ms, char text[32]);
/* Reads that form; -1 unless the whole text is one. */
int exo_read_ist(const char *text, int64_t *ret_seconds);
/* Reads a scenario's time: IST text, the same with an offset or Z, milliseconds, or "-10m" before `now_ms`.
 */
int exo_read_time(const json_t *value, int64_t now_ms, int64_t *ret_ms);
/* Midnight IST that begins the day of `time_s`, and the time six months before. In seconds. */
int64_t exo_day_start(int64_t time_s);
int64_t exo_six_months_before(int64_t time_s);

#endif
