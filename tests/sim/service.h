/* What a service of the local services program is written against.
 *
 * One program, one thread, one loopback port per service. The framework reads each request whole, applies the
 * faults that a test asked for, calls the service's handler, and sends the answer, late or broken when it was
 * told so. A handler looks at the request and fills the response; it never blocks, never sleeps and never
 * touches a socket.
 *
 * Ownership words: borrows (uses it until it returns, or as long as said), takes (owns it from now on, even
 * when it fails), gives (the caller must release it). Everything here belongs to the one thread of the
 * program.
 */
#ifndef SIM_SERVICE_H
#define SIM_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PRINTF(text, first) __attribute__((format(printf, text, first)))

struct sim;     /* the whole program */
struct sim_env; /* the .env fragment that is being written */
struct sim_response;

/* One sentence for the person who wrote the scenario or the control request. */
struct sim_error {
    char text[256];
};

/* Records a failure and returns -1, so that a caller can write `return sim_fail(...)`. */
int sim_fail(struct sim_error *err, const char *format, ...) SIM_PRINTF(2, 3);

/* ---- Knobs --------------------------------------------------------------------------------------------- */

enum sim_knob_type { SIM_BOOL, SIM_INT, SIM_REAL, SIM_TEXT, SIM_WORD };

/* One row of a service's table of knobs. A handler reads a knob by its position in the table, so a service
 * keeps an enum beside it. `initial` is written as text whatever the type: "false", "60000", "0.5",
 * "documented". */
struct sim_knob {
    const char *name; /* lower_case, with the unit last: "index_lag_ms" */
    enum sim_knob_type type;
    const char *initial;
    const char *words; /* SIM_WORD: what it may be, "a|b|c" */
    int64_t min, max;  /* SIM_INT: the range, both ends included; both 0 means 0 to 2^53 */
    const char *help;  /* one sentence, with the number of the contract's item */
};

/* ---- Services ------------------------------------------------------------------------------------------ */

struct sim_request;
typedef void sim_handler(struct sim_request *req, struct sim_response *res);

/* One row of a table of routes; a row with method NULL ends the table. The first row that fits wins. In
 * `path` each segment may hold one "{name}", with text before and after it ("/v1/Calls/{call}.json"); it
 * stands for one character or more and never for a '/'. A last segment "{name...}" takes all that follows.
 * "*" as method fits any. */
struct sim_route {
    const char *method;
    const char *path;
    sim_handler *handle;
};

struct sim_service {
    const struct sim_service_def *def;
    struct sim *sim;
    void *state;             /* the service's own; set by `start` */
    const char *base_url;    /* "http://127.0.0.1:40123", or https; without a slash at the end */
    struct sim_internal *in; /* the framework's own; hands off */
};

/* What a service is. Every member but `name` may be left out. The framework calls `start` once, then `load`
 * with the scenario's section (when there is one), and after that only from its loop. */
struct sim_service_def {
    const char *name;       /* "deepgram": the word for it in options, knobs, faults and reports */
    const char *url_env;    /* "DEEPGRAM_API_URL": the .env name that gets base_url */
    const char *url_suffix; /* appended to base_url there; NULL for nothing */
    const struct sim_knob *knobs;
    size_t knob_count;

    /* Answers one request. Without it the framework goes through `routes` and answers 404 with an empty body
     * when nothing fits; with it the service decides itself and may call sim_route() at the point it likes.
     */
    sim_handler *handle;
    const struct sim_route *routes;

    /* Served by the control service below /control/<name>/: "/calls" here is "/control/exotel/calls" there.
     * For putting calls in, moving the life cycle on, and the like. Not subject to faults and latency, not
     * logged. */
    const struct sim_route *control;

