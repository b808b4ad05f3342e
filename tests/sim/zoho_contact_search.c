/* GET /contacts/search: exact unless '*', values of one parameter ORed, parameters ANDed, an index that lags.
 */
#include "zoho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct found {
    const struct zoho_contact *contact;
    const json_t *fields;
    size_t order;
    const char *word;
    bool is_down;
};

static int compare_texts(const struct found *a, const struct found *b, const char *key)
{
    const char *left = zoho_text_of(a->fields, key), *right = zoho_text_of(b->fields, key);
    return strcasecmp(left ? left : "", right ? right : "");
}

static int compare(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int64_t difference = 0;
    if (strcmp(a->word, "lastName") == 0 || strcmp(a->word, "firstName") == 0)
        difference = compare_texts(a, b, a->word);
    else if (strcmp(a->word, "modifiedTime") == 0)
        difference = a->contact->object.modified_ms - b->contact->object.modified_ms;
    else
        difference = a->contact->object.created_ms - b->contact->object.created_ms;
    if (difference == 0)
        difference = a->order < b->order ? -1 : a->order > b->order;
    if (a->is_down)
        difference = -difference;
    return difference < 0 ? -1 : difference > 0;
}

static bool fits_name(const struct sim_request *req, const json_t *fields)
{
    const char *first = zoho_text_of(fields, "firstName"), *last = zoho_text_of(fields, "lastName");
    const char *wanted = sim_query(req, "firstName");
    if (wanted && !zoho_fits_text(wanted, first))
        return false;
    wanted = sim_query(req, "lastName");
    if (wanted && !zoho_fits_text(wanted, last))
        return false;
    wanted = sim_query(req, "fullName");
    if (!wanted)
        return true;
    char full[1000] = "";
    (void)snprintf(full, sizeof(full), "%s%s%s", first ? first : "", first ? " " : "", last ? last : "");
    return zoho_fits_text(wanted, full);
}

static bool fits_all(const char *wanted, const json_t *fields)
{
    static const char *const keys[] = { "firstName", "lastName", "email", "phone", "mobile", "description" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = zoho_text_of(fields, keys[i]);
        if (value && strcasestr(value, wanted))
            return true;
    }
    return false;
}

static bool fits(const struct sim_request *req, const struct zoho_contact *contact, const json_t *fields)
{
    const char *wanted = sim_query(req, "phone");
    if (wanted && !zoho_fits_list(wanted, zoho_text_of(fields, "phone"), true, false))
        return false;
    wanted = sim_query(req, "mobile");
    if (wanted && !zoho_fits_list(wanted, zoho_text_of(fields, "mobile"), true, false))
        return false;
    wanted = sim_query(req, "email");
    if (wanted && !zoho_fits_list(wanted, zoho_text_of(fields, "email"), false, false))
        return false;
    wanted = sim_query(req, "id");
    if (wanted && !zoho_fits_list(wanted, contact->object.id, false, true))
        return false;
    wanted = sim_query(req, "_all");
    if (wanted && !fits_all(wanted, fields))
        return false;
    wanted = sim_query(req, "createdTimeRange");
    if (wanted && !zoho_fits_range(wanted, contact->object.created_ms))
        return false;
    wanted = sim_query(req, "modifiedTimeRange");
    if (wanted && !zoho_fits_range(wanted, contact->object.modified_ms))
        return false;
    return !sim_query(req, "accountName") && fits_name(req, fields) && zoho_fits_custom(req, fields);
}

static bool check(struct sim_request *req, struct sim_response *res)
{
    static const char known[] = "email|phone|mobile|id|accountName|_all|firstName|lastName|fullName|"
                                "createdTimeRange|modifiedTimeRange|limit|"
                                "from|sortBy|customField1|customField2|customField3|customField4|"
                                "customField5|customField6|customField7|"
                                "customField8|customField9|customField10";
    return zoho_query_known(req, res, known) && zoho_check_list(req, res, "email", 30) &&
           zoho_check_list(req, res, "phone", 30) && zoho_check_list(req, res, "mobile", 30) &&
           zoho_check_list(req, res, "id", 100) && zoho_check_length(req, res, "accountName", 3, 500) &&
           zoho_check_length(req, res, "_all", 3, 1000) && zoho_check_length(req, res, "firstName", 1, 40) &&
           zoho_check_length(req, res, "lastName", 1, 200) &&
           zoho_check_length(req, res, "fullName", 1, 200) &&
           zoho_check_range(req, res, "createdTimeRange") &&
           zoho_check_range(req, res, "modifiedTimeRange") && zoho_check_custom(req, res);
}

/* The end of a single number that is asked for, when it is long enough for the index of ends; else NULL. */
static const char *number_end(struct sim_request *req)
{
    const char *wanted = sim_query(req, "phone");
    if (!wanted)
        wanted = sim_query(req, "mobile");
    if (!wanted || strchr(wanted, ',') || strchr(wanted, '$'))
        return NULL;
    wanted += wanted[0] == '*';
    return strlen(wanted) >= 10 && !strchr(wanted, '*') ? wanted : NULL;
}

struct search {
    struct sim_request *req;
    struct found *found;
    size_t count, room;
    int64_t lag_ms;
};

static void consider(struct search *search, const struct zoho_contact *contact)
{
    const json_t *fields = zoho_indexed(&contact->object, search->req->now_ms, search->lag_ms);
    if (!fields || contact->is_trashed || !zoho_contact_stands(contact) ||
        !fits(search->req, contact, fields))
        return;
    if (search->count == search->room) {
        search->room = search->room ? search->room * 2 : 16;
        search->found = sim_realloc(search->found, search->room * sizeof(*search->found));
    }
    search->found[search->count++] = (struct found){ .contact = contact, .fields = fields };
}

static void look(struct search *search)
{
    struct zoho *zoho = zoho_of(search->req);
    const char *end = number_end(search->req);
    for (struct zoho_phone_entry *entry = end ? zoho_phones_ending(zoho, end) : NULL; entry;
         entry = entry->next)
        if (zoho_entry_fits(entry, end))
            consider(search, entry->contact);
    for (size_t i = 0; !end && i < zoho->contacts.count; i++)
        consider(search, zoho->contacts.items[i]);
}

void zoho_contact_search(struct sim_request *req, struct sim_response *res)
{
    int64_t limit, from;
    const char *word;
    bool is_down;
    if (!check(req, res) || !zoho_query_number(req, res, "limit", 1, 100, 10, &limit) ||
        !zoho_query_number(req, res, "from", 0, 4999, 0, &from) ||
        !zoho_query_sort(req, res, "relevance|modifiedTime|createdTime|lastName|firstName", "relevance",
                         &word, &is_down))
        return;
    struct search search = { .req = req, .lag_ms = sim_knob_int(req->service, DESK_INDEX_LAG_MS) };
    look(&search);
    for (size_t i = 0; i < search.count; i++) {
        search.found[i].word = word;
        search.found[i].is_down = is_down;
        search.found[i].order = (size_t)search.found[i].contact->object.number;
    }
    if (search.count > 1)
        qsort(search.found, search.count, sizeof(*search.found), compare);
    json_t *rows = json_array();
    for (size_t i = (size_t)from; i < search.count && i < (size_t)(from + limit); i++)
        (void)json_array_append_new(rows, zoho_contact_view(zoho_of(req), search.found[i].contact,
                                                            search.found[i].fields, VIEW_SEARCH));
    zoho_answer_list(req, res, rows, (int64_t)search.count);
    free(search.found);
}
