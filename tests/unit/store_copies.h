/* Copies of a journal: made, put back, and counted. */
#ifndef TESTS_UNIT_STORE_COPIES_H
#define TESTS_UNIT_STORE_COPIES_H

#include <dirent.h>
#include <fnmatch.h>

#include "unit/store_raw.h"

static inline void backup(struct store *store, const char *path)
{
    struct sb_error err = SB_ERROR_INIT;

    if (store_backup(store, path, &err) < 0)
        fail_msg("cannot back up: %s", err.text);
}

static inline void restore(const struct fixture *fixture, const char *path, int64_t now_ms)
{
    struct sb_error err = SB_ERROR_INIT;

    if (store_restore(fixture->dir, path, now_ms, NULL, &err) < 0)
        fail_msg("cannot restore: %s", err.text);
}

/* How many files of data_dir have a name like `pattern`; the last one's path in *ret_path. */
static inline int count_files(const struct fixture *fixture, const char *pattern, char ret_path[512])
{
    DIR *folder = opendir(fixture->dir);
    int count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (fnmatch(pattern, entry->d_name, 0) != 0)
            continue;
        count++;
        if (ret_path)
            (void)snprintf(ret_path, 512, "%s/%s", fixture->dir, entry->d_name);
    }
    (void)closedir(folder);
    return count;
}

#endif
