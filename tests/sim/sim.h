/* The framework's inside: what server, faults, knobs, log and control share. Services include service.h only.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "service.h"

#include <microhttpd.h>
#include <netinet/in.h>

enum {
    SIM_SERVICES_MAX = 8,
    SIM_PARAMS_MAX = 8,
    SIM_LOG_ROWS_MAX = 20000,
    SIM_VIOLATIONS_MAX = 1000,
    SIM_SENT_MAX = 20000,
    SIM_FAULTS_MAX = 1000,
    SIM_COUNTERS_MAX = 512,
    SIM_FIELDS_MAX = 256,
    SIM_PARTS_MAX = 64
};

/* Knobs that every service has, after its own. */
enum sim_common_knob { SIM_LATENCY_MS, SIM_LATENCY_JITTER_MS, SIM_UPLOAD_MAX_BYTES, SIM_COMMON_KNOBS };

struct sim_knob_value {
    int64_t number;
    double real;
    char *text; /* owned; the word or text, also kept for the other types */
};

/* Requests of one method and route, for the report. */
struct sim_counter {
    char *key; /* owned: "GET /api/v1/tickets/{id}" */
    uint64_t count;
};

/* Ways in: every service has the first, with --tls the second, too. */
enum sim_door { SIM_HTTP, SIM_HTTPS, SIM_DOORS };

struct sim_internal {
    struct sim_knob_value *knobs; /* own ones, then the common ones */
    int ports[SIM_DOORS];         /* asked for; 0 is any */
    int listen_fds[SIM_DOORS];
    bool is_refusing;
    struct sim_timer listen_again;
    struct sim_connection *connections;
    uint64_t random;
    unsigned in_flight, in_flight_max;
    uint64_t requests, answers[600];
    struct sim_counter counters[SIM_COUNTERS_MAX];
    size_t counter_count;
    char urls[SIM_DOORS][64]; /* "" while there is no such door */
};

/* One accepted socket. Made in the notification of its start, freed in that of its end. */
struct sim_connection {
    struct sim_service *service;
    int fd;
    struct sim_connection *next, *previous;
};

struct sim_chunk; /* a piece of an arena */

enum sim_phase { SIM_NEW, SIM_RECEIVING, SIM_WAITING, SIM_READY, SIM_SENT };

struct sim_response {
    unsigned status;
    const char *type; /* in the arena, or NULL */
    struct sim_blob *body;
    size_t offset, size;
    struct {
        const char *name, *value;
    } headers[32];
    size_t header_count;
    int64_t delay_ms;
    bool is_chunked, is_cut, is_held;
    size_t cut;
    struct sim_request *req;
};

/* One request on its way: the request that the handler sees, its answer, and where the two are. */
struct sim_exchange {
    struct sim_request req; /* first, so that the framework gets back from it */
    struct sim_response res;
    struct sim *sim;
    struct MHD_Connection *connection;
    enum sim_phase phase;
    char *body;
    size_t body_room, discarded;
    struct sim_field *fields; /* of the header, while it is being read */
    struct sim_chunk *arena;
    struct sim_field params[SIM_PARAMS_MAX];
    size_t param_count;
    char sha256[65];
    int64_t begun_ms;
    struct sim_fault *fault; /* the rule that fired, or NULL; freed ones are cleared from all exchanges */
    const char *fault_word;
    bool is_control, is_counted, is_logged, has_run;
    uint64_t log_row;
    struct sim_timer timer;
    struct sim_exchange *next, *previous;
    size_t sent, drip_size;
    int64_t drip_ms;
};

struct sim_watch {
    int fd;
    void (*ready)(struct sim_watch *watch);
    struct sim *sim;
    struct sim_service *service;
    enum sim_door door;
};

/* The alarms, in the order in which they are due. */
struct sim_alarms {
    struct sim_timer timer; /* runs while the simulated clock does */
    struct sim_alarm *first;
};

struct sim {
    struct sim_service services[SIM_SERVICES_MAX]; /* the last one is control */
    size_t service_count;
    uint64_t seed, serial;
    json_t *scenario;
    const char *env_path, *ports_path;
    bool is_ending, is_seed_given, is_driven_at_start;
    int64_t start_ms;

    /* loop */
    int poll_fd;
    struct MHD_Daemon *daemons[SIM_DOORS]; /* the second only with --tls */
    struct sim_watch watches[SIM_DOORS * SIM_SERVICES_MAX + 8];
    size_t watch_count;
    struct sim_service *accepting;
    struct sim_timer **timers; /* a heap, from slot 1 */
    size_t timer_count, timer_room;
    struct sim_exchange *exchanges;

    struct sim_tls *tls; /* owned; NULL without --tls */
    const char *tls_ca_path, *tls_name;

    /* clock */
    bool is_driven;
    int64_t clock_base_ms, clock_real_ms; /* simulated time at a real time, from where speed counts */
    double clock_speed;
    struct sim_alarms alarms;

    /* what services send */
    struct sim_sender *sender;       /* owned; NULL until something is sent */
    struct sim_delivery *deliveries; /* owned; those that are not over */
    json_t *sent;                    /* owned; a row for each */
    uint64_t sent_count;

    struct sim_fault *faults;
    size_t fault_count;
    uint64_t fault_id, fault_random;

    struct sim_log_row *log;
    uint64_t log_count; /* rows ever written; row n is at n % SIM_LOG_ROWS_MAX */
    json_t *violations;
    uint64_t violation_count;
};

/* services.c: the table of services, in the order in which they start. */
extern const struct sim_service_def *const sim_services[];
extern const struct sim_service_def sim_control; /* control.c */

