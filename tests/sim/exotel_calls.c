/* The store of calls: by start for the list, by id and by recording for everything else. */
#include "exotel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t hash_text(const char *text)
{
    size_t hash = 1469598103934665603u;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        hash = (hash ^ *at) * 1099511628211u;
    return hash ^ (hash >> 29);
}

static struct exo_slot *find_slot(const struct exo_index *index, const char *key)
{
    for (size_t at = hash_text(key);; at++) {
        struct exo_slot *slot = &index->slots[at & (index->size - 1)];
        if (!slot->key || strcmp(slot->key, key) == 0)
            return slot;
    }
}

static struct exo_call *find_in_index(const struct exo_index *index, const char *key)
{
    return index->size ? find_slot(index, key)->call : NULL;
}

static void put_in_index(struct exo_index *index, const char *key, struct exo_call *call)
{
    if (index->used * 2 >= index->size) {
        struct exo_index grown = { .size = index->size ? index->size * 2 : 64, .used = index->used };
        grown.slots = sim_calloc(grown.size, sizeof(*grown.slots));
        for (size_t i = 0; i < index->size; i++)
            if (index->slots[i].key)
                *find_slot(&grown, index->slots[i].key) = index->slots[i];
        free(index->slots);
        *index = grown;
    }
    struct exo_slot *slot = find_slot(index, key);
    index->used += slot->key == NULL;
    *slot = (struct exo_slot){ .key = key, .call = call };
}

static int64_t start_second(const struct exo_call *call)
{
    return call->start_ms / EXO_SECOND_MS;
}

size_t exo_first_since(const struct exotel *exotel, int64_t start_s)
{
    size_t low = 0, high = exotel->call_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (start_second(exotel->calls[middle]) < start_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int exo_add_call(struct exotel *exotel, struct exo_call *call, struct sim_error *err)
{
    if (exo_find_call(exotel, call->sid)) {
        sim_fail(err, "two calls have the sid '%s'", call->sid);
        exo_free_call(call);
        return -1;
    }
    if (call->recording.exists && find_in_index(&exotel->by_recording, call->recording.key)) {
        sim_fail(err, "two calls have the recording '%s'", call->recording.key);
        exo_free_call(call);
        return -1;
    }
    if (exotel->call_count == exotel->call_capacity) {
        exotel->call_capacity = exotel->call_capacity ? exotel->call_capacity * 2 : 256;
        exotel->calls = sim_realloc(exotel->calls, exotel->call_capacity * sizeof(struct exo_call *));
    }
    exo_hooks_catch_up(exotel);
    call->id = ++exotel->next_id;
    /* The newest id goes behind every call of the same second. */
    size_t at = exo_first_since(exotel, start_second(call) + 1);
    memmove(exotel->calls + at + 1, exotel->calls + at,
            (exotel->call_count - at) * sizeof(struct exo_call *));
    exotel->calls[at] = call;
    exotel->call_count++;
    put_in_index(&exotel->by_sid, call->sid, call);
    if (call->recording.exists)
        put_in_index(&exotel->by_recording, call->recording.key, call);
    exo_hooks_rearm(exotel);
    return 0;
}

void exo_free_call(struct exo_call *call)
{
    if (!call)
        return;
    free(call->sid);
    free(call->from);
    free(call->to);
    free(call->exophone);
    free(call->status);
    free(call->leg1_status);
    free(call->leg2_status);
    free(call->answered_by);
    free(call->forwarded_from);
    free(call->caller_name);
    free(call->custom_field);
    free(call->kind);
    free(call->callback_url);
    free(call->recording.name);
    free(call->recording.key);
    free(call->recording.file);
    sim_blob_unref(call->recording.blob);
    json_decref(call->omit);
    json_decref(call->script);
    free(call);
}

static void drop_index(struct exo_index *index)
{
    free(index->slots);
    *index = (struct exo_index){ 0 };
}

void exo_drop_calls_after(struct exotel *exotel, uint64_t id)
{
    size_t kept = 0;
    drop_index(&exotel->by_sid);
    drop_index(&exotel->by_recording);
    for (size_t i = 0; i < exotel->call_count; i++) {
        struct exo_call *call = exotel->calls[i];
        if (call->id > id) {
            exo_free_call(call);
            continue;
        }
        exotel->calls[kept++] = call;
        put_in_index(&exotel->by_sid, call->sid, call);
        if (call->recording.exists)
            put_in_index(&exotel->by_recording, call->recording.key, call);
    }
    exotel->call_count = kept;
    exotel->next_id = id;
}

void exo_drop_calls(struct exotel *exotel)
{
    for (size_t i = 0; i < exotel->call_count; i++)
        exo_free_call(exotel->calls[i]);
    free(exotel->calls);
    exotel->calls = NULL;
    exotel->call_count = exotel->call_capacity = 0;
    drop_index(&exotel->by_sid);
    drop_index(&exotel->by_recording);
}

struct exo_call *exo_find_call(const struct exotel *exotel, const char *sid)
{
    return find_in_index(&exotel->by_sid, sid);
}

struct exo_call *exo_find_recording(const struct exotel *exotel, const char *account, const char *name)
{
    char key[256];
    int length = snprintf(key, sizeof(key), "%s/%s", account, name);
    bool is_whole = length > 0 && (size_t)length < sizeof(key);
    return is_whole ? find_in_index(&exotel->by_recording, key) : NULL;
}

struct exo_account *exo_find_account(struct exotel *exotel, const char *sid)
{
    for (size_t i = 0; i < exotel->account_count; i++)
        if (strcmp(exotel->accounts[i].sid, sid) == 0)
            return &exotel->accounts[i];
    return NULL;
}

void exo_set_text(char **owned, const char *text)
{
    char *copy = text ? sim_strdup(text) : NULL;
    free(*owned);
    *owned = copy;
}
