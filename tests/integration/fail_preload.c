/* Loaded before a program (LD_PRELOAD): lets the n-th call of one family fail, as a machine does that has no memory, no room
 * on the disk, no more descriptors or a disk that is worn out. The families:
 *
 *   alloc   malloc, calloc, realloc, aligned_alloc, posix_memalign     by whom: of the program and of its libraries
 *   write   write, pwrite, writev, pwritev                             not on sockets and pipes
 *   sync    fsync, fdatasync
 *   open    open, openat, creat, fopen, opendir
 *   file    rename, unlink, mkdir, ftruncate, fchmod, stat             what else is done to files
 *   net     socket, connect, bind, listen, accept4, send, sendmsg, recv
 *   system  mmap, pthread_create, eventfd, epoll_create1, pipe2        what the system may refuse
 *
 * FAIL_AT=FAMILY:NUMBER:ERRNO:once|onward      which call, how (ENOMEM, ENOSPC, EIO, EMFILE, EAGAIN, or SHORT: half of it is
 *                                              written), and whether all later ones fail too
 * FAIL_REPORT=PATH                             where the first failure writes who called
 * FAIL_SKIP=WORD,WORD                          calls that come directly from a library whose name holds a word do not count
 * FAIL_FAMILY=FAMILY  FAIL_COUNT_FILE=PATH     at exit, writes how many such calls there were
 *
 * Says nothing itself. Calls of all threads are counted together. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fail_plan.h"

_Static_assert(sizeof(off_t) == sizeof(off64_t), "pwrite and pwrite64 are one function");

#define EXPORT __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

/* The function that this one stands before; looked up once, whoever comes first. */
#define REAL(name)                                                                                           \
    static _Atomic(uintptr_t) found_##name;                                                                  \
    uintptr_t address_##name = atomic_load_explicit(&found_##name, memory_order_relaxed);                    \
    if (!address_##name) {                                                                                   \
        address_##name = (uintptr_t)dlsym(RTLD_NEXT, #name);                                                 \
        atomic_store_explicit(&found_##name, address_##name, memory_order_relaxed);                          \
    }                                                                                                        \
    __typeof__(&(name)) real = (__typeof__(&(name)))address_##name

/* Returns -1 with errno where the call fails. */
#define FAIL_MINUS_ONE(family)                                                                               \
    do {                                                                                                     \
        int fault = fails(family, CALLER);                                                                   \
        if (fault != 0) {                                                                                    \
            errno = fault == SHORT ? EIO : fault;                                                            \
            return -1;                                                                                       \
        }                                                                                                    \
    } while (0)

#define FAIL_NULL(family)                                                                                    \
    do {                                                                                                     \
        int fault = fails(family, CALLER);                                                                   \
        if (fault != 0) {                                                                                    \
            errno = fault;                                                                                   \
            return NULL;                                                                                     \
        }                                                                                                    \
    } while (0)

/* ---- memory ---- */

EXPORT void *malloc(size_t size)
{
    REAL(malloc);
    FAIL_NULL(FAMILY_ALLOC);
    return real(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    REAL(calloc);
    FAIL_NULL(FAMILY_ALLOC);
    return real(count, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    REAL(realloc);
    FAIL_NULL(FAMILY_ALLOC);
    return real(old, size);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
    REAL(reallocarray);
    FAIL_NULL(FAMILY_ALLOC);
    return real(old, count, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    REAL(aligned_alloc);
    FAIL_NULL(FAMILY_ALLOC);
    return real(alignment, size);
}

EXPORT int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    REAL(posix_memalign);
    int fault = fails(FAMILY_ALLOC, CALLER);
    return fault != 0 ? fault : real(ret_memory, alignment, size);
}

/* ---- files ---- */

/* Half of it, where there is a half: what a full disk or a signal leaves. */
static size_t first_half(size_t size)
{
    return size > 1 ? size / 2 : size;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    int fault = is_file(fd) ? fails(FAMILY_WRITE, CALLER) : 0;
    if (fault == SHORT)
        return real(fd, data, first_half(size));
    if (fault == 0)
        return real(fd, data, size);
    errno = fault;
    return -1;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    int fault = fails(FAMILY_WRITE, CALLER);
    if (fault == SHORT)
        return real(fd, data, first_half(size), at);
    if (fault == 0)
        return real(fd, data, size, at);
    errno = fault;
    return -1;
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    int fault = fails(FAMILY_WRITE, CALLER);
    if (fault == SHORT)
        return real(fd, data, first_half(size), at);
    if (fault == 0)
        return real(fd, data, size, at);
    errno = fault;
    return -1;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    int fault = is_file(fd) ? fails(FAMILY_WRITE, CALLER) : 0;
    if (fault == SHORT)
        return real(fd, parts, 1);
    if (fault == 0)
        return real(fd, parts, count);
    errno = fault;
    return -1;
}

EXPORT int fsync(int fd)
{
    REAL(fsync);
    FAIL_MINUS_ONE(FAMILY_SYNC);
    return real(fd);
}

EXPORT int fdatasync(int fd)
{
    REAL(fdatasync);
    FAIL_MINUS_ONE(FAMILY_SYNC);
    return real(fd);
}

/* The mode is there when a file may be made. */
#define READ_MODE(flags)                                                                                     \
    mode_t mode = 0;                                                                                         \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                   \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode = va_arg(more, mode_t);                                                                         \
        va_end(more);                                                                                        \
    }

EXPORT int open(const char *path, int flags, ...)
{
    REAL(open);
    READ_MODE(flags)
    FAIL_MINUS_ONE(FAMILY_OPEN);
    return real(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    REAL(open64);
    READ_MODE(flags)
    FAIL_MINUS_ONE(FAMILY_OPEN);
    return real(path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
    REAL(openat);
    READ_MODE(flags)
    FAIL_MINUS_ONE(FAMILY_OPEN);
    return real(dir, path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
    REAL(openat64);
    READ_MODE(flags)
    FAIL_MINUS_ONE(FAMILY_OPEN);
    return real(dir, path, flags, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
    REAL(fopen);
    FAIL_NULL(FAMILY_OPEN);
    return real(path, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    REAL(fopen64);
    FAIL_NULL(FAMILY_OPEN);
    return real(path, mode);
}

EXPORT DIR *opendir(const char *path)
{
    REAL(opendir);
    FAIL_NULL(FAMILY_OPEN);
    return real(path);
}

EXPORT int rename(const char *from, const char *to)
{
    REAL(rename);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(from, to);
}

EXPORT int unlink(const char *path)
{
    REAL(unlink);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(path);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(path, mode);
}

EXPORT int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(fd, size);
}

EXPORT int ftruncate64(int fd, off64_t size)
{
    REAL(ftruncate64);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(fd, size);
}

EXPORT int fchmod(int fd, mode_t mode)
{
    REAL(fchmod);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(fd, mode);
}

EXPORT int fstat(int fd, struct stat *ret_info)
{
    REAL(fstat);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(fd, ret_info);
}

EXPORT int stat(const char *path, struct stat *ret_info)
{
    REAL(stat);
    FAIL_MINUS_ONE(FAMILY_FILE);
    return real(path, ret_info);
}

/* ---- sockets ---- */

EXPORT int socket(int domain, int type, int protocol)
{
    REAL(socket);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(domain, type, protocol);
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    REAL(connect);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, address, size);
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    REAL(bind);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, address, size);
}

EXPORT int listen(int fd, int backlog)
{
    REAL(listen);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, backlog);
}

EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags)
{
    REAL(accept4);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, address, size, flags);
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    REAL(send);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, data, size, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, message, flags);
}

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    REAL(recv);
    FAIL_MINUS_ONE(FAMILY_NET);
    return real(fd, data, size, flags);
}

/* ---- what else the system may refuse ---- */

EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at)
{
    REAL(mmap);
    int fault = fails(FAMILY_SYSTEM, CALLER);
    if (fault == 0)
        return real(address, size, protection, flags, fd, at);
    errno = fault;
    return MAP_FAILED;
}

EXPORT int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *ctx)
{
    REAL(pthread_create);
    int fault = fails(FAMILY_SYSTEM, CALLER);
    return fault != 0 ? fault : real(ret_thread, attributes, run, ctx);
}

EXPORT int eventfd(unsigned int value, int flags)
{
    REAL(eventfd);
    FAIL_MINUS_ONE(FAMILY_SYSTEM);
    return real(value, flags);
}

EXPORT int epoll_create1(int flags)
{
    REAL(epoll_create1);
    FAIL_MINUS_ONE(FAMILY_SYSTEM);
    return real(flags);
}

EXPORT int epoll_create(int size)
{
    REAL(epoll_create);
    FAIL_MINUS_ONE(FAMILY_SYSTEM);
    return real(size);
}

EXPORT int pipe2(int fds[2], int flags)
{
    REAL(pipe2);
    FAIL_MINUS_ONE(FAMILY_SYSTEM);
    return real(fds, flags);
}
