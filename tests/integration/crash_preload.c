/* Loaded before a program (LD_PRELOAD): ends it with SIGKILL at a chosen system call, as a power cut for the process
 * would. Counts calls of one kind:
 *
 *   sync    fsync, fdatasync            a commit, a file made durable
 *   write   pwrite                      the pages of a commit, before they are durable
 *   send    send, sendmsg on a socket   a request on its way
 *   recv    recv that brought bytes     an answer is here, and nobody has read it
 *
 * CRASH_AT=KIND:NUMBER:before|after     where to end; "after" means that the call has happened, its result not seen
 * CRASH_KIND=KIND  CRASH_COUNT_FILE=P   at exit, writes how many such calls there were into the file P
 *
 * CRASH_LOSES=unsynced                  the end takes along what pwrite has written since the file's last sync, as a power
 *                                       cut of the machine would
 *
 * Says nothing itself. Calls of all threads are counted together. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == sizeof(off64_t), "pwrite and pwrite64 are one function");

enum kind { KIND_SYNC, KIND_WRITE, KIND_SEND, KIND_RECV, KIND_COUNT };

static const char *const kind_words[] = { "sync", "write", "send", "recv" };

static struct {
    atomic_ulong counts[KIND_COUNT];
    enum kind kind; /* where to end */
    unsigned long number;
    bool is_after, is_armed, loses_unsynced;
    enum kind reported;
    const char *count_file;
} crash;

static struct {
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*close)(int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    ssize_t (*recv)(int, void *, size_t, int);
} real;

static enum kind kind_of(const char *word, size_t length)
{
    for (int i = 0; i < KIND_COUNT; i++)
        if (strlen(kind_words[i]) == length && memcmp(kind_words[i], word, length) == 0)
            return (enum kind)i;
    return KIND_COUNT;
}

static void read_plan(void)
{
    const char *at = getenv("CRASH_AT");
    const char *number = at ? strchr(at, ':') : NULL;
    const char *kind = getenv("CRASH_KIND");

    if (number) {
        char *when = NULL;
        crash.kind = kind_of(at, (size_t)(number - at));
        crash.number = strtoul(number + 1, &when, 10);
        crash.is_after = strcmp(when, ":after") == 0;
        crash.is_armed = crash.kind < KIND_COUNT && crash.number > 0;
        if (!crash.is_armed || (!crash.is_after && strcmp(when, ":before") != 0))
            abort(); /* a plan that is misspelt must not pass as a run without a crash */
    }
    crash.loses_unsynced = getenv("CRASH_LOSES") != NULL;
    crash.count_file = getenv("CRASH_COUNT_FILE");
    crash.reported = kind ? kind_of(kind, strlen(kind)) : KIND_SYNC;
    if (crash.reported == KIND_COUNT)
        abort();
}

#define FIND(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void)
{
    FIND(fsync);
    FIND(fdatasync);
    FIND(close);
    FIND(pwrite);
    FIND(send);
    FIND(sendmsg);
    FIND(recv);
    read_plan();
}

__attribute__((destructor)) static void finish(void)
{
    if (!crash.count_file)
        return;
    FILE *out = fopen(crash.count_file, "we");
    if (!out)
        abort();
    (void)fprintf(out, "%lu\n", atomic_load(&crash.counts[crash.reported]));
    (void)fclose(out);
}

/* ---- what a power cut takes along ---- */

/* What stood where an unsynced write went. */
struct undo {
    struct undo *before;
    int fd;
    dev_t device;
    ino_t inode;
    off_t at, file_size;
    size_t size; /* of `old`: less than was written at the end of the file */
    char old[];
};

static struct {
    pthread_mutex_t lock;
    struct undo *last;
} unsynced = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Before the write; under the lock. */
static void remember(int fd, size_t size, off_t at)
{
    struct stat file;
    struct undo *undo = malloc(sizeof(*undo) + size);

    if (!undo || fstat(fd, &file) < 0)
        abort();
    ssize_t got = pread(fd, undo->old, size, at);
    *undo = (struct undo){ .before = unsynced.last,
                           .fd = fd,
                           .device = file.st_dev,
                           .inode = file.st_ino,
                           .at = at,
                           .file_size = file.st_size,
                           .size = got > 0 ? (size_t)got : 0 };
    unsynced.last = undo;
}

