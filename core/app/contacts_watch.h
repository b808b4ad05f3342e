/* When a mapping file is read: once it looks the same twice, so that it is not caught in the middle of being written, and is
 * another than the one that was read last; and again, more and more rarely, while what it says could not be taken over. */
#ifndef APP_CONTACTS_WATCH_H
#define APP_CONTACTS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum { CONTACTS_AGAIN_MS_MIN = 2 * 1000, CONTACTS_AGAIN_MS_MAX = 60 * 1000 };

/* What a file was when it was looked at: the same again needs no reading. */
struct contacts_sight {
    int64_t mtime_ns, size, inode;
    bool is_there;
};

/* Zeroed: nothing was ever seen. */
struct contacts_watch {
    struct contacts_sight seen, tried;
    uint32_t failures; /* in a row */
    int64_t again_ms;  /* monotonic: `tried` is not tried again before; while failures > 0 */
};

/* Takes note of `now`. True: the file is to be read, and contacts_watch_tell() called with what came of it. */
bool contacts_watch_is_due(struct contacts_watch *watch, const struct contacts_sight *now, int64_t now_ms);
/* `is_taken`: it was taken over, or refused for its mistakes, which another reading does not mend. True: it has just begun to
 * fail, and people have to hear of it. */
bool contacts_watch_tell(struct contacts_watch *watch, bool is_taken, int64_t now_ms);

#endif
