/* Imports through the door: calls that have their tickets, and contacts of a mapping file. */
#include <stdlib.h>

#include "app/contacts.h"
#include "app/control_verb.h"
#include "base/json.h"
#include "base/timefmt.h"

static void import_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;
    const json_t *ids = json_object_get(verb->body, "ids");
    size_t count = json_array_size(ids);
    const char **list = calloc(count + 1, sizeof(*list));

    if (!list) {
        verb->rc = sb_fail(&verb->err, SB_ENOMEM, "out of memory");
        return;
    }
    for (size_t i = 0; i < count; i++)
        list[i] = json_string_value(json_array_get(ids, i));
    verb->rc = store_import(store, json_str(verb->body, "account"), list, count, clock_wall_ms(),
                            &verb->changed, &verb->err);
    free(list);
}

static void on_imported(void *ctx)
{
    struct control_verb *verb = ctx;
    size_t count = json_array_size(json_object_get(verb->body, "ids"));

    if (verb->rc < 0)
        control_refuse(verb->call, 422, verb->err.text);
    else
        control_reply(verb->call, 200,
                      json_pack("{s:I, s:I}", "new", (json_int_t)verb->changed, "known",
                                (json_int_t)(count - verb->changed)));
    control_verb_free(verb);
}

/* Rows of a mapping file, a part at a time: every instance that is named gets them. */
static void put_contacts_in_store(void *ctx, struct store *store)
{
    struct control_verb *verb = ctx;
    const json_t *rows = json_object_get(verb->body, "contacts");
    const json_t *instances = json_object_get(verb->body, "instances");

    for (size_t i = 0; verb->rc == 0 && i < json_array_size(instances); i++)
        verb->rc = contacts_put(store, json_string_value(json_array_get(instances, i)), rows, "import",
                                clock_wall_ms(), &verb->err);
}

static void on_contacts_put(void *ctx)
{
    struct control_verb *verb = ctx;

    if (verb->rc < 0)
        control_refuse(verb->call, 422, verb->err.text);
    else
        control_reply(verb->call, 200,
                      json_pack("{s:I}", "contacts",
                                (json_int_t)json_object_size(json_object_get(verb->body, "contacts"))));
    control_verb_free(verb);
}

static bool is_list_of_ids(const json_t *ids)
{
    size_t index;
    json_t *id;

    json_array_foreach (ids, index, id)
        if (!json_is_string(id) || json_string_length(id) == 0)
            return false;
    return json_is_array(ids);
}

static void import_contacts(struct engine *engine, struct http_call *call, json_t *body)
{
    const json_t *rows = json_object_get(body, "contacts");

    if (!contacts_are_rows(rows) || json_object_size(rows) > CONTACTS_PART ||
        !is_list_of_ids(json_object_get(body, "instances"))) {
        control_refuse(call, 422,
                       "import of contacts needs 'contacts', an object of id: [CRM id, contact id], and "
                       "'instances', a list of texts");
        return;
    }
    struct control_verb *verb = control_verb_new(engine, call);
    if (!verb)
        return;
    verb->body = json_incref(body);
    store_thread_run(engine->store, put_contacts_in_store, on_contacts_put, verb);
}

void control_import(struct engine *engine, struct http_call *call, json_t *body)
{
    const char *account = json_str(body, "account");

    if (json_object_get(body, "contacts")) {
        import_contacts(engine, call, body);
        return;
    }
    if (!account || !*account || !is_list_of_ids(json_object_get(body, "ids"))) {
        control_refuse(call, 422, "import needs an 'account' and 'ids', a list of texts");
        return;
    }
    struct control_verb *verb = control_verb_new(engine, call);
    if (!verb)
        return;
    verb->body = json_incref(body);
    store_thread_run(engine->store, import_in_store, on_imported, verb);
}
