/* Asking a running engine: against a listener that answers as an engine would, or as it never should. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control.h"
#include "base/json.h"
#include "base/scope.h"

/* One connection, answered with a fixed text once the request is there. */
struct listener {
    char dir[64], path[96];
    int fd;
    const char *answer;
    char request[4096];
    pthread_t thread;
    bool is_running;
};

static void *answer_one(void *ctx)
{
    struct listener *listener = ctx;
    int fd = accept(listener->fd, NULL, NULL);
    size_t used = 0;

    if (fd < 0)
        return NULL;
    for (ssize_t got = 1; got > 0 && used < sizeof(listener->request) - 1;) {
        const char *end = strstr(listener->request, "\r\n\r\n");
        bool is_get = strncmp(listener->request, "GET", 3) == 0;
        if (end && (is_get || strchr(end, '}')))
            break;
        got = recv(fd, listener->request + used, sizeof(listener->request) - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    (void)send(fd, listener->answer, strlen(listener->answer), MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static int setup(void **state)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    assert_non_null(listener);
    listener->fd = -1;
    (void)snprintf(listener->dir, sizeof(listener->dir), "/tmp/test_control.XXXXXX");
    assert_non_null(mkdtemp(listener->dir));
    (void)snprintf(listener->path, sizeof(listener->path), "%s/" CONTROL_SOCKET_NAME, listener->dir);
    *state = listener;
    return 0;
}

static void stop(struct listener *listener)
{
    if (listener->is_running)
        assert_int_equal(0, pthread_join(listener->thread, NULL));
    listener->is_running = false;
    if (listener->fd >= 0)
        (void)close(listener->fd);
    listener->fd = -1;
    (void)unlink(listener->path);
}

static int teardown(void **state)
{
    struct listener *listener = *state;

    stop(listener);
    (void)rmdir(listener->dir);
    free(listener);
    return 0;
}

static void bind_socket(struct listener *listener)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", listener->path);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener->fd >= 0);
    assert_int_equal(0, bind(listener->fd, (struct sockaddr *)&address, sizeof(address)));
}

static void start(struct listener *listener, const char *answer)
{
    memset(listener->request, 0, sizeof(listener->request));
    listener->answer = answer;
    bind_socket(listener);
    assert_int_equal(0, listen(listener->fd, 1));
    assert_int_equal(0, pthread_create(&listener->thread, NULL, answer_one, listener));
    listener->is_running = true;
}

#define HEAD(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\nConnection: close\r\n\r\n"

static void a_request_is_sent_whole_and_its_answer_read(void **state)
{
    struct listener *listener = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON body = json_pack("{s:i}", "id", 7);
    AUTO_JSON answer = NULL;

    start(listener, HEAD("200 OK", "13") "{\"retried\":1}");
    assert_int_equal(0, control_ask(listener->dir, "retry", body, &answer, &err));
    assert_int_equal(1, json_int(answer, "retried", 0));
    stop(listener);
    assert_int_equal(0, strncmp(listener->request, "POST /retry HTTP/1.1\r\n", 22));
    assert_non_null(strstr(listener->request, "\r\nContent-Length: 8\r\n"));
    assert_non_null(strstr(listener->request, "\r\n\r\n{\"id\":7}"));
}

static void without_a_body_it_asks(void **state)
{
    struct listener *listener = *state;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON answer = NULL;

    start(listener, HEAD("200 OK", "2") "{}");
    assert_int_equal(0, control_ask(listener->dir, "status", NULL, &answer, &err));
    stop(listener);
    assert_int_equal(0, strncmp(listener->request, "GET /status HTTP/1.1\r\n", 22));
}

static void every_other_answer_is_a_failure_with_its_reason(void **state)
{
    static const struct {
        const char *row, *answer;
        int want;
        const char *want_text;
    } cases[] = {
        { "refused", HEAD("422 Unprocessable", "15") "{\"error\":\"why\"}", SB_EINPUT, "why" },
        { "stopping", HEAD("503 Unavailable", "15") "{\"error\":\"why\"}", SB_EREMOTE, "why" },
        { "no reason", HEAD("404 Not Found", "2") "{}", SB_EREMOTE, "answered with status 404" },
        { "no object", HEAD("200 OK", "2") "[]", SB_EREMOTE, "answered with status 200" },
        { "no JSON", HEAD("200 OK", "2") "hi", SB_EREMOTE, "answered with status 200" },
        { "no answer", "", SB_EREMOTE, "broke off" },
        { "half a head", "HTTP/1.1 200 OK\r\nContent-Le", SB_EREMOTE, "broke off" },
        { "half a body", HEAD("200 OK", "20") "{\"retried\"", SB_EREMOTE, "broke off" },
        { "too much body", HEAD("200 OK", "2") "{}{}", SB_EREMOTE, "broke off" },
        { "no HTTP", "hello there\r\n\r\n{}", SB_EREMOTE, "broke off" },
        { "no status", "HTTP/1.1 abc OK\r\n\r\n{}", SB_EREMOTE, "broke off" },
        { "short", "HTTP/1.1\r\n\r\n", SB_EREMOTE, "broke off" },
    };
    struct listener *listener = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        json_t *answer = NULL;
        start(listener, cases[i].answer);
        CHECK_INT(cases[i].row, cases[i].want, control_ask(listener->dir, "status", NULL, &answer, &err));
        stop(listener);
        if (!strstr(err.text, cases[i].want_text))
            fail_msg("[%s] '%s' is missing in: %s", cases[i].row, cases[i].want_text, err.text);
        assert_null(answer);
    }
}

static void nobody_there_is_told_apart_from_a_failure(void **state)
{
    struct listener *listener = *state;
    struct sb_error err = SB_ERROR_INIT;
    json_t *answer = NULL;

    /* No folder, no socket, and the socket of an engine that was killed. */
    assert_int_equal(SB_EBUSY, control_ask("/tmp/test_control.missing", "status", NULL, &answer, &err));
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EBUSY, control_ask(listener->dir, "status", NULL, &answer, &err));
    bind_socket(listener);
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EBUSY, control_ask(listener->dir, "status", NULL, &answer, &err));
    assert_non_null(strstr(err.text, "no engine runs on '/tmp/test_control."));
    assert_null(answer);
}

static void what_is_no_socket_is_not_taken_for_nobody(void **state)
{
    struct listener *listener = *state;
    struct sb_error err = SB_ERROR_INIT;
    json_t *answer = NULL;

    assert_int_equal(SB_ECONFIG, control_ask("/etc/passwd", "status", NULL, &answer, &err));
    assert_non_null(strstr(err.text, "cannot open '/etc/passwd'"));
    (void)listener;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_sent_whole_and_its_answer_read, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_body_it_asks, setup, teardown),
        cmocka_unit_test_setup_teardown(every_other_answer_is_a_failure_with_its_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there_is_told_apart_from_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_socket_is_not_taken_for_nobody, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
