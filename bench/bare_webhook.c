/* The floor under Switchboard's webhooks: a bare program that takes a body by libmicrohttpd, writes it to SQLite and answers
 * 202 when it is synced, in one of two ways:
 *
 *     bench_bare_webhook FILE keep    keeps bytes: it parses nothing, checks nobody, and makes nothing of them
 *     bench_bare_webhook FILE check   does the least that any honest program must: it compares the bearer token, parses the
 *                                     JSON with jansson, requires id, user.id and summary to be texts, and inserts the id
 *                                     under a unique index, so that a call that comes again is known
 *
 * The second is what "validated and durably committed" is compared with; the first shows what that costs. Neither checks
 * the other members, or makes a record of them.
 *
 * Prints its port. As the engine does, it has one thread for its connections, on an epoll descriptor of its own, and one
 * that commits whatever waits in one transaction, synchronous = FULL. Ends when standard input closes. */
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BODY_MAX = 1024 * 1024, CONNECTIONS = 1024, CHECKPOINT_PAGES = 10000 };

/* One call, from its first byte to its answer. */
struct call {
    struct MHD_Connection *connection;
    char *body;
    size_t size, room;
    json_t *json;   /* of a check: the body, parsed */
    const char *id; /* within it */
    bool is_kept;
    struct call *next;
};

struct queue {
    struct call *head, **tail;
};

struct bare {
    bool checks;
    sqlite3 *db;
    sqlite3_stmt *insert;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct queue waiting, kept;
    int kept_fd; /* readable when calls were kept */
    bool is_ending;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_bare_webhook: %s\n", what);
    exit(1);
}

static void require(bool condition, const char *what)
{
    if (!condition)
        fail(what);
}

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){ .tail = &queue->head };
}

static void queue_add(struct queue *queue, struct call *call)
{
    call->next = NULL;
    *queue->tail = call;
    queue->tail = &call->next;
}

static struct call *queue_take_all(struct queue *queue)
{
    struct call *head = queue->head;

    queue_init(queue);
    return head;
}

/* ---- committing ---------------------------------------------------------------------------------------- */

static void run_sql(struct bare *bare, const char *sql)
{
    require(sqlite3_exec(bare->db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(bare->db));
}

static void open_journal(struct bare *bare, const char *path)
{
    require(sqlite3_open(path, &bare->db) == SQLITE_OK, "cannot open the file");
    run_sql(bare, "PRAGMA journal_mode = WAL");
    run_sql(bare, "PRAGMA synchronous = FULL");
    run_sql(bare, "PRAGMA wal_autocheckpoint = 10000");
    run_sql(bare,
            "CREATE TABLE body (number INTEGER PRIMARY KEY, body BLOB NOT NULL, id TEXT UNIQUE) STRICT");
    require(sqlite3_prepare_v2(bare->db, "INSERT OR IGNORE INTO body (body, id) VALUES (?, ?)", -1,
                               &bare->insert, NULL) == SQLITE_OK,
            "cannot prepare");
}

static void keep(struct bare *bare, struct call *calls)
{
    run_sql(bare, "BEGIN IMMEDIATE");
    for (struct call *call = calls; call; call = call->next) {
        (void)sqlite3_bind_blob(bare->insert, 1, call->body, (int)call->size, SQLITE_STATIC);
        (void)sqlite3_bind_text(bare->insert, 2, call->id, -1, SQLITE_STATIC); /* NULL: bytes have none */
        require(sqlite3_step(bare->insert) == SQLITE_DONE, sqlite3_errmsg(bare->db));
        (void)sqlite3_reset(bare->insert);
    }
    run_sql(bare, "COMMIT");
}

static void *commit_thread(void *ctx)
{
    struct bare *bare = ctx;

    (void)pthread_mutex_lock(&bare->lock);
    for (;;) {
        while (!bare->waiting.head && !bare->is_ending)
            (void)pthread_cond_wait(&bare->has_work, &bare->lock);
        struct call *calls = queue_take_all(&bare->waiting);
        if (!calls)
            break;
        (void)pthread_mutex_unlock(&bare->lock);
        keep(bare, calls);
        (void)pthread_mutex_lock(&bare->lock);
        for (struct call *next = NULL; calls; calls = next) {
            next = calls->next;
            queue_add(&bare->kept, calls);
        }
        (void)eventfd_write(bare->kept_fd, 1);
    }
    (void)pthread_mutex_unlock(&bare->lock);
    return NULL;
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static bool add_body(struct call *call, const char *data, size_t size)
{
    if (call->size + size > BODY_MAX)
        return false;
    if (call->size + size > call->room) {
        size_t room = call->size + size < 4096 ? 4096 : (call->size + size) * 2;
        char *grown = realloc(call->body, room);
        if (!grown)
            return false;
        call->body = grown;
        call->room = room;
    }
    memcpy(call->body + call->size, data, size);
    call->size += size;
    return true;
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status)
{
    static char accepted[] = "{\"status\":\"accepted\"}", refused[] = "{\"status\":\"refused\"}";
    char *text = status == MHD_HTTP_ACCEPTED ? accepted : refused;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);

    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result rc = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return rc;
}

static bool has_token(struct MHD_Connection *connection)
{
    static const char expected[] = "Bearer demo-agent-token-0001"; /* that of webhooks.py */
    const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    unsigned char apart = 0;

    if (!given || strlen(given) != sizeof(expected) - 1)
        return false;
    for (size_t i = 0; i < sizeof(expected) - 1; i++)
        apart |= (unsigned char)(given[i] ^ expected[i]);
    return apart == 0;
}

/* 202, or what is wrong with the call. */
static unsigned check(struct MHD_Connection *connection, struct call *call)
{
    if (!has_token(connection))
        return MHD_HTTP_UNAUTHORIZED;
    call->json = json_loadb(call->body ? call->body : "", call->size, JSON_REJECT_DUPLICATES, NULL);
    call->id = json_string_value(json_object_get(call->json, "id"));
    return call->id && json_is_string(json_object_get(json_object_get(call->json, "user"), "id")) &&
                   json_is_string(json_object_get(call->json, "summary"))
               ? MHD_HTTP_ACCEPTED
               : MHD_HTTP_UNPROCESSABLE_CONTENT;
}

static enum MHD_Result on_call(void *ctx, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data, size_t *size,
                               void **ret_call)
{
    struct bare *bare = ctx;
    struct call *call = *ret_call;

    (void)url;
    (void)version;
    if (!call) {
        call = calloc(1, sizeof(*call));
        *ret_call = call;
        return call && strcmp(method, "POST") == 0 ? MHD_YES : MHD_NO;
    }
    if (*size) {
        bool is_good = add_body(call, data, *size);
        *size = 0;
        return is_good ? MHD_YES : MHD_NO;
    }
    if (call->is_kept)
        return reply(connection, MHD_HTTP_ACCEPTED);
    unsigned status = bare->checks ? check(connection, call) : MHD_HTTP_ACCEPTED;
    if (status != MHD_HTTP_ACCEPTED)
        return reply(connection, status);
    if (bare->is_ending)
        return MHD_NO; /* nobody would commit it any more */
    call->connection = connection;
    MHD_suspend_connection(connection);
    (void)pthread_mutex_lock(&bare->lock);
    queue_add(&bare->waiting, call);
    (void)pthread_cond_signal(&bare->has_work);
    (void)pthread_mutex_unlock(&bare->lock);
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **ret_call,
                         enum MHD_RequestTerminationCode code)
{
    struct call *call = *ret_call;

    (void)ctx;
    (void)connection;
    (void)code;
    if (call) {
        free(call->body);
        json_decref(call->json);
    }
    free(call);
    *ret_call = NULL;
}

static void resume_kept(struct bare *bare)
{
    eventfd_t count;

    (void)eventfd_read(bare->kept_fd, &count);
    (void)pthread_mutex_lock(&bare->lock);
    struct call *calls = queue_take_all(&bare->kept);
    (void)pthread_mutex_unlock(&bare->lock);
    for (struct call *next = NULL; calls; calls = next) {
        next = calls->next;
        calls->is_kept = true;
        MHD_resume_connection(calls->connection);
    }
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static uint16_t start_daemon(struct bare *bare)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    bare->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_call, bare,
                                    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                                    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
    require(bare->daemon != NULL, "cannot listen");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(bare->daemon, MHD_DAEMON_INFO_BIND_PORT);
    require(info != NULL, "no port");
    return info->port;
}

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    require(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "cannot watch");
}

