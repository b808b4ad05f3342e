/* The truth of a simulated world: what was said and done in it, and what the services hold. The services write it, the
 * oracle reads it; nothing in it comes from the engine but what the engine sent to the services. Items never move: they are
 * allocated one by one and live as long as the truth. One thread; a failure of memory ends the program. */
#ifndef TESTS_SIMULATION_TRUTH_H
#define TESTS_SIMULATION_TRUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRUTH_NEVER INT64_MAX

enum {
    TRUTH_SID_SIZE = 33,
    TRUTH_ID_SIZE = 24,
    TRUTH_CODE_SIZE = 12,
    TRUTH_PHONE_SIZE = 40,
    TRUTH_DIGITS = 10
};

/* ---- calls --------------------------------------------------------------------------------------------- */

enum truth_kind {
    TRUTH_ANSWERED,      /* somebody talked with somebody */
    TRUTH_MISSED,        /* nobody did */
    TRUTH_NEVER_SETTLES, /* answered, but the source never writes down how and by whom */
    TRUTH_NO_STATUS      /* answered, but the source never writes a status */
};

enum truth_recording {
    TRUTH_RECORDING_NONE,   /* no address either */
    TRUTH_RECORDING_LOST,   /* an address, and never a file */
    TRUTH_RECORDING_EMPTY,  /* a file without a byte */
    TRUTH_RECORDING_SILENT, /* sound, and no words */
    TRUTH_RECORDING_THERE
};

struct truth_line {
    int64_t start_ms, end_ms; /* from the beginning of the recording */
    unsigned speaker;
    char *text; /* owned; words without quotes, digits or brackets */
};

struct truth_call {
    char sid[TRUTH_SID_SIZE];
    char code[TRUTH_CODE_SIZE]; /* a word that is said in this call and in no other */
    enum truth_kind kind;
    bool is_inbound, agent_is_inactive;
    char customer[TRUTH_PHONE_SIZE]; /* as the source writes it; "" or a word when withheld */
    char digits[TRUTH_DIGITS + 1];   /* the customer's; "" when withheld */
    char agent[TRUTH_PHONE_SIZE];    /* as the source writes it */
    const char *leg2;                /* constant, or NULL */
    int64_t created_ms, ended_ms;    /* the source lists it when it has ended */
    int64_t settled_ms;              /* TRUTH_NEVER: never */
    int64_t recording_ms;            /* when its file can be fetched; TRUTH_NEVER: never */
    enum truth_recording recording;
    unsigned channels;
    int64_t duration_s, talk_s;
    bool is_urgent;
    const char *category; /* constant: one of the classifier's words */
    struct truth_line *lines;
    size_t line_count;

    /* What became of it. */
    int64_t listed_ms;    /* when it was first in an answer to a list; 0: never */
    uint32_t transcribed; /* transcripts given out */
    uint32_t classified;  /* classifications given out */
    uint32_t refused;     /* transcriptions and classifications refused */
};

/* ---- the helpdesk -------------------------------------------------------------------------------------- */

struct truth_contact {
    char id[TRUTH_ID_SIZE];
    char *last_name, *phone, *mobile; /* owned; NULL: not set */
    json_t *more; /* owned, or NULL: firstName, email, description, cf, as they were sent */
    bool by_engine;
    int64_t created_ms, shown_ms; /* when searches begin to show it */
    int64_t gone_ms; /* when others delete it, or merge it into one of theirs; TRUTH_NEVER: not */
    bool will_be_merged;
    const struct truth_contact *merged_into; /* once it is */
};

struct truth_ticket {
    char id[TRUTH_ID_SIZE], number[TRUTH_ID_SIZE];
    const struct truth_contact *contact; /* now */
    const struct truth_contact *contact_then;
    json_t *fields;                          /* owned: the body that made it */
    json_t *changed;                         /* owned, or NULL: what was changed since */
    int64_t created_ms, shown_ms, listed_ms; /* when searches, and lists, begin to show it */
};

struct truth_comment {
    char id[TRUTH_ID_SIZE];
    const struct truth_ticket *ticket;
    char *content; /* owned */
    bool is_public;
    int64_t created_ms, listed_ms;
};

/* Something that must not have happened, as a service saw it. */
struct truth_breach {
    const char *name; /* of the invariant; constant */
    char *text;       /* owned */
};

struct truth {
    struct truth_call **calls;
    size_t call_count;
    struct truth_contact **contacts;
    size_t contact_count;
    struct truth_ticket **tickets;
    size_t ticket_count;
    struct truth_comment **comments;
    size_t comment_count;
    struct truth_breach *breaches;
    size_t breach_count;

    /* See truth_escalation.h. */
    struct truth_escalation **escalations;
    size_t escalation_count;
    struct truth_file **files;
    size_t file_count;
    struct truth_event **events;
    size_t event_count;
    struct truth_mapping **mappings;
    size_t mapping_count;

    bool has_floor;
    int64_t floor_ms; /* from where on the engine has asked for calls, at its very first request */
    uint64_t desk_requests, exotel_requests, refreshes;
    uint64_t needless_refreshes; /* while the newest token had minutes to live */
    uint64_t last_id;
};

void truth_done(struct truth *truth);
struct truth_call *truth_add_call(struct truth *truth);
struct truth_contact *truth_add_contact(struct truth *truth, int64_t now_ms);
struct truth_ticket *truth_add_ticket(struct truth *truth, int64_t now_ms);
struct truth_comment *truth_add_comment(struct truth *truth, int64_t now_ms);
/* Keeps at most a hundred of them. */
void truth_breach(struct truth *truth, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A new id, as Zoho Desk makes them. */
void truth_make_id(struct truth *truth, char ret_id[TRUTH_ID_SIZE]);

struct truth_call *truth_call_by_sid(const struct truth *truth, const char *sid);
struct truth_contact *truth_contact_by_id(const struct truth *truth, const char *id);
struct truth_ticket *truth_ticket_by_id(const struct truth *truth, const char *id);

/* Whether the engine gets a ticket for this call, by its configuration: answered, by an agent who is not inactive. */
bool truth_is_wanted(const struct truth *truth, const struct truth_call *call);
/* The last ten digits of a number as people write it; "" when there are fewer. */
void truth_last_digits(const char *text, char ret_digits[TRUTH_DIGITS + 1]);

#endif
