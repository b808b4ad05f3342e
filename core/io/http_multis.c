/* Multi handles, their sockets and their timers. */
#include "io/http_multis.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"

enum {
    TRANSFERS_DEFAULT = 250,
    EVENTS_MAX = 256,            /* of one turn */
    IDLE_DEFAULT_MS = 15 * 1000, /* a multi handle without transfers lives as long */
    IDLE_SOCKETS_MAX = 16,       /* connections that an idle engine keeps; a TLS one holds 70 KiB */
    USER_TIMEOUT_MS = 20 * 1000, /* unacknowledged bytes for so long: the other side is gone */
};

struct http_multi {
    struct http_multis *owner;
    CURLM *curl;
    struct loop_timer *timer;
    size_t active, sockets;
    uint64_t idle_since_ms;
};

/* One descriptor as epoll and libcurl see it. Libcurl forgets a socket when its connection goes to the pool
 * and asks for it again with the next request; epoll is told only if an event really comes in between. That
 * saves two system calls an exchange. It is safe for sockets that we open and close ourselves. */
struct watched {
    struct http_multi *multi; /* NULL: libcurl does not wait for it */
    uint32_t registered;      /* events known to epoll; 0: not registered */
    uint32_t generation;      /* of this descriptor number */
    bool is_own;              /* opened by open_socket */
};

struct http_multis {
    struct loop *loop;
    http_ended_fn ended;
    http_settled_fn settled;
    void *ctx;

    int epoll_fd;
    struct loop_watch *watch;
    struct watched *watched; /* by descriptor */
    size_t watched_size;

    struct http_multi **list;
    size_t count, room;
    size_t transfers_max;
    uint32_t idle_timeout_ms;
};

/* ---- descriptors ---- */

static struct watched *watched_at(struct http_multis *multis, int fd)
{
    size_t index = (size_t)fd;

    if (index >= multis->watched_size) {
        size_t size = multis->watched_size ? multis->watched_size : 64;
        while (size <= index)
            size *= 2;
        struct watched *grown = reallocarray(multis->watched, size, sizeof(*grown));
        if (!grown)
            return NULL;
        memset(grown + multis->watched_size, 0, (size - multis->watched_size) * sizeof(*grown));
        multis->watched = grown;
        multis->watched_size = size;
    }
    return &multis->watched[index];
}

