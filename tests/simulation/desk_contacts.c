/* Contacts of the simulated Zoho Desk: duplicates are welcome, numbers are text, searches come late. And the people who
 * delete and merge contacts meanwhile. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "simulation/desk.h"
#include "simulation/memory.h"

#define MINUTE_MS INT64_C(60000)

enum { SEARCH_DEFAULT = 10, LIST_DEFAULT = 50, DANGER_MINUTES_MAX = 90 };

const char *desk_contact_text(const struct truth_contact *contact, const char *key)
{
    return json_string_value(json_object_get(contact->more, key));
}

/* New reference. */
static json_t *custom_of(const struct truth_contact *contact)
{
    json_t *custom = json_object_get(contact->more, "cf");

    return custom ? json_incref(custom) : json_object();
}

static json_t *contact_json(const struct truth_contact *contact, int64_t now_ms)
{
    bool is_gone = now_ms >= contact->gone_ms;

    return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:o, s:o, s:b, s:b, s:b, s:n, s:o}",
                     "id", contact->id, "lastName", contact->last_name, "firstName",
                     desk_contact_text(contact, "firstName"), "email", desk_contact_text(contact, "email"),
                     "description", desk_contact_text(contact, "description"), "phone", contact->phone,
                     "mobile", contact->mobile, "cf", custom_of(contact), "createdTime",
                     desk_time(contact->created_ms), "modifiedTime", desk_time(contact->created_ms),
                     "isTrashed", is_gone, "isDeleted", is_gone, "isSpam", 0, "zohoCRMContact", "webUrl",
                     json_sprintf("https://" SIM_HOST_DESK "/support/acmedesk/ShowHomePage.do#Contacts/dv/%s",
                                  contact->id));
}

/* ---- people -------------------------------------------------------------------------------------------- */

void desk_endanger(struct company *company, struct truth_contact *contact, int64_t now_ms)
{
    int64_t quiet_ms = company->scenario->quiet_ms;
    bool is_merged = company_fault(company, FAULT_CONTACT_MERGED);
    bool is_deleted = company_fault(company, FAULT_CONTACT_DELETED);

    if (contact->gone_ms != TRUTH_NEVER || (!is_merged && !is_deleted))
        return;
    int64_t in_ms = company_fault_between(company, is_merged ? FAULT_CONTACT_MERGED : FAULT_CONTACT_DELETED,
                                          0, DANGER_MINUTES_MAX) *
                    MINUTE_MS;
    contact->will_be_merged = is_merged;
    contact->gone_ms = now_ms + in_ms < quiet_ms || now_ms >= quiet_ms ? now_ms + in_ms : quiet_ms;
}

/* Somebody made a contact of the same number by hand, and takes that one. */
static void merge(struct company *company, struct truth_contact *contact)
{
    struct truth_contact *kept = truth_add_contact(&company->truth, contact->gone_ms);

    kept->last_name = sim_copy("Kept by hand");
    kept->phone = sim_copy(contact->phone);
    if (!contact->phone) {
        free(kept->last_name);
        kept->last_name = sim_copy(contact->last_name);
    }
    kept->shown_ms += desk_lag_ms(company, FAULT_SEARCH_LAG);
    if (desk_contact_text(contact, "email"))
        kept->more = json_pack("{s:s}", "email", desk_contact_text(contact, "email"));
    contact->merged_into = kept;
    for (size_t i = 0; i < company->truth.ticket_count; i++)
        if (company->truth.tickets[i]->contact == contact)
            company->truth.tickets[i]->contact = kept;
}

