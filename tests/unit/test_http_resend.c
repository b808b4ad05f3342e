/* Who may send a request twice. The server reads a whole request and closes without an answer, which makes
 * libcurl repeat it on a new connection, silently, when the dead one was kept alive: two tickets, one
 * success. A request that creates something must be seen once; any other is repeated, with its whole body. */
#include <pthread.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 60, SIGHTINGS_MAX = 8, FILE_SIZE = 40000 };

enum death { DEATH_CLOSE, DEATH_RESET };

struct sighting {
    unsigned connection;
    size_t size;
    unsigned checksum;
};

struct grave {
    pthread_mutex_t lock;
    enum death death;
    struct sighting seen[SIGHTINGS_MAX]; /* requests for /create, read completely */
    unsigned count;
};

/* Multipart bodies differ in their boundary only from request to request; one request keeps its own. */
static unsigned checksum(const char *data, size_t size)
{
    unsigned sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + (unsigned char)data[i];
    return sum;
}

static unsigned note_sighting(struct grave *grave, unsigned connection, const struct hostile_request *request)
{
    pthread_mutex_lock(&grave->lock);
    unsigned before = grave->count++;
    if (before < SIGHTINGS_MAX)
        grave->seen[before] = (struct sighting){ .connection = connection,
                                                 .size = request->body_size,
                                                 .checksum = checksum(request->body, request->body_size) };
    pthread_mutex_unlock(&grave->lock);
    return before;
}

static void die_on_the_first_create(struct hostile_conn *conn, void *ctx)
{
    struct grave *grave = ctx;
    const struct hostile_request *request;

    while ((request = hostile_read(conn))) {
        if (strcmp(request->path, "/create") == 0 &&
            note_sighting(grave, hostile_number(conn), request) == 0) {
            if (grave->death == DEATH_RESET)
                hostile_reset(conn);
            return;
        }
        hostile_reply(conn, 200, "", "ok");
    }
}

static char file_path[96];

static struct exchange make_create(const char *url, enum http_body_kind kind, const char *body)
{
    struct exchange create = exchange_post(url, body ? body : "");

    create.request.body_kind = kind;
    create.request.body_path = file_path;
    create.request.parts[0] = (struct http_part){ .name = "note", .bytes = "text", .size = 4 };
    create.request.parts[1] = (struct http_part){ .name = "file", .filename = "call.mp3", .path = file_path };
    create.request.part_count = 2;
    return create;
}

static const struct {
    const char *name;
    enum http_body_kind kind;
    const char *body;
    const char *method;
} kinds[] = {
    { "bytes", HTTP_BODY_BYTES, "{\"subject\":\"help\"}", "POST" },
    { "put", HTTP_BODY_BYTES, "{\"subject\":\"help\"}", "PUT" },
    { "one byte", HTTP_BODY_BYTES, "1", "POST" },
    { "no bytes", HTTP_BODY_BYTES, "", "POST" },
    { "no body", HTTP_BODY_NONE, NULL, "POST" },
    { "delete", HTTP_BODY_NONE, NULL, "DELETE" },
    { "file", HTTP_BODY_FILE, NULL, "POST" },
    { "multipart", HTTP_BODY_MULTIPART, NULL, "POST" },
};

/* Leaves a kept-alive connection in the pool, sends the request for /create, and then something harmless:
 * should a second copy be under way, it is written before that. */
static void play(struct world *world, struct hostile *server, struct exchange *create)
{
    struct exchange warm = exchange_get(NULL);
    char url[64];

    (void)snprintf(url, sizeof(url), "%s", hostile_url(server, "/warm"));
    warm.request.url = url;
    assert_int_equal(200, world_exchange(world, &warm)->status);
    exchange_done(&warm);
    (void)world_exchange(world, create);
    assert_int_equal(200, world_exchange(world, &warm)->status);
    exchange_done(&warm);
}

