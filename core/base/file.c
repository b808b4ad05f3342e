/* Files that are either whole or not there. */
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/scope.h"

enum { PATH_BYTES_MAX = 4096, READ_STEP = 4096 };

/* A folder opens like a file and fails only when it is read, with a puzzling reason: say it here. */
static int open_for_reading(const char *path, struct sb_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int rc = 0;

    if (fd < 0)
        return sb_fail(err, SB_ECONFIG, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, &st) < 0)
        rc = sb_fail(err, SB_ECONFIG, "cannot read '%s': %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        rc = sb_fail(err, SB_ECONFIG, "cannot read '%s': it is a folder", path);
    if (rc < 0)
        (void)close(fd); /* nothing was written to it */
    return rc < 0 ? rc : fd;
}

int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_size, struct sb_error *err)
{
    AUTO_FD fd = open_for_reading(path, err);
    if (fd < 0)
        return fd;

    AUTO_BUF text;
    char step[READ_STEP];
    buf_init(&text, size_max);
    for (;;) {
        ssize_t got = read(fd, step, sizeof(step));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sb_fail(err, SB_ECONFIG, "cannot read '%s': %s", path, strerror(errno));
        if (got == 0)
            break;
        if ((size_t)got > size_max - text.len)
            return sb_fail(err, SB_ECONFIG, "'%s' is larger than %zu bytes", path, size_max);
        buf_add(&text, step, (size_t)got);
        if (text.failed)
            return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    }

    size_t size = text.len;
    char *taken = buf_take(&text, NULL);
    if (!taken)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    *ret_text = taken;
    *ret_size = size;
    return 0;
}

/* Appends the folder part of `path`. */
static void add_dir(struct buf *out, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        buf_char(out, '.');
    else
        buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Fills the open temporary file. `fd` is closed either way, and its close is looked at: there a full disk may
 * show. */
static int fill_file(int fd, const char *path, const void *data, size_t size, mode_t mode,
                     struct sb_error *err)
{
    int rc = 0;

    if (fchmod(fd, mode) < 0 || write_all(fd, data, size) < 0)
        rc = sb_fail(err, SB_ECONFIG, "cannot write '%s': %s", path, strerror(errno));
    else if (fsync(fd) < 0)
        rc = sb_fail(err, SB_EINTERNAL, "cannot sync '%s': %s", path, strerror(errno));
    if (close(fd) < 0 && rc == 0)
        rc = sb_fail(err, SB_ECONFIG, "cannot write '%s': %s", path, strerror(errno));
    return rc;
}

int file_write(const char *path, const void *data, size_t size, mode_t mode, struct sb_error *err)
{
    AUTO_BUF folder, name;
    buf_init(&folder, PATH_BYTES_MAX);
    buf_init(&name, PATH_BYTES_MAX);
    add_dir(&folder, path);
    buf_printf(&name, "%s.XXXXXX", path);
    if (folder.failed || name.failed)
        return sb_fail(err, SB_ENOMEM, "cannot write '%s': out of memory", path);

    int fd = mkostemp(name.data, O_CLOEXEC);
    if (fd < 0)
        return sb_fail(err, SB_ECONFIG, "cannot write '%s': %s", path, strerror(errno));
    int rc = fill_file(fd, path, data, size, mode, err);
    if (rc == 0 && rename(name.data, path) < 0)
        rc = sb_fail(err, SB_ECONFIG, "cannot write '%s': %s", path, strerror(errno));
    if (rc < 0) {
        (void)unlink(name.data); /* what is left of it is of no use to anybody */
        return rc;
    }
    return file_sync_dir(folder.data, err);
}

int file_sync_dir(const char *path, struct sb_error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return sb_fail(err, SB_ECONFIG, "cannot open folder '%s': %s", path, strerror(errno));
    if (fsync(fd) < 0)
        return sb_fail(err, SB_EINTERNAL, "cannot sync folder '%s': %s", path, strerror(errno));
    return 0;
}

static int make_one_dir(const char *path, mode_t mode, struct sb_error *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return sb_fail(err, SB_ECONFIG, "cannot make folder '%s': %s", path, strerror(errno));
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return sb_fail(err, SB_ECONFIG, "cannot make folder '%s': a file of that name is in the way", path);
    return 0;
}

int file_make_dir(const char *path, mode_t mode, struct sb_error *err)
{
    AUTO_BUF copy;
    buf_init(&copy, PATH_BYTES_MAX);
    buf_str(&copy, path);
    if (copy.failed || copy.len == 0)
        return sb_fail(err, copy.failed ? SB_ENOMEM : SB_ECONFIG, "cannot make folder '%s': %s", path,
                       copy.failed ? "out of memory" : "it has no name");

    char *whole = copy.data;
    size_t length = copy.len;
    while (length > 1 && whole[length - 1] == '/')
        whole[--length] = '\0';
    for (char *slash = strchr(whole + (*whole == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = make_one_dir(whole, 0777, err);
        *slash = '/';
        if (rc < 0)
            return rc;
    }
    return make_one_dir(whole, mode, err);
}

char *file_join(const char *dir, const char *name)
{
    if (*name == '/')
        return strdup(name);

    AUTO_BUF path;
    size_t length = strlen(dir);
    buf_init(&path, length + strlen(name) + 1);
    buf_printf(&path, length > 0 && dir[length - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
    return buf_take(&path, NULL);
}

char *file_dir(const char *path)
{
    AUTO_BUF folder;

    buf_init(&folder, PATH_BYTES_MAX);
    add_dir(&folder, path);
    return buf_take(&folder, NULL);
}