static void forget(struct http_multis *multis, int fd, struct watched *watched)
{
    if (watched->registered)
        (void)epoll_ctl(multis->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* it may be closed already */
    watched->registered = 0;
}

static int listen_for(struct http_multis *multis, int fd, struct watched *watched, uint32_t events)
{
    if (watched->registered == events)
        return 0;
    struct epoll_event event = { .events = events,
                                 .data.u64 = (uint64_t)watched->generation << 32 | (uint32_t)fd };
    int rc = epoll_ctl(multis->epoll_fd, watched->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    if (rc < 0 && (errno == ENOENT || errno == EEXIST))
        rc = epoll_ctl(multis->epoll_fd, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    watched->registered = rc == 0 ? events : 0;
    return rc;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_multi *multi = ctx;
    struct http_multis *multis = multi->owner;
    struct watched *watched = watched_at(multis, fd);

    (void)easy;
    (void)socket_ctx;
    if (!watched)
        return -1;
    if (what == CURL_POLL_REMOVE) {
        watched->multi = NULL;
        if (!watched->is_own)
            forget(multis, fd, watched);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    watched->multi = multi;
    return listen_for(multis, fd, watched, events);
}

/* Sockets are opened here so that no child inherits them and that a dead peer is noticed: without the user
 * timeout, bytes of a request could still leave long after the transfer was given up. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_guard *guard = ctx;
    struct http_multi *multi = guard->multi;
    const int on = 1;
    const int user_timeout_ms = USER_TIMEOUT_MS;

    (void)purpose;
    /* Here, and not where the address is read: only now is it known what the name stands for. libcurl goes on with the
     * name's next address. */
    if (guard->public_only && !address_is_public(&address->addr)) {
        guard->has_refused = true;
        return CURL_SOCKET_BAD;
    }
    guard->has_opened = true;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct watched *watched = watched_at(multi->owner, fd);
    if (!watched) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    /* Neither exists on a Unix socket or an exotic family; the transfer works without. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    *watched = (struct watched){ .generation = watched->generation + 1, .is_own = true };
    multi->sockets++;
    return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct http_multi *multi = ctx;
    struct watched *watched = watched_at(multi->owner, fd);

    /* Closing takes it out of epoll. The next owner of the number starts afresh. */
    if (watched)
        *watched = (struct watched){ .generation = watched->generation + 1 };
    assert(multi->sockets > 0);
    multi->sockets--;
    return close(fd);
}

/* ---- driving ---- */

static void read_messages(struct http_multi *multi)
{
    struct http_multis *multis = multi->owner;
    int left = 0;

    for (CURLMsg *message = curl_multi_info_read(multi->curl, &left); message;
         message = curl_multi_info_read(multi->curl, &left))
        if (message->msg == CURLMSG_DONE)
            multis->ended(multis->ctx, message->easy_handle, (int)message->data.result);
}

/* Without memory libcurl forgets to watch a socket, so that its transfer would never end, or leaves half a table behind, which
 * kills it later. It says so, and may not be used any more; the journal goes on from there at the next start. */
static void end_without_memory(CURLMcode code)
{
    if (code != CURLM_OUT_OF_MEMORY)
        return;
    (void)fputs("switchboard: out of memory for a connection\n", stderr);
    abort();
}

static void drive(struct http_multi *multi, curl_socket_t fd, int events)
{
    int running = 0;

    /* Else it fails only for a broken handle; then its transfers run into their time limits. */
    end_without_memory(curl_multi_socket_action(multi->curl, fd, events, &running));
    read_messages(multi);
}

static void handle_event(struct http_multis *multis, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    struct watched *watched = watched_at(multis, fd);
    int events = 0;

    if (!watched || watched->generation != (uint32_t)(event->data.u64 >> 32))
        return; /* an earlier event of this turn has closed it */
    if (!watched->multi) {
        forget(multis, fd, watched);
        return;
    }
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        events |= CURL_CSELECT_IN;
    if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        events |= CURL_CSELECT_OUT;
    drive(watched->multi, fd, events);
}

static void on_readable(void *ctx)
{
    struct http_multis *multis = ctx;
    struct epoll_event events[EVENTS_MAX];

    int count = epoll_wait(multis->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++)
        handle_event(multis, &events[i]);
    if (count > 0)
        multis->settled(multis->ctx);
}

static void on_timer(void *ctx)
{
    struct http_multi *multi = ctx;
    struct http_multis *multis = multi->owner;

    drive(multi, CURL_SOCKET_TIMEOUT, 0);
    multis->settled(multis->ctx);
}

static int on_timeout_change(CURLM *curl, long timeout_ms, void *ctx)
{
    struct http_multi *multi = ctx;

    (void)curl;
    if (timeout_ms < 0)
        loop_timer_disarm(multi->timer);
    else
        loop_timer_arm(multi->timer, (uint64_t)timeout_ms);
    return 0;
}

/* ---- multi handles ---- */

static void multi_free(struct http_multi *multi)
{
    if (multi->curl)
        (void)curl_multi_cleanup(multi->curl);
    loop_timer_free(multi->timer);
    free(multi);
}

static struct http_multi *multi_new(struct http_multis *multis)
{
    struct http_multi *multi = calloc(1, sizeof(*multi));
    if (!multi)
        return NULL;
    multi->owner = multis;
    multi->timer = loop_timer_new(multis->loop, on_timer, multi);
    multi->curl = curl_multi_init();
    if (!multi->timer || !multi->curl ||
        curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi) != CURLM_OK ||
        curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout_change) != CURLM_OK ||
        curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi) != CURLM_OK ||
        curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)multis->transfers_max) != CURLM_OK ||
        curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) != CURLM_OK) {
        multi_free(multi);
        return NULL;
    }
    return multi;
}

