/* A loop and a client for the tests of the HTTP client, and exchanges that read like one call. */
#ifndef TESTS_UNIT_HTTP_WORLD_H
#define TESTS_UNIT_HTTP_WORLD_H

#include "unit/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "io/http_client.h"
#include "io/loop.h"

enum { WORLD_PATIENCE_MS = 30000, WORLD_TIMEOUT_MS = 10000 };

struct world {
    struct loop *loop;
    struct http_client *client;
    struct loop_timer *patience;
    unsigned wanted; /* answers until the loop stops */
};

/* One exchange and its answer. */
struct exchange {
    struct world *world;
    struct http_request request;
    struct http_response *response; /* owned */
    http_resolve_fn resolve;
    void *resolve_ctx;
    uint64_t id;
    bool is_sending, is_done;
};

static inline void world_lose_patience(void *ctx)
{
    (void)ctx;
    print_error("an exchange did not end\n");
    abort();
}

static inline void world_open_with(struct world *world, const struct http_client_options *options)
{
    struct sb_error err = SB_ERROR_INIT;

    *world = (struct world){ .loop = loop_new(&err) };
    assert_non_null(world->loop);
    world->client = http_client_new(world->loop, options, NULL, &err);
    if (!world->client)
        fail_msg("%s", err.text);
    world->patience = loop_timer_new(world->loop, world_lose_patience, NULL);
    assert_non_null(world->patience);
}

static inline void world_open(struct world *world)
{
    const struct http_client_options options = { .user_agent = "switchboard/test" };

    world_open_with(world, &options);
}

static inline void world_close(struct world *world)
{
    http_client_free(world->client);
    loop_timer_free(world->patience);
    loop_free(world->loop);
}

static inline void world_note_done(void *ctx, struct http_response *response)
{
    struct exchange *exchange = ctx;

    assert_false(exchange->is_sending); /* never from within http_client_send */
    assert_false(exchange->is_done);    /* exactly once */
    assert_non_null(response);
    assert_non_null(response->body);
    exchange->is_done = true;
    exchange->response = response;
    if (--exchange->world->wanted == 0)
        loop_stop(exchange->world->loop);
}

static inline void world_send(struct world *world, struct exchange *exchange)
{
    exchange->world = world;
    world->wanted++;
    exchange->is_sending = true;
    exchange->id = http_client_send(world->client, &exchange->request, exchange->resolve,
                                    exchange->resolve_ctx, world_note_done, exchange);
    exchange->is_sending = false;
    assert_true(exchange->id != 0);
}

/* Runs until every exchange that was sent has its answer. */
static inline void world_run(struct world *world)
{
    struct sb_error err = SB_ERROR_INIT;

    if (world->wanted == 0)
        return;
    loop_timer_arm(world->patience, WORLD_PATIENCE_MS);
    assert_int_equal(0, loop_run(world->loop, &err));
    loop_timer_disarm(world->patience);
    assert_int_equal(0, http_client_in_flight(world->client));
}

/* Sends and waits. The response is freed by the next exchange_done. */
static inline const struct http_response *world_exchange(struct world *world, struct exchange *exchange)
{
    world_send(world, exchange);
    world_run(world);
    return exchange->response;
}

static inline void exchange_done(struct exchange *exchange)
{
    http_response_free(exchange->response);
    exchange->response = NULL;
    exchange->is_done = false;
}

static inline struct exchange exchange_get(const char *url)
{
    return (struct exchange){ .request = { .method = "GET", .url = url, .timeout_ms = WORLD_TIMEOUT_MS } };
}

static inline struct exchange exchange_post(const char *url, const char *body)
{
    return (struct exchange){ .request = { .method = "POST",
                                           .url = url,
                                           .body_kind = HTTP_BODY_BYTES,
                                           .body = body,
                                           .body_size = strlen(body),
                                           .timeout_ms = WORLD_TIMEOUT_MS } };
}

static inline void exchange_header(struct exchange *exchange, const char *name, const char *value)
{
    exchange->request.headers[exchange->request.header_count++] =
        (struct http_header){ .name = name, .value = value };
}

/* Around a program's tests: the client's library, and an end for a test that hangs. False: it does not begin. */
static inline bool http_tests_begin(unsigned give_up_s)
{
    struct sb_error err = SB_ERROR_INIT;

    (void)alarm(give_up_s);
    if (http_client_global_init(&err) < 0) {
        print_error("%s\n", err.text);
        return false;
    }
    return true;
}

/* Gives what main() returns, of what the tests came to. */
static inline int http_tests_end(int rc)
{
    http_client_global_done();
    return rc;
}

/* A folder of the test's own, and files in it. */
static inline void temp_dir(char ret_path[64])
{
    (void)snprintf(ret_path, 64, "/tmp/sb-http-XXXXXX");
    assert_non_null(mkdtemp(ret_path));
}

static inline void write_text_file(const char *path, const char *text, size_t size)
{
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    assert_int_equal(size, fwrite(text, 1, size, out));
    assert_int_equal(0, fclose(out));
}

#endif
