/* Files in memory that forget. */
#include "simulation/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"

enum { SECTOR = 512, FILES_MAX = 512 };

struct bytes {
    unsigned char *data; /* owned */
    size_t size, room;
};

/* What was written since the last sync; the bytes are those that the file has now. */
struct span {
    uint64_t at;
    size_t size;
};

struct disk_file {
    struct disk *disk;
    char *name;
    struct bytes now, durable;
    bool is_there, is_durable; /* its name, now and after a loss of power */
    bool is_cut;               /* made shorter since the last sync */
    struct span *spans;        /* owned */
    size_t span_count, span_room;
};

struct disk {
    struct disk_world world;
    struct disk_file *files[FILES_MAX]; /* owned */
    size_t count;
    bool is_frozen;
};

/* ---- bytes --------------------------------------------------------------------------------------------- */

static void make_room(struct bytes *bytes, size_t size)
{
    if (size <= bytes->room)
        return;
    bytes->room = size * 2;
    bytes->data = sim_grow(bytes->data, bytes->room, 1);
}

/* What lies between the old end and the new one reads as zero. */
static void resize(struct bytes *bytes, size_t size)
{
    make_room(bytes, size);
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    bytes->size = size;
}

static void put(struct bytes *bytes, uint64_t at, const void *data, size_t size)
{
    size_t end = (size_t)at + size;

    if (at > bytes->size)
        resize(bytes, (size_t)at);
    make_room(bytes, end);
    if (size)
        memcpy(bytes->data + at, data, size);
    if (end > bytes->size)
        bytes->size = end;
}

static void copy_bytes(struct bytes *to, const struct bytes *from)
{
    make_room(to, from->size);
    to->size = from->size;
    if (from->size)
        memcpy(to->data, from->data, from->size);
}

/* ---- files --------------------------------------------------------------------------------------------- */

struct disk *disk_new(const struct disk_world *world)
{
    struct disk *disk = sim_new(sizeof(*disk));

    disk->world = *world;
    return disk;
}

void disk_free(struct disk *disk)
{
    if (!disk)
        return;
    for (size_t i = 0; i < disk->count; i++) {
        struct disk_file *file = disk->files[i];
        free(file->name);
        free(file->now.data);
        free(file->durable.data);
        free(file->spans);
        free(file);
    }
    free(disk);
}

static struct disk_file *find(struct disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->count; i++)
        if (strcmp(disk->files[i]->name, name) == 0)
            return disk->files[i];
    return NULL;
}

static struct disk_file *add(struct disk *disk, const char *name)
{
    struct disk_file *file = sim_new(sizeof(*file));

    if (disk->count == FILES_MAX)
        sim_die("more than %d files on the simulated disk", FILES_MAX);
    file->disk = disk;
    file->name = sim_copy(name);
    disk->files[disk->count++] = file;
    return file;
}

struct disk_file *disk_open(struct disk *disk, const char *name, bool is_made)
{
    struct disk_file *file = find(disk, name);

    if (!is_made)
        return file && file->is_there ? file : NULL;
    if (!file)
        file = add(disk, name);
    file->is_there = true;
    return file;
}

void disk_sync_name(struct disk_file *file)
{
    file->is_durable = file->is_there;
}

bool disk_has(struct disk *disk, const char *name)
{
    return disk_open(disk, name, false) != NULL;
}

size_t disk_read(const struct disk_file *file, uint64_t at, void *room, size_t size)
{
    if (at >= file->now.size)
        return 0;
    size_t left = file->now.size - (size_t)at;
    size_t got = left < size ? left : size;
    memcpy(room, file->now.data + at, got);
    return got;
}

uint64_t disk_size(const struct disk_file *file)
{
    return file->now.size;
}

static void add_span(struct disk_file *file, uint64_t at, size_t size)
{
    struct span *last = file->span_count ? &file->spans[file->span_count - 1] : NULL;

    if (last && last->at + last->size == at) { /* one write more of a log */
        last->size += size;
        return;
    }
    if (file->span_count == file->span_room) {
        file->span_room = file->span_room ? file->span_room * 2 : 16;
        file->spans = sim_grow(file->spans, file->span_room, sizeof(*file->spans));
    }
    file->spans[file->span_count++] = (struct span){ .at = at, .size = size };
}

bool disk_write(struct disk_file *file, uint64_t at, const void *data, size_t size)
{
    if (file->disk->is_frozen || file->disk->world.write_fails(file->disk->world.ctx))
        return false;
    put(&file->now, at, data, size);
    add_span(file, at, size);
    return true;
}

void disk_truncate(struct disk_file *file, uint64_t size)
{
    if (file->disk->is_frozen)
        return;
    if (size < file->now.size)
        file->is_cut = true;
    else if (size > file->now.size)
        add_span(file, file->now.size, (size_t)size - file->now.size);
    resize(&file->now, (size_t)size);
}

