/* The SIDs that were emitted and can still be listed, so that a scan does not emit thousands of known calls
 * again.
 *
 * Only a saving: emitting a known call changes nothing. So it may be bounded: beyond SEEN_MAX calls in the
 * overlap, the rest is simply emitted again. Kept in the cursor as texts of SIDs, one for each quarter of an
 * hour of their start, so that old ones are forgotten whole; looked up in a table that is made once a page.
 */
#include <string.h>

#include "exotel.h"

enum { SEEN_MAX = 5000 };

#define SLOT_MS (15 * EXO_MINUTE_MS)

struct entry {
    const char *sid; /* not terminated */
    size_t size;
};

/* A SID that was not in the cursor yet. */
struct addition {
    const char *sid;
    int64_t slot;
};

struct exo_seen {
    struct sb_exchange *x;
    struct entry *table; /* open addressing, at most half full */
    size_t table_size;   /* a power of two */
    size_t count;
    struct addition additions[EXO_PAGE_MAX];
    size_t addition_count;
};

static size_t hash(const char *text, size_t size)
{
    uint64_t value = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < size; i++)
        value = (value ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return (size_t)(value ^ value >> 32);
}

/* The place of the SID, or the empty one where it belongs. */
static struct entry *find(const struct exo_seen *seen, const char *sid, size_t size)
{
    size_t mask = seen->table_size - 1;
    size_t at = hash(sid, size) & mask;

    while (seen->table[at].sid &&
           (seen->table[at].size != size || memcmp(seen->table[at].sid, sid, size) != 0))
        at = (at + 1) & mask;
    return &seen->table[at];
}

static void insert(struct exo_seen *seen, const char *sid, size_t size)
{
    struct entry *entry = find(seen, sid, size);

    if (entry->sid || seen->count >= SEEN_MAX || 2 * seen->count >= seen->table_size)
        return;
    *entry = (struct entry){ .sid = sid, .size = size };
    seen->count++;
}

static bool is_plain(const char *sid)
{
    size_t size = strlen(sid);

    return size > 0 && size <= EXO_SID_SIZE_MAX && !strchr(sid, ' ');
}

static size_t count_sids(const json_t *slots)
{
    size_t count = 0;
    const char *slot;
    json_t *sids;

    json_object_foreach ((json_t *)(uintptr_t)slots, slot, sids) {
        for (const char *at = json_string_value(sids); at && (at = strchr(at, ' ')); at++)
            count++;
    }
    return count < SEEN_MAX ? count : SEEN_MAX;
}

struct exo_seen *exo_seen_open(struct sb_exchange *x)
{
    struct exo_seen *seen = sb_alloc(x, sizeof(*seen));
    const json_t *slots = sb_get(x, "seen");
    size_t room = count_sids(slots) + EXO_PAGE_MAX;
    const char *slot;
    json_t *sids;

    seen->x = x;
    for (seen->table_size = 1; seen->table_size < 2 * room;)
        seen->table_size *= 2;
    seen->table = sb_alloc(x, seen->table_size * sizeof(*seen->table));
    json_object_foreach ((json_t *)(uintptr_t)slots, slot, sids) {
        const char *at = json_string_value(sids);
        while (at && *at) {
            size_t size = strcspn(at, " ");
            if (size > 0)
                insert(seen, at, size);
            at += size + (at[size] == ' ');
        }
    }
    return seen;
}

bool exo_seen_has(const struct exo_seen *seen, const char *sid)
{
    return find(seen, sid, strlen(sid))->sid != NULL;
}

void exo_seen_add(struct exo_seen *seen, const char *sid, int64_t created_ms)
{
    if (!is_plain(sid) || seen->count >= SEEN_MAX || seen->addition_count == EXO_PAGE_MAX ||
        exo_seen_has(seen, sid))
        return;
    seen->additions[seen->addition_count++] =
        (struct addition){ .sid = sb_strdup(seen->x, sid), .slot = created_ms / SLOT_MS };
    insert(seen, seen->additions[seen->addition_count - 1].sid, strlen(sid));
}

/* Writes all additions of one slot at once, and marks them as written. */
static void save_slot(struct exo_seen *seen, json_t *slots, int64_t slot)
{
    const char *name = sb_printf(seen->x, "%lld", (long long)slot);
    const char *old = sb_json_str(slots, name);
    size_t old_size = old ? strlen(old) : 0;
    char *text = sb_alloc(seen->x, old_size + seen->addition_count * (EXO_SID_SIZE_MAX + 1) + 1);
    size_t size = old_size;

    if (old)
        memcpy(text, old, old_size + 1);
    for (size_t i = 0; i < seen->addition_count; i++) {
        const char *sid = seen->additions[i].sid;
        if (!sid || seen->additions[i].slot != slot)
            continue;
        size_t sid_size = strlen(sid);
        memcpy(text + size, sid, sid_size + 1);
        text[size + sid_size] = ' ';
        size += sid_size + 1;
        seen->additions[i].sid = NULL;
    }
    exo_put_str(seen->x, slots, name, text);
}

void exo_seen_save(struct exo_seen *seen)
{
    if (seen->addition_count == 0)
        return;
    const json_t *old = sb_get(seen->x, "seen");
    json_t *slots = sb_keep(seen->x, old ? json_copy((json_t *)(uintptr_t)old) : json_object());
    exo_must(seen->x, slots ? 0 : -1);
    for (size_t i = 0; i < seen->addition_count; i++)
        if (seen->additions[i].sid)
            save_slot(seen, slots, seen->additions[i].slot);
    sb_set(seen->x, "seen", json_incref(slots));
    seen->addition_count = 0;
}

/* A slot's name as a number; what is none is forgotten with the oldest. */
static int64_t slot_of(const char *name)
{
    int64_t slot = 0;

    for (; *name >= '0' && *name <= '9' && slot < INT64_MAX / 100; name++)
        slot = slot * 10 + (*name - '0');
    return *name ? 0 : slot;
}

void exo_seen_forget(struct sb_exchange *x, int64_t before_ms)
{
    const json_t *old = sb_get(x, "seen");
    json_t *slots = exo_object(x);
    const char *name;
    json_t *sids;

    json_object_foreach ((json_t *)(uintptr_t)old, name, sids) {
        if (slot_of(name) >= before_ms / SLOT_MS)
            exo_put(x, slots, name, json_incref(sids));
    }
    if (json_object_size(slots) != json_object_size(old))
        sb_set(x, "seen", json_incref(slots));
}
