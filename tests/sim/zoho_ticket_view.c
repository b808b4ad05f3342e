/* How a ticket looks in each answer: create and PATCH, get, a list's row, a search's row. */
#include "zoho.h"

#include <stdio.h>
#include <string.h>

/* Keys that are shown as they were set, null when they were not. The last column says in which views. */
enum { C = 1, G = 2, L = 4, S = 8, CG = C | G, CGS = C | G | S, ALL = C | G | L | S };

static const struct {
    const char *key;
    int views;
} plain[] = {
    { "subCategory", ALL }, { "subject", ALL },     { "dueDate", ALL },         { "departmentId", ALL },
    { "resolution", CGS },  { "productId", ALL },   { "priority", ALL },        { "classification", CGS },
    { "phone", ALL },       { "description", CGS }, { "responseDueDate", ALL }, { "email", ALL },
    { "assigneeId", ALL },  { "teamId", ALL },      { "category", ALL },        { "closedTime", ALL },
};

/* Keys that this portal never fills. */
static const struct {
    const char *key;
    int views;
} empty[] = {
    { "onholdTime", ALL }, { "channelRelatedInfo", CG }, { "channelCode", C | G | L },
    { "slaId", CGS },      { "sentiment", G | L },       { "product", S },
    { "team", S },         { "lastThread", L | S },
};

static const struct {
    const char *key;
    int views;
    bool value;
} flags[] = {
    { "isOverDue", CGS, false }, { "isResponseOverdue", CG, false }, { "isArchived", ALL, false },
    { "isDeleted", CG, false },  { "isEscalated", CGS, false },      { "isFollowing", G, false },
    { "isRead", S, false },
};

static const struct {
    const char *key;
    int views;
} zeros[] = {
    { "approvalCount", CG },  { "threadCount", ALL }, { "taskCount", CG },
    { "timeEntryCount", CG }, { "followerCount", G }, { "childTicketCount", S },
};

static const char layout_id[] = "5000001000000070011";

static void put(json_t *out, const char *key, json_t *takes)
{
    (void)json_object_set_new_nocheck(out, key, takes);
}

static void put_text(json_t *out, const char *key, const char *text)
{
    put(out, key, text ? json_string_nocheck(text) : json_null());
}

static void put_number(json_t *out, const char *key, size_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%zu", number);
    put_text(out, key, text);
}

static void put_or(json_t *out, const char *key, json_t *value, json_t *otherwise)
{
    if (value && !json_is_null(value)) {
        (void)json_object_set_nocheck(out, key, value);
        json_decref(otherwise);
    } else {
        put(out, key, otherwise);
    }
}

static const char *status_type(const char *status)
{
    return strcmp(status, "Closed") == 0 ? "Closed" : strcmp(status, "On Hold") == 0 ? "On Hold" : "Open";
}

static json_t *source(int view)
{
    json_t *out = json_pack("{s:n, s:n, s:n, s:s}", "appName", "extId", "permalink", "type", "SYSTEM");
    if (view != L)
        put(out, "uuid", json_null());
    put(out, "appPhotoURL", json_null());
    return out;
}

static json_t *short_contact(const struct zoho_contact *contact)
{
    const json_t *fields = zoho_fields(&contact->object);
    return json_pack("{s:O?, s:O?, s:O?, s:O?, s:s, s:O?, s:O?, s:n}", "lastName",
                     json_object_get(fields, "lastName"), "firstName", json_object_get(fields, "firstName"),
                     "phone", json_object_get(fields, "phone"), "mobile", json_object_get(fields, "mobile"),
                     "id", contact->object.id, "type", json_object_get(fields, "type"), "email",
                     json_object_get(fields, "email"), "account");
}

static void put_tables(json_t *out, const json_t *fields, int view)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (plain[i].views & view)
            put_or(out, plain[i].key, json_object_get(fields, plain[i].key), json_null());
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        if (empty[i].views & view)
            put(out, empty[i].key, json_null());
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (flags[i].views & view)
            put(out, flags[i].key, json_boolean(flags[i].value));
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
        if (zeros[i].views & view)
            put_text(out, zeros[i].key, "0");
}

