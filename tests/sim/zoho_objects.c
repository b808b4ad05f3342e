/* The portal's memory: objects by id, their versions, and contacts by the end of their numbers. */
#include "zoho.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS_MAX = 16, PHONE_END = 10 };

/* Nineteen digits, as recorded: more than a double can hold, which is what clients must survive. */
static const uint64_t first_id = 5000001000000201001u;

void zoho_list_add(struct zoho_list *list, void *item)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 4;
        list->items = sim_realloc(list->items, list->room * sizeof(*list->items));
    }
    list->items[list->count++] = item;
}

struct zoho *zoho_of(const struct sim_request *req)
{
    return req->service->state;
}

static void place(struct zoho *zoho, struct zoho_object *object)
{
    size_t slot = (size_t)(object->number * 0x9e3779b97f4a7c15u) & (zoho->by_id_room - 1);
    while (zoho->by_id[slot])
        slot = (slot + 1) & (zoho->by_id_room - 1);
    zoho->by_id[slot] = object;
}

static void grow(struct zoho *zoho)
{
    struct zoho_object **old = zoho->by_id;
    size_t old_room = zoho->by_id_room;
    zoho->by_id_room = old_room ? old_room * 2 : 1024;
    zoho->by_id = sim_calloc(zoho->by_id_room, sizeof(struct zoho_object *));
    for (size_t i = 0; i < old_room; i++)
        if (old[i])
            place(zoho, old[i]);
    free(old);
}

void zoho_object_open(struct zoho *zoho, struct zoho_object *object, enum zoho_kind kind, int64_t now_ms,
                      json_t *fields)
{
    object->kind = kind;
    object->number = zoho->next_id++;
    (void)snprintf(object->id, sizeof(object->id), "%" PRIu64, object->number);
    object->created_ms = object->modified_ms = now_ms;
    object->versions = sim_malloc(sizeof(*object->versions));
    object->versions[0] = (struct zoho_version){ .at_ms = now_ms, .fields = fields };
    object->version_count = 1;
    if (zoho->by_id_count * 2 >= zoho->by_id_room)
        grow(zoho);
    zoho->by_id_count++;
    place(zoho, object);
}

struct zoho_object *zoho_find(struct zoho *zoho, enum zoho_kind kind, const char *id)
{
    if (!id || !zoho_is_id(id) || zoho->by_id_room == 0)
        return NULL;
    uint64_t number = strtoull(id, NULL, 10);
    size_t slot = (size_t)(number * 0x9e3779b97f4a7c15u) & (zoho->by_id_room - 1);
    for (; zoho->by_id[slot]; slot = (slot + 1) & (zoho->by_id_room - 1)) {
        struct zoho_object *object = zoho->by_id[slot];
        if (object->number == number && object->kind == kind && strcmp(object->id, id) == 0)
            return object;
    }
    return NULL;
}

json_t *zoho_fields(const struct zoho_object *object)
{
    return object->versions[object->version_count - 1].fields;
}

json_t *zoho_indexed(const struct zoho_object *object, int64_t now_ms, int64_t lag_ms)
{
    for (size_t i = object->version_count; i-- > 0;)
        if (object->versions[i].at_ms + lag_ms <= now_ms)
            return object->versions[i].fields;
    return NULL;
}

json_t *zoho_edit(struct zoho_object *object, int64_t now_ms)
{
    json_t *fields = json_copy(zoho_fields(object));
    if (object->version_count == VERSIONS_MAX) {
        json_decref(object->versions[0].fields);
        memmove(object->versions, object->versions + 1, (VERSIONS_MAX - 1) * sizeof(*object->versions));
        object->version_count--;
    }
    object->versions = sim_realloc(object->versions, (object->version_count + 1) * sizeof(*object->versions));
    object->versions[object->version_count++] = (struct zoho_version){ .at_ms = now_ms, .fields = fields };
    object->modified_ms = now_ms;
    return fields;
}

