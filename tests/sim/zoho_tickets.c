/* Tickets: create, get, PATCH, tags, trash. */
#include "zoho.h"

#include <stdio.h>
#include <string.h>

enum { DESCRIPTION_MAX = 65535, SUBJECT_MAX = 1000 };

#define COMMON_FIELDS                                                                                        \
    { .name = "subject", .type = ZOHO_TEXT, .max = SUBJECT_MAX },                                            \
        { .name = "departmentId", .type = ZOHO_ID }, { .name = "contactId", .type = ZOHO_ID },               \
        { .name = "contact", .type = ZOHO_OBJECT }, { .name = "accountId", .type = ZOHO_ID },                \
        { .name = "productId", .type = ZOHO_ID }, { .name = "assigneeId", .type = ZOHO_ID },                 \
        { .name = "layoutId", .type = ZOHO_ID },                                                             \
        { .name = "teamId", .type = ZOHO_TEAM, .may_be_null = true, .may_be_empty = true },                  \
        { .name = "uploads", .type = ZOHO_IDS, .max = 100 },                                                 \
        { .name = "email", .type = ZOHO_EMAIL, .max = 150 },                                                 \
        { .name = "phone", .type = ZOHO_PHONE, .max = 120 },                                                 \
        { .name = "description", .type = ZOHO_TEXT, .max = DESCRIPTION_MAX, .may_be_empty = true },          \
        { .name = "status", .type = ZOHO_TEXT, .max = 120 },                                                 \
        { .name = "priority", .type = ZOHO_PICKLIST, .words = "Low|Medium|High" },                           \
        { .name = "classification", .type = ZOHO_PICKLIST, .words = "Question|Problem|Feature|Others" },     \
        { .name = "category", .type = ZOHO_TEXT, .max = 300 },                                               \
        { .name = "subCategory", .type = ZOHO_TEXT, .max = 300 },                                            \
        { .name = "channel", .type = ZOHO_TEXT, .max = 120 },                                                \
        { .name = "language", .type = ZOHO_TEXT, .max = 120 }, { .name = "dueDate", .type = ZOHO_TIME },     \
        { .name = "responseDueDate", .type = ZOHO_NULL_TEXT }, { .name = "cf", .type = ZOHO_CF },            \
        { .name = "customFields", .type = ZOHO_OBJECT },                                                     \
        { .name = "resolution", .type = ZOHO_TEXT, .max = DESCRIPTION_MAX, .may_be_empty = true },           \
        { .name = "secondaryContacts", .type = ZOHO_IDS, .max = 20 },                                        \
        { .name = "sharedDepartments", .type = ZOHO_SHARED, .max = 10 },                                     \
        { .name = "entitySkills", .type = ZOHO_IDS, .max = 10 },                                             \
        { .name = "webUrl", .type = ZOHO_TEXT, .max = 5000 },                                                \
    {                                                                                                        \
        .name = "blueprint", .type = ZOHO_OBJECT                                                             \
    }

static const struct zoho_field create_fields[] = {
    COMMON_FIELDS,
    { .name = "clonedTicketId", .type = ZOHO_ID },
    { .name = "ticketCreationType", .type = ZOHO_WORDS, .words = "sendAsEmail|clone" },
    { .name = "parentTicket", .type = ZOHO_REFERENCE },
    { .name = "sourceTicket", .type = ZOHO_REFERENCE },
};

static const struct zoho_field patch_fields[] = { COMMON_FIELDS };

static const struct zoho_field inline_create[] = {
    { .name = "lastName", .type = ZOHO_TEXT, .max = 200 },
    { .name = "firstName", .type = ZOHO_TEXT, .max = 100, .may_be_null = true },
    { .name = "email", .type = ZOHO_EMAIL, .max = 255 },
};

