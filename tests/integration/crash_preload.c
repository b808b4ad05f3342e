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
 * Says nothing itself. Calls of all threads are counted together. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { KIND_SYNC, KIND_WRITE, KIND_SEND, KIND_RECV, KIND_COUNT };

static const char *const kind_words[] = { "sync", "write", "send", "recv" };

static struct {
    atomic_ulong counts[KIND_COUNT];
    enum kind kind; /* where to end */
    unsigned long number;
    bool is_after, is_armed;
    enum kind reported;
    const char *count_file;
} crash;

static struct {
    int (*fsync)(int);
    int (*fdatasync)(int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwrite64)(int, const void *, size_t, off64_t);
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
    FIND(pwrite);
    FIND(pwrite64);
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

static void die(void)
{
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
    leave(KIND_SYNC, number);
    return rc;
}

EXPORT int fdatasync(int fd)
{
    unsigned long number = enter(KIND_SYNC);
    int rc = real.fdatasync(fd);
    leave(KIND_SYNC, number);
    return rc;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    unsigned long number = enter(KIND_WRITE);
    ssize_t written = real.pwrite(fd, data, size, at);
    leave(KIND_WRITE, number);
    return written;
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    unsigned long number = enter(KIND_WRITE);
    ssize_t written = real.pwrite64(fd, data, size, at);
    leave(KIND_WRITE, number);
    return written;
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
