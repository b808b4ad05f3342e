/* Rows of a mapping file as documents of keys. */
#include "app/contacts.h"

#include <stdlib.h>
#include <string.h>

#include "app/contacts_csv.h"
#include "base/json.h"
#include "base/scope.h"
#include "conf/conf.h"

static const json_t *at(const json_t *pair, size_t index)
{
    return json_array_get(pair, index);
}

static bool is_text_or_null(const json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) > 0);
}

bool contacts_are_rows(const json_t *rows)
{
    const char *id;
    json_t *pair;

    json_object_foreach ((json_t *)(uintptr_t)rows, id, pair) {
        bool is_pair = json_is_array(pair) && json_array_size(pair) == 2 && is_text_or_null(at(pair, 0)) &&
                       is_text_or_null(at(pair, 1));
        if (!*id || strlen(id) > CONTACTS_ID_MAX || !is_pair)
            return false;
    }
    return json_is_object(rows);
}

json_t *contacts_part(const json_t *rows, size_t first, size_t count)
{
    AUTO_JSON part = json_object();
    const char *id;
    json_t *pair;
    size_t index = 0;

    json_object_foreach ((json_t *)(uintptr_t)rows, id, pair) {
        if (index >= first + count)
            break;
        if (index++ >= first && json_object_set(part, id, pair) < 0)
            return NULL;
    }
    return TAKE(part);
}

json_t *contacts_instances(const struct conf *conf)
{
    AUTO_JSON names = json_array();

    for (size_t i = 0; i < conf->block_count; i++)
        if (strcmp(conf->blocks[i]->plugin, "zoho_desk") == 0 &&
            json_array_append_new(names, json_string(conf->blocks[i]->name)) < 0)
            return NULL;
    return TAKE(names);
}

static char *document(const json_t *pair, const char *from, int64_t now_ms)
{
    AUTO_JSON doc = json_pack("{s:O, s:O, s:s, s:I}", "crm_id", at(pair, 0), "contact_id", at(pair, 1),
                              "from", from, "at_ms", (json_int_t)now_ms);
    return doc ? json_text(doc) : NULL;
}

/* A change that puts, or without a pair removes, one key. NULL when out of memory. */
static struct store_change *change_of(const char *instance, const char *id, const json_t *pair,
                                      const char *from, int64_t now_ms)
{
    struct store_change *change = store_change_new();
    AUTO_STR text = json_is_array(pair) ? document(pair, from, now_ms) : NULL;
    char name[CONTACTS_ID_MAX + sizeof("mapped:")];

    (void)snprintf(name, sizeof(name), "mapped:%s", id);
    if (change) {
        change->key_instance = arena_strdup(change->arena, instance);
        change->key_name = arena_strdup(change->arena, name);
        change->key_doc = text ? arena_strdup(change->arena, text) : NULL;
        change->now_ms = now_ms;
    }
    bool is_whole =
        change && change->key_instance && change->key_name && (change->key_doc || !json_is_array(pair));
    if (is_whole)
        return change;
    store_change_free(change);
    return NULL;
}

int contacts_put(struct store *store, const char *instance, const json_t *rows, const char *from,
                 int64_t now_ms, struct sb_error *err)
{
    size_t room = json_object_size(rows), count = 0;
    struct store_change **changes = calloc(room + 1, sizeof(*changes));
    const char *id;
    json_t *pair;
    int rc = 0;

    if (!changes)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    json_object_foreach ((json_t *)(uintptr_t)rows, id, pair) {
        if (rc == 0 && !(changes[count++] = change_of(instance, id, pair, from, now_ms)))
            rc = sb_fail(err, SB_ENOMEM, "out of memory");
    }
    if (rc == 0 && count)
        rc = store_apply(store, changes, count, err);
    for (size_t i = 0; i < count; i++)
        store_change_free(changes[i]);
    free(changes);
    return rc;
}