static uint64_t hash_end(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *at = text + strlen(text) - PHONE_END; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

static void index_number(struct zoho *zoho, struct zoho_contact *contact, const char *number)
{
    if (!number || strlen(number) < PHONE_END)
        return;
    struct zoho_phone_entry *entry = sim_malloc(sizeof(*entry));
    *entry = (struct zoho_phone_entry){ .contact = contact, .hash = hash_end(number) };
    struct zoho_phone_entry **bucket = &zoho->phones[entry->hash % ZOHO_PHONE_BUCKETS];
    /* One contact stands once per end, or a search would list it twice. */
    for (struct zoho_phone_entry *other = *bucket; other; other = other->next) {
        if (other->hash == entry->hash && other->contact == contact) {
            free(entry);
            return;
        }
    }
    entry->next = *bucket;
    *bucket = entry;
}

void zoho_index_phones(struct zoho *zoho, struct zoho_contact *contact)
{
    const json_t *fields = zoho_fields(&contact->object);
    index_number(zoho, contact, zoho_text_of(fields, "phone"));
    index_number(zoho, contact, zoho_text_of(fields, "mobile"));
}

struct zoho_phone_entry *zoho_phones_ending(struct zoho *zoho, const char *end)
{
    return strlen(end) < PHONE_END ? NULL : zoho->phones[hash_end(end) % ZOHO_PHONE_BUCKETS];
}

bool zoho_entry_fits(const struct zoho_phone_entry *entry, const char *end)
{
    return entry->hash == hash_end(end);
}

struct zoho_department *zoho_department(struct zoho *zoho, const char *id)
{
    for (size_t i = 0; id && i < zoho->departments.count; i++) {
        struct zoho_department *department = zoho->departments.items[i];
        if (strcmp(department->id, id) == 0)
            return department;
    }
    return NULL;
}

static void close_object(struct zoho_object *object)
{
    for (size_t i = 0; i < object->version_count; i++)
        json_decref(object->versions[i].fields);
    free(object->versions);
    free(object);
}

static void free_ticket(struct zoho_ticket *ticket)
{
    free(ticket->comments.items);
    free(ticket->attachments.items);
    json_decref(ticket->tags);
    close_object(&ticket->object);
}

static void free_file(struct zoho_file *file)
{
    sim_blob_unref(file->data);
    free(file->name);
    free(file->type);
    close_object(&file->object);
}

static void free_objects(struct zoho *zoho)
{
    for (size_t i = 0; i < zoho->tickets.count; i++)
        free_ticket(zoho->tickets.items[i]);
    for (size_t i = 0; i < zoho->contacts.count; i++) {
        struct zoho_contact *contact = zoho->contacts.items[i];
        free(contact->tickets.items);
        json_decref(contact->crm);
        free(contact->department_id);
        close_object(&contact->object);
    }
    for (size_t i = 0; i < zoho->comments.count; i++) {
        struct zoho_comment *comment = zoho->comments.items[i];
        free(comment->attachments.items);
        close_object(&comment->object);
    }
    for (size_t i = 0; i < zoho->files.count; i++)
        free_file(zoho->files.items[i]);
    for (size_t i = 0; i < zoho->webhooks.count; i++)
        close_object(zoho->webhooks.items[i]);
    zoho->tickets.count = zoho->contacts.count = zoho->comments.count = zoho->files.count = 0;
    zoho->webhooks.count = 0;
    for (size_t i = 0; i < ZOHO_PHONE_BUCKETS; i++) {
        while (zoho->phones[i]) {
            struct zoho_phone_entry *next = zoho->phones[i]->next;
            free(zoho->phones[i]);
            zoho->phones[i] = next;
        }
    }
    if (zoho->by_id)
        memset(zoho->by_id, 0, zoho->by_id_room * sizeof(struct zoho_object *));
    zoho->by_id_count = 0;
}

static void free_departments(struct zoho *zoho)
{
    for (size_t i = 0; i < zoho->departments.count; i++) {
        struct zoho_department *department = zoho->departments.items[i];
        free(department->id);
        free(department->name);
        free(department);
    }
    zoho->departments.count = 0;
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = sim_strdup(value);
}

static void add_department(struct zoho *zoho, const char *id, const char *name)
{
    struct zoho_department *department = sim_malloc(sizeof(*department));
    *department = (struct zoho_department){ .id = sim_strdup(id), .name = sim_strdup(name) };
    zoho_list_add(&zoho->departments, department);
}

void zoho_portal_reset(struct zoho *zoho)
{
    free_objects(zoho);
    free_departments(zoho);
    set_text(&zoho->org_id, "600000001");
    set_text(&zoho->portal, "acmedesk");
    set_text(&zoho->tld, "in");
    set_text(&zoho->location, "in");
    add_department(zoho, "5000001000000006001", "AcmeDesk");
    add_department(zoho, "5000001000000006002", "Acme Sales");
    zoho->next_id = first_id;
    zoho->next_ticket = 101;
    zoho->contacts_by_tickets = 0;
    zoho->credits_day = -1;
    zoho->credits_used = zoho->credits_total = 0;
}

void zoho_portal_start(struct zoho *zoho)
{
    zoho_portal_reset(zoho);
}

void zoho_portal_free(struct zoho *zoho)
{
    free_objects(zoho);
    free_departments(zoho);
    free(zoho->by_id);
    free(zoho->departments.items);
    free(zoho->tickets.items);
    free(zoho->contacts.items);
    free(zoho->comments.items);
    free(zoho->files.items);
    free(zoho->webhooks.items);
    zoho_jwt_free(zoho->jwt);
    free(zoho->org_id);
    free(zoho->portal);
    free(zoho->tld);
    free(zoho->location);
}
