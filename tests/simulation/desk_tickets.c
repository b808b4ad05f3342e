/* Tickets and comments of the simulated Zoho Desk: whoever creates twice has two. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "simulation/desk.h"
#include "simulation/memory.h"

enum {
    SEARCH_DEFAULT = 10,
    LIST_DEFAULT = 50,
    COMMENT_MAX = 32000,
    HIDING_MS_MIN = 15 * 1000,
    HIDING_MS_MAX = 30 * 1000
};

static const char *text_of(const struct truth_ticket *ticket, const char *key)
{
    const json_t *changed = json_object_get(ticket->changed, key);

    return json_string_value(changed ? changed : json_object_get(ticket->fields, key));
}

static json_t *ticket_json(const struct truth_ticket *ticket)
{
    return json_pack(
        "{s:s, s:s, s:s?, s:s?, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:n, s:b, s:b, s:s, s:s, s:o}", "id",
        ticket->id, "ticketNumber", ticket->number, "subject", text_of(ticket, "subject"), "departmentId",
        text_of(ticket, "departmentId"), "contactId", ticket->contact->id, "priority",
        text_of(ticket, "priority"), "status", text_of(ticket, "status"), "channel",
        text_of(ticket, "channel"), "createdTime", desk_time(ticket->created_ms), "modifiedTime",
        desk_time(ticket->created_ms), "assigneeId", "isTrashed", 0, "isSpam", 0, "threadCount", "0",
        "commentCount", "0", "webUrl",
        json_sprintf("https://" SIM_HOST_DESK "/support/acmedesk/ShowHomePage.do#Cases/dv/%s", ticket->id));
}

/* ---- tickets ------------------------------------------------------------------------------------------- */

static const struct desk_field ticket_fields[] = {
    { "subject", DESK_TEXT, 255, true },
    { "departmentId", DESK_ID, 0, true },
    { "contactId", DESK_ID, 0, false },
    { "contact", DESK_OBJECT, 0, false },
    { "description", DESK_TEXT, 65535, false },
    { "status", DESK_TEXT, 120, false },
    { "priority", DESK_TEXT, 120, false },
    { "classification", DESK_TEXT, 120, false },
    { "category", DESK_TEXT, 300, false },
    { "subCategory", DESK_TEXT, 300, false },
    { "channel", DESK_TEXT, 120, false },
    { "language", DESK_TEXT, 120, false },
    { "phone", DESK_TEXT, 120, false },
    { "email", DESK_TEXT, 150, false },
    { "assigneeId", DESK_ID, 0, false },
    { "teamId", DESK_ID, 0, false },
    { "accountId", DESK_ID, 0, false },
    { "productId", DESK_ID, 0, false },
    { "dueDate", DESK_TEXT, 40, false },
    { "cf", DESK_OBJECT, 0, false },
    { "resolution", DESK_TEXT, 65535, false },
    { "secondaryContacts", DESK_ARRAY, 20, false },
    { "entitySkills", DESK_ARRAY, 10, false },
    { "webUrl", DESK_TEXT, 5000, false },
    { NULL, DESK_TEXT, 0, false },
};

/* Longer than the engine waits, but not so long that its second look, which waits for a request's time limit more, would
 * not see it either. */
static void hide(struct company *company, struct truth_ticket *ticket)
{
    int64_t settle_ms = company->scenario->settle_ms;

    ticket->shown_ms = ticket->listed_ms =
        ticket->created_ms +
        chance_between(&company->chance, settle_ms + HIDING_MS_MIN, settle_ms + HIDING_MS_MAX);
}