    int (*start)(struct sim_service *service, struct sim_error *err); /* makes `state` */
    void (*stop)(struct sim_service *service); /* frees it; also after a failed start */
    void (*reset)(
        struct sim_service *service); /* back to what start left; load follows when there is a scenario */
    /* Takes in the section of this service's name from the scenario, or of POST /control/scenario. Refuses
     * keys that it does not know. Borrows `section`. */
    int (*load)(struct sim_service *service, const json_t *section, struct sim_error *err);
    /* Gives a JSON object with what this service saw, shown under its name in GET /control/report; or NULL.
     */
    json_t *(*report)(struct sim_service *service);
    /* Adds lines to the .env fragment besides `url_env`: credentials that this service accepts. */
    void (*env)(struct sim_service *service, struct sim_env *env);
};

/* The service called `name`, or NULL. For services that share state: the recordings host asks for "exotel".
 * Services start in the order of the table in services.c, so a service finds the state of those before it. */
struct sim_service *sim_service_find(struct sim *sim, const char *name);

/* Adds NAME=value to the .env fragment. Borrows both. */
void sim_env_put(struct sim_env *env, const char *name, const char *value);

/* The value of the knob at position `knob` of the service's table. The type must be the knob's own; words and
 * texts are valid until the knob is set again. */
bool sim_knob_bool(const struct sim_service *service, size_t knob);
int64_t sim_knob_int(const struct sim_service *service, size_t knob);
double sim_knob_real(const struct sim_service *service, size_t knob);
const char *sim_knob_text(const struct sim_service *service, size_t knob);
/* True when the word or text of the knob is exactly `word`. */
bool sim_knob_is(const struct sim_service *service, size_t knob, const char *word);

/* ---- Requests ------------------------------------------------------------------------------------------ */

/* A name and a value, decoded and NUL-terminated; `size` is the value's length, for values with a NUL inside.
 */
struct sim_field {
    const char *name;
    const char *value;
    size_t size;
};

/* A request, read whole. Everything in it lives until the answer has been sent. */
struct sim_request {
    struct sim_service *service;
    const char *method;
    const char *path;              /* percent-decoded, without the query */
    const char *target;            /* path and query as they were sent */
    const char *query_text;        /* the query as it was sent, "" when there is none */
    const struct sim_field *query; /* decoded ('+' is a space), in the order sent, repeated names kept */
    size_t query_count;
    const struct sim_field *headers; /* in the order sent */
    size_t header_count;
    const char *body; /* never NULL; a NUL follows the last byte */
    size_t body_size;
    const char *route;  /* the path of the route that was chosen, or NULL */
    bool is_malformed;  /* a '%' in the target without two hex digits behind it */
    unsigned in_flight; /* requests of this service without an answer yet, this one included */
    uint64_t serial;    /* 1 for the first request of the program */
    int64_t now_ms;     /* the simulated clock when the request was complete; frozen */
    int64_t upload_ms;  /* real milliseconds from the header to the last byte of the body */
};

/* The first header or query value of that name (headers without regard to case), or NULL. */
const char *sim_header(const struct sim_request *req, const char *name);
const char *sim_query(const struct sim_request *req, const char *name);

/* What stood for "{name}" in the route, or NULL. Decoded. */
const char *sim_param(const struct sim_request *req, const char *name);

/* Finds the first route that fits method and path, notes it in the request and returns it; NULL when none
 * does. With `ret_path_known` the caller learns whether the path alone would have fitted (so: 405 and not
 * 404). May be NULL. */
const struct sim_route *sim_route(struct sim_request *req, const struct sim_route *routes,
                                  bool *ret_path_known);

/* The body's SHA-256 in lower-case hex; computed once. */
const char *sim_body_sha256(struct sim_request *req);

/* Memory that lives as long as the request. Never NULL: the program ends when there is none. */
void *sim_alloc(struct sim_request *req, size_t size);
char *sim_text(struct sim_request *req, const char *format, ...) SIM_PRINTF(2, 3);

/* Splits an application/x-www-form-urlencoded text. Gives the fields in memory of the request. */
size_t sim_form(struct sim_request *req, const char *text, size_t size, const struct sim_field **ret_fields);

