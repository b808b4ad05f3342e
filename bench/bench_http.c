/* What one HTTP exchange costs the engine's process: CPU time and resident memory, by the number in flight. The server
 * is another process; it holds every request back long enough to keep so many in flight. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/http_client.h"
#include "io/loop.h"

enum {
    ANSWER_SIZE = 1000,
    BODY_SIZE = 600,
    EVENTS_MAX = 512,
    FDS_MAX = 32768,
    RECORDING_SIZE = 120000,
    PATH_MAX_ = 128
};

static void die(const char *what)
{
    fprintf(stderr, "bench_http: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the server: its own process ---- */

struct held {
    uint64_t due_us;
    int fd;
};

struct server {
    int epoll_fd, listen_fd;
    uint64_t delay_us;
    struct held held[FDS_MAX]; /* a ring: all wait equally long */
    size_t first, count;
    const char *answer;
    size_t answer_size;
};

static void accept_all(struct server *server)
{
    const int on = 1;

    for (;;) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
    }
}

/* A request is one or two pieces here: its head, and its body. The last byte of both is '}' or the head's end of a
 * request without a body. */
static void read_request(struct server *server, int fd)
{
    char room[4096];
    ssize_t got = recv(fd, room, sizeof(room), 0);

    if (got <= 0) {
        (void)close(fd);
        return;
    }
    if (room[got - 1] != '}' && memcmp(room, "GET ", 4) != 0)
        return; /* the body is still to come */
    struct held *held = &server->held[(server->first + server->count++) % FDS_MAX];
    *held = (struct held){ .due_us = now_us() + server->delay_us, .fd = fd };
}

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return;
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        }
    }
}

static int answer_due(struct server *server)
{
    uint64_t now = now_us();

    while (server->count > 0 && server->held[server->first].due_us <= now) {
        send_all(server->held[server->first].fd, server->answer, server->answer_size);
        server->first = (server->first + 1) % FDS_MAX;
        server->count--;
    }
    return server->count > 0 ? 1 : -1;
}

static void serve(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event listening = { .events = EPOLLIN, .data.fd = server->listen_fd };

    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &listening) < 0)
        die("epoll_ctl");
    for (;;) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, answer_due(server));
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == server->listen_fd)
                accept_all(server);
            else
                read_request(server, events[i].data.fd);
        }
    }
}

static char *make_answer(size_t body_size, size_t *ret_size)
{
    char *text = malloc(body_size + 256);
    if (!text)
        die("malloc");
    int head = snprintf(text, 256,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: 12345678\r\n"
                        "Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
                        body_size);
    memset(text + head, 'x', body_size);
    *ret_size = (size_t)head + body_size;
    return text;
}

static pid_t start_server(uint64_t delay_us, size_t body_size, uint16_t *ret_port)
{
    static struct server server;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    server.delay_us = delay_us;
    server.answer = make_answer(body_size, &server.answer_size);
    server.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server.listen_fd < 0 || bind(server.listen_fd, (struct sockaddr *)&address, size) < 0 ||
        listen(server.listen_fd, 4096) < 0 ||
        getsockname(server.listen_fd, (struct sockaddr *)&address, &size) < 0)
        die("listen");
    *ret_port = ntohs(address.sin_port);
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(&server);
    }
    (void)close(server.listen_fd);
    free((char *)(uintptr_t)server.answer);
    return pid;
}

/* ---- the client ---- */

struct row {
    const char *name;
    unsigned in_flight, total;
    const char *method;
    bool never_resend, saves;
};

struct run {
    const struct row *row;
    const char *dir;
    struct loop *loop;
    struct http_client *client;
    unsigned started, ended, failed;
    char body[BODY_SIZE + 1];
};

struct sender {
    struct run *run;
    struct http_request request;
    char save_path[PATH_MAX_];
};

static void send_next(struct sender *sender);

static void note_done(void *ctx, struct http_response *response)
{
    struct sender *sender = ctx;
    struct run *run = sender->run;

    run->failed += response->status != 200;
    if (response->status != 200 && run->failed == 1)
        fprintf(stderr, "bench_http: %s\n", response->fault);
    http_response_free(response);
    if (++run->ended == run->row->total)
        loop_stop(run->loop);
    else
        send_next(sender);
}

static void send_next(struct sender *sender)
{
    struct run *run = sender->run;

    assert(run);
    if (run->started == run->row->total)
        return;
    run->started++;
    if (run->row->saves) {
        /* A new name each time: replacing files makes the file system pay for removing the old ones. */
        (void)snprintf(sender->save_path, sizeof(sender->save_path), "%s/%u", run->dir, run->started);
        sender->request.save_path = sender->save_path;
    }
    if (http_client_send(run->client, &sender->request, NULL, NULL, note_done, sender) == 0)
        die("http_client_send");
}

