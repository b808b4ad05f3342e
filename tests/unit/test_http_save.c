/* Answers that go to a file: whole, hashed and in place, or not there at all. */
#include <dirent.h>
#include <sys/stat.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 60, RECORDING_SIZE = 120000, MANY = 100 };

static char recording[RECORDING_SIZE];

/* The server's answer depends on the path. */
static void send_recording(struct hostile_conn *conn, size_t announced, size_t sent)
{
    char head[128];

    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: %zu\r\n\r\n", announced);
    if (hostile_send_text(conn, head))
        hostile_send(conn, recording, sent);
}

static void serve(struct hostile_conn *conn, void *ctx)
{
    const struct hostile_request *request;

    (void)ctx;
    while ((request = hostile_read(conn))) {
        if (strcmp(request->path, "/whole") == 0) {
            send_recording(conn, RECORDING_SIZE, RECORDING_SIZE);
        } else if (strcmp(request->path, "/short") == 0) {
            send_recording(conn, RECORDING_SIZE, RECORDING_SIZE - 1);
            return;
        } else if (strcmp(request->path, "/announced") == 0) {
            send_recording(conn, 99999999, 10);
            hostile_wait_for_close(conn);
            return;
        } else if (strcmp(request->path, "/hangs") == 0) {
            send_recording(conn, RECORDING_SIZE, 5000);
            hostile_wait_for_close(conn);
            return;
        } else if (strcmp(request->path, "/endless") == 0) {
            hostile_send_text(conn, "HTTP/1.1 200 OK\r\n\r\n");
            while (hostile_send(conn, recording, sizeof(recording)))
                continue;
            return;
        } else if (strcmp(request->path, "/chunks") == 0) {
            hostile_send_text(conn,
                              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        } else if (strcmp(request->path, "/stopped-chunks") == 0) {
            hostile_send_text(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
            return;
        } else if (strcmp(request->path, "/empty") == 0) {
            hostile_reply(conn, 200, "", "");
        } else {
            hostile_reply(conn, 404, "", "no such recording");
        }
    }
}

struct fixture {
    struct world world;
    struct hostile *server;
    char dir[64];
    char path[96];
    char url[96];
};

static void open_fixture(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    world_open(&fixture->world);
    fixture->server = hostile_start(serve, NULL, NULL);
    temp_dir(fixture->dir);
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/call.mp3", fixture->dir);
}

/* What is in the folder: names joined by blanks. */
static void list_dir(const char *dir, char ret_text[256])
{
    DIR *handle = opendir(dir);
    size_t size = 0;

    assert_non_null(handle);
    ret_text[0] = '\0';
    for (const struct dirent *entry = readdir(handle); entry; entry = readdir(handle))
        if (entry->d_name[0] != '.')
            size += (size_t)snprintf(ret_text + size, 256 - size, "%s%s", size ? " " : "", entry->d_name);
    assert_int_equal(0, closedir(handle));
}

static void close_fixture(struct fixture *fixture)
{
    world_close(&fixture->world);
    hostile_stop(fixture->server);
    (void)unlink(fixture->path);
    assert_int_equal(0, rmdir(fixture->dir)); /* also says that nothing else was left in it */
}

static struct exchange make_download(struct fixture *fixture, const char *path)
{
    (void)snprintf(fixture->url, sizeof(fixture->url), "%s", hostile_url(fixture->server, path));
    struct exchange get = exchange_get(fixture->url);
    get.request.save_path = fixture->path;
    get.request.save_size_max = UINT64_C(1024) * 1024;
    return get;
}

static void check_file(const char *path, const char *want, size_t want_size)
{
    static char got[RECORDING_SIZE + 1];
    struct stat about;
    FILE *in = fopen(path, "re");

    assert_non_null(in);
    assert_int_equal(want_size, fread(got, 1, sizeof(got), in));
    assert_memory_equal(want, got, want_size);
    assert_int_equal(0, fstat(fileno(in), &about));
    assert_int_equal(0600, about.st_mode & 0777);
    assert_int_equal(0, fclose(in));
}

static void a_recording_is_saved_hashed_and_in_place(void **state)
{
    struct fixture fixture;
    char want_hash[DIGEST_HEX_SIZE];
    char names[256];

    (void)state;
    open_fixture(&fixture);
    digest_sha256_hex(recording, sizeof(recording), want_hash);
    struct exchange get = make_download(&fixture, "/whole");
    for (int round = 0; round < 2; round++) { /* the second one replaces the file of the first */
        const struct http_response *response = world_exchange(&fixture.world, &get);
        assert_int_equal(200, response->status);
        assert_true(response->is_saved);
        assert_int_equal(RECORDING_SIZE, response->saved_size);
        assert_string_equal(want_hash, response->saved_sha256);
        assert_int_equal(HTTP_SAVED_HEAD_MAX, response->saved_head_size);
        assert_memory_equal(recording, response->saved_head, HTTP_SAVED_HEAD_MAX);
        assert_string_equal("", response->body);
        assert_string_equal("audio/mpeg", http_response_header(response, "Content-Type"));
        check_file(fixture.path, recording, RECORDING_SIZE);
        list_dir(fixture.dir, names);
        assert_string_equal("call.mp3", names);
        exchange_done(&get);
    }
    close_fixture(&fixture);
}

static void small_and_empty_bodies_are_saved_too(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = { { "/chunks", "abc" }, { "/empty", "" } };
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct exchange get = make_download(&fixture, rows[i].path);
        const struct http_response *response = world_exchange(&fixture.world, &get);
        CHECK_INT(rows[i].path, 1, response->is_saved);
        CHECK_INT(rows[i].path, strlen(rows[i].want), response->saved_size);
        CHECK_INT(rows[i].path, strlen(rows[i].want), response->saved_head_size);
        check_file(fixture.path, rows[i].want, strlen(rows[i].want));
        exchange_done(&get);
    }
    close_fixture(&fixture);
}

static void an_error_goes_to_memory_and_leaves_the_file_alone(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    write_text_file(fixture.path, "old", 3);
    assert_int_equal(0, chmod(fixture.path, 0600));
    struct exchange get = make_download(&fixture, "/absent");
    const struct http_response *response = world_exchange(&fixture.world, &get);
    assert_int_equal(404, response->status);
    assert_false(response->is_saved);
    assert_string_equal("no such recording", response->body);
    check_file(fixture.path, "old", 3);
    exchange_done(&get);
    close_fixture(&fixture);
}

static void a_download_that_fails_leaves_no_file(void **state)
{
    static const struct {
        const char *path, *want;
        uint32_t timeout_ms;
    } rows[] = {
        { "/short", "connection closed by HOST in the middle of the answer", 0 },
        { "/stopped-chunks", "connection closed by HOST in the middle of the answer", 0 },
        { "/announced", "the answer was larger than 1 MiB", 0 },
        { "/endless", "the answer was larger than 1 MiB", 0 },
        { "/hangs", "the answer of HOST was not complete within 200ms", 200 },
    };
    struct fixture fixture;
    char names[256];
    char want[256];

    (void)state;
    open_fixture(&fixture);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct exchange get = make_download(&fixture, rows[i].path);
        if (rows[i].timeout_ms)
            get.request.timeout_ms = rows[i].timeout_ms;
        const struct http_response *response = world_exchange(&fixture.world, &get);
        const char *at = strstr(rows[i].want, "HOST");
        (void)snprintf(want, sizeof(want), "%.*s%s%s", at ? (int)(at - rows[i].want) : 0, rows[i].want,
                       at ? hostile_host(fixture.server) : "", at ? at + 4 : rows[i].want);
        CHECK_STR(rows[i].path, want, response->fault);
        CHECK_INT(rows[i].path, 0, response->status);
        CHECK_INT(rows[i].path, 0, response->is_saved);
        list_dir(fixture.dir, names);
        CHECK_STR(rows[i].path, "", names);
        exchange_done(&get);
    }
    close_fixture(&fixture);
}

