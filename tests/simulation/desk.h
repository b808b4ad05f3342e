/* Inside of the simulated Zoho Desk. */
#ifndef TESTS_SIMULATION_DESK_H
#define TESTS_SIMULATION_DESK_H

#include "simulation/company.h"

/* One request at the desk. */
struct desk {
    struct company *company;
    const struct sim_request *request;
    struct sim_reply *reply;
    json_t *body; /* owned by the handler; NULL: none, or no JSON */
};

enum desk_type { DESK_TEXT, DESK_ID, DESK_BOOL, DESK_OBJECT, DESK_ARRAY };

/* What a body may hold. */
struct desk_field {
    const char *key;
    enum desk_type type;
    size_t max; /* characters of a text, items of an array; 0: any */
    bool is_required;
};

void desk_refuse(struct desk *desk, int status, const char *code, const char *message);
/* 422, with the field that is to blame and how: "invalid", "missing". */
void desk_blame(struct desk *desk, const char *field, const char *type);
/* Whether the body is as `fields` say; else it has been refused. The table ends with a NULL key. */
bool desk_check_body(struct desk *desk, const struct desk_field *fields);
/* Whether the query has these parameters only (NULL ends the list), and a good page; else it has been refused. */
bool desk_check_query(struct desk *desk, const char *const *allowed);
/* The items of the page that is asked for, of a list that is given up: 200, or 204 when there is none. `count` < 0: not told. */
void desk_answer_page(struct desk *desk, json_t *items, size_t limit_default, json_int_t count);
json_t *desk_time(int64_t ms);
/* How long something new stays hidden from searches, or lists. */
int64_t desk_lag_ms(struct company *company, enum sim_fault lag);

void desk_contacts(struct desk *desk, const char *rest);
void desk_tickets(struct desk *desk, const char *rest);
/* What people do to contacts by this time: deletes and merges. */
void desk_people_act(struct company *company, int64_t now_ms);
/* People may do away with the contact some time from now. */
void desk_endanger(struct company *company, struct truth_contact *contact, int64_t now_ms);
/* "email", "firstName", "description"; NULL: not set. */
const char *desk_contact_text(const struct truth_contact *contact, const char *key);
/* The contact that a ticket's inline `contact` is, found by e-mail or made. NULL: it was refused. */
struct truth_contact *desk_inline_contact(struct desk *desk, const json_t *person);
/* The files of a ticket (desk_files.c). */
void desk_files(struct desk *desk, const struct truth_ticket *ticket, bool is_get);
void desk_list_tickets_of(struct desk *desk, const struct truth_contact *contact);

#endif
