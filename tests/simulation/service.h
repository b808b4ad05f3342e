/* What the world around the simulated engine is made of: services, each a state machine that is asked one HTTP request at a
 * time in virtual time. They are written from what is known about the real services, and share no code with the local HTTP
 * services or with the plugins. They outlive the engine's deaths: their state is the truth that the oracle judges by.
 *
 * The network in front of them (net.h) loses, delays, cuts and repeats; a service itself only fails as the real one does
 * by its own rules (tokens, limits, lag, refusals). */
#ifndef TESTS_SIMULATION_SERVICE_H
#define TESTS_SIMULATION_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/chance.h"

enum { SIM_HEADERS_MAX = 32, SIM_REPLY_HEADERS_MAX = 16 };

struct sim_header {
    const char *name, *value;
};

/* A request as it arrives, secrets in place. Everything is borrowed for the call. */
struct sim_request {
    int64_t now_ms;     /* wall clock of the world, which never jumps; the engine's may */
    const char *method; /* "GET" */
    const char *host;   /* "desk.example.com", lower case, without a port */
    const char *path;   /* still escaped, without the query: "/api/v1/tickets" */
    const char *query;  /* still escaped, without '?'; "" for none */
    struct sim_header headers[SIM_HEADERS_MAX];
    size_t header_count;
    const char *body; /* NUL-terminated; a streamed file's content, a form, or JSON */
    size_t body_size;
    bool is_stray; /* whoever sent it has given it up by now, or is dead */
};
/* First header of that name, any case, or NULL. */
const char *sim_request_header(const struct sim_request *request, const char *name);
/* The decoded value of a query or form member, malloc'ed, or NULL when absent. */
char *sim_form_value(const char *form, const char *name);

/* What it answers. Starts all zero; status must be set. */
struct sim_reply {
    int status;
    struct sim_header
        headers[SIM_REPLY_HEADERS_MAX]; /* constants, or texts that live as long as the service */
    size_t header_count;
    char *body; /* malloc'ed, given; NULL for none */
    size_t body_size;
    const char *content_type; /* constant; NULL: application/json when there is a body */
    int64_t think_ms;         /* how long it takes to answer, beside the way there and back */
    bool had_effect; /* something was created or changed: what the fault counters call "after the effect" */
};
/* Takes `json`. */
void sim_reply_json(struct sim_reply *reply, int status, json_t *json);
void sim_reply_header(struct sim_reply *reply, const char *name, const char *value);

/* One service of the world. */
struct sim_service {
    const char *host;
    void *state;
    void (*handle)(void *state, const struct sim_request *request, struct sim_reply *ret_reply);
};

#endif