static void a_folder_that_is_missing_is_said(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    struct exchange get = make_download(&fixture, "/whole");
    get.request.save_path = "/nonexistent/call.mp3";
    const struct http_response *response = world_exchange(&fixture.world, &get);
    assert_int_equal(0, response->status);
    assert_string_equal("cannot make a file beside '/nonexistent/call.mp3': No such file or directory",
                        response->fault);
    exchange_done(&get);
    close_fixture(&fixture);
}

static void a_place_that_is_a_folder_fails_after_the_download_and_leaves_nothing(void **state)
{
    struct fixture fixture;
    char want[160];
    char names[256];

    (void)state;
    open_fixture(&fixture);
    assert_int_equal(0, mkdir(fixture.path, 0700));
    struct exchange get = make_download(&fixture, "/whole");
    const struct http_response *response = world_exchange(&fixture.world, &get);
    (void)snprintf(want, sizeof(want), "cannot rename to '%s': Is a directory", fixture.path);
    assert_string_equal(want, response->fault);
    assert_int_equal(0, response->status);
    assert_false(response->is_saved);
    assert_int_equal(0, rmdir(fixture.path));
    list_dir(fixture.dir, names);
    assert_string_equal("", names);
    exchange_done(&get);
    close_fixture(&fixture);
}