struct fixture {
    struct world world;
    struct grave grave;
    struct hostile *server;
    char url[64];
};

static void open_fixture(struct fixture *fixture, enum death death)
{
    *fixture = (struct fixture){ .grave.death = death };
    pthread_mutex_init(&fixture->grave.lock, NULL);
    fixture->server = hostile_start(die_on_the_first_create, &fixture->grave, NULL);
    (void)snprintf(fixture->url, sizeof(fixture->url), "%s", hostile_url(fixture->server, "/create"));
    world_open(&fixture->world);
}

static void close_fixture(struct fixture *fixture)
{
    world_close(&fixture->world);
    hostile_stop(fixture->server);
    pthread_mutex_destroy(&fixture->grave.lock);
}

static void a_create_is_written_once_whatever_happens_to_its_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(kinds); i++) {
        size_t row = i % ROWS(kinds);
        struct fixture fixture;
        open_fixture(&fixture, i < ROWS(kinds) ? DEATH_CLOSE : DEATH_RESET);
        struct exchange create = make_create(fixture.url, kinds[row].kind, kinds[row].body);
        create.request.method = kinds[row].method;
        create.request.never_resend = true;
        play(&fixture.world, fixture.server, &create);
        CHECK_INT(kinds[row].name, 1, fixture.grave.count);
        CHECK_INT(kinds[row].name, 0, create.response->status);
        CHECK_INT(kinds[row].name, HTTP_MAYBE_SENT, create.response->sent);
        CHECK_INT(kinds[row].name, 0, strncmp(create.response->fault, "connection ", 11));
        exchange_done(&create);
        close_fixture(&fixture);
    }
}

static void a_small_create_uses_the_kept_connection_and_others_one_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(kinds); i++) {
        bool has_bytes = kinds[i].kind == HTTP_BODY_BYTES && kinds[i].body[0];
        struct fixture fixture;
        open_fixture(&fixture, DEATH_CLOSE);
        struct exchange create = make_create(fixture.url, kinds[i].kind, kinds[i].body);
        create.request.method = kinds[i].method;
        create.request.never_resend = true;
        play(&fixture.world, fixture.server, &create);
        CHECK_INT(kinds[i].name, has_bytes ? 0 : 1, fixture.grave.seen[0].connection);
        exchange_done(&create);
        close_fixture(&fixture);
    }
}

static void anything_else_is_repeated_with_its_whole_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(kinds); i++) {
        size_t row = i % ROWS(kinds);
        struct fixture fixture;
        open_fixture(&fixture, i < ROWS(kinds) ? DEATH_CLOSE : DEATH_RESET);
        struct exchange create = make_create(fixture.url, kinds[row].kind, kinds[row].body);
        create.request.method = kinds[row].method;
        play(&fixture.world, fixture.server, &create);
        CHECK_INT(kinds[row].name, 200, create.response->status);
        CHECK_INT(kinds[row].name, 2, fixture.grave.count);
        CHECK_INT(kinds[row].name, 0, fixture.grave.seen[0].connection);
        CHECK_INT(kinds[row].name, 1, fixture.grave.seen[1].connection);
        CHECK_INT(kinds[row].name, fixture.grave.seen[0].size, fixture.grave.seen[1].size);
        CHECK_INT(kinds[row].name, fixture.grave.seen[0].checksum, fixture.grave.seen[1].checksum);
        if (kinds[row].kind == HTTP_BODY_FILE)
            CHECK_INT(kinds[row].name, FILE_SIZE, fixture.grave.seen[1].size);
        exchange_done(&create);
        close_fixture(&fixture);
    }
}

static void a_read_is_repeated_by_libcurl(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, DEATH_CLOSE);
    struct exchange get = exchange_get(fixture.url);
    play(&fixture.world, fixture.server, &get);
    assert_int_equal(200, get.response->status);
    assert_int_equal(2, fixture.grave.count);
    exchange_done(&get);
    close_fixture(&fixture);
}

