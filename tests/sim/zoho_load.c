/* The scenario's sections "desk" and "accounts": portal, departments, contacts, tickets, clients, refresh
 * tokens. */
#include "zoho.h"

#include <stdlib.h>
#include <string.h>

static int check_keys(const json_t *section, const char *words, const char *where, struct sim_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(section))
        return sim_fail(err, "'%s' must be an object", where);
    json_object_foreach ((json_t *)(uintptr_t)section, key, value) {
        if (!zoho_word_in(words, key, strlen(key)))
            return sim_fail(err, "unknown key '%s' of '%s'; there are %s", key, where, words);
    }
    return 0;
}

static void set_text(char **text, const json_t *section, const char *key)
{
    const char *value = zoho_text_of(section, key);
    if (!value)
        return;
    free(*text);
    *text = sim_strdup(value);
}

static void free_departments(struct zoho_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct zoho_department *department = list->items[i];
        free(department->id);
        free(department->name);
        free(department);
    }
    free(list->items);
}

static int load_departments(struct zoho *zoho, const json_t *rows, struct sim_error *err)
{
    struct zoho_list loaded = { 0 };
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *id = zoho_text_of(row, "id"), *name = zoho_text_of(row, "name");
        if (!id || !name || !zoho_is_id(id)) {
            free_departments(&loaded);
            return sim_fail(err, "a department needs an 'id' of digits and a 'name'");
        }
        struct zoho_department *department = sim_malloc(sizeof(*department));
        *department = (struct zoho_department){ .id = sim_strdup(id), .name = sim_strdup(name) };
        zoho_list_add(&loaded, department);
    }
    if (loaded.count == 0)
        return 0;
    struct zoho_list old = zoho->departments;
    zoho->departments = loaded;
    free_departments(&old);
    return 0;
}

/* What a row says beside the body of POST /contacts: how the CRM, other departments and people have changed it. */
static int load_history(struct zoho *zoho, struct zoho_contact *contact, const json_t *row,
                        struct sim_error *err)
{
    json_t *crm = json_object_get(row, "zohoCRMContact");
    const json_t *merged = json_object_get(row, "merged_into");
    const char *department = zoho_text_of(row, "department_id");
    contact->crm = json_is_object(crm) ? json_incref(crm) : NULL;
    contact->department_id = department ? sim_strdup(department) : NULL;
    contact->is_trashed = json_is_true(json_object_get(row, "trashed"));
    if (!merged)
        return 0;
    if (!json_is_integer(merged) || (size_t)json_integer_value(merged) + 1 >= zoho->contacts.count)
        return sim_fail(err, "'merged_into' is the position of an earlier contact");
    zoho_contact_merge(contact, zoho->contacts.items[json_integer_value(merged)]);
    return 0;
}

/* Contacts as POST /contacts takes them, already indexed: they have been there for a day. */
static int load_contacts(struct zoho *zoho, const json_t *rows, int64_t then_ms, struct sim_error *err)
{
    static const char *const beside[] = { "zohoCRMContact", "department_id", "trashed", "merged_into" };
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!zoho_text_of(row, "lastName"))
            return sim_fail(err, "a contact needs a 'lastName'");
        json_t *fields = json_deep_copy(row);
        for (size_t k = 0; k < sizeof(beside) / sizeof(beside[0]); k++)
            (void)json_object_del(fields, beside[k]);
        if (load_history(zoho, zoho_contact_new(zoho, then_ms, fields), row, err) < 0)
            return -1;
    }
    return 0;
}

/* Tickets: "contact" is the position in "contacts", "fields" what POST /tickets takes. */
static int load_tickets(struct zoho *zoho, const json_t *rows, int64_t then_ms, struct sim_error *err)
{
    const struct zoho_department *department = zoho->departments.items[0];
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *fields = json_object_get(row, "fields");
        const json_t *contact = json_object_get(row, "contact");
        size_t index = (size_t)json_integer_value(contact);
        if (!json_is_integer(contact) || index >= zoho->contacts.count || !zoho_text_of(fields, "subject"))
            return sim_fail(
                err, "a ticket needs 'contact', a position in 'contacts', and 'fields' with a subject");
        json_t *copy = json_deep_copy(fields);
        if (!json_object_get(copy, "departmentId"))
            (void)json_object_set_new(copy, "departmentId", json_string(department->id));
        (void)zoho_ticket_new(zoho, then_ms, zoho->contacts.items[index], copy);
    }
    return 0;
}