static void cancel(void *ctx)
{
    struct exchange *exchange = ctx;

    http_client_cancel(exchange->world->client, exchange->id);
}

static void a_cancelled_download_leaves_no_file(void **state)
{
    struct fixture fixture;
    char names[256];

    (void)state;
    open_fixture(&fixture);
    struct exchange get = make_download(&fixture, "/hangs");
    struct loop_timer *timer = loop_timer_new(fixture.world.loop, cancel, &get);
    loop_timer_arm(timer, 50);
    assert_string_equal("cancelled", world_exchange(&fixture.world, &get)->fault);
    list_dir(fixture.dir, names);
    assert_string_equal("", names);
    exchange_done(&get);
    loop_timer_free(timer);
    close_fixture(&fixture);
}

/* Many at once share syncs of the folder; each must still be told of its own file. */
static void many_downloads_at_once_are_all_in_place(void **state)
{
    struct fixture fixture;
    static struct exchange gets[MANY];
    static char paths[MANY][112];

    (void)state;
    open_fixture(&fixture);
    for (unsigned i = 0; i < MANY; i++) {
        gets[i] = make_download(&fixture, i % 10 == 3 ? "/short" : "/whole");
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%u.mp3", fixture.dir, i);
        gets[i].request.save_path = paths[i];
        char *url = strdup(gets[i].request.url);
        gets[i].request.url = url;
        world_send(&fixture.world, &gets[i]);
    }
    world_run(&fixture.world);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(i % 10 == 3 ? 0 : 200, gets[i].response->status);
        if (gets[i].response->is_saved) {
            check_file(paths[i], recording, RECORDING_SIZE);
            assert_int_equal(0, unlink(paths[i]));
        }
        free((char *)(uintptr_t)gets[i].request.url);
        exchange_done(&gets[i]);
    }
    close_fixture(&fixture);
}

static void note_never(void *ctx, struct http_response *response)
{
    (void)ctx;
    (void)response;
    fail_msg("a freed client called back");
}

struct watcher {
    struct fixture *fixture;
    struct loop_timer *timer;
    unsigned wanted;
};

/* Stops the loop once so many temporary files are there. */
static void look_for_files(void *ctx)
{
    struct watcher *watcher = ctx;
    char names[256];
    unsigned found = 0;

    list_dir(watcher->fixture->dir, names);
    for (const char *at = strstr(names, ".part-"); at; at = strstr(at + 1, ".part-"))
        found++;
    if (found == watcher->wanted)
        loop_stop(watcher->fixture->world.loop);
    else
        loop_timer_arm(watcher->timer, 5);
}

static void freeing_the_client_in_the_middle_leaves_no_file(void **state)
{
    struct fixture fixture;
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    open_fixture(&fixture);
    struct exchange get = make_download(&fixture, "/hangs");
    for (unsigned i = 0; i < 2; i++)
        assert_true(http_client_send(fixture.world.client, &get.request, NULL, NULL, note_never, NULL) != 0);
    struct watcher watcher = { .fixture = &fixture, .wanted = 2 };
    watcher.timer = loop_timer_new(fixture.world.loop, look_for_files, &watcher);
    loop_timer_arm(watcher.timer, 5);
    loop_timer_arm(fixture.world.patience, WORLD_PATIENCE_MS);
    assert_int_equal(0, loop_run(fixture.world.loop, &err));
    loop_timer_free(watcher.timer);
    close_fixture(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_is_saved_hashed_and_in_place),
        cmocka_unit_test(small_and_empty_bodies_are_saved_too),
        cmocka_unit_test(an_error_goes_to_memory_and_leaves_the_file_alone),
        cmocka_unit_test(a_download_that_fails_leaves_no_file),
        cmocka_unit_test(a_folder_that_is_missing_is_said),
        cmocka_unit_test(a_place_that_is_a_folder_fails_after_the_download_and_leaves_nothing),
        cmocka_unit_test(a_cancelled_download_leaves_no_file),
        cmocka_unit_test(many_downloads_at_once_are_all_in_place),
        cmocka_unit_test(freeing_the_client_in_the_middle_leaves_no_file),
    };

    for (size_t i = 0; i < sizeof(recording); i++)
        recording[i] = (char)(i * 31 + i / 500);
    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
