/* HTTP as a client: libcurl's multi interface on the program's loop. Everything goes to loopback, so that an address of
 * the outside world in a scenario reaches nobody. */
#include "sim.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct sim_sender {
    struct sim *sim;
    CURLM *multi;
    int poll_fd; /* curl's sockets; itself watched by the loop */
    struct sim_timer timer;
};

struct sim_transfer {
    struct sim_sender *sender;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    sim_transfer_done *done;
    void *context;
    char fault[CURL_ERROR_SIZE];
};

/* ---- transfers ----------------------------------------------------------------------------------------- */

static void free_transfer(struct sim_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    free(transfer);
}

void sender_cancel(struct sim_transfer *transfer)
{
    (void)curl_multi_remove_handle(transfer->sender->multi, transfer->easy);
    free_transfer(transfer);
}

static void finish(struct sim_sender *sender, CURL *easy, CURLcode code)
{
    struct sim_transfer *transfer = NULL;
    long status = 0;
    char fault[CURL_ERROR_SIZE];
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)snprintf(fault, sizeof(fault), "%s",
                   transfer->fault[0] ? transfer->fault : curl_easy_strerror(code));
    sim_transfer_done *done = transfer->done;
    void *context = transfer->context;
    (void)curl_multi_remove_handle(sender->multi, easy);
    free_transfer(transfer);
    done(context, code == CURLE_OK ? (unsigned)status : 0, code == CURLE_OK ? NULL : fault);
}

static void finish_all(struct sim_sender *sender)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(sender->multi, &left)) != NULL;)
        if (message->msg == CURLMSG_DONE)
            finish(sender, message->easy_handle, message->data.result);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static void sockets_ready(struct sim_watch *watch)
{
    enum { EVENTS = 64 };
    struct epoll_event events[EVENTS];
    struct sim_sender *sender = watch->sim->sender;
    int count = epoll_wait(sender->poll_fd, events, EVENTS, 0), running;
    for (int i = 0; i < count; i++) {
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(sender->multi, events[i].data.fd, what, &running);
    }
    finish_all(sender);
}

static void time_is_up(struct sim_timer *timer)
{
    struct sim_sender *sender = (struct sim_sender *)((char *)timer - offsetof(struct sim_sender, timer));
    int running;
    (void)curl_multi_socket_action(sender->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(sender);
}

static int on_timer(CURLM *multi, long after_ms, void *context)
{
    struct sim_sender *sender = context;
    (void)multi;
    if (after_ms < 0)
        sim_timer_stop(sender->sim, &sender->timer);
    else
        sim_timer_start(sender->sim, &sender->timer, after_ms, time_is_up);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct sim_sender *sender = context;
    struct epoll_event event = { .data.fd = fd };
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(sender->poll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events =
        (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(sender->poll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0 && !known)
        (void)curl_multi_assign(sender->multi, fd, sender);
    return 0;
}

static struct sim_sender *open_sender(struct sim *sim)
{
    struct sim_sender *sender = sim_calloc(1, sizeof(*sender));
    sender->sim = sim;
    sender->multi = curl_multi_init();
    sender->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!sender->multi || sender->poll_fd < 0 || server_watch(sim, sender->poll_fd, sockets_ready) < 0)
        abort(); /* Like memory: a test tool has nothing better to do. */
    (void)curl_multi_setopt(sender->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(sender->multi, CURLMOPT_SOCKETDATA, sender);
    (void)curl_multi_setopt(sender->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(sender->multi, CURLMOPT_TIMERDATA, sender);
    return sender;
}

void sender_close(struct sim *sim)
{
    if (!sim->sender)
        return;
    (void)curl_multi_cleanup(sim->sender->multi);
    sim_timer_stop(sim, &sim->sender->timer);
    (void)close(sim->sender->poll_fd);
    free(sim->sender);
    sim->sender = NULL;
}

/* ---- a new one ----------------------------------------------------------------------------------------- */

static size_t throw_away(char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

/* NULL when there is no memory for one more. */
static struct curl_slist *append(struct curl_slist *list, const char *text, bool *is_bad)
{
    struct curl_slist *longer = curl_slist_append(list, text);
    *is_bad = *is_bad || !longer;
    return longer ? longer : list;
}

static bool set_lists(struct sim_transfer *transfer, const struct sim_message *message)
{
    char connect_to[40] = "::127.0.0.1:";
    bool is_bad = false;
    if (message->connect_port)
        (void)snprintf(connect_to, sizeof(connect_to), "::127.0.0.1:%d", message->connect_port);
    transfer->connect_to = append(NULL, connect_to, &is_bad);
    transfer->headers = append(NULL, "Expect:", &is_bad);
    for (size_t i = 0; i < SIM_MESSAGE_HEADERS_MAX && message->headers[i]; i++)
        transfer->headers = append(transfer->headers, message->headers[i], &is_bad);
    return !is_bad;
}

static bool set_body(CURL *easy, const struct sim_message *message)
{
    if (!message->body)
        return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, message->method) == CURLE_OK;
    return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->body_size) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, message->body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, message->method) == CURLE_OK;
}

/* On a connection that was kept and is dead, libcurl would send once more by itself, and a try would be two. */
static bool keep_nothing(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

static bool set_all(struct sim_transfer *transfer, const struct sim_message *message)
{
    CURL *easy = transfer->easy;
    const char *ca_path = transfer->sender->sim->tls_ca_path;
    return easy && set_lists(transfer, message) && set_body(easy, message) && keep_nothing(easy) &&
           curl_easy_setopt(easy, CURLOPT_URL, message->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
           (!ca_path || curl_easy_setopt(easy, CURLOPT_CAINFO, ca_path) == CURLE_OK) &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)message->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->fault) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
}

struct sim_transfer *sender_begin(struct sim *sim, const struct sim_message *message, sim_transfer_done *done,
                                  void *context)
{
    if (!sim->sender)
        sim->sender = open_sender(sim);
    struct sim_transfer *transfer = sim_calloc(1, sizeof(*transfer));
    transfer->sender = sim->sender;
    transfer->easy = curl_easy_init();
    transfer->done = done;
    transfer->context = context;
    if (set_all(transfer, message) && curl_multi_add_handle(sim->sender->multi, transfer->easy) == CURLM_OK)
        return transfer;
    free_transfer(transfer);
    return NULL;
}
