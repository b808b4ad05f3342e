/* Sockets and the loop. One thread: our epoll set holds the listening sockets, MHD's own epoll descriptor,
 * signals and what main watches. We accept ourselves and hand the sockets to one MHD daemon, so that every
 * service shares one loop and a service can stop listening. */
#include "sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void server_reset_socket(int fd)
{
    /* Disconnecting a TCP socket this way sends RST at once; SO_LINGER would let MHD's shutdown send a FIN
     * first. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
    (void)connect(fd, &nowhere, sizeof(nowhere));
}

static struct sim_exchange *exchange_of_timer(struct sim_timer *timer)
{
    return (struct sim_exchange *)((char *)timer - offsetof(struct sim_exchange, timer));
}

static void resume(struct sim_timer *timer)
{
    struct sim_exchange *ex = exchange_of_timer(timer);
    ex->phase = SIM_READY;
    MHD_resume_connection(ex->connection);
}

/* What the fault makes of the answer. Returns how long it has to wait. */
static int64_t finish(struct sim_exchange *ex)
{
    faults_change_answer(ex);
    if (ex->is_control)
        return 0;
    int64_t jitter_ms = knobs_common(ex->req.service, SIM_LATENCY_JITTER_MS);
    int64_t delay_ms = ex->res.delay_ms + knobs_common(ex->req.service, SIM_LATENCY_MS);
    if (jitter_ms > 0)
        delay_ms += (int64_t)(chance_next(&ex->sim->fault_random) % (uint64_t)(jitter_ms + 1));
    return delay_ms;
}

/* Runs the handler. Returns how long the answer has to wait; HELD: until the handler's owner says so. */
enum { HELD = -1 };
static int64_t handle(struct sim_exchange *ex)
{
    if (!faults_skip_handler(ex))
        exchange_handle(ex);
    return ex->res.is_held ? HELD : finish(ex);
}

void sim_respond_now(struct sim_request *req)
{
    struct sim_exchange *ex = (struct sim_exchange *)req;
    ex->res.is_held = false;
    sim_timer_start(ex->sim, &ex->timer, finish(ex), resume);
}

static void handle_late(struct sim_timer *timer)
{
    struct sim_exchange *ex = exchange_of_timer(timer);
    int64_t delay_ms = handle(ex);
    if (delay_ms == HELD)
        return;
    if (delay_ms > 0)
        sim_timer_start(ex->sim, timer, delay_ms, resume);
    else
        resume(timer);
}

static enum MHD_Result send_answer(struct sim_exchange *ex)
{
    if (!faults_send(ex)) {
        log_end(ex, ex->res.status);
        return answer_queue(ex);
    }
    log_end(ex, 0);
    ex->phase = SIM_SENT;
    return MHD_NO;
}

static enum MHD_Result begin(struct sim_exchange *ex)
{
    ex->req.upload_ms = sim_real_ms() - ex->begun_ms;
    faults_choose(ex, false);
    log_begin(ex);
    int64_t before_ms = faults_wait_before(ex);
    int64_t delay_ms = before_ms > 0 ? 0 : handle(ex);
    if (before_ms == 0 && delay_ms == 0) {
        ex->phase = SIM_READY;
        return send_answer(ex);
    }
    ex->phase = SIM_WAITING;
    if (before_ms > 0)
        sim_timer_start(ex->sim, &ex->timer, before_ms, handle_late);
    else if (delay_ms != HELD)
        sim_timer_start(ex->sim, &ex->timer, delay_ms, resume);
    MHD_suspend_connection(ex->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **state)
{
    struct sim_exchange *ex = *state;
    (void)context, (void)connection, (void)url, (void)version;
    if (ex->phase == SIM_NEW) {
        exchange_read_header(ex, method);
        faults_choose(ex, true);
        if (!faults_ends_early(ex))
            return MHD_YES;
        log_begin(ex);
        log_end(ex, 0);
        ex->phase = SIM_SENT;
        return MHD_NO;
    }
    if (*size > 0) {
        exchange_add_body(ex, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (ex->phase == SIM_RECEIVING)
        return begin(ex);
    return ex->phase == SIM_READY ? send_answer(ex) : MHD_YES;
}

/* MHD's first word about a request: the target as it was sent. What it returns becomes the request's state.
 */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct sim_connection *own = info->socket_context;
    struct sim_exchange *ex = exchange_new(context, own->service, target);
    ex->connection = connection;
    return ex;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    if (*state)
        exchange_free(*state);
    *state = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct sim *sim = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct sim_connection *own = sim_calloc(1, sizeof(*own));
        own->service = sim->accepting;
        own->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        own->next = own->service->in->connections;
        if (own->next)
            own->next->previous = own;
        own->service->in->connections = own;
        *socket_context = own;
        return;
    }
    struct sim_connection *own = *socket_context;
    if (own->next)
        own->next->previous = own->previous;
    if (own->previous)
        own->previous->next = own->next;
    else
        own->service->in->connections = own->next;
    free(own);
}

static int make_listener(int port, bool is_listening)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        (is_listening && listen(fd, 1024) < 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void accept_all(struct sim_watch *watch)
{
    struct sim *sim = watch->sim;
    for (int i = 0; i < 256; i++) {
        struct sockaddr_in peer;
        socklen_t size = sizeof(peer);
        int fd = accept4(watch->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        sim->accepting = watch->service;
        (void)MHD_add_connection(sim->daemons[watch->door], fd, (struct sockaddr *)&peer, size);
    }
}

static void watch_fd(struct sim *sim, struct sim_watch *watch)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };
    (void)epoll_ctl(sim->poll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

int server_watch(struct sim *sim, int fd, void (*ready)(struct sim_watch *))
{
    if (sim->watch_count == sizeof(sim->watches) / sizeof(sim->watches[0]))
        return -1;
    struct sim_watch *watch = &sim->watches[sim->watch_count++];
    *watch = (struct sim_watch){ .fd = fd, .ready = ready, .sim = sim };
    watch_fd(sim, watch);
    return 0;
}

static struct sim_watch *watch_of(struct sim_service *service, enum sim_door door)
{
    for (size_t i = 0; i < service->sim->watch_count; i++)
        if (service->sim->watches[i].service == service && service->sim->watches[i].door == door)
            return &service->sim->watches[i];
    return NULL;
}

static void listen_again(struct sim_timer *timer)
{
    struct sim_internal *in =
        (struct sim_internal *)((char *)timer - offsetof(struct sim_internal, listen_again));
    in->is_refusing = false;
    for (int door = 0; door < SIM_DOORS; door++)
        if (in->listen_fds[door] > 0)
            (void)listen(in->listen_fds[door], 1024);
}

void server_accept_again(struct sim_service *service)
{
    if (!service->in->is_refusing)
        return;
    sim_timer_stop(service->sim, &service->in->listen_again);
    listen_again(&service->in->listen_again);
}

/* A socket that is bound and does not listen keeps the port and answers SYN with RST. */
static void close_door(struct sim_service *service, enum sim_door door)
{
    struct sim_internal *in = service->in;
    struct sim_watch *watch = watch_of(service, door);
    if (!watch)
        return;
    (void)close(in->listen_fds[door]);
    in->listen_fds[door] = make_listener(in->ports[door], false);
    watch->fd = in->listen_fds[door];
    if (watch->fd >= 0)
        watch_fd(service->sim, watch);
}

void server_refuse(struct sim_service *service, int64_t for_ms, bool and_drop)
{
    struct sim_internal *in = service->in;
    for (int door = 0; !in->is_refusing && door < SIM_DOORS; door++)
        close_door(service, (enum sim_door)door);
    in->is_refusing = true;
    sim_timer_start(service->sim, &in->listen_again, for_ms, listen_again);
    for (struct sim_connection *own = in->connections; and_drop && own; own = own->next)
        server_reset_socket(own->fd);
}

static int open_door(struct sim *sim, struct sim_service *service, enum sim_door door, struct sim_error *err)
{
    struct sim_internal *in = service->in;
    int fd = in->listen_fds[door] = make_listener(in->ports[door], true);
    if (fd < 0)
        return sim_fail(err, "cannot listen on 127.0.0.1:%d for '%s': %s", in->ports[door],
                        service->def->name, strerror(errno));
    struct sockaddr_in address = { 0 };
    socklen_t size = sizeof(address);
    (void)getsockname(fd, (struct sockaddr *)&address, &size);
    in->ports[door] = ntohs(address.sin_port);
    (void)snprintf(in->urls[door], sizeof(in->urls[door]), "%s://127.0.0.1:%d",
                   door == SIM_HTTPS ? "https" : "http", in->ports[door]);
    service->base_url = in->urls[door];
    if (server_watch(sim, fd, accept_all) < 0)
        return sim_fail(err, "too many services");
    sim->watches[sim->watch_count - 1].service = service;
    sim->watches[sim->watch_count - 1].door = door;
    return 0;
}

/* The addresses in answers and in the .env fragment are those of the last door: https where there is one. */
static int open_service(struct sim *sim, struct sim_service *service, struct sim_error *err)
{
    for (int door = 0; door < SIM_DOORS; door++)
        if (sim->daemons[door] && open_door(sim, service, (enum sim_door)door, err) < 0)
            return -1;
    return 0;
}

static void mhd_ready(struct sim_watch *watch)
{
    (void)watch; /* server_run calls MHD_run in every round */
}

static void say(void *context, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void say(void *context, const char *format, va_list args)
{
    (void)context, (void)format, (void)args; /* broken connections are what this program is for */
}

static int start_daemon(struct sim *sim, enum sim_door door, unsigned flags,
                        const struct MHD_OptionItem *more, struct sim_error *err)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | flags, 0,
        NULL, NULL, on_request, sim, MHD_OPTION_EXTERNAL_LOGGER, say, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, sim, MHD_OPTION_NOTIFY_CONNECTION, on_connection, sim, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, sim, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_CONNECTION_LIMIT,
        20000u, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!daemon)
        return sim_fail(err, "cannot start the HTTP server: %s", strerror(errno));
    sim->daemons[door] = daemon;
    int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return server_watch(sim, fd, mhd_ready) < 0 ? sim_fail(err, "too many services") : 0;
}

static int start_daemons(struct sim *sim, struct sim_error *err)
{
    static const struct MHD_OptionItem nothing[] = { { MHD_OPTION_END, 0, NULL } };
    if (start_daemon(sim, SIM_HTTP, 0, nothing, err) < 0)
        return -1;
    if (!sim->tls)
        return 0;
    const struct MHD_OptionItem certificate[] = {
        { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls_key_pem(sim->tls) },
        { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)tls_cert_pem(sim->tls) },
        { MHD_OPTION_END, 0, NULL },
    };
    return start_daemon(sim, SIM_HTTPS, MHD_USE_TLS, certificate, err);
}

int server_open(struct sim *sim, struct sim_error *err)
{
    sim->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (sim->poll_fd < 0)
        return sim_fail(err, "cannot start the HTTP server: %s", strerror(errno));
    if (start_daemons(sim, err) < 0)
        return -1;
    for (size_t i = 0; i < sim->service_count; i++)
        if (open_service(sim, &sim->services[i], err) < 0)
            return -1;
    return 0;
}

static int next_wait_ms(struct sim *sim)
{
    int wait_ms = timers_wait_ms(sim);
    for (int door = 0; door < SIM_DOORS; door++) {
        MHD_UNSIGNED_LONG_LONG mhd_ms;
        if (!sim->daemons[door] || MHD_get_timeout(sim->daemons[door], &mhd_ms) != MHD_YES)
            continue;
        int limit_ms = mhd_ms > 60000 ? 60000 : (int)mhd_ms;
        wait_ms = wait_ms < 0 || limit_ms < wait_ms ? limit_ms : wait_ms;
    }
    return wait_ms;
}

static void run_daemons(struct sim *sim)
{
    for (int door = 0; door < SIM_DOORS; door++)
        if (sim->daemons[door])
            (void)MHD_run(sim->daemons[door]);
}

int server_run(struct sim *sim)
{
    enum { EVENTS = 32 };
    struct epoll_event events[EVENTS];
    while (!sim->is_ending) {
        int count = epoll_wait(sim->poll_fd, events, EVENTS, next_wait_ms(sim));
        if (count < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < count; i++) {
            struct sim_watch *watch = events[i].data.ptr;
            watch->ready(watch);
        }
        timers_fire(sim);
        run_daemons(sim);
    }
    return 0;
}

void server_close(struct sim *sim)
{
    /* MHD may not be stopped with suspended connections. */
    for (struct sim_exchange *ex = sim->exchanges; ex; ex = ex->next) {
        sim_timer_stop(sim, &ex->timer);
        if (ex->phase == SIM_WAITING)
            MHD_resume_connection(ex->connection);
        ex->phase = SIM_SENT;
    }
    run_daemons(sim);
    for (int door = 0; door < SIM_DOORS; door++) {
        if (sim->daemons[door])
            MHD_stop_daemon(sim->daemons[door]);
        for (size_t i = 0; i < sim->service_count; i++)
            if (sim->services[i].in && sim->services[i].in->listen_fds[door] > 0)
                (void)close(sim->services[i].in->listen_fds[door]);
    }
    if (sim->poll_fd > 0)
        (void)close(sim->poll_fd);
}
