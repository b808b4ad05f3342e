/* Contacts: create, get, PATCH, list, search. Duplicates are welcome, numbers are kept as they were sent. */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct zoho_field contact_fields[] = {
    { .name = "lastName", .type = ZOHO_TEXT, .max = 200 },
    { .name = "firstName", .type = ZOHO_TEXT, .max = 40 },
    { .name = "email", .type = ZOHO_EMAIL, .max = 255 },
    { .name = "secondaryEmail", .type = ZOHO_EMAIL, .max = 100 },
    { .name = "phone", .type = ZOHO_TEXT, .max = 50 },
    { .name = "mobile", .type = ZOHO_TEXT, .max = 50 },
    { .name = "accountId", .type = ZOHO_ID },
    { .name = "ownerId", .type = ZOHO_ID },
    { .name = "layoutId", .type = ZOHO_ID },
    { .name = "type", .type = ZOHO_TEXT, .max = 120 },
    { .name = "zip", .type = ZOHO_TEXT, .max = 50 },
    { .name = "country", .type = ZOHO_TEXT, .max = 100 },
    { .name = "state", .type = ZOHO_TEXT, .max = 100 },
    { .name = "city", .type = ZOHO_TEXT, .max = 100 },
    { .name = "street", .type = ZOHO_TEXT, .max = 250 },
    { .name = "title", .type = ZOHO_TEXT, .max = 100 },
    { .name = "description", .type = ZOHO_TEXT, .max = 65535, .may_be_empty = true },
    { .name = "cf", .type = ZOHO_CF },
    { .name = "language", .type = ZOHO_TEXT, .max = 120 },
    { .name = "twitter", .type = ZOHO_TEXT, .max = 250 },
    { .name = "facebook", .type = ZOHO_TEXT, .max = 250 },
};

enum { CONTACT_FIELDS = sizeof(contact_fields) / sizeof(contact_fields[0]) };

static const char contact_layout_id[] = "5000001000000070005";

enum { C = 1, L = 4, S = 8, CS = C | S, ALL = C | L | S };

static const struct {
    const char *key;
    int views;
} plain[] = {
    { "firstName", ALL }, { "lastName", ALL },       { "facebook", CS }, { "twitter", CS },
    { "email", ALL },     { "secondaryEmail", ALL }, { "mobile", ALL },  { "phone", ALL },
    { "city", CS },       { "country", CS },         { "state", CS },    { "street", CS },
    { "zip", CS },        { "description", CS },     { "title", ALL },   { "type", ALL },
    { "language", CS },   { "accountId", ALL },
};

static const struct {
    const char *key;
    int views;
} flags[] = {
    { "isAnonymous", ALL }, { "isDeleted", C }, { "isFollowing", C }, { "isEndUser", ALL }, { "isSpam", ALL },
};

static void put(json_t *out, const char *key, json_t *takes)
{
    (void)json_object_set_new_nocheck(out, key, takes);
}

static void put_tables(json_t *out, const json_t *fields, int view)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (!(plain[i].views & view))
            continue;
        json_t *value = json_object_get(fields, plain[i].key);
        put(out, plain[i].key, value ? json_incref(value) : json_null());
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (flags[i].views & view)
            put(out, flags[i].key, json_false());
}

static void put_custom(json_t *out, const json_t *fields)
{
    json_t *custom = json_object_get(fields, "cf");
    put(out, "cf", custom ? json_incref(custom) : json_object());
    put(out, "customFields", json_object());
    put(out, "layoutId", json_string(contact_layout_id));
}

json_t *zoho_contact_view(struct zoho *zoho, const struct zoho_contact *contact, const json_t *fields,
                          enum zoho_view wanted)
{
    int view = wanted == VIEW_LIST ? L : wanted == VIEW_SEARCH ? S : C;
    const struct zoho_object *object = &contact->object;
    char created[40], modified[40], url[160];
    const char *owner = zoho_text_of(fields, "ownerId");
    json_t *out = json_object();