static void create_ticket(struct desk *desk)
{
    struct company *company = desk->company;
    int64_t now_ms = desk->request->now_ms;

    if (!desk_check_body(desk, ticket_fields))
        return;
    const char *department = json_string_value(json_object_get(desk->body, "departmentId"));
    const json_t *person = json_object_get(desk->body, "contact");
    const char *contact_id = json_string_value(json_object_get(desk->body, "contactId"));
    if (strcmp(department, SIM_DESK_DEPARTMENT) != 0) {
        desk_blame(desk, "/departmentId", "invalid");
        return;
    }
    struct truth_contact *contact = contact_id ? truth_contact_by_id(&company->truth, contact_id)
                                    : person   ? desk_inline_contact(desk, person)
                                               : NULL;
    if (!contact && person && !contact_id)
        return;
    if (!contact || now_ms >= contact->gone_ms) {
        desk_blame(desk, "/contactId", "invalid");
        return;
    }
    struct truth_ticket *ticket = truth_add_ticket(&company->truth, now_ms);
    ticket->contact = ticket->contact_then = contact;
    ticket->fields = json_incref(desk->body);
    ticket->shown_ms += desk_lag_ms(company, FAULT_SEARCH_LAG);
    ticket->listed_ms += desk_lag_ms(company, FAULT_LIST_LAG);
    if (company->hides_tickets && now_ms < company->scenario->quiet_ms)
        hide(company, ticket);
    desk_endanger(company, contact, now_ms);
    desk->reply->had_effect = true;
    sim_reply_json(desk->reply, 200, ticket_json(ticket));
}

/* Of all that may be changed, the engine changes the priority. */
static void change_ticket(struct desk *desk, struct truth_ticket *ticket)
{
    static const struct desk_field fields[] = {
        { "priority", DESK_TEXT, 120, true },
        { NULL, DESK_TEXT, 0, false },
    };

    if (!desk_check_body(desk, fields))
        return;
    json_decref(ticket->changed);
    ticket->changed = json_incref(desk->body);
    desk->reply->had_effect = true;
    sim_reply_json(desk->reply, 200, ticket_json(ticket));
}

/* Newest first, as the engine asks for them; others asked for are refused. */
void desk_list_tickets_of(struct desk *desk, const struct truth_contact *contact)
{
    static const char *const allowed[] = { "limit", "from", "sortBy", "departmentId", "include", NULL };
    const struct truth *truth = &desk->company->truth;
    AUTO_STR sort = sim_form_value(desk->request->query, "sortBy");
    bool is_newest_first = sort && strcmp(sort, "-createdTime") == 0;

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->ticket_count; i++) {
        const struct truth_ticket *ticket = truth->tickets[is_newest_first ? truth->ticket_count - 1 - i : i];
        if (ticket->contact == contact && desk->request->now_ms >= ticket->listed_ms)
            json_array_append_new(items, ticket_json(ticket));
    }
    desk_answer_page(desk, items, SEARCH_DEFAULT, -1);
}

/* Whether the words are somewhere in the ticket. */
static bool holds(const struct truth_ticket *ticket, const char *words)
{
    const char *subject = text_of(ticket, "subject");
    const char *description = text_of(ticket, "description");

    return (subject && strstr(subject, words)) || (description && strstr(description, words));
}

static void search(struct desk *desk)
{
    static const char *const allowed[] = { "_all", "subject", "limit", "from", "sortBy", NULL };
    const struct truth *truth = &desk->company->truth;
    AUTO_STR words = sim_form_value(desk->request->query, "_all");
    AUTO_STR subject = sim_form_value(desk->request->query, "subject");

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->ticket_count; i++) {
        const struct truth_ticket *ticket = truth->tickets[i];
        if (desk->request->now_ms < ticket->shown_ms || (words && !holds(ticket, words)) ||
            (subject && !strstr(text_of(ticket, "subject"), subject)))
            continue;
        json_array_append_new(items, ticket_json(ticket));
    }
    desk_answer_page(desk, items, SEARCH_DEFAULT, (json_int_t)json_array_size(items));
}

/* ---- comments ------------------------------------------------------------------------------------------ */