int zoho_load_desk(struct sim_service *service, const json_t *section, struct sim_error *err)
{
    enum { DAY_MS = 86400000 };
    struct zoho *zoho = service->state;
    int64_t then_ms = sim_now_ms(service->sim) - DAY_MS;
    if (check_keys(section, "org_id|portal|tld|location|departments|contacts|tickets", "desk", err) < 0)
        return -1;
    set_text(&zoho->org_id, section, "org_id");
    set_text(&zoho->portal, section, "portal");
    set_text(&zoho->tld, section, "tld");
    set_text(&zoho->location, section, "location");
    if (load_departments(zoho, json_object_get(section, "departments"), err) < 0 ||
        load_contacts(zoho, json_object_get(section, "contacts"), then_ms, err) < 0)
        return -1;
    return load_tickets(zoho, json_object_get(section, "tickets"), then_ms, err);
}

static void add_client(struct zoho *zoho, const char *id, const char *secret, const char *uri,
                       bool is_elsewhere)
{
    struct zoho_client *client = sim_calloc(1, sizeof(*client));
    client->id = sim_strdup(id);
    client->secret = sim_strdup(secret);
    client->redirect_uri = uri ? sim_strdup(uri) : NULL;
    client->is_elsewhere = is_elsewhere;
    zoho_list_add(&zoho->clients, client);
}

static void add_refresh(struct zoho *zoho, const char *text, const char *scope, const char *client_id,
                        const char *org_id)
{
    struct zoho_token *token = zoho_token_new(zoho, &zoho->refresh, scope, client_id, org_id);
    if (!text)
        return;
    free(token->text);
    token->text = sim_strdup(text);
}

static const char default_client[] = "1000.DEMOCLIENT0000000000000000000001";
static const char default_scope[] =
    "Desk.tickets.READ Desk.tickets.CREATE Desk.tickets.UPDATE Desk.contacts.READ "
    "Desk.contacts.CREATE Desk.contacts.UPDATE Desk.search.READ Desk.basic.READ";

void zoho_default_client(struct zoho *zoho)
{
    add_client(zoho, default_client, "demosecret0000000000000000000000000001", NULL, false);
    add_refresh(zoho, "1000.demorefresh00000000000000000001.demo0000000000000000000000001", default_scope,
                default_client, zoho->org_id);
}

/* What the scenario names replaces the invented client and token of the start. */
static void forget(struct zoho *zoho, const json_t *section)
{
    if (json_object_get(section, "clients") || json_object_get(section, "refresh_tokens"))
        zoho_tokens_reset(zoho);
    if (json_object_get(section, "refresh_tokens") && !json_object_get(section, "clients"))
        add_client(zoho, default_client, "demosecret0000000000000000000000000001", NULL, false);
}

int zoho_load_accounts(struct sim_service *service, const json_t *section, struct sim_error *err)
{
    struct zoho *zoho = service->state;
    const json_t *clients = json_object_get(section, "clients"),
                 *tokens = json_object_get(section, "refresh_tokens");
    if (check_keys(section, "clients|refresh_tokens", "accounts", err) < 0)
        return -1;
    forget(zoho, section);
    for (size_t i = 0; i < json_array_size(clients); i++) {
        const json_t *row = json_array_get(clients, i);
        const char *id = zoho_text_of(row, "id"), *secret = zoho_text_of(row, "secret");
        if (check_keys(row, "id|secret|redirect_uri|elsewhere", "clients", err) < 0)
            return -1;
        if (!id || !secret)
            return sim_fail(err, "a client needs an 'id' and a 'secret'");
        add_client(zoho, id, secret, zoho_text_of(row, "redirect_uri"),
                   json_is_true(json_object_get(row, "elsewhere")));
    }
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *row = json_array_get(tokens, i);
        const struct zoho_client *first = zoho->clients.items[0];
        const char *scope = zoho_text_of(row, "scope"), *client = zoho_text_of(row, "client_id");
        const char *org = zoho_text_of(row, "org_id");
        if (check_keys(row, "token|scope|client_id|org_id", "refresh_tokens", err) < 0)
            return -1;
        add_refresh(zoho, zoho_text_of(row, "token"), scope ? scope : default_scope,
                    client ? client : first->id, org ? org : zoho->org_id);
    }
    return 0;
}
