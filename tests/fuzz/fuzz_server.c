/* Requests to a whole engine that runs in this process: webhooks, the operators' pages, and the control socket. Whatever comes,
 * it is answered or the connection is closed, and the engine goes on. Input: the server, then what is sent. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "app/control.h"
#include "app/engine.h"
#include "fuzz/fuzz.h"
#include "switchboard/plugin.h"

enum {
    ANSWER_MAX = 1 << 20,
    PATIENCE_MS = 40000, /* longer than a server waits for a whole request */
    HALF_MS = 20
};

extern const struct sb_plugin hooks_plugin; /* the source of the webhook tests */

/* ---- a sink that is there to be one ---- */

static enum sb_verdict take(struct sb_exchange *x)
{
    sb_set_str(x, "ticket.id", sb_get_str(x, "call.sid"));
    return SB_OK;
}

static const struct sb_option no_options[] = { { .name = NULL } };
static const struct sb_step take_steps[] = { { .name = "take", .work = take }, { .name = NULL } };
static const struct sb_plugin drain_plugin = { .abi = SB_ABI,
                                               .size = sizeof(struct sb_plugin),
                                               .kind = SB_SINK,
                                               .name = "drain",
                                               .summary = "takes all there is",
                                               .version = "1.0",
                                               .options = no_options,
                                               .steps = take_steps };

/* ---- the engine ---- */

static struct {
    char dir[64], path[100];
    uint16_t ports[2]; /* of webhooks, of operators */
    struct log *log;
    struct setup *setup;
    struct engine *engine;
    pthread_t thread;
    atomic_bool has_ended;
} host;

static uint16_t free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    FUZZ_CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
    FUZZ_CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static const char *write_conf(void)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/engine.conf", host.dir);
    FILE *file = fopen(path, "we");
    FUZZ_CHECK(file);
    (void)fprintf(file,
                  "data_dir = \"%s/var\"\nlisten = \"127.0.0.1:%u\"\nadmin_listen = \"127.0.0.1:%u\"\n"
                  "log_level = \"error\"\nshutdown_timeout = \"2s\"\n"
                  "pipelines = { told = { source = \"hooks\" stages = [ ] sinks = [ \"drain\" ] } }\n"
                  "hooks = { token = \"demo-hook-token\" signing_key = \"demo-signing-key\" }\n",
                  host.dir, host.ports[0], host.ports[1]);
    FUZZ_CHECK(fclose(file) == 0);
    return path;
}

static void print_mistakes(struct conf *conf)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    conf_write_diagnostics(conf, &text);
    (void)fputs(text.data, stderr);
    buf_done(&text);
}

static void *run_engine(void *ctx)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t dead = 0;

    (void)ctx;
    if (engine_run(host.engine, &dead, &err) < 0)
        (void)fprintf(stderr, "the engine ended: %s\n", err.text);
    atomic_store(&host.has_ended, true);
    return NULL;
}

static void stop_engine(void)
{
    char command[96];

    (void)raise(SIGTERM); /* the loop hears it */
    (void)pthread_join(host.thread, NULL);
    engine_free(host.engine);
    setup_free(host.setup);
    http_client_global_done();
    log_free(host.log);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", host.dir);
    (void)!system(command); /* a folder that stays is only untidy */
}

static void start_engine(void)
{
    static const struct sb_plugin *const linked[] = { &hooks_plugin, &drain_plugin, NULL };
    const struct engine_options options = { .once = false };
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(host.dir, sizeof(host.dir), "/dev/shm/switchboard-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(host.dir));
    host.ports[0] = free_port();
    host.ports[1] = free_port();
    (void)snprintf(host.path, sizeof(host.path), "%s/var/" CONTROL_SOCKET_NAME, host.dir);
    host.log = log_new(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, NULL);
    FUZZ_CHECK(host.log && http_client_global_init(&err) == 0);
    int rc = setup_load_linked(write_conf(), linked, host.log, &host.setup, &err);
    if (rc == 0 && setup_has_errors(host.setup))
        print_mistakes(host.setup->conf);
    FUZZ_CHECK(rc == 0 && !setup_has_errors(host.setup));
    rc = setup_plan(host.setup, &err);
    if (rc == 0)
        rc = engine_new(host.setup, &options, host.log, &host.engine, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", err.text);
    FUZZ_CHECK(rc == 0 && pthread_create(&host.thread, NULL, run_engine, NULL) == 0);
    (void)atexit(stop_engine);
}

/* ---- a client ---- */

static int connect_to(unsigned server)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(server == 2 ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

    FUZZ_CHECK(fd >= 0);
    if (server == 2) {
        (void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", host.path);
        rc = connect(fd, (struct sockaddr *)&local, sizeof(local));
    } else {
        inet.sin_port = htons(host.ports[server]);
        rc = connect(fd, (struct sockaddr *)&inet, sizeof(inet));
    }
    FUZZ_CHECK(rc == 0);
    return fd;
}

/* A status line, or nothing at all. */
static void check_answer(const char *answer, size_t size)
{
    FUZZ_CHECK(size == 0 ||
               (size > 12 && memcmp(answer, "HTTP/1.1 ", 9) == 0 && answer[9] >= '1' && answer[9] <= '5'));
}

/* Reads until the server closes, or has answered and waits for more. A request that is not whole is closed by our end after a
 * moment. */
static void read_answer(int fd)
{
    static char answer[ANSWER_MAX];
    size_t size = 0;
    struct pollfd reader = { .fd = fd, .events = POLLIN };

    for (int patience = HALF_MS; size < sizeof(answer);) {
        if (poll(&reader, 1, patience) == 0) {
            if (size > 0)
                break;
            FUZZ_CHECK(patience == HALF_MS); /* it must end when nobody sends any more */
            (void)shutdown(fd, SHUT_WR);
            patience = PATIENCE_MS;
            continue;
        }
        ssize_t got = recv(fd, answer + size, sizeof(answer) - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    check_answer(answer, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!host.engine)
        start_engine();
    if (size < 2)
        return 0;
    int fd = connect_to(data[0] % 3);
    (void)!send(fd, data + 1, size - 1, MSG_NOSIGNAL); /* the server may have closed already */
    read_answer(fd);
    (void)close(fd);
    FUZZ_CHECK(!atomic_load(&host.has_ended));
    return 0;
}