static struct http_multi *append_multi(struct http_multis *multis)
{
    if (multis->count == multis->room) {
        size_t room = multis->room ? multis->room * 2 : 8;
        struct http_multi **grown = reallocarray(multis->list, room, sizeof(struct http_multi *));
        if (!grown)
            return NULL;
        multis->list = grown;
        multis->room = room;
    }
    struct http_multi *multi = multi_new(multis);
    if (multi)
        multis->list[multis->count++] = multi;
    return multi;
}

/* The first one with room: so the last ones fall idle first, and connections are found again. */
static struct http_multi *choose_multi(struct http_multis *multis)
{
    for (size_t i = 0; i < multis->count; i++)
        if (multis->list[i]->active < multis->transfers_max)
            return multis->list[i];
    return append_multi(multis);
}

struct http_multi *http_multis_add(struct http_multis *multis, void *easy, struct http_guard *guard)
{
    struct http_multi *multi = choose_multi(multis);

    guard->multi = multi;
    if (!multi || curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi) != CURLE_OK ||
        curl_multi_add_handle(multi->curl, easy) != CURLM_OK)
        return NULL;
    multi->active++;
    return multi;
}

void http_multis_remove(struct http_multi *multi, void *easy)
{
    assert(multi->active > 0);
    (void)curl_multi_remove_handle(multi->curl, easy); /* fails only for a handle that is not in it */
    multi->active--;
    if (multi->active == 0)
        multi->idle_since_ms = loop_now_ms(multi->owner->loop);
}

/* The last multi handle keeps its few connections and its parsed CA file, unless a burst has left it many. */
static bool worth_dropping(const struct http_multis *multis, const struct http_multi *multi)
{
    return multi->active == 0 && (multis->count > 1 || multi->sockets > IDLE_SOCKETS_MAX);
}

bool http_multis_tidy(struct http_multis *multis)
{
    uint64_t now_ms = loop_now_ms(multis->loop);
    bool has_more = false;
    bool has_dropped = false;

    for (size_t i = multis->count; i-- > 0;) {
        struct http_multi *multi = multis->list[i];
        if (multi->active == 0 && !worth_dropping(multis, multi))
            continue;
        if (multi->active > 0 || now_ms - multi->idle_since_ms < multis->idle_timeout_ms) {
            has_more = true;
            continue;
        }
        multis->list[i] = multis->list[--multis->count];
        multi_free(multi);
        has_dropped = true;
    }
    if (has_dropped)
        (void)malloc_trim(0); /* after a burst most of the heap is free, and the C library would keep it */
    return has_more;
}

size_t http_multis_count(const struct http_multis *multis)
{
    return multis->count;
}

size_t http_multis_sockets(const struct http_multis *multis)
{
    size_t sockets = 0;

    for (size_t i = 0; i < multis->count; i++)
        sockets += multis->list[i]->sockets;
    return sockets;
}

/* ---- life ---- */

struct http_multis *http_multis_new(struct loop *loop, const struct http_client_options *options,
                                    http_ended_fn ended, http_settled_fn settled, void *ctx,
                                    struct sb_error *err)
{
    struct http_multis *multis = calloc(1, sizeof(*multis));
    if (!multis) {
        sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
        return NULL;
    }
    multis->loop = loop;
    multis->ended = ended;
    multis->settled = settled;
    multis->ctx = ctx;
    multis->transfers_max = options->transfers_per_multi ? options->transfers_per_multi : TRANSFERS_DEFAULT;
    multis->idle_timeout_ms = options->idle_timeout_ms ? options->idle_timeout_ms : IDLE_DEFAULT_MS;
    multis->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (multis->epoll_fd >= 0)
        multis->watch = loop_watch(loop, multis->epoll_fd, on_readable, multis, err);
    if (!multis->watch) {
        sb_fail(err, SB_EBUSY, "cannot make the HTTP client: %s", strerror(errno));
        http_multis_free(multis);
        return NULL;
    }
    return multis;
}

void http_multis_free(struct http_multis *multis)
{
    if (!multis)
        return;
    for (size_t i = 0; i < multis->count; i++)
        multi_free(multis->list[i]);
    loop_unwatch(multis->watch);
    if (multis->epoll_fd >= 0)
        (void)close(multis->epoll_fd);
    free(multis->watched);
    free(multis->list);
    free(multis);
}