static const struct zoho_field inline_patch[] = {
    { .name = "lastName", .type = ZOHO_TEXT, .max = 200 },
    { .name = "firstName", .type = ZOHO_TEXT, .max = 100, .may_be_null = true },
    { .name = "email", .type = ZOHO_EMAIL, .max = 255 },
    { .name = "phone", .type = ZOHO_TEXT, .max = 100 },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct zoho_ticket *zoho_ticket_new(struct zoho *zoho, int64_t now_ms, struct zoho_contact *contact,
                                    json_t *fields)
{
    struct zoho_ticket *ticket = sim_calloc(1, sizeof(*ticket));
    zoho_object_open(zoho, &ticket->object, ZOHO_TICKET, now_ms, fields);
    (void)snprintf(ticket->number, sizeof(ticket->number), "%u", zoho->next_ticket++);
    ticket->contact = contact;
    ticket->tags = json_array();
    zoho_list_add(&zoho->tickets, ticket);
    zoho_list_add(&contact->tickets, ticket);
    return ticket;
}

static void check_subject(struct sim_request *req, const json_t *body, json_t *errors)
{
    const char *subject = zoho_text_of(body, "subject");
    size_t length = subject ? zoho_characters(subject) : 0;
    if (length <= SUBJECT_MAX && (int64_t)length > sim_knob_int(req->service, DESK_SUBJECT_MAX))
        zoho_add_error(errors, "/subject", "invalid");
}

/* Ids that must name something of this portal. */
static void check_references(struct sim_request *req, const json_t *body, json_t *errors)
{
    struct zoho *zoho = zoho_of(req);
    const char *department = zoho_text_of(body, "departmentId");
    const char *contact_id = zoho_text_of(body, "contactId");
    const char *assignee = zoho_text_of(body, "assigneeId");
    struct zoho_contact *contact = (struct zoho_contact *)zoho_find(zoho, ZOHO_CONTACT, contact_id);
    if (department && zoho_is_id(department) && !zoho_department(zoho, department))
        zoho_add_error(errors, "/departmentId", "invalid");
    if (contact_id && zoho_is_id(contact_id) &&
        (!contact || contact->is_trashed || !zoho_contact_stands(contact) ||
         !zoho_contact_serves(contact, department)))
        zoho_add_error(errors, "/contactId", "invalid");
    if (assignee && zoho_is_id(assignee) && strcmp(assignee, zoho_agent_id()) != 0)
        zoho_add_error(errors, "/assigneeId", "invalid");
    if (!zoho_uploads_exist(zoho, json_object_get(body, "uploads")))
        zoho_add_error(errors, "/uploads", "invalid");
}

static void check_missing(const json_t *body, json_t *errors)
{
    if (!json_object_get(body, "subject"))
        zoho_add_error(errors, "/subject", "missing");
    if (!json_object_get(body, "departmentId"))
        zoho_add_error(errors, "/departmentId", "missing");
    if (!json_object_get(body, "contactId") && !json_object_get(body, "contact"))
        zoho_add_error(errors, "/contactId", "missing");
}

/* Checks the inline contact. False after answering about an extra key. */
static bool check_inline(struct sim_request *req, struct sim_response *res, json_t *body, json_t *errors,
                         bool is_patch)
{
    json_t *contact = json_object_get(body, "contact");
    const struct zoho_field *fields = is_patch ? inline_patch : inline_create;
    size_t count = is_patch ? COUNT(inline_patch) : COUNT(inline_create);
    if (!json_is_object(contact))
        return true;
    const char *extra = zoho_extra_key(contact, fields, count);
    if (extra) {
        zoho_refuse_text(req, res, "An extra parameter '%.200s' is found", extra);
        return false;
    }
    zoho_check_fields(req, contact, "/contact", fields, count, errors);
    if (!is_patch && !zoho_text_of(contact, "lastName") && !zoho_text_of(contact, "email"))
        zoho_add_error(errors, "/contact/lastName", "missing");
    return true;
}

/* A layout of this portal may demand a custom field. */
static bool check_mandatory(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    const char *name = sim_knob_text(req->service, DESK_MANDATORY_CF);
    if (!*name || zoho_text_of(json_object_get(body, "cf"), name))
        return true;
    json_t *errors = json_array();
    zoho_add_error(errors, sim_text(req, "/cf/%s", name), "missing");
    zoho_refuse_data(req, res, errors, true);
    return false;
}

/* Finds a contact by e-mail only, as documented, or makes one. */
static struct zoho_contact *inline_contact(struct sim_request *req, const json_t *given,
                                           const char *department_id)
{
    struct zoho *zoho = zoho_of(req);
    const char *email = zoho_text_of(given, "email");
    for (size_t i = 0; email && i < zoho->contacts.count; i++) {
        struct zoho_contact *contact = zoho->contacts.items[i];
        const char *own = zoho_text_of(zoho_fields(&contact->object), "email");
        if (!contact->is_trashed && zoho_contact_stands(contact) &&
            zoho_contact_serves(contact, department_id) && own && strcasecmp(own, email) == 0)
            return contact;
    }
    json_t *fields = json_deep_copy(given);
    if (!json_object_get(fields, "lastName"))
        (void)json_object_set_new(fields, "lastName", json_string(email));
    zoho->contacts_by_tickets++;
    return zoho_contact_new(zoho, req->now_ms, fields);
}

/* Reads and checks a body for create or PATCH. Gives it, or NULL after answering. */
static json_t *read_ticket(struct sim_request *req, struct sim_response *res, bool is_patch)
{
    json_t *body, *errors;
    const struct zoho_field *fields = is_patch ? patch_fields : create_fields;
    if (zoho_read_body(req, res, fields, is_patch ? COUNT(patch_fields) : COUNT(create_fields), &body,
                       &errors) < 0)
        return NULL;
    bool goes_on = check_inline(req, res, body, errors, is_patch);
    check_subject(req, body, errors);
    check_references(req, body, errors);
    if (!is_patch)
        check_missing(body, errors);
    if (goes_on && json_array_size(errors) > 0) {
        zoho_refuse_data(req, res, json_incref(errors), false);
        goes_on = false;
    }
    json_decref(errors);
    if (goes_on && !is_patch)
        goes_on = check_mandatory(req, res, body);
    if (goes_on)
        return body;
    json_decref(body);
    return NULL;
}

static void answer_ticket(struct sim_request *req, struct sim_response *res, const struct zoho_ticket *ticket,
                          enum zoho_view view)
{
    zoho_answer(req, res, zoho_ticket_view(zoho_of(req), ticket, zoho_fields(&ticket->object), view));
    zoho_ticket_headers(res);
}

void zoho_ticket_create(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    if (!zoho_query_known(req, res, ""))
        return;
    json_t *body = read_ticket(req, res, false);
    if (!body)
        return;
    const char *contact_id = zoho_text_of(body, "contactId");
    unsigned made_before = zoho->contacts_by_tickets;
    struct zoho_contact *contact =
        contact_id
            ? (struct zoho_contact *)zoho_find(zoho, ZOHO_CONTACT, contact_id)
            : inline_contact(req, json_object_get(body, "contact"), zoho_text_of(body, "departmentId"));
    json_t *uploads = json_incref(json_object_get(body, "uploads"));
    (void)json_object_del(body, "uploads");
    (void)json_object_del(body, "contact");
    struct zoho_ticket *ticket = zoho_ticket_new(zoho, req->now_ms, contact, body);
    zoho_uploads_use(zoho, uploads, ticket, &ticket->attachments);
    json_decref(uploads);
    if (zoho->contacts_by_tickets != made_before)
        zoho_tell_contact(req, "Contact_Add", contact, NULL, NULL);
    zoho_tell_ticket(req, "Ticket_Add", ticket, NULL, NULL);
    answer_ticket(req, res, ticket, VIEW_CREATE);
}

static struct zoho_ticket *find_ticket(struct sim_request *req, struct sim_response *res)
{
    struct zoho_object *object = zoho_find(zoho_of(req), ZOHO_TICKET, sim_param(req, "ticket"));
    if (!object)
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
    return (struct zoho_ticket *)object;
}

void zoho_ticket_get(struct sim_request *req, struct sim_response *res)
{
    static const char words[] = "contacts|products|assignee|departments|contract|isRead|team|skills";
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "include") || !zoho_query_words(req, res, "include", words))
        return;
    answer_ticket(req, res, ticket, VIEW_GET);
}