static void prepare(struct sender *sender, struct run *run, const char *url)
{
    sender->run = run;
    sender->request = (struct http_request){
        .method = run->row->method,
        .url = url,
        .headers = { { "Authorization", "Zoho-oauthtoken 1000.0123456789abcdef0123456789abcdef" },
                     { "orgId", "60001234567" },
                     { "Content-Type", "application/json" } },
        .header_count = 3,
        .timeout_ms = 60000,
        .never_resend = run->row->never_resend,
    };
    if (strcmp(run->row->method, "POST") == 0) {
        sender->request.body_kind = HTTP_BODY_BYTES;
        sender->request.body = run->body;
        sender->request.body_size = BODY_SIZE;
    }
}

static double cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double resident_kib(void)
{
    long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");

    if (!in || fscanf(in, "%*d %ld", &pages) != 1)
        die("/proc/self/statm");
    (void)fclose(in);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

struct sample {
    struct run *run;
    struct loop_timer *timer;
    double peak_kib;
};

static void take_sample(void *ctx)
{
    struct sample *sample = ctx;
    double kib = resident_kib();

    if (kib > sample->peak_kib)
        sample->peak_kib = kib;
    loop_timer_arm(sample->timer, 20);
}

static void measure(struct run *run, struct sender *senders)
{
    const struct row *row = run->row;
    struct sb_error err = SB_ERROR_INIT;
    struct sample sample = { .run = run };

    sample.timer = loop_timer_new(run->loop, take_sample, &sample);
    loop_timer_arm(sample.timer, 20);
    double before_kib = resident_kib();
    double before_us = cpu_us();
    uint64_t began_us = now_us();
    for (unsigned i = 0; i < row->in_flight; i++)
        send_next(&senders[i]);
    if (loop_run(run->loop, &err) < 0)
        die(err.text);
    double spent_us = cpu_us() - before_us;
    double wall_s = (double)(now_us() - began_us) / 1e6;
    printf("%-34s %9u %10u %12.1f %14.1f %10.1f %8u\n", row->name, row->in_flight, row->total,
           spent_us / row->total, (sample.peak_kib - before_kib) / row->in_flight, row->total / wall_s,
           run->failed);
    loop_timer_free(sample.timer);
    for (unsigned i = 1; row->saves && i <= run->started; i++) {
        (void)snprintf(senders[0].save_path, sizeof(senders[0].save_path), "%s/%u", run->dir, i);
        (void)unlink(senders[0].save_path);
    }
}

/* Each row in a process of its own, so that its memory starts from nothing. */
static void run_row(const struct row *row, const char *dir)
{
    struct sb_error err = SB_ERROR_INIT;
    struct run run = { .row = row, .dir = dir };
    const struct http_client_options options = { .user_agent = "switchboard/bench" };
    uint16_t port = 0;
    char url[64];

    pid_t server =
        start_server(row->in_flight * UINT64_C(100), row->saves ? RECORDING_SIZE : ANSWER_SIZE, &port);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/v1/tickets?include=contacts", port);
    memset(run.body, 'x', BODY_SIZE);
    run.body[BODY_SIZE - 1] = '}';
    struct sender *senders = calloc(row->in_flight, sizeof(*senders));
    run.loop = loop_new(&err);
    if (!senders || !run.loop || http_client_global_init(&err) < 0 ||
        !(run.client = http_client_new(run.loop, &options, NULL, &err)))
        die(err.text);
    for (unsigned i = 0; i < row->in_flight; i++)
        prepare(&senders[i], &run, url);
    measure(&run, senders);
    http_client_free(run.client);
    loop_free(run.loop);
    free(senders);
    (void)kill(server, SIGKILL);
}

int main(void)
{
    static const struct row rows[] = {
        { "POST 600 B, answer 1 kB", 1, 5000, "POST", false, false },
        { "POST 600 B, answer 1 kB", 1000, 50000, "POST", false, false },
        { "POST 600 B, answer 1 kB", 5000, 100000, "POST", false, false },
        { "the same, never sent again", 1000, 50000, "POST", true, false },
        { "the same, never sent again", 5000, 100000, "POST", true, false },
        { "GET, answer 1 kB", 1000, 50000, "GET", false, false },
        { "GET 120 kB to a synced file", 100, 3000, "GET", false, true },
    };
    char dir[] = "/tmp/bench-http-XXXXXX";

    if (!mkdtemp(dir))
        die("mkdtemp");
    printf("%-34s %9s %10s %12s %14s %10s %8s\n", "exchange", "in flight", "exchanges", "CPU us each",
           "KiB in flight", "per second", "failed");
    (void)fflush(stdout);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            run_row(&rows[i], dir);
            return 0;
        }
        if (pid < 0 || waitpid(pid, NULL, 0) < 0)
            die("fork");
    }
    return rmdir(dir) == 0 ? 0 : 1;
}