/* libmicrohttpd may have more to do with what it has read already. */
static int wait_ms(const struct bare *bare)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;

    return MHD_get_timeout(bare->daemon, &ms) == MHD_YES ? (ms > 1000 ? 1000 : (int)ms) : -1;
}

static void serve(struct bare *bare)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(bare->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[3];

    watch(epoll_fd, info->epoll_fd);
    watch(epoll_fd, bare->kept_fd);
    watch(epoll_fd, STDIN_FILENO);
    for (bool is_over = false; !is_over;) {
        int count = epoll_wait(epoll_fd, events, 3, wait_ms(bare));
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == bare->kept_fd)
                resume_kept(bare);
            is_over = is_over || events[i].data.fd == STDIN_FILENO;
        }
        (void)MHD_run(bare->daemon);
    }
    (void)close(epoll_fd);
}

int main(int argc, char **argv)
{
    struct bare bare = { .kept_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    pthread_t committer;

    if (argc != 3 || (strcmp(argv[2], "keep") != 0 && strcmp(argv[2], "check") != 0))
        fail("usage: bench_bare_webhook FILE keep|check");
    bare.checks = strcmp(argv[2], "check") == 0;
    queue_init(&bare.waiting);
    queue_init(&bare.kept);
    (void)pthread_mutex_init(&bare.lock, NULL);
    (void)pthread_cond_init(&bare.has_work, NULL);
    open_journal(&bare, argv[1]);
    (void)printf("%u\n", start_daemon(&bare));
    (void)fflush(stdout);
    require(pthread_create(&committer, NULL, commit_thread, &bare) == 0, "no thread");
    serve(&bare);
    (void)pthread_mutex_lock(&bare.lock);
    bare.is_ending = true;
    (void)pthread_cond_signal(&bare.has_work);
    (void)pthread_mutex_unlock(&bare.lock);
    (void)pthread_join(committer, NULL);
    resume_kept(&bare); /* a daemon may not end with calls that are suspended */
    for (int i = 0; i < 3; i++)
        (void)MHD_run(bare.daemon);
    MHD_stop_daemon(bare.daemon);
    (void)sqlite3_finalize(bare.insert);
    (void)sqlite3_close(bare.db);
    return 0;
}