static void move_to_contact(struct zoho_ticket *ticket, struct zoho_contact *contact)
{
    struct zoho_list *old = &ticket->contact->tickets;
    for (size_t i = 0; i < old->count; i++) {
        if (old->items[i] != ticket)
            continue;
        memmove(old->items + i, old->items + i + 1, (old->count - i - 1) * sizeof(*old->items));
        old->count--;
        break;
    }
    ticket->contact = contact;
    zoho_list_add(&contact->tickets, ticket);
}

static void change_ticket(struct sim_request *req, struct zoho_ticket *ticket, json_t *body)
{
    struct zoho *zoho = zoho_of(req);
    char now[40];
    json_t *fields = zoho_edit(&ticket->object, req->now_ms);
    const char *contact_id = zoho_text_of(body, "contactId");
    const char *status = zoho_text_of(body, "status");
    zoho_uploads_use(zoho, json_object_get(body, "uploads"), ticket, &ticket->attachments);
    if (contact_id && strcmp(contact_id, ticket->contact->object.id) != 0)
        move_to_contact(ticket, (struct zoho_contact *)zoho_find(zoho, ZOHO_CONTACT, contact_id));
    json_t *custom = json_copy(json_object_get(fields, "cf"));
    if (!custom)
        custom = json_object();
    (void)json_object_update(custom, json_object_get(body, "cf"));
    (void)json_object_del(body, "uploads");
    (void)json_object_del(body, "contact");
    (void)json_object_update(fields, body);
    (void)json_object_set_new(fields, "cf", custom);
    if (status)
        (void)json_object_set_new(fields, "closedTime",
                                  strcmp(status, "Closed") == 0 ? json_string(zoho_time(req->now_ms, now))
                                                                : json_null());
}