/* The file is on the disk now, whichever descriptor it was written through. */
static void forget(int fd)
{
    struct stat file;

    if (fstat(fd, &file) < 0)
        abort();
    (void)pthread_mutex_lock(&unsynced.lock);
    for (struct undo **at = &unsynced.last; *at;) {
        struct undo *undo = *at;
        if (undo->device == file.st_dev && undo->inode == file.st_ino) {
            *at = undo->before;
            free(undo);
        } else {
            at = &undo->before;
        }
    }
    (void)pthread_mutex_unlock(&unsynced.lock);
}

/* A descriptor that is closed with unsynced writes behind it lives on for them. */
static void keep_open(int fd)
{
    int kept = -1;

    (void)pthread_mutex_lock(&unsynced.lock);
    for (struct undo *undo = unsynced.last; undo; undo = undo->before) {
        if (undo->fd != fd)
            continue;
        if (kept < 0)
            kept = fcntl(fd, F_DUPFD_CLOEXEC, 512);
        if (kept < 0)
            abort();
        undo->fd = kept;
    }
    (void)pthread_mutex_unlock(&unsynced.lock);
}

/* Newest first. The lock is never given back: nobody writes any more. */
static void lose_unsynced(void)
{
    (void)pthread_mutex_lock(&unsynced.lock);
    for (const struct undo *undo = unsynced.last; undo; undo = undo->before)
        if (real.pwrite(undo->fd, undo->old, undo->size, undo->at) != (ssize_t)undo->size ||
            ftruncate(undo->fd, undo->file_size) < 0)
            abort();
}

static void die(void)
{
    if (crash.loses_unsynced)
        lose_unsynced();
    (void)kill(getpid(), SIGKILL);
    for (;;) /* the signal may be taken by another thread a moment later */
        (void)pause();
}

/* A call of `kind` begins: its number. */
static unsigned long enter(enum kind kind)
{
    unsigned long number = atomic_fetch_add(&crash.counts[kind], 1) + 1;

    if (crash.is_armed && !crash.is_after && crash.kind == kind && crash.number == number)
        die();
    return number;
}

static void leave(enum kind kind, unsigned long number)
{
    if (crash.is_armed && crash.is_after && crash.kind == kind && crash.number == number)
        die();
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int fsync(int fd)
{
    unsigned long number = enter(KIND_SYNC);
    int rc = real.fsync(fd);
    if (crash.loses_unsynced && rc == 0)
        forget(fd);
    leave(KIND_SYNC, number);
    return rc;
}

EXPORT int fdatasync(int fd)
{
    unsigned long number = enter(KIND_SYNC);
    int rc = real.fdatasync(fd);
    if (crash.loses_unsynced && rc == 0)
        forget(fd);
    leave(KIND_SYNC, number);
    return rc;
}

/* One write at a time, so that what is remembered is what was there. */
static ssize_t write_remembered(int fd, const void *data, size_t size, off_t at)
{
    (void)pthread_mutex_lock(&unsynced.lock);
    remember(fd, size, at);
    ssize_t written = real.pwrite(fd, data, size, at);
    (void)pthread_mutex_unlock(&unsynced.lock);
    return written;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    unsigned long number = enter(KIND_WRITE);
    ssize_t written =
        crash.loses_unsynced ? write_remembered(fd, data, size, at) : real.pwrite(fd, data, size, at);
    leave(KIND_WRITE, number);
    return written;
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return pwrite(fd, data, size, at);
}

EXPORT int close(int fd)
{
    if (crash.loses_unsynced)
        keep_open(fd);
    return real.close(fd);
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    unsigned long number = enter(KIND_SEND);
    ssize_t sent = real.send(fd, data, size, flags);
    leave(KIND_SEND, number);
    return sent;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    unsigned long number = enter(KIND_SEND);
    ssize_t sent = real.sendmsg(fd, message, flags);
    leave(KIND_SEND, number);
    return sent;
}

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    ssize_t got = real.recv(fd, data, size, flags);

    /* A peek (libcurl looks whether an idle connection is alive) and "nothing yet" are no answers. Before: the bytes
     * are here and nobody will ever see them; so before and after are the same. */
    if (got > 0 && !(flags & MSG_PEEK))
        leave(KIND_RECV, enter(KIND_RECV));
    return got;
}