/* What create, PATCH and get show beyond a search's row. */
static void put_whole(json_t *out, const struct zoho_ticket *ticket, int view)
{
    put(out, "isTrashed", json_boolean(ticket->is_trashed));
    put(out, "layoutDetails", json_pack("{s:s, s:s}", "id", layout_id, "layoutName", "AcmeDesk"));
    put_number(out, "attachmentCount", ticket->attachments.count);
    if (view == G)
        put_number(out, "tagCount", json_array_size(ticket->tags));
}

static void put_search(json_t *out, const struct zoho_ticket *ticket, struct zoho *zoho, const json_t *fields)
{
    struct zoho_department *department = zoho_department(zoho, zoho_text_of(fields, "departmentId"));
    put(out, "contact", short_contact(ticket->contact));
    put(out, "department",
        department ? json_pack("{s:s, s:s}", "name", department->name, "id", department->id) : json_null());
    put(out, "assignee", zoho_text_of(fields, "assigneeId") ? zoho_agent_view(zoho) : json_null());
}

static void put_lists(json_t *out, const json_t *fields)
{
    put_or(out, "sharedDepartments", json_object_get(fields, "sharedDepartments"), json_array());
    put_or(out, "secondaryContacts", json_object_get(fields, "secondaryContacts"), json_array());
    put_or(out, "entitySkills", json_object_get(fields, "entitySkills"), json_array());
    put_or(out, "cf", json_object_get(fields, "cf"), json_object());
    put(out, "customFields", json_object());
}

json_t *zoho_ticket_view(struct zoho *zoho, const struct zoho_ticket *ticket, const json_t *fields,
                         enum zoho_view wanted)
{
    static const int bits[] = { [VIEW_CREATE] = C, [VIEW_GET] = G, [VIEW_LIST] = L, [VIEW_SEARCH] = S };
    int view = bits[wanted];
    const struct zoho_object *object = &ticket->object;
    char created[40], modified[40], url[160];
    const char *status = zoho_text_of(fields, "status");
    const char *language = sim_knob_text(zoho->desk, DESK_LANGUAGE);
    json_t *out = json_object();

    (void)zoho_time(object->created_ms, created);
    (void)zoho_time(object->modified_ms, modified);
    (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/support/%s/ShowHomePage.do#Cases/dv/%s", zoho->tld,
                   zoho->portal, object->id);
    if (view != L)
        put_text(out, "modifiedTime", modified);
    put_tables(out, fields, view);
    put_text(out, "statusType", status_type(status ? status : "Open"));
    put_text(out, "status", status ? status : "Open");
    put_or(out, "channel", json_object_get(fields, "channel"), json_string("Phone"));
    put_or(out, "language", json_object_get(fields, "language"),
           strcmp(language, "null") == 0 ? json_null() : json_string(language));
    put_text(out, "createdTime", created);
    put_text(out, "customerResponseTime", created);
    put_text(out, "id", object->id);
    put_text(out, "ticketNumber", ticket->number);
    put_text(out, "contactId", ticket->contact->object.id);
    json_t *account = json_object_get(zoho_fields(&ticket->contact->object), "accountId");
    put_or(out, "accountId", json_object_get(fields, "accountId"),
           account ? json_incref(account) : json_null());
    put_number(out, "commentCount", ticket->comments.count);
    put_or(out, "webUrl", json_object_get(fields, "webUrl"), json_string(url));
    put(out, "isSpam", json_boolean(ticket->is_spam));
    put_text(out, "layoutId", layout_id);
    if (view != S)
        put(out, "source", source(view));
    if (view & CGS) {
        put_text(out, "modifiedBy", zoho_agent_id());
        put_lists(out, fields);
    }
    if (view & (G | S))
        put_text(out, "createdBy", zoho_agent_id());
    if (view & CG)
        put_whole(out, ticket, view);
    if (view & (L | S))
        put_text(out, "relationshipType", "None");
    if (view == S)
        put_search(out, ticket, zoho, fields);
    return out;
}