/* One part of a multipart body. Points into the body: `data` has no NUL behind it. */
struct sim_part {
    const char *name;      /* "" when the part has none */
    const char *file_name; /* NULL when it is not a file */
    const char *type;      /* its Content-Type, or NULL */
    const char *data;
    size_t size;
};

/* Reads a multipart/form-data body by its boundary. Returns the number of parts, or -1 when the body is not
 * well formed multipart (wrong type, no boundary, no closing line, more than 64 parts). */
int sim_multipart(struct sim_request *req, const struct sim_part **ret_parts);

/* Reads `Authorization: Basic`. False when there is none or it is not base64 of "user:password". */
bool sim_basic_auth(struct sim_request *req, const char **ret_user, const char **ret_password);

/* Notes that the client did what a real service refuses or what no client may do (credentials on a presigned
 * URL). A test that expects none of these looks at "violations" in the report. */
void sim_violation(struct sim_request *req, const char *format, ...) SIM_PRINTF(2, 3);

/* ---- Responses ----------------------------------------------------------------------------------------- */

/* Bytes that several answers share: an audio file in memory. */
struct sim_blob;
struct sim_blob *sim_blob_new(void *data, size_t size); /* takes `data` (malloc); gives one reference */
struct sim_blob *sim_blob_ref(struct sim_blob *blob);
void sim_blob_unref(struct sim_blob *blob); /* NULL is allowed */
const void *sim_blob_data(const struct sim_blob *blob);
size_t sim_blob_size(const struct sim_blob *blob);

/* Each of these sets status and body, replacing what was set before; without any the answer is 500 with no
 * body. `type` is the Content-Type, or NULL for none. */
void sim_respond_json(struct sim_response *res, unsigned status,
                      json_t *body); /* takes; compact, order kept */
void sim_respond_text(struct sim_response *res, unsigned status, const char *type,
                      const char *text); /* copies */
void sim_respond_bytes(struct sim_response *res, unsigned status, const char *type, const void *data,
                       size_t size);
void sim_respond_buffer(struct sim_response *res, unsigned status, const char *type, void *data,
                        size_t size); /* takes */
/* `size` bytes of the blob from `offset`; holds a reference while it is being sent. */
void sim_respond_blob(struct sim_response *res, unsigned status, const char *type, struct sim_blob *blob,
                      size_t offset, size_t size);
void sim_respond_empty(struct sim_response *res, unsigned status);

/* Replaces the Content-Type that the last sim_respond_* set; NULL removes it. sim_respond_json sets
 * application/json. */
void sim_respond_type(struct sim_response *res, const char *type);
/* Adds a header; the same name may be added again (set-cookie). Content-Length is computed and may not be
 * added. */
void sim_respond_header(struct sim_response *res, const char *name, const char *format, ...) SIM_PRINTF(3, 4);
/* Holds the answer back for that long, in real time, on top of the latency knob. Adds up. */
void sim_respond_delay(struct sim_response *res, int64_t delay_ms);
/* The answer is not known yet: the handler returns, keeps `req` and `res`, which live until the answer has been sent, and
 * later, from the loop, fills `res` and calls sim_respond_now. */
void sim_respond_later(struct sim_response *res);
void sim_respond_now(struct sim_request *req);
/* Sends the body chunked, without Content-Length. */
void sim_respond_chunked(struct sim_response *res);
/* Sends only the first `size` bytes of the body, with the Content-Length of all of it, then resets the
 * connection. */
void sim_respond_cut(struct sim_response *res, size_t size);
/* Packs the body as gzip when the request accepts that, and says so. Stored, not deflated: the form is what
 * counts. */
void sim_respond_gzip(struct sim_response *res);
/* What has been set so far. */
size_t sim_response_size(const struct sim_response *res);
unsigned sim_response_status(const struct sim_response *res);

/* ---- Clock, chance, timers ----------------------------------------------------------------------------- */

/* The simulated time in milliseconds since 1970, and in real, monotonic milliseconds. */
int64_t sim_now_ms(const struct sim *sim);
int64_t sim_real_ms(void);

