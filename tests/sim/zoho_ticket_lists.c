/* Tickets in lists and searches: GET /tickets, a contact's tickets, GET /tickets/search. */
#include "zoho.h"

#include <stdlib.h>
#include <string.h>

enum sort { BY_CREATED, BY_MODIFIED, BY_DUE };

struct found {
    const struct zoho_ticket *ticket;
    const json_t *fields;
    const char *due;
    size_t order;
    enum sort sort;
    bool is_down;
};

static int compare(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int64_t difference = 0;
    if (a->sort == BY_DUE)
        difference = strcmp(a->due, b->due);
    else if (a->sort == BY_MODIFIED)
        difference = a->ticket->object.modified_ms - b->ticket->object.modified_ms;
    else
        difference = a->ticket->object.created_ms - b->ticket->object.created_ms;
    if (difference == 0)
        difference = a->order < b->order ? -1 : a->order > b->order;
    if (a->is_down)
        difference = -difference;
    return difference < 0 ? -1 : difference > 0;
}

struct page {
    int64_t limit, from;
    enum sort sort;
    bool is_down;
};

static enum sort sort_of(const char *word)
{
    if (strcmp(word, "modifiedTime") == 0 || strcmp(word, "recentThread") == 0)
        return BY_MODIFIED;
    return strcmp(word, "dueDate") == 0 ? BY_DUE : BY_CREATED;
}

static void answer_page(struct sim_request *req, struct sim_response *res, struct found *found, size_t count,
                        const struct page *page, enum zoho_view view)
{
    for (size_t i = 0; i < count; i++) {
        const char *due = zoho_text_of(found[i].fields, "dueDate");
        found[i].due = due ? due : "";
        found[i].order = i;
        found[i].sort = page->sort;
        found[i].is_down = page->is_down;
    }
    if (count > 1)
        qsort(found, count, sizeof(*found), compare);
    json_t *rows = json_array();
    for (size_t i = (size_t)page->from; i < count && i < (size_t)(page->from + page->limit); i++)
        (void)json_array_append_new(rows,
                                    zoho_ticket_view(zoho_of(req), found[i].ticket, found[i].fields, view));
    zoho_answer_list(req, res, rows, view == VIEW_SEARCH ? (int64_t)count : -1);
}

/* In a list `from` may count from 0 or from 1: sources differ. */
static bool read_list_page(struct sim_request *req, struct sim_response *res, const char *words,
                           const char *initial, struct page *page)
{
    const char *word;
    if (!zoho_query_number(req, res, "limit", 1, 100, 10, &page->limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &page->from) ||
        !zoho_query_sort(req, res, words, initial, &word, &page->is_down))
        return false;
    if (page->from > 0 && sim_knob_is(req->service, DESK_LIST_BASE, "1"))
        page->from--;
    page->sort = sort_of(word);
    return true;
}

static bool wants(const struct sim_request *req, const char *name, const char *value)
{
    const char *wanted = sim_query(req, name);
    return !wanted || zoho_fits_list(wanted, value, false, true);
}

void zoho_ticket_list(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    struct page page;
    if (!zoho_query_known(req, res, "departmentId|status|channel|assignee|sortBy|limit|from|include") ||
        !zoho_query_words(req, res, "include", "contacts|products|assignee|departments|team|isRead") ||
        !read_list_page(req, res, "dueDate|createdTime|recentThread", "-createdTime", &page))
        return;
    struct found *found = sim_malloc((zoho->tickets.count + 1) * sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < zoho->tickets.count; i++) {
        struct zoho_ticket *ticket = zoho->tickets.items[i];
        const json_t *fields = zoho_fields(&ticket->object);
        const char *status = zoho_text_of(fields, "status"), *channel = zoho_text_of(fields, "channel");
        if (!ticket->is_trashed && wants(req, "departmentId", zoho_text_of(fields, "departmentId")) &&
            wants(req, "status", status ? status : "Open") &&
            wants(req, "channel", channel ? channel : "Phone") &&
            wants(req, "assignee", zoho_text_of(fields, "assigneeId")))
            found[count++] = (struct found){ .ticket = ticket, .fields = fields };
    }
    answer_page(req, res, found, count, &page, VIEW_LIST);
    free(found);
}