static void settle(struct disk_file *file)
{
    if (file->is_cut) {
        copy_bytes(&file->durable, &file->now);
    } else {
        for (size_t i = 0; i < file->span_count; i++)
            put(&file->durable, file->spans[i].at, file->now.data + file->spans[i].at, file->spans[i].size);
        resize(&file->durable, file->now.size);
    }
    file->span_count = 0;
    file->is_cut = false;
    file->is_durable = file->is_there;
}

/* Every name that was made or removed so far is as durable as a folder can make it. */
static void sync_folder(struct disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        struct disk_file *file = disk->files[i];
        if (file->is_durable && !file->is_there)
            settle(file);
        file->is_durable = file->is_there;
    }
}

bool disk_sync(struct disk_file *file)
{
    if (file->disk->is_frozen || file->disk->world.sync_fails(file->disk->world.ctx))
        return false;
    if (!file->is_durable)
        sync_folder(file->disk); /* SQLite syncs the folder of a new log or journal with it */
    settle(file);
    return true;
}

void disk_remove(struct disk *disk, const char *name, bool is_synced)
{
    struct disk_file *file = find(disk, name);

    if (!file || disk->is_frozen)
        return;
    file->is_there = false;
    resize(&file->now, 0);
    file->is_cut = true;
    file->span_count = 0;
    if (is_synced)
        settle(file);
}

void disk_put(struct disk *disk, const char *name, const void *data, size_t size)
{
    struct disk_file *file = disk_open(disk, name, true);

    resize(&file->now, 0);
    put(&file->now, 0, data, size);
    file->is_cut = true;
    settle(file);
}

const unsigned char *disk_content(struct disk *disk, const char *name, size_t *ret_size)
{
    static const unsigned char nothing[1] = "";
    const struct disk_file *file = disk_open(disk, name, false);

    if (!file)
        return NULL;
    *ret_size = file->now.size;
    return file->now.data ? file->now.data : nothing;
}

const char *disk_file_with(const struct disk *disk, const char *text)
{
    for (size_t i = 0; i < disk->count; i++) {
        const struct disk_file *file = disk->files[i];
        if (file->is_there && file->now.size > 0 &&
            memmem(file->now.data, file->now.size, text, strlen(text)))
            return file->name;
    }
    return NULL;
}

void *disk_copy(struct disk *disk, const char *name, size_t *ret_size)
{
    const struct disk_file *file = find(disk, name);

    if (!file || !file->is_durable)
        return NULL;
    *ret_size = file->durable.size;
    return sim_copy_bytes(file->durable.data, file->durable.size);
}

/* ---- death --------------------------------------------------------------------------------------------- */

/* Some of the sectors of what was written reach the disk: either those up to some point, as a disk writes in order, or any,
 * as a disk with a queue does. */
static void tear_span(struct disk_file *file, const struct span *span, struct chance *chance)
{
    bool is_in_order = chance_below(chance, 2) == 0;
    uint64_t sectors = (span->size + SECTOR - 1) / SECTOR;
    uint64_t until = chance_below(chance, sectors + 1);
    uint32_t odds = (uint32_t)chance_below(chance, 1000001);

    for (uint64_t i = 0; i < sectors; i++) {
        bool is_kept = is_in_order ? i < until : chance_happens(chance, odds);
        uint64_t from = span->at + i * SECTOR;
        uint64_t to = from + SECTOR < span->at + span->size ? from + SECTOR : span->at + span->size;
        if (is_kept && to <= file->now.size)
            put(&file->durable, from, file->now.data + from, (size_t)(to - from));
    }
}

static void crash_file(struct disk_file *file, enum disk_loss loss, struct chance *chance)
{
    if (loss == DISK_KEPT)
        return;
    if (loss == DISK_TORN) {
        for (size_t i = 0; i < file->span_count; i++)
            tear_span(file, &file->spans[i], chance);
        /* A name or a new length that was not synced may be on the disk or not. */
        if (file->is_there != file->is_durable && chance_below(chance, 2) == 0)
            file->is_durable = file->is_there;
        if (file->is_cut && chance_below(chance, 2) == 0 && file->now.size < file->durable.size)
            resize(&file->durable, file->now.size);
    }
    file->is_there = file->is_durable;
    if (!file->is_durable)
        resize(&file->durable, 0);
    copy_bytes(&file->now, &file->durable);
    file->span_count = 0;
    file->is_cut = false;
}

void disk_freeze(struct disk *disk, bool is_frozen)
{
    disk->is_frozen = is_frozen;
}

void disk_crash(struct disk *disk, enum disk_loss loss, struct chance *chance)
{
    for (size_t i = 0; i < disk->count; i++)
        crash_file(disk->files[i], loss, chance);
}