/* Breaks a time down with strftime, in UTC shifted by `offset_minutes` (330 for IST). Returns `text`. */
char *sim_time_text(int64_t now_ms, int offset_minutes, const char *format, char *text, size_t size)
    __attribute__((format(strftime, 3, 0)));

/* The next number of the service's own seeded sequence; _below gives 0 to limit - 1. */
uint64_t sim_random(struct sim_service *service);
uint64_t sim_random_below(struct sim_service *service, uint64_t limit);

/* Writes `size` - 1 random characters from `alphabet` and a NUL. */
void sim_random_text(struct sim_service *service, const char *alphabet, char *text, size_t size);

/* Lower-case hex of the SHA-256 of the bytes; 65 bytes with the NUL. */
void sim_sha256(const void *data, size_t size, char text[65]);

/* Calls `fire` once after `after_ms` of real time. Embed it in your own struct; stop it before you free that.
 */
struct sim_timer {
    void (*fire)(struct sim_timer *timer);
    int64_t due_ms;
    size_t slot; /* 0: not running */
};
void sim_timer_start(struct sim *sim, struct sim_timer *timer, int64_t after_ms,
                     void (*fire)(struct sim_timer *));
void sim_timer_stop(struct sim *sim, struct sim_timer *timer);

/* The same on the simulated clock: fires as soon as that says `due_ms` or later, also when a test moves it there. Alarms
 * of one time fire in the order in which they were set. */
struct sim_alarm {
    void (*fire)(struct sim_alarm *alarm);
    int64_t due_ms;
    bool is_set;
    struct sim_alarm *next;
};
void sim_alarm_set(struct sim *sim, struct sim_alarm *alarm, int64_t due_ms,
                   void (*fire)(struct sim_alarm *));
void sim_alarm_clear(struct sim *sim, struct sim_alarm *alarm);

/* ---- Sending ------------------------------------------------------------------------------------------- */

enum { SIM_TRIES_MAX = 16, SIM_MESSAGE_HEADERS_MAX = 8 };

/* What a service sends by itself. It goes to 127.0.0.1 whatever host the URL names. */
struct sim_message {
    const char *what, *tag; /* words for GET /control/sent: "passthru", and whose it is (may be NULL) */
    const char *method, *url;
    const char *headers[SIM_MESSAGE_HEADERS_MAX]; /* "Name: value"; NULL ends them */
    const void *body;                             /* NULL: none */
    size_t body_size;
    bool is_lost;                    /* shown as lost, and never sent */
    int64_t delay_ms;                /* simulated, before the first try */
    int64_t timeout_ms;              /* real, of one try */
    int64_t retry_ms[SIM_TRIES_MAX]; /* simulated, from the end of a try to the next one; 0 ends them */
    int connect_port;                /* 0: the URL's own */
    /* Looks at each answer (status 0: there was none) and says whether that was the last try. NULL: 2xx is. `tag` is the
     * message's. */
    bool (*heard)(struct sim_service *service, const char *tag, unsigned status);
};

/* Queues a message; copies all of it. It is forgotten at a reset. */
void sim_send(struct sim_service *service, const struct sim_message *message);

/* Allocation that ends the program when there is no memory: a test tool has nothing better to do. */
void *sim_malloc(size_t size);
void *sim_calloc(size_t count, size_t size);
void *sim_realloc(void *data, size_t size);
char *sim_strdup(const char *text);

/* ---- The services -------------------------------------------------------------------------------------- */

extern const struct sim_service_def sim_exotel;     /* exotel.c */
extern const struct sim_service_def sim_recordings; /* recordings.c, after exotel */
extern const struct sim_service_def sim_deepgram;   /* deepgram.c */
extern const struct sim_service_def sim_openai;     /* openai.c */
extern const struct sim_service_def sim_desk;       /* zoho_desk.c */
extern const struct sim_service_def sim_accounts;   /* zoho_accounts.c, after desk */
extern const struct sim_service_def sim_callback;   /* callback.c */

#endif