void zoho_contact_tickets(struct sim_request *req, struct sim_response *res)
{
    struct zoho_contact *contact =
        (struct zoho_contact *)zoho_find(zoho_of(req), ZOHO_CONTACT, sim_param(req, "contact"));
    struct page page;
    int spam;
    if (!contact || contact->is_trashed || !zoho_contact_stands(contact)) {
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
        return;
    }
    if (!zoho_query_known(req, res, "departmentId|limit|from|sortBy|include|isSpam") ||
        !zoho_query_flag(req, res, "isSpam", &spam) ||
        !zoho_query_words(req, res, "include", "products|assignee|departments|team|isRead") ||
        !read_list_page(req, res, "createdTime|modifiedTime", "-createdTime", &page))
        return;
    int64_t lag_ms = sim_knob_int(req->service, DESK_CONTACT_TICKETS_LAG_MS);
    struct found *found = sim_malloc((contact->tickets.count + 1) * sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < contact->tickets.count; i++) {
        struct zoho_ticket *ticket = contact->tickets.items[i];
        const json_t *fields = zoho_indexed(&ticket->object, req->now_ms, lag_ms);
        if (fields && !ticket->is_trashed && (spam < 0 || spam == ticket->is_spam) &&
            wants(req, "departmentId", zoho_text_of(fields, "departmentId")))
            found[count++] = (struct found){ .ticket = ticket, .fields = fields };
    }
    answer_page(req, res, found, count, &page, VIEW_LIST);
    free(found);
}

/* Criteria whose value is a field of the ticket. Those with may_lead take '*' at both ends. */
static const struct {
    const char *name, *field;
    size_t values_max;
    bool is_exact, may_lead;
} lists[] = {
    { "id", NULL, 30, true, false },
    { "departmentId", "departmentId", 30, true, false },
    { "contactId", NULL, 30, true, false },
    { "email", "email", 30, false, false },
    { "phone", "phone", 30, false, true },
    { "ticketNumber", NULL, 30, false, false },
    { "accountId", "accountId", 30, true, false },
    { "assigneeId", "assigneeId", 30, true, false },
    { "productId", "productId", 30, true, false },
    { "category", "category", 30, false, false },
    { "priority", "priority", 30, false, false },
    { "channel", "channel", 30, false, false },
};

static const char *list_value(size_t row, const struct zoho_ticket *ticket, const json_t *fields)
{
    if (strcmp(lists[row].name, "id") == 0)
        return ticket->object.id;
    if (strcmp(lists[row].name, "contactId") == 0)
        return ticket->contact->object.id;
    if (strcmp(lists[row].name, "ticketNumber") == 0)
        return ticket->number;
    const char *value = zoho_text_of(fields, lists[row].field);
    return !value && strcmp(lists[row].name, "channel") == 0 ? "Phone" : value;
}

static bool fits_lists(const struct sim_request *req, const struct zoho_ticket *ticket, const json_t *fields)
{
    for (size_t row = 0; row < sizeof(lists) / sizeof(lists[0]); row++) {
        const char *wanted = sim_query(req, lists[row].name);
        if (wanted && !zoho_fits_list(wanted, list_value(row, ticket, fields), lists[row].may_lead,
                                      lists[row].is_exact))
            return false;
    }
    return true;
}

static bool contains(const char *text, const char *wanted)
{
    return text && strcasestr(text, wanted);
}

static bool fits_status(const char *wanted, const char *status)
{
    const char *type = strcmp(status, "Closed") == 0    ? "${CLOSED}"
                       : strcmp(status, "On Hold") == 0 ? "${ONHOLD}"
                                                        : "${OPEN}";
    return zoho_fits_list(wanted, status, false, false) || zoho_fits_list(wanted, type, false, true);
}

static bool has_tag(const struct zoho_ticket *ticket, const char *wanted)
{
    size_t index;
    json_t *tag;
    json_array_foreach (ticket->tags, index, tag) {
        if (zoho_fits_list(wanted, json_string_value(tag), false, false))
            return true;
    }
    return false;
}

