/* The lock of data_dir: flock on a file that stays, because removing it would let two owners in. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "base/scope.h"

enum { PID_TEXT_MAX = 24 };

/* The owner's process id, or 0 when it cannot be told: it has taken the lock but not written its id yet. */
static int64_t read_owner(int fd)
{
    char text[PID_TEXT_MAX];
    int64_t pid = 0;
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

    if (size <= 0)
        return 0;
    text[size] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return parse_int(text, &pid, NULL) == 0 ? pid : 0;
}

/* The id is for people only, so a disk that has no room for it is no reason to stop here: the journal itself
 * says it better. */
static void write_owner(int fd)
{
    char text[PID_TEXT_MAX];
    int size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)size, 0);
}

static int refuse(int fd, const char *data_dir, struct sb_error *err)
{
    int64_t pid = read_owner(fd);

    if (pid <= 0)
        return sb_fail(err, SB_EBUSY,
                       "'%s' is in use by another process; stop it first, or use another data_dir", data_dir);
    return sb_fail(err, SB_EBUSY, "'%s' is in use by process %lld; stop it first, or use another data_dir",
                   data_dir, (long long)pid);
}

static int open_lock(const char *path, const char *data_dir, struct sb_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd >= 0)
        return fd;
    if (errno == EROFS || errno == EACCES || errno == EPERM)
        return sb_fail(err, SB_ECONFIG, "cannot write in '%s': %s; make it writable, or use another data_dir",
                       data_dir, strerror(errno));
    return sb_fail(err, SB_ECONFIG, "cannot open '%s': %s", path, strerror(errno));
}

int lock_take(const char *data_dir, int *ret_fd, struct sb_error *err)
{
    int rc = 0;
    AUTO_STR path = file_join(data_dir, "lock");
    if (!path)
        return sb_fail(err, SB_ENOMEM, "cannot lock '%s': out of memory", data_dir);

    int fd = open_lock(path, data_dir, err);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            rc = refuse(fd, data_dir, err);
        else
            rc = sb_fail(err, SB_ECONFIG, "cannot lock '%s': %s; use a data_dir on a local disk", path,
                         strerror(errno));
        lock_release(fd);
        return rc;
    }
    write_owner(fd);
    *ret_fd = fd;
    return 0;
}

void lock_release(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* the lock goes with the last descriptor; nothing was written that could be lost */
}
