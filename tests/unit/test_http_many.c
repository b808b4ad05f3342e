/* The HTTP client with many transfers, behind a proxy, and when transfers are ended early. */
#include "unit/http_echo.h"

enum { GIVE_UP_S = 100, MANY = 500, ROUNDS = 4 };

/* ---- many ---- */

static void five_hundred_at_once_use_several_handles_and_keep_their_connections(void **state)
{
    struct fixture fixture;
    struct exchange *exchanges = calloc(MANY, sizeof(*exchanges));
    char url[64];

    (void)state;
    assert_non_null(exchanges);
    open_fixture(&fixture);
    (void)snprintf(url, sizeof(url), "%s", hostile_url(fixture.server, "/"));
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            exchanges[i] = exchange_post(url, "{\"n\":1}");
            world_send(&fixture.world, &exchanges[i]);
        }
        assert_int_equal(MANY, http_client_in_flight(fixture.world.client));
        world_run(&fixture.world);
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(200, exchanges[i].response->status);
            assert_string_equal("{\"ok\":true}", exchanges[i].response->body);
            exchange_done(&exchanges[i]);
        }
    }
    assert_int_equal(MANY * ROUNDS, hostile_requests(fixture.server));
    assert_in_range(hostile_connections(fixture.server), 1, MANY);
    close_fixture(&fixture);
    free(exchanges);
}

/* Counts the connections that the client has closed. */
struct closing {
    pthread_mutex_t lock;
    unsigned open;
    struct loop_post *changed;
};

static void answer_and_count(struct hostile_conn *conn, void *ctx)
{
    struct closing *closing = ctx;

    pthread_mutex_lock(&closing->lock);
    closing->open++;
    pthread_mutex_unlock(&closing->lock);
    while (hostile_read(conn))
        hostile_reply(conn, 200, "", "ok");
    pthread_mutex_lock(&closing->lock);
    closing->open--;
    pthread_mutex_unlock(&closing->lock);
    loop_post_send(closing->changed);
}

struct idle {
    struct world *world;
    struct closing *closing;
    unsigned wanted;
    bool is_over; /* further closes mean nothing */
};

static void look_at_connections(void *ctx)
{
    struct idle *idle = ctx;

    pthread_mutex_lock(&idle->closing->lock);
    bool is_quiet = idle->closing->open <= idle->wanted;
    pthread_mutex_unlock(&idle->closing->lock);
    if (is_quiet && !idle->is_over)
        loop_stop(idle->world->loop);
    idle->is_over = is_quiet;
}

static void the_connections_of_a_burst_are_closed_when_it_is_over(void **state)
{
    const struct http_client_options options = { .user_agent = "test", .idle_timeout_ms = 100 };
    struct world world;
    struct closing closing = { .open = 0 };
    struct idle idle = { .world = &world, .closing = &closing, .wanted = 16 };
    struct exchange *gets = calloc(MANY, sizeof(*gets));
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    assert_non_null(gets);
    pthread_mutex_init(&closing.lock, NULL);
    world_open_with(&world, &options);
    closing.changed = loop_post_new(world.loop, look_at_connections, &idle);
    struct hostile *server = hostile_start(answer_and_count, &closing, NULL);
    for (unsigned i = 0; i < MANY; i++) {
        gets[i] = exchange_get(hostile_url(server, "/"));
        world_send(&world, &gets[i]);
    }
    world_run(&world);
    for (unsigned i = 0; i < MANY; i++)
        exchange_done(&gets[i]);
    loop_timer_arm(world.patience, WORLD_PATIENCE_MS);
    assert_int_equal(0, loop_run(world.loop, &err)); /* ends when nearly all are closed */

    struct exchange again = exchange_get(hostile_url(server, "/"));
    assert_int_equal(200, world_exchange(&world, &again)->status);
    exchange_done(&again);
    http_client_free(world.client);
    world.client = NULL;
    hostile_stop(server); /* before the loop that its connections post to */
    world_close(&world);
    pthread_mutex_destroy(&closing.lock);
    free(gets);
}

/* ---- proxies ---- */

static void refuse_to_connect(struct hostile_conn *conn, void *ctx)
{
    struct seen *seen = ctx;
    const struct hostile_request *request = hostile_read(conn);

    if (!request)
        return;
    pthread_mutex_lock(&seen->lock);
    memcpy(seen->head, request->head, sizeof(seen->head));
    pthread_mutex_unlock(&seen->lock);
    hostile_reply(conn, 403, "", "no");
}

