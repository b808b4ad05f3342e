/* Secrets: resolved while a transfer starts, for the right host only, and gone from memory when it has ended. */
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "unit/http_world.h"

enum { GIVE_UP_S = 60, SECRET_SIZE = 40, REPLY_DELAY_MS = 300 };

/* The secret as this program knows it: every byte is flipped, so that a search of the memory finds only copies that
 * the client made. */
static unsigned char flipped[SECRET_SIZE];

static void make_secret(void)
{
    for (unsigned i = 0; i < SECRET_SIZE; i++)
        flipped[i] = (unsigned char)(('a' + (i * 7 + 3) % 26) ^ 0xff);
}

static bool is_secret_at(const unsigned char *at)
{
    for (unsigned i = 0; i < SECRET_SIZE; i++)
        if ((at[i] ^ 0xff) != flipped[i])
            return false;
    return true;
}

/* ---- the search ---- */

static unsigned count_in(const unsigned char *memory, size_t size)
{
    const int first = flipped[0] ^ 0xff;
    const unsigned char *end = size < SECRET_SIZE ? memory : memory + size - SECRET_SIZE + 1;
    unsigned found = 0;

    for (const unsigned char *at = memory; at < end; at++) {
        at = memchr(at, first, (size_t)(end - at));
        if (!at)
            break;
        found += is_secret_at(at);
    }
    return found;
}

/* Copies of the secret in all writable memory of this process. */
static unsigned count_copies(void)
{
    enum { PIECE = 1 << 20 };
    static unsigned char piece[PIECE];
    FILE *maps = fopen("/proc/self/maps", "re");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512];
    unsigned found = 0;

    assert_non_null(maps);
    assert_true(memory >= 0);
    while (fgets(line, sizeof(line), maps)) {
        uint64_t from, until;
        char rights[8];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &until, rights) != 3 || rights[1] != 'w' ||
            until - from > UINT64_C(1) << 28) /* the shadow of a sanitizer, not ours */
            continue;
        for (uint64_t at = from; at < until; at += PIECE - SECRET_SIZE) {
            if (at <= (uint64_t)(uintptr_t)piece && (uint64_t)(uintptr_t)piece < at + PIECE)
                continue; /* the copy of a copy */
            size_t size = until - at < PIECE ? (size_t)(until - at) : PIECE;
            ssize_t got = pread(memory, piece, size, (off_t)at);
            if (got > 0)
                found += count_in(piece, (size_t)got);
            explicit_bzero(piece, sizeof(piece));
        }
    }
    assert_int_equal(0, close(memory));
    assert_int_equal(0, fclose(maps));
    return found;
}

/* ---- the server: another process, so that its memory is not ours ---- */

struct peer {
    pid_t pid;
    char host[32];
    char url[64];
    char report[64]; /* file: "1" when a request held the secret in header and body */
};

static void answer_one(int fd, const char *report)
{
    static char request[16384];
    size_t size = 0;
    const char *want = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    for (;;) {
        ssize_t got = recv(fd, request + size, sizeof(request) - 1 - size, 0);
        if (got <= 0)
            return;
        size += (size_t)got;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n") && strstr(request, "&end"))
            break;
    }
    write_text_file(report, count_in((unsigned char *)request, size) == 2 ? "1" : "0", 1);
    (void)usleep(REPLY_DELAY_MS * 1000); /* the other side looks at its memory meanwhile */
    (void)send(fd, want, strlen(want), MSG_NOSIGNAL);
    char rest;
    (void)recv(fd, &rest, 1, 0);
}

static void start_peer(struct peer *peer, const char *dir)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&address, size));
    assert_int_equal(0, listen(fd, 16));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&address, &size));
    (void)snprintf(peer->host, sizeof(peer->host), "127.0.0.1:%u", ntohs(address.sin_port));
    (void)snprintf(peer->url, sizeof(peer->url), "http://%s/token", peer->host);
    (void)snprintf(peer->report, sizeof(peer->report), "%s/report", dir);
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not get to stop it */
        for (;;) {
            int conn = accept(fd, NULL, NULL);
            if (conn < 0)
                _exit(0);
            answer_one(conn, peer->report);
            (void)close(conn);
        }
    }
    assert_int_equal(0, close(fd));
}

static void stop_peer(struct peer *peer)
{
    int status = 0;

    assert_int_equal(0, kill(peer->pid, SIGKILL));
    assert_int_equal(peer->pid, waitpid(peer->pid, &status, 0));
    (void)unlink(peer->report);
}

/* ---- resolving ---- */

struct vault {
    const char *host; /* the only one that may have the secret */
    unsigned calls;
};

/* "\002key\003" stands for the secret, which is written straight into `out`. */
static int resolve_key(void *ctx, const char *text, const char *host, struct buf *out, struct sb_error *err)
{
    struct vault *vault = ctx;

    vault->calls++;
    for (const char *at = strchr(text, '\002'); at; at = strchr(text, '\002')) {
        const char *end = strchr(at, '\003');
        if (!end || strcmp(host, vault->host) != 0)
            return sb_fail(err, SB_EINPUT, "host '%s' may not have the key", host);
        buf_add(out, text, (size_t)(at - text));
        for (unsigned i = 0; i < SECRET_SIZE; i++)
            buf_char(out, (char)(flipped[i] ^ 0xff));
        text = end + 1;
    }
    buf_str(out, text);
    return 0;
}

static struct exchange make_exchange(struct peer *peer, struct vault *vault)
{
    struct exchange post = exchange_post(peer->url, "grant=refresh&key=\002key\003&end");