    (void)zoho_time(object->created_ms, created);
    (void)zoho_time(object->modified_ms, modified);
    (void)snprintf(url, sizeof(url), "https://desk.zoho.%s/support/%s/ShowHomePage.do#Contacts/dv/%s",
                   zoho->tld, zoho->portal, object->id);
    put(out, "id", json_string(object->id));
    put_tables(out, fields, view);
    put(out, "accountCount", json_string(zoho_text_of(fields, "accountId") ? "1" : "0"));
    put(out, "createdTime", json_string(created));
    put(out, "ownerId", json_string(owner ? owner : zoho_agent_id()));
    put(out, "zohoCRMContact", contact->crm ? json_incref(contact->crm) : json_null());
    put(out, "customerHappiness",
        json_pack("{s:s, s:s, s:s}", "badPercentage", "0", "okPercentage", "0", "goodPercentage", "0"));
    put(out, "photoURL", json_null());
    put(out, "webUrl", json_string(url));
    if (view & CS) {
        put(out, "modifiedTime", json_string(modified));
        put_custom(out, fields);
    }
    if (view == C) {
        put(out, "layoutDetails", json_pack("{s:s, s:s}", "id", contact_layout_id, "layoutName", "AcmeDesk"));
        put(out, "isTrashed", json_boolean(contact->is_trashed));
    }
    if (view == S) {
        put(out, "owner", zoho_agent_view(zoho));
        put(out, "account", json_null());
    }
    return out;
}

struct zoho_contact *zoho_contact_new(struct zoho *zoho, int64_t now_ms, json_t *fields)
{
    struct zoho_contact *contact = sim_calloc(1, sizeof(*contact));
    zoho_object_open(zoho, &contact->object, ZOHO_CONTACT, now_ms, fields);
    zoho_list_add(&zoho->contacts, contact);
    zoho_index_phones(zoho, contact);
    return contact;
}

bool zoho_contact_stands(const struct zoho_contact *contact)
{
    return !contact->merged_into;
}

bool zoho_contact_serves(const struct zoho_contact *contact, const char *department_id)
{
    return !contact->department_id || !department_id || strcmp(contact->department_id, department_id) == 0;
}

void zoho_contact_merge(struct zoho_contact *contact, struct zoho_contact *survivor)
{
    contact->merged_into = survivor;
    for (size_t i = 0; i < contact->tickets.count; i++) {
        struct zoho_ticket *ticket = contact->tickets.items[i];
        ticket->contact = survivor;
        zoho_list_add(&survivor->tickets, ticket);
    }
    contact->tickets.count = 0;
}

/* With the knob "unique" the layout refuses a second contact with the same value. */
static bool is_duplicate(struct sim_request *req, const json_t *body, const struct zoho_contact *self)
{
    struct zoho *zoho = zoho_of(req);
    const char *field = sim_knob_text(req->service, DESK_UNIQUE);
    const char *value = zoho_text_of(body, field);
    for (size_t i = 0; value && i < zoho->contacts.count; i++) {
        struct zoho_contact *contact = zoho->contacts.items[i];
        const char *own = zoho_text_of(zoho_fields(&contact->object), field);
        if (contact != self && !contact->is_trashed && zoho_contact_stands(contact) && own &&
            strcasecmp(own, value) == 0)
            return true;
    }
    return false;
}

int zoho_check_contact_body(struct sim_request *req, json_t *body, json_t *errors)
{
    zoho_check_fields(req, body, "", contact_fields, CONTACT_FIELDS, errors);
    return zoho_extra_key(body, contact_fields, CONTACT_FIELDS) ? -1 : 0;
}

/* Gives a checked body, or NULL after answering. `self` is NULL when a contact is being created. */
static json_t *read_contact(struct sim_request *req, struct sim_response *res,
                            const struct zoho_contact *self)
{
    json_t *body, *errors;
    if (!zoho_query_known(req, res, "") ||
        zoho_read_body(req, res, contact_fields, CONTACT_FIELDS, &body, &errors) < 0)
        return NULL;
    const char *owner = zoho_text_of(body, "ownerId");
    if (owner && zoho_is_id(owner) && strcmp(owner, zoho_agent_id()) != 0)
        zoho_add_error(errors, "/ownerId", "invalid");
    if (!self && !json_object_get(body, "lastName"))
        zoho_add_error(errors, "/lastName", "missing");
    bool is_bad = json_array_size(errors) > 0;
    bool is_twin = !is_bad && is_duplicate(req, body, self);
    if (is_twin)
        zoho_add_error(errors, sim_text(req, "/%s", sim_knob_text(req->service, DESK_UNIQUE)), "duplicate");
    if (is_bad || is_twin) {
        zoho_refuse_data(req, res, errors, is_twin);
        json_decref(body);
        return NULL;
    }
    json_decref(errors);
    return body;
}