static void a_proxy_is_used_when_it_is_configured_but_not_for_this_machine(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture);
    http_client_free(fixture.world.client);
    struct hostile *proxy = hostile_start(refuse_to_connect, &fixture.seen, NULL);
    struct sb_error err = SB_ERROR_INIT;
    const struct http_client_options options = { .proxy = hostile_url(proxy, "") };
    fixture.world.client = http_client_new(fixture.world.loop, &options, NULL, &err);
    assert_non_null(fixture.world.client);

    struct exchange far = exchange_post("https://desk.example.com/api", "{}");
    exchange_header(&far, "Authorization", "Token abc");
    const struct http_response *response = world_exchange(&fixture.world, &far);
    assert_int_equal(0, response->status);
    assert_string_equal("the proxy does not connect to desk.example.com:443", response->fault);
    assert_int_equal(HTTP_NOT_SENT, response->sent);
    assert_non_null(strstr(fixture.seen.head, "CONNECT desk.example.com:443 HTTP/1.1\r\n"));
    assert_null(strstr(fixture.seen.head, "Authorization")); /* that is for the host behind it */
    exchange_done(&far);

    struct exchange near = exchange_get(hostile_url(fixture.server, "/"));
    assert_int_equal(200, world_exchange(&fixture.world, &near)->status);
    assert_int_equal(1, hostile_connections(proxy));
    exchange_done(&near);
    hostile_stop(proxy);
    close_fixture(&fixture);
}

/* ---- ending early ---- */

struct silent {
    struct world *world;
    struct exchange *exchange;
    struct loop_post *read;
};

static void read_and_wait(struct hostile_conn *conn, void *ctx)
{
    struct silent *silent = ctx;

    if (hostile_read(conn))
        loop_post_send(silent->read);
    hostile_wait_for_close(conn);
}

static void cancel_now(void *ctx)
{
    struct silent *silent = ctx;

    http_client_cancel(silent->world->client, silent->exchange->id);
    http_client_cancel(silent->world->client, silent->exchange->id); /* twice is once */
    assert_false(silent->exchange->is_done);                         /* soon, not now */
}

static void cancelling_after_the_request_was_read_is_maybe_sent(void **state)
{
    struct world world;
    struct silent silent = { .world = &world };

    (void)state;
    world_open(&world);
    silent.read = loop_post_new(world.loop, cancel_now, &silent);
    struct hostile *server = hostile_start(read_and_wait, &silent, NULL);
    struct exchange post = exchange_post(hostile_url(server, "/"), "{}");
    silent.exchange = &post;
    const struct http_response *response = world_exchange(&world, &post);
    assert_int_equal(0, response->status);
    assert_string_equal("cancelled", response->fault);
    assert_int_equal(HTTP_MAYBE_SENT, response->sent);
    http_client_cancel(world.client, post.id); /* long gone: ignored */
    http_client_cancel(world.client, 0);
    exchange_done(&post);
    hostile_stop(server);
    loop_post_free(silent.read);
    world_close(&world);
}

static void cancelling_before_a_connection_is_not_sent(void **state)
{
    struct world world;
    struct hostile_full *full = hostile_full_start();
    char url[64];

    (void)state;
    world_open(&world);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", hostile_full_port(full));
    struct exchange post = exchange_post(url, "{}");
    world_send(&world, &post);
    struct silent silent = { .world = &world, .exchange = &post };
    struct loop_timer *timer = loop_timer_new(world.loop, cancel_now, &silent);
    loop_timer_arm(timer, 50);
    world_run(&world);
    assert_int_equal(0, post.response->status);
    assert_string_equal("cancelled", post.response->fault);
    assert_int_equal(HTTP_NOT_SENT, post.response->sent);
    exchange_done(&post);
    loop_timer_free(timer);
    hostile_full_stop(full);
    world_close(&world);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static void freeing_the_client_ends_everything_without_calling_back(void **state)
{
    struct world world;
    struct silent silent = { .world = &world };

    (void)state;
    world_open(&world);
    struct loop *loop = world.loop;
    struct loop_timer *stop = loop_timer_new(loop, stop_loop, loop);
    silent.read = loop_post_new(loop, stop_loop, loop);
    struct hostile *server = hostile_start(read_and_wait, &silent, NULL);
    struct exchange posts[3];
    for (unsigned i = 0; i < ROWS(posts); i++) {
        posts[i] = exchange_post(hostile_url(server, "/"), "{}");
        if (i == 2)
            posts[i].request.url = "http://127.0.0.1:1/"; /* refused: ended, but perhaps not yet delivered */
        world_send(&world, &posts[i]);
    }
    struct sb_error err = SB_ERROR_INIT;
    loop_timer_arm(stop, WORLD_PATIENCE_MS);
    assert_int_equal(0, loop_run(loop, &err));
    assert_true(http_client_in_flight(world.client) >= 2);
    http_client_free(world.client);
    world.client = NULL;
    assert_false(posts[0].is_done);
    assert_false(posts[1].is_done);
    exchange_done(&posts[2]);
    loop_timer_free(stop);
    loop_post_free(silent.read);
    world_close(&world);
    hostile_stop(server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_hundred_at_once_use_several_handles_and_keep_their_connections),
        cmocka_unit_test(the_connections_of_a_burst_are_closed_when_it_is_over),
        cmocka_unit_test(a_proxy_is_used_when_it_is_configured_but_not_for_this_machine),
        cmocka_unit_test(cancelling_after_the_request_was_read_is_maybe_sent),
        cmocka_unit_test(cancelling_before_a_connection_is_not_sent),
        cmocka_unit_test(freeing_the_client_ends_everything_without_calling_back),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