    exchange_header(&post, "Authorization", "Bearer \002key\003");
    exchange_header(&post, "Content-Type", "application/x-www-form-urlencoded");
    post.resolve = resolve_key;
    post.resolve_ctx = vault;
    return post;
}

struct look {
    unsigned copies;
};

static void look_now(void *ctx)
{
    struct look *look = ctx;

    look->copies = count_copies();
}

static void a_secret_reaches_the_socket_and_leaves_no_copy(void **state)
{
    const char *dir = *state;
    char report[2] = "";

    for (int never_resend = 0; never_resend < 2; never_resend++) {
        struct world world;
        struct peer peer;
        struct look look = { 0 };
        start_peer(&peer, dir);
        struct vault vault = { .host = peer.host };
        world_open(&world);
        struct loop_timer *timer = loop_timer_new(world.loop, look_now, &look);
        loop_timer_arm(timer, REPLY_DELAY_MS / 2);
        struct exchange post = make_exchange(&peer, &vault);
        post.request.never_resend = never_resend == 1;
        assert_int_equal(200, world_exchange(&world, &post)->status);
        assert_true(look.copies > 0); /* the search finds what is there */
        assert_int_equal(0, count_copies());
        FILE *in = fopen(peer.report, "re");
        assert_non_null(in);
        assert_int_equal(1, fread(report, 1, 1, in));
        assert_int_equal(0, fclose(in));
        assert_string_equal("1", report);
        exchange_done(&post);
        loop_timer_free(timer);
        world_close(&world);
        assert_int_equal(0, count_copies());
        stop_peer(&peer);
    }
}

static void a_cancelled_transfer_leaves_no_copy(void **state)
{
    struct world world;
    struct peer peer;

    start_peer(&peer, *state);
    struct vault vault = { .host = peer.host };
    world_open(&world);
    struct exchange post = make_exchange(&peer, &vault);
    world_send(&world, &post);
    assert_true(count_copies() > 0);
    http_client_cancel(world.client, post.id);
    world_run(&world);
    assert_string_equal("cancelled", post.response->fault);
    assert_int_equal(0, count_copies());
    exchange_done(&post);
    world_close(&world);
    stop_peer(&peer);
}

static void a_secret_for_another_host_is_not_sent(void **state)
{
    struct world world;
    struct peer peer;
    struct vault vault = { .host = "api.example.com:443" };

    start_peer(&peer, *state);
    world_open(&world);
    struct exchange post = make_exchange(&peer, &vault);
    const struct http_response *response = world_exchange(&world, &post);
    char want[128];
    (void)snprintf(want, sizeof(want), "host '%s' may not have the key", peer.host);
    assert_string_equal(want, response->fault);
    assert_int_equal(HTTP_NOT_SENT, response->sent);
    exchange_done(&post);
    world_close(&world);
    stop_peer(&peer);
}

static int resolve_to_lines(void *ctx, const char *text, const char *host, struct buf *out,
                            struct sb_error *err)
{
    (void)ctx;
    (void)text;
    (void)host;
    (void)err;
    buf_str(out, "opensesame\r\nX-Evil: 1");
    return 0;
}

static int resolve_to_much(void *ctx, const char *text, const char *host, struct buf *out,
                           struct sb_error *err)
{
    (void)ctx;
    (void)text;
    (void)host;
    (void)err;
    for (unsigned i = 0; i < 20000; i++)
        buf_str(out, "opensesame");
    return 0;
}

static int resolve_nothing(void *ctx, const char *text, const char *host, struct buf *out,
                           struct sb_error *err)
{
    (void)ctx;
    (void)text;
    (void)host;
    (void)out;
    (void)err;
    return SB_EINPUT; /* without a reason */
}

static void a_secret_that_does_not_fit_a_header_is_refused_and_not_shown(void **state)
{
    static const struct {
        const char *name;
        http_resolve_fn resolve;
        const char *want;
    } rows[] = {
        { "line break", resolve_to_lines, "header 'X-Key' holds a line break or control character" },
        { "too long", resolve_to_much, "header 'X-Key' is too long" },
        { "no reason", resolve_nothing, "header 'X-Key' cannot be resolved" },
        { "not resolved", NULL, "header 'X-Key' holds a line break or control character" },
    };
    struct world world;

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct exchange get = exchange_get("http://127.0.0.1:1/");
        exchange_header(&get, "X-Key", "\002key\003");
        get.resolve = rows[i].resolve;
        const struct http_response *response = world_exchange(&world, &get);
        CHECK_STR(rows[i].name, rows[i].want, response->fault);
        CHECK_INT(rows[i].name, HTTP_NOT_SENT, response->sent);
        exchange_done(&get);
    }
    struct exchange post = exchange_post("http://127.0.0.1:1/", "\002key\003");
    post.resolve = resolve_to_much;
    assert_string_equal("the body with its secrets is too long", world_exchange(&world, &post)->fault);
    exchange_done(&post);
    world_close(&world);
}

static int make_dir(void **state)
{
    static char dir[64];

    temp_dir(dir);
    *state = dir;
    return 0;
}

static int remove_dir(void **state)
{
    return rmdir(*state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_reaches_the_socket_and_leaves_no_copy),
        cmocka_unit_test(a_cancelled_transfer_leaves_no_copy),
        cmocka_unit_test(a_secret_for_another_host_is_not_sent),
        cmocka_unit_test(a_secret_that_does_not_fit_a_header_is_refused_and_not_shown),
    };

    make_secret();
    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, make_dir, remove_dir));
}
