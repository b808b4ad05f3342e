/* Every allocation of an exchange fails, once: libcurl's and our own. It is answered, or ends without an answer, and the next
 * one works; or the process ends and says that there is no memory. It never hangs, and never dies of anything else. Each in
 * a process of its own, for it may end. */
#include "unit/nomem.h"

#include <signal.h>
#include <sys/wait.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { ALLOCATIONS_MAX = 2000, PATIENCE_S = 20, TIMEOUT_MS = 5000 };

/* How a process ended by itself. */
enum { IS_ANSWERED = 10, HAS_FAILED, WAS_NOT_REACHED };

/* Half a request is worse than none. */
static bool is_whole(struct hostile_conn *conn, const struct hostile_request *request)
{
    const char *name = hostile_header(conn, "X-Name");

    return strcmp(request->path, "/x?page=1") == 0 && name && strcmp(name, "value") == 0 &&
           strcmp(request->body, "{\"a\": 1}") == 0;
}

static void echo(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    for (const struct hostile_request *request; (request = hostile_read(conn)) != NULL;)
        hostile_reply(conn, is_whole(conn, request) ? 200 : 400, "X-One: 1\r\n", "{\"ok\": true}");
}

/* Gives the status; 0 without an answer, also where nothing could be sent. */
static int ask(struct world *world, const char *url)
{
    struct exchange exchange = exchange_post(url, "{\"a\": 1}");

    exchange.world = world;
    exchange.request.timeout_ms = TIMEOUT_MS;
    exchange_header(&exchange, "X-Name", "value");
    exchange.id = http_client_send(world->client, &exchange.request, NULL, NULL, world_note_done, &exchange);
    if (exchange.id == 0)
        return 0;
    world->wanted++;
    world_run(world);
    int status = exchange.response->status;
    exchange_done(&exchange);
    return status;
}

/* In a process of its own. */
static _Noreturn void play(const char *url, int nth)
{
    struct world world;

    (void)alarm(PATIENCE_S);
    world_open(&world);
    nomem_countdown = nth;
    int status = ask(&world, url);
    bool was_reached = nomem_countdown == NOMEM_NEVER;
    nomem_countdown = NOMEM_NEVER;
    int next = ask(&world, url);
    world_close(&world);
    if (next != 200 || (status != 200 && status != 0))
        _exit(1);
    _exit(!was_reached ? WAS_NOT_REACHED : status ? IS_ANSWERED : HAS_FAILED);
}

/* Gives how it ended, as waitpid has it, and what it said. */
static int run_apart(const char *url, int nth, char ret_said[4096])
{
    int ends[2], how = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        play(url, nth);
    }
    (void)close(ends[1]);
    size_t size = 0;
    for (ssize_t got = 1; got > 0 && size<4095; size += got> 0 ? (size_t)got : 0)
        got = read(ends[0], ret_said + size, 4095 - size);
    ret_said[size] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void an_exchange_is_answered_or_fails_or_says_that_there_is_no_memory(void **state)
{
    struct hostile *server = hostile_start(echo, NULL, NULL);
    unsigned answered = 0, failed = 0, ended = 0;
    bool is_over = false;

    (void)state;
    for (int nth = 0; !is_over; nth++) {
        char said[4096];
        int how = run_apart(hostile_url(server, "/x?page=1"), nth, said);
        int code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
        bool is_told =
            WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT && strstr(said, "switchboard: out of memory");
        if (code != IS_ANSWERED && code != HAS_FAILED && code != WAS_NOT_REACHED && !is_told)
            fail_msg("allocation %d: exit code %d, signal %d: %s", nth, code,
                     WIFSIGNALED(how) ? WTERMSIG(how) : 0, said);
        answered += code == IS_ANSWERED;
        failed += code == HAS_FAILED;
        ended += is_told;
        is_over = code == WAS_NOT_REACHED;
        assert_true(nth < ALLOCATIONS_MAX);
    }
    print_message("%u answered, %u without an answer, %u ended\n", answered, failed, ended);
    assert_true(failed > 0 && ended > 0 && failed + ended > 20);
    hostile_stop(server);
}

static int set_up(void **state)
{
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    return http_client_global_init(&err); /* with it libcurl takes its memory from here */
}

static int tear_down(void **state)
{
    (void)state;
    http_client_global_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_is_answered_or_fails_or_says_that_there_is_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
