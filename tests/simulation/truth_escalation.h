/* The truth about escalations: what agents posted and were answered, what files a ticket has, what the receiver of callbacks
 * was told. Owned by struct truth; items never move. */
#ifndef TESTS_SIMULATION_TRUTH_ESCALATION_H
#define TESTS_SIMULATION_TRUTH_ESCALATION_H

#include "simulation/chance.h"
#include "simulation/truth.h"

enum { TRUTH_FILES_MAX = 3, TRUTH_NAME_SIZE = 48, TRUTH_KEY_SIZE = 64, TRUTH_MAPPED_MAX = 8 };

/* A file of a conversation. */
struct truth_attachment {
    char name[TRUTH_NAME_SIZE];
    char content[2 * TRUTH_NAME_SIZE]; /* unlike any other's */
    bool by_address;                   /* fetched from SIM_HOST_FILES; else it comes with the escalation */
    bool is_missing;                   /* and is not there */
};

struct truth_escalation {
    struct truth_call said; /* the words, and what a classifier makes of them; no call otherwise */
    const char *agent;      /* constant: "web" or "app" */
    char id[TRUTH_NAME_SIZE];
    char user_id[TRUTH_ID_SIZE];
    char email[TRUTH_NAME_SIZE], phone[TRUTH_PHONE_SIZE], digits[TRUTH_DIGITS + 1]; /* "": not given */
    char crm_id[TRUTH_ID_SIZE];                                                     /* "": not given */
    const struct truth_contact
        *named; /* the contact that crm_id names, by its own id or its field; NULL: none */
    bool has_callback;
    struct truth_attachment files[TRUTH_FILES_MAX];
    size_t file_count;
    char *body; /* owned: what is posted, each time */
    int64_t planned_ms;
    struct chance chance; /* of the agent that posts it */

    /* What became of it. */
    uint32_t posts, pending;    /* calls begun, and posts that are not over: the agent still tries */
    int64_t taken_ms;           /* the first 2xx; 0: none */
    char number[TRUTH_ID_SIZE]; /* the ticket that the agent was told; "": none yet */
};

/* A file of a ticket. */
struct truth_file {
    char id[TRUTH_ID_SIZE];
    const struct truth_ticket *ticket;
    char *name, *content; /* owned */
    size_t size;
    bool is_public;
    int64_t created_ms, listed_ms;
};

/* What the receiver of callbacks heard under one idempotency key. */
struct truth_event {
    char key[TRUTH_KEY_SIZE];
    const struct truth_escalation *escalation;
    bool is_delay;
    int64_t sequence;
    char number[TRUTH_ID_SIZE];    /* "": null */
    int64_t first_ms, accepted_ms; /* 0: never accepted */
    uint32_t arrivals;
    bool is_refused_for_good; /* 410, and nothing is accepted any more */
};

/* One row of the mapping file. */
struct truth_mapped {
    char user_id[TRUTH_ID_SIZE], crm_id[TRUTH_ID_SIZE], contact_id[TRUTH_ID_SIZE]; /* "": left empty */
};

/* What the mapping file said from some moment on. */
struct truth_mapping {
    int64_t written_ms;
    int64_t read_ms; /* when the engine had read it, at the latest; TRUTH_NEVER: it never did */
    bool is_broken;  /* nobody can read it: what it said before goes on to count */
    struct truth_mapped rows[TRUTH_MAPPED_MAX];
    size_t row_count;
};

struct truth_mapping *truth_add_mapping(struct truth *truth, int64_t now_ms);
/* What it says of the user; NULL: nothing. */
const struct truth_mapped *truth_mapped(const struct truth_mapping *mapping, const char *user_id);

struct truth_escalation *truth_add_escalation(struct truth *truth);
struct truth_file *truth_add_file(struct truth *truth, int64_t now_ms);
struct truth_event *truth_add_event(struct truth *truth, int64_t now_ms);
/* By agent and its id; `agent` may be NULL: any. */
struct truth_escalation *truth_escalation_by_id(const struct truth *truth, const char *agent, const char *id);
struct truth_event *truth_event_by_key(const struct truth *truth, const char *key);
void truth_done_escalations(struct truth *truth);

#endif