static json_t *comment_json(const struct truth_comment *comment)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:n, s:s, s:b, s:[]}", "id", comment->id, "content",
                     comment->content, "commenterId", "5000001000000110001", "commentedTime",
                     desk_time(comment->created_ms), "modifiedTime", "contentType", "plainText", "isPublic",
                     comment->is_public, "attachments");
}

static void create_comment(struct desk *desk, const struct truth_ticket *ticket)
{
    static const struct desk_field fields[] = {
        { "content", DESK_TEXT, COMMENT_MAX, true },
        { "isPublic", DESK_BOOL, 0, false },
        { "contentType", DESK_TEXT, 20, false },
        { "attachmentIds", DESK_ARRAY, 0, false },
        { NULL, DESK_TEXT, 0, false },
    };

    if (!desk_check_body(desk, fields))
        return;
    struct truth_comment *comment = truth_add_comment(&desk->company->truth, desk->request->now_ms);
    comment->ticket = ticket;
    comment->content = sim_copy(json_string_value(json_object_get(desk->body, "content")));
    /* What is not said to be private may be seen by the customer. */
    comment->is_public = !json_is_false(json_object_get(desk->body, "isPublic"));
    comment->listed_ms += desk_lag_ms(desk->company, FAULT_LIST_LAG);
    desk->reply->had_effect = true;
    sim_reply_json(desk->reply, 200, comment_json(comment));
}

static void list_comments(struct desk *desk, const struct truth_ticket *ticket)
{
    static const char *const allowed[] = { "limit", "from", "sortBy", NULL };
    const struct truth *truth = &desk->company->truth;
    AUTO_STR sort = sim_form_value(desk->request->query, "sortBy");
    bool is_newest_first = sort && strcmp(sort, "-commentedTime") == 0;

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->comment_count; i++) {
        const struct truth_comment *comment =
            truth->comments[is_newest_first ? truth->comment_count - 1 - i : i];
        if (comment->ticket == ticket && desk->request->now_ms >= comment->listed_ms)
            json_array_append_new(items, comment_json(comment));
    }
    desk_answer_page(desk, items, LIST_DEFAULT, -1);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void one_ticket(struct desk *desk, const struct truth_ticket *ticket, const char *rest, bool is_get)
{
    bool is_comments = strcmp(rest, "/comments") == 0;

    if (strcmp(rest, "/attachments") == 0)
        desk_files(desk, ticket, is_get);
    else if (is_comments && is_get)
        list_comments(desk, ticket);
    else if (is_comments)
        create_comment(desk, ticket);
    else if (*rest == '\0' && is_get)
        sim_reply_json(desk->reply, 200, ticket_json(ticket));
    else
        desk_refuse(desk, 404, "URL_NOT_FOUND", "The URL you requested could not be found.");
}

void desk_tickets(struct desk *desk, const char *rest)
{
    bool is_get = strcmp(desk->request->method, "GET") == 0;
    char id[TRUTH_ID_SIZE] = "";

    bool is_patch = strcmp(desk->request->method, "PATCH") == 0;
    if (!is_get && !is_patch && strcmp(desk->request->method, "POST") != 0) {
        desk_refuse(desk, 405, "METHOD_NOT_ALLOWED", "The method is not allowed.");
        return;
    }
    if (*rest == '\0' && !is_get) {
        create_ticket(desk);
        return;
    }
    if (is_get && strcmp(rest, "/search") == 0) {
        search(desk);
        return;
    }
    size_t size = *rest ? strcspn(rest + 1, "/") : 0;
    if (*rest && size < sizeof(id))
        memcpy(id, rest + 1, size);
    struct truth_ticket *ticket = truth_ticket_by_id(&desk->company->truth, id);
    if (ticket && is_patch && rest[1 + size] == '\0')
        change_ticket(desk, ticket);
    else if (ticket && !is_patch)
        one_ticket(desk, ticket, rest + 1 + size, is_get);
    else
        desk_refuse(desk, 404, "URL_NOT_FOUND", "The URL you requested could not be found.");
}