void desk_people_act(struct company *company, int64_t now_ms)
{
    struct truth *truth = &company->truth;

    for (size_t i = 0; i < truth->contact_count; i++) {
        struct truth_contact *contact = truth->contacts[i];
        if (now_ms >= contact->gone_ms && contact->will_be_merged && !contact->merged_into)
            merge(company, contact);
    }
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static void create(struct desk *desk)
{
    static const struct desk_field fields[] = {
        { "lastName", DESK_TEXT, 200, true },
        { "firstName", DESK_TEXT, 40, false },
        { "email", DESK_TEXT, 255, false },
        { "phone", DESK_TEXT, 50, false },
        { "mobile", DESK_TEXT, 50, false },
        { "accountId", DESK_ID, 0, false },
        { "ownerId", DESK_ID, 0, false },
        { "title", DESK_TEXT, 0, false },
        { "description", DESK_TEXT, 65535, false },
        { "cf", DESK_OBJECT, 0, false },
        { NULL, DESK_TEXT, 0, false },
    };
    int64_t now_ms = desk->request->now_ms;

    if (!desk_check_body(desk, fields))
        return;
    struct truth_contact *contact = truth_add_contact(&desk->company->truth, now_ms);
    contact->by_engine = true;
    contact->last_name = sim_copy(json_string_value(json_object_get(desk->body, "lastName")));
    contact->phone = sim_copy(json_string_value(json_object_get(desk->body, "phone")));
    contact->mobile = sim_copy(json_string_value(json_object_get(desk->body, "mobile")));
    contact->more = json_incref(desk->body);
    contact->shown_ms += desk_lag_ms(desk->company, FAULT_SEARCH_LAG);
    desk_endanger(desk->company, contact, now_ms);
    desk->reply->had_effect = true;
    sim_reply_json(desk->reply, 200, contact_json(contact, now_ms));
}

struct truth_contact *desk_inline_contact(struct desk *desk, const json_t *person)
{
    struct truth *truth = &desk->company->truth;
    const char *last_name = json_string_value(json_object_get(person, "lastName"));
    const char *email = json_string_value(json_object_get(person, "email"));

    for (size_t i = 0; email && i < truth->contact_count; i++) {
        const char *other = desk_contact_text(truth->contacts[i], "email");
        if (other && strcasecmp(other, email) == 0 && desk->request->now_ms < truth->contacts[i]->gone_ms)
            return truth->contacts[i];
    }
    if (!last_name || !*last_name) {
        desk_blame(desk, "/contact/lastName", "missing");
        return NULL;
    }
    struct truth_contact *contact = truth_add_contact(truth, desk->request->now_ms);
    contact->by_engine = true;
    contact->last_name = sim_copy(last_name);
    contact->more = json_deep_copy(person);
    return contact;
}

/* Exact, but for stars at the ends; a missing value fits nothing. */
static bool fits(const char *pattern, const char *value)
{
    size_t size = strlen(pattern);
    bool is_open_before = pattern[0] == '*', is_open_behind = size > 1 && pattern[size - 1] == '*';

    if (!value)
        return false;
    pattern += is_open_before;
    size -= (size_t)is_open_before + is_open_behind;
    size_t value_size = strlen(value);
    if (size > value_size)
        return false;
    if (is_open_before && is_open_behind)
        return memmem(value, value_size, pattern, size) != NULL;
    if (is_open_behind)
        return strncasecmp(value, pattern, size) == 0;
    if (is_open_before)
        return strncasecmp(value + value_size - size, pattern, size) == 0;
    return size == value_size && strncasecmp(value, pattern, size) == 0;
}

/* "cf_name:value", exactly. */
static bool has_custom(const struct truth_contact *contact, const char *wanted)
{
    json_t *custom = json_object_get(contact->more, "cf");
    const char *colon = strchr(wanted, ':');
    const char *key;
    json_t *value;

    json_object_foreach (custom, key, value)
        if (colon && strlen(key) == (size_t)(colon - wanted) && strncmp(key, wanted, strlen(key)) == 0 &&
            json_string_value(value) && strcmp(json_string_value(value), colon + 1) == 0)
            return true;
    return false;
}

static void search(struct desk *desk)
{
    static const char *const allowed[] = { "phone", "mobile", "lastName", "email", "customField1",
                                           "limit", "from",   "sortBy",   NULL };
    const struct truth *truth = &desk->company->truth;
    int64_t now_ms = desk->request->now_ms;
    AUTO_STR phone = sim_form_value(desk->request->query, "phone");
    AUTO_STR mobile = sim_form_value(desk->request->query, "mobile");
    AUTO_STR last_name = sim_form_value(desk->request->query, "lastName");
    AUTO_STR email = sim_form_value(desk->request->query, "email");
    AUTO_STR custom = sim_form_value(desk->request->query, "customField1");

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->contact_count; i++) {
        const struct truth_contact *contact = truth->contacts[i];
        if (now_ms < contact->shown_ms || now_ms >= contact->gone_ms ||
            (phone && !fits(phone, contact->phone)) || (mobile && !fits(mobile, contact->mobile)) ||
            (last_name && !fits(last_name, contact->last_name)) ||
            (email && !fits(email, desk_contact_text(contact, "email"))) ||
            (custom && !has_custom(contact, custom)))
            continue;
        json_array_append_new(items, contact_json(contact, now_ms));
    }
    desk_answer_page(desk, items, SEARCH_DEFAULT, (json_int_t)json_array_size(items));
}

static void list(struct desk *desk)
{
    static const char *const allowed[] = { "limit", "from", "sortBy", NULL };
    const struct truth *truth = &desk->company->truth;

    if (!desk_check_query(desk, allowed))
        return;
    json_t *items = json_array();
    for (size_t i = 0; i < truth->contact_count; i++)
        if (desk->request->now_ms < truth->contacts[i]->gone_ms)
            json_array_append_new(items, contact_json(truth->contacts[i], desk->request->now_ms));
    desk_answer_page(desk, items, LIST_DEFAULT, -1);
}

/* A deleted contact can be read for a while, one that was merged cannot. */
static void read_one(struct desk *desk, const struct truth_contact *contact)
{
    if (contact->merged_into)
        desk_refuse(desk, 404, "URL_NOT_FOUND", "The URL you requested could not be found.");
    else
        sim_reply_json(desk->reply, 200, contact_json(contact, desk->request->now_ms));
}

void desk_contacts(struct desk *desk, const char *rest)
{
    bool is_get = strcmp(desk->request->method, "GET") == 0;
    char id[TRUTH_ID_SIZE] = "";

    if (!is_get && strcmp(desk->request->method, "POST") != 0) {
        desk_refuse(desk, 405, "METHOD_NOT_ALLOWED", "The method is not allowed.");
        return;
    }
    if (*rest == '\0') {
        if (is_get)
            list(desk);
        else
            create(desk);
        return;
    }
    if (is_get && strcmp(rest, "/search") == 0) {
        search(desk);
        return;
    }
    size_t size = strcspn(rest + 1, "/");
    if (size < sizeof(id))
        memcpy(id, rest + 1, size);
    const struct truth_contact *contact = truth_contact_by_id(&desk->company->truth, id);
    bool is_gone = contact && desk->request->now_ms >= contact->gone_ms;
    if (is_get && contact && rest[1 + size] == '\0')
        read_one(desk, contact);
    else if (is_get && contact && !is_gone && strcmp(rest + 1 + size, "/tickets") == 0)
        desk_list_tickets_of(desk, contact);
    else
        desk_refuse(desk, 404, "URL_NOT_FOUND", "The URL you requested could not be found.");
}
