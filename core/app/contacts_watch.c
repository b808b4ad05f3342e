/* When a mapping file is read. */
#include "app/contacts_watch.h"

static bool is_same(const struct contacts_sight *a, const struct contacts_sight *b)
{
    return a->is_there == b->is_there && a->mtime_ns == b->mtime_ns && a->size == b->size &&
           a->inode == b->inode;
}

bool contacts_watch_is_due(struct contacts_watch *watch, const struct contacts_sight *now, int64_t now_ms)
{
    bool is_steady = is_same(now, &watch->seen);
    bool was_tried = is_same(now, &watch->tried) && (watch->failures == 0 || now_ms < watch->again_ms);

    watch->seen = *now;
    if (!is_steady || !now->is_there || was_tried)
        return false;
    watch->tried = *now;
    return true;
}

static int64_t pause_ms(uint32_t failures)
{
    int64_t ms = CONTACTS_AGAIN_MS_MIN;

    for (uint32_t i = 1; i < failures && ms < CONTACTS_AGAIN_MS_MAX; i++)
        ms *= 2;
    return ms < CONTACTS_AGAIN_MS_MAX ? ms : CONTACTS_AGAIN_MS_MAX;
}

bool contacts_watch_tell(struct contacts_watch *watch, bool is_taken, int64_t now_ms)
{
    if (is_taken) {
        watch->failures = 0;
        return false;
    }
    watch->failures++;
    watch->again_ms = now_ms + pause_ms(watch->failures);
    return watch->failures == 1;
}
