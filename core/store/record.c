/* What the store takes and gives: the words of its states, the life of a change and of a loaded record. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "store/job.h"
#include "store/store.h"

enum { CHANGE_BYTES_MAX = 256 * 1024 * 1024 }; /* a page of conversations, each with its documents */

static const char *const state_words[] = {
#define X(id, word) [id] = (word),
    STORE_STATES(X)
#undef X
};

static const char *const phase_words[] = {
#define X(id, word) [id] = (word),
    STORE_PHASES(X)
#undef X
};

static const char *const intent_state_words[] = {
#define X(id, word) [id] = (word),
    STORE_INTENT_STATES(X)
#undef X
};

const char *store_state_word(enum store_state state)
{
    return state >= 0 && state < STORE_STATE_COUNT ? state_words[state] : "invalid";
}

enum store_state store_state_from_word(const char *word)
{
    for (size_t i = 0; word && i < COUNT_OF(state_words); i++)
        if (strcmp(word, state_words[i]) == 0)
            return (enum store_state)i;
    return STORE_STATE_INVALID;
}

const char *store_phase_word(enum store_phase phase)
{
    return phase < STORE_PHASE_COUNT ? phase_words[phase] : "invalid";
}

const char *store_intent_state_word(enum store_intent_state state)
{
    return state < STORE_INTENT_STATE_COUNT ? intent_state_words[state] : "invalid";
}

struct store_change *store_change_new(void)
{
    struct store_change_box *box = calloc(1, sizeof(*box));
    if (!box)
        return NULL;
    box->change.arena = arena_new(CHANGE_BYTES_MAX);
    if (!box->change.arena) {
        free(box);
        return NULL;
    }
    return &box->change;
}

void store_change_free(struct store_change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->emit_count; i++)
        json_decref(change->emits[i].record);
    arena_free(change->arena);
    free((struct store_change_box *)change);
}

void store_record_free(struct store_record *record)
{
    if (!record)
        return;
    json_decref(record->sections);
    arena_free(record->arena);
    free(record);
}