static void answer_contact(struct sim_request *req, struct sim_response *res,
                           const struct zoho_contact *contact)
{
    zoho_answer(req, res,
                zoho_contact_view(zoho_of(req), contact, zoho_fields(&contact->object), VIEW_CREATE));
}

void zoho_contact_create(struct sim_request *req, struct sim_response *res)
{
    json_t *body = read_contact(req, res, NULL);
    if (!body)
        return;
    const struct zoho_contact *contact = zoho_contact_new(zoho_of(req), req->now_ms, body);
    zoho_tell_contact(req, "Contact_Add", contact, NULL, NULL);
    answer_contact(req, res, contact);
}

static struct zoho_contact *find_contact(struct sim_request *req, struct sim_response *res)
{
    struct zoho_contact *contact =
        (struct zoho_contact *)zoho_find(zoho_of(req), ZOHO_CONTACT, sim_param(req, "contact"));
    if (contact && contact->merged_into)
        contact = sim_knob_is(req->service, DESK_MERGED, "survivor") ? contact->merged_into : NULL;
    if (!contact)
        zoho_refuse(req, res, ZOHO_NOT_FOUND);
    return contact;
}

void zoho_contact_get(struct sim_request *req, struct sim_response *res)
{
    struct zoho_contact *contact = find_contact(req, res);
    if (contact && zoho_query_known(req, res, "include") &&
        zoho_query_words(req, res, "include", "accounts|owner"))
        answer_contact(req, res, contact);
}

void zoho_contact_patch(struct sim_request *req, struct sim_response *res)
{
    struct zoho_contact *contact = find_contact(req, res);
    json_t *body = contact ? read_contact(req, res, contact) : NULL;
    if (!body)
        return;
    json_t *before = zoho_is_watched(zoho_of(req))
                         ? zoho_contact_view(zoho_of(req), contact, zoho_fields(&contact->object), VIEW_GET)
                         : NULL;
    json_t *fields = zoho_edit(&contact->object, req->now_ms);
    json_t *custom = json_copy(json_object_get(fields, "cf"));
    if (!custom)
        custom = json_object();
    (void)json_object_update(custom, json_object_get(body, "cf"));
    (void)json_object_update(fields, body);
    (void)json_object_set_new(fields, "cf", custom);
    zoho_index_phones(zoho_of(req), contact);
    zoho_tell_contact(req, "Contact_Update", contact, before, body);
    json_decref(before);
    json_decref(body);
    answer_contact(req, res, contact);
}

void zoho_contact_list(struct sim_request *req, struct sim_response *res)
{
    struct zoho *zoho = zoho_of(req);
    int64_t limit, from;
    const char *word;
    bool is_down;
    if (!zoho_query_known(req, res, "limit|from|sortBy|include") ||
        !zoho_query_words(req, res, "include", "accounts|owner") ||
        !zoho_query_number(req, res, "limit", 1, 100, 10, &limit) ||
        !zoho_query_number(req, res, "from", 0, 1000000, 0, &from) ||
        !zoho_query_sort(req, res, "createdTime|modifiedTime", "createdTime", &word, &is_down))
        return;
    if (from > 0 && sim_knob_is(req->service, DESK_LIST_BASE, "1"))
        from--;
    json_t *rows = json_array();
    for (size_t i = 0; i < zoho->contacts.count && (int64_t)json_array_size(rows) < limit; i++) {
        struct zoho_contact *contact = zoho->contacts.items[is_down ? zoho->contacts.count - 1 - i : i];
        if (contact->is_trashed || !zoho_contact_stands(contact) || from-- > 0)
            continue;
        (void)json_array_append_new(
            rows, zoho_contact_view(zoho, contact, zoho_fields(&contact->object), VIEW_LIST));
    }
    zoho_answer_list(req, res, rows, -1);
}