/* The host goes away for good after it has read: the repetition finds nobody, and that must not look like
 * "not sent". */
struct vanishing {
    struct grave grave;
    struct loop_post *gone;
};

static void vanish(struct hostile_conn *conn, void *ctx)
{
    struct vanishing *vanishing = ctx;

    if (hostile_read(conn))
        hostile_reply(conn, 200, "", "ok");
    if (hostile_read(conn))
        loop_post_send(vanishing->gone); /* the test stops the server, and with it this connection */
    hostile_pause(conn, WORLD_PATIENCE_MS);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static void a_repetition_that_finds_nobody_is_still_maybe_sent(void **state)
{
    struct world world;
    struct vanishing vanishing = { .gone = NULL };
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    for (int never_resend = 0; never_resend < 2; never_resend++) {
        world_open(&world);
        vanishing.gone = loop_post_new(world.loop, stop_loop, world.loop);
        struct hostile *server = hostile_start(vanish, &vanishing, NULL);
        struct exchange warm = exchange_get(hostile_url(server, "/warm"));
        assert_int_equal(200, world_exchange(&world, &warm)->status);
        exchange_done(&warm);
        struct exchange create = exchange_post(hostile_url(server, "/create"), "{}");
        char url[64];
        (void)snprintf(url, sizeof(url), "%s", create.request.url);
        create.request.url = url;
        create.request.never_resend = never_resend == 1;
        world_send(&world, &create);
        assert_int_equal(0, loop_run(world.loop, &err)); /* until the server has read it */
        hostile_stop(server);
        world_run(&world);
        assert_int_equal(0, create.response->status);
        assert_int_equal(HTTP_MAYBE_SENT, create.response->sent);
        exchange_done(&create);
        loop_post_free(vanishing.gone);
        world_close(&world);
    }
}

static void answer_one_and_close(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    if (hostile_read(conn))
        hostile_reply(conn, 200, "", "ok"); /* looks kept alive, and is closed at once */
}

static void a_kept_connection_that_is_known_to_be_dead_is_not_used(void **state)
{
    struct world world;
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    world_open(&world);
    struct loop_timer *timer = loop_timer_new(world.loop, stop_loop, world.loop);
    struct hostile *server = hostile_start(answer_one_and_close, NULL, NULL);
    for (unsigned i = 0; i < 5; i++) {
        struct exchange create = exchange_post(hostile_url(server, "/"), "{}");
        create.request.never_resend = true;
        assert_int_equal(200, world_exchange(&world, &create)->status);
        exchange_done(&create);
        loop_timer_arm(timer, 50); /* the close arrives meanwhile */
        assert_int_equal(0, loop_run(world.loop, &err));
    }
    assert_int_equal(5, hostile_requests(server));
    hostile_stop(server);
    loop_timer_free(timer);
    world_close(&world);
}

static int make_file(void **state)
{
    static char dir[64];
    static char bytes[FILE_SIZE];

    temp_dir(dir);
    (void)snprintf(file_path, sizeof(file_path), "%s/call.mp3", dir);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 13 + i / 200);
    write_text_file(file_path, bytes, sizeof(bytes));
    *state = dir;
    return 0;
}

static int remove_file(void **state)
{
    return unlink(file_path) == 0 && rmdir(*state) == 0 ? 0 : -1;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_create_is_written_once_whatever_happens_to_its_connection),
        cmocka_unit_test(a_small_create_uses_the_kept_connection_and_others_one_of_their_own),
        cmocka_unit_test(anything_else_is_repeated_with_its_whole_body),
        cmocka_unit_test(a_read_is_repeated_by_libcurl),
        cmocka_unit_test(a_kept_connection_that_is_known_to_be_dead_is_not_used),
        cmocka_unit_test(a_repetition_that_finds_nobody_is_still_maybe_sent),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, make_file, remove_file));
}