static bool fits_texts(const struct sim_request *req, const struct zoho_ticket *ticket, const json_t *fields)
{
    const char *subject = zoho_text_of(fields, "subject"), *description = zoho_text_of(fields, "description");
    const char *status = zoho_text_of(fields, "status");
    const json_t *contact = zoho_fields(&ticket->contact->object);
    const char *wanted = sim_query(req, "subject");
    if (wanted && !zoho_fits_text(wanted, subject))
        return false;
    wanted = sim_query(req, "description");
    if (wanted && !zoho_fits_text(wanted, description))
        return false;
    wanted = sim_query(req, "_all");
    if (wanted && !contains(subject, wanted) && !contains(description, wanted) &&
        !contains(ticket->number, wanted))
        return false;
    wanted = sim_query(req, "contactName");
    if (wanted && !zoho_fits_text(wanted, zoho_text_of(contact, "lastName")) &&
        !zoho_fits_text(wanted, zoho_text_of(contact, "firstName")))
        return false;
    wanted = sim_query(req, "status");
    if (wanted && !fits_status(wanted, status ? status : "Open"))
        return false;
    wanted = sim_query(req, "tag");
    return !wanted || has_tag(ticket, wanted);
}

static bool fits_ranges(const struct sim_request *req, const struct zoho_ticket *ticket, const json_t *fields)
{
    const char *created = sim_query(req, "createdTimeRange"), *modified = sim_query(req, "modifiedTimeRange");
    const char *answered = sim_query(req, "customerResponseTimeRange"), *due = sim_query(req, "dueDateRange");
    if (created && !zoho_fits_range(created, ticket->object.created_ms))
        return false;
    if (modified && !zoho_fits_range(modified, ticket->object.modified_ms))
        return false;
    if (answered && !zoho_fits_range(answered, ticket->object.created_ms))
        return false;
    return !due || zoho_text_of(fields, "dueDate") != NULL;
}

static bool check_search(struct sim_request *req, struct sim_response *res)
{
    static const char known[] =
        "subject|description|_all|contactId|contactName|departmentId|email|phone|ticketNumber|id|accountId|"
        "accountName|"
        "assigneeId|productId|productName|category|priority|status|channel|tag|createdTimeRange|"
        "modifiedTimeRange|"
        "dueDateRange|customerResponseTimeRange|limit|from|sortBy|customField1|customField2|customField3|"
        "customField4|"
        "customField5|customField6|customField7|customField8|customField9|customField10";
    bool is_good =
        zoho_query_known(req, res, known) && zoho_check_custom(req, res) &&
        zoho_check_length(req, res, "subject", 3, 1000) &&
        zoho_check_length(req, res, "description", 3, 1000) && zoho_check_length(req, res, "_all", 3, 1000) &&
        zoho_check_range(req, res, "createdTimeRange") && zoho_check_range(req, res, "modifiedTimeRange") &&
        zoho_check_range(req, res, "dueDateRange") && zoho_check_range(req, res, "customerResponseTimeRange");
    for (size_t row = 0; is_good && row < sizeof(lists) / sizeof(lists[0]); row++)
        is_good = zoho_check_list(req, res, lists[row].name, lists[row].values_max);
    return is_good;
}

/* Nobody here has an account or a product, so these two never fit. */
static bool asks_for_nothing(const struct sim_request *req)
{
    return sim_query(req, "accountName") || sim_query(req, "productName");
}

void zoho_ticket_search(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    struct page page;
    const char *word;
    if (!check_search(req, res) || !zoho_query_number(req, res, "limit", 1, 100, 10, &page.limit) ||
        !zoho_query_number(req, res, "from", 0, 4999, 0, &page.from) ||
        !zoho_query_sort(req, res, "relevance|modifiedTime|createdTime|customerResponseTime", "relevance",
                         &word, &page.is_down))
        return;
    page.sort = sort_of(word);
    int64_t lag_ms = sim_knob_int(req->service, DESK_INDEX_LAG_MS);
    struct found *found = sim_malloc((zoho->tickets.count + 1) * sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < zoho->tickets.count && !asks_for_nothing(req); i++) {
        struct zoho_ticket *ticket = zoho->tickets.items[i];
        const json_t *fields = zoho_indexed(&ticket->object, req->now_ms, lag_ms);
        if (fields && !ticket->is_trashed && !ticket->is_spam && fits_lists(req, ticket, fields) &&
            fits_texts(req, ticket, fields) && fits_ranges(req, ticket, fields) &&
            zoho_fits_custom(req, fields))
            found[count++] = (struct found){ .ticket = ticket, .fields = fields };
    }
    answer_page(req, res, found, count, &page, VIEW_SEARCH);
    free(found);
}