void zoho_ticket_patch(struct sim_request *req, struct sim_response *res)
{
    int ignored;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "disableClosureNotification") ||
        !zoho_query_flag(req, res, "disableClosureNotification", &ignored))
        return;
    json_t *body = read_ticket(req, res, true);
    if (!body)
        return;
    bool is_held = json_object_get(body, "status") && !sim_knob_is(req->service, DESK_BLUEPRINT, "off");
    if (is_held && sim_knob_is(req->service, DESK_BLUEPRINT, "403")) {
        zoho_refuse(req, res, ZOHO_FORBIDDEN);
    } else if (is_held) {
        json_t *errors = json_array();
        zoho_add_error(errors, "/status", "invalid");
        zoho_refuse_data(req, res, errors, true);
    } else {
        json_t *before = zoho_is_watched(zoho_of(req))
                             ? zoho_ticket_view(zoho_of(req), ticket, zoho_fields(&ticket->object), VIEW_GET)
                             : NULL;
        json_t *changed = json_copy(body);
        change_ticket(req, ticket, body);
        zoho_tell_ticket(req, "Ticket_Update", ticket, before, changed);
        json_decref(before);
        json_decref(changed);
        answer_ticket(req, res, ticket, VIEW_CREATE);
    }
    json_decref(body);
}

void zoho_ticket_tag(struct sim_request *req, struct sim_response *res)
{
    static const struct zoho_field fields[] = { { .name = "tags", .type = ZOHO_OBJECT } };
    json_t *body, *errors, *tag;
    size_t index;
    struct zoho_ticket *ticket = find_ticket(req, res);
    if (!ticket || !zoho_query_known(req, res, "") || zoho_read_body(req, res, fields, 1, &body, &errors) < 0)
        return;
    json_t *tags = json_object_get(body, "tags");
    bool is_good = json_is_array(tags) && json_array_size(tags) > 0;
    json_array_foreach (tags, index, tag) {
        size_t length = json_is_string(tag) ? zoho_characters(json_string_value(tag)) : 0;
        is_good = is_good && length >= 3 && length <= 100;
    }
    (void)json_array_clear(errors);
    if (is_good) {
        (void)json_array_extend(ticket->tags, tags);
        zoho_answer_empty(req, res, 204);
    } else {
        zoho_add_error(errors, "/tags", tags ? "invalid" : "missing");
        zoho_refuse_data(req, res, json_incref(errors), false);
    }
    json_decref(errors);
    json_decref(body);
}

void zoho_ticket_trash(struct sim_request *req, struct sim_response *res)
{
    static const struct zoho_field fields[] = { { .name = "ticketIds", .type = ZOHO_IDS, .max = 100 } };
    struct zoho *zoho = zoho_of(req);
    json_t *body, *errors, *id;
    size_t index;
    if (!zoho_query_known(req, res, "") || zoho_read_body(req, res, fields, 1, &body, &errors) < 0)
        return;
    json_t *ids = json_object_get(body, "ticketIds");
    bool is_known = json_array_size(ids) > 0;
    json_array_foreach (ids, index, id)
        is_known = is_known && zoho_find(zoho, ZOHO_TICKET, json_string_value(id));
    if (!is_known && json_array_size(errors) == 0)
        zoho_add_error(errors, "/ticketIds", ids ? "invalid" : "missing");
    if (json_array_size(errors) > 0) {
        zoho_refuse_data(req, res, json_incref(errors), false);
    } else {
        json_array_foreach (ids, index, id) {
            struct zoho_ticket *ticket =
                (struct zoho_ticket *)zoho_find(zoho, ZOHO_TICKET, json_string_value(id));
            ticket->is_trashed = true;
            zoho_tell_ticket(req, "Ticket_Delete", ticket, NULL, NULL);
        }
        zoho_answer_empty(req, res, 204);
    }
    json_decref(errors);
    json_decref(body);
}