/* server.c: sockets, the loop, and what MHD calls back. */
int server_open(struct sim *sim, struct sim_error *err);
int server_run(struct sim *sim);
void server_close(struct sim *sim);
int server_watch(struct sim *sim, int fd, void (*ready)(struct sim_watch *));
/* Stops listening for `for_ms`; with `and_drop` resets the connections that are open. */
void server_refuse(struct sim_service *service, int64_t for_ms, bool and_drop);
void server_accept_again(struct sim_service *service);
/* Sends a TCP reset now. */
void server_reset_socket(int fd);

/* tls.c: a certificate authority that lives as long as the program, and the certificate of its server. Gives NULL
 * with `err` set when a certificate cannot be made, or the authority's not be written to `ca_path` (PEM). `name` is
 * the only host or address that the server's certificate is for. */
struct sim_tls *tls_new(const char *ca_path, const char *name, struct sim_error *err);
void tls_free(struct sim_tls *tls); /* NULL is allowed */
const char *tls_key_pem(const struct sim_tls *tls);
const char *tls_cert_pem(const struct sim_tls *tls);

/* exchange.c: the life of one request. */
struct sim_exchange *exchange_new(struct sim *sim, struct sim_service *service, const char *target);
void exchange_free(struct sim_exchange *ex);
void exchange_read_header(struct sim_exchange *ex, const char *method);
void exchange_add_body(struct sim_exchange *ex, const char *data, size_t size);
/* Runs the handler, once. */
void exchange_handle(struct sim_exchange *ex);

/* request.c */
void request_free_arena(struct sim_exchange *ex);
const char *request_decode_path(struct sim_request *req, const char *text, size_t size);

/* answer.c: the response builder, and handing the answer to MHD. */
enum MHD_Result answer_queue(struct sim_exchange *ex);
void answer_clear(struct sim_response *res);
const char *answer_bytes(const struct sim_response *res);
/* Writes the answer to the socket by itself, as a whole or cut, with any Content-Length; for faults. */
void answer_write_raw(struct sim_exchange *ex, size_t body_size, size_t length_said);

/* knobs.c */
void knobs_open(struct sim_service *service);
void knobs_close(struct sim_service *service);
void knobs_reset(struct sim_service *service);
int64_t knobs_common(const struct sim_service *service, enum sim_common_knob knob);
/* Sets {"desk":{"index_lag_ms":60000}}: all of it or nothing. */
int knobs_set(struct sim *sim, const json_t *wanted, struct sim_error *err);
json_t *knobs_show(struct sim *sim);

/* faults.c */
int faults_add(struct sim *sim, const json_t *rules,
               struct sim_error *err); /* one object or an array: all or nothing */
bool faults_remove(struct sim *sim, int64_t id);
void faults_clear(struct sim *sim);
json_t *faults_show(struct sim *sim);
/* Chooses the rule for a request, once before the body is read (resets only) and once after. */
void faults_choose(struct sim_exchange *ex, bool is_before_body);
/* What the chosen rule wants before the handler may run: milliseconds to wait (0: none). */
int64_t faults_wait_before(const struct sim_exchange *ex);
bool faults_skip_handler(const struct sim_exchange *ex);
/* Changes the answer after the handler: status, body, latency. */
void faults_change_answer(struct sim_exchange *ex);
/* Ends the connection at once when the rule says so. True when it did. */
bool faults_ends_early(struct sim_exchange *ex);
void faults_let_go(struct sim_exchange *ex);
/* True when the rule ended the connection itself and no answer may be queued. */
bool faults_send(struct sim_exchange *ex);

/* clock.c */
void clock_reset(struct sim *sim);
int clock_set(struct sim *sim, const json_t *wanted, struct sim_error *err);
json_t *clock_show(struct sim *sim);

/* alarms.c: the clock was set, or its speed. */
void alarms_clock_moved(struct sim *sim);

/* sender.c: one HTTP request as a client. `done` is called once, from the loop: with the status, or with 0 and what went
 * wrong. NULL when it cannot even begin, and then `done` is not called. Borrows `message` and `url` until it is over. */
struct sim_transfer;
typedef void sim_transfer_done(void *context, unsigned status, const char *fault);
struct sim_transfer *sender_begin(struct sim *sim, const struct sim_message *message, sim_transfer_done *done,
                                  void *context);
void sender_cancel(struct sim_transfer *transfer);
void sender_close(struct sim *sim); /* no transfer may be left */

/* outbox.c: messages with their delays and retries. */
void outbox_reset(struct sim *sim);
void outbox_close(struct sim *sim);
/* What `service` (NULL: everybody) sent or will. Gives a reference. */
json_t *outbox_show(const struct sim *sim, const char *service);

/* timers.c */
int timers_wait_ms(const struct sim *sim); /* -1: no timer */
void timers_fire(struct sim *sim);

/* chance.c */
uint64_t chance_next(uint64_t *state);
uint64_t chance_seed(uint64_t seed, const char *name);

/* log.c: what was asked, in order, and what is counted. */
void log_open(struct sim *sim);
void log_close(struct sim *sim);
void log_reset(struct sim *sim);
void log_begin(struct sim_exchange *ex);
void log_end(struct sim_exchange *ex, unsigned status);
json_t *log_show(struct sim *sim, const char *service, const char *path, const char *method, int64_t limit);
json_t *log_counts(struct sim_service *service);

/* scenario.c: start state, reset. */
int scenario_check(const json_t *scenario, struct sim *sim, struct sim_error *err);
int scenario_load_file(struct sim *sim, const char *path, struct sim_error *err);
int scenario_apply(struct sim *sim, struct sim_error *err);

/* report.c */
json_t *report_make(struct sim *sim);

/* env.c */
int env_write(struct sim *sim, const char *path, struct sim_error *err);

#endif
