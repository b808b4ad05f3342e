/* Requests that may go only to the public internet: names that lead home, and connections that others have opened. This
 * program brings its own getaddrinfo, which libcurl finds before the C library's. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

enum { GIVE_UP_S = 60 };

/* Names and what they stand for. */
static const struct {
    const char *name, *addresses[2];
} names[] = {
    { "loop4.example.com", { "127.0.0.1" } },         { "private.example.com", { "10.0.0.1" } },
    { "cloud.example.com", { "169.254.169.254" } },   { "loop6.example.com", { "::1" } },
    { "mapped.example.com", { "::ffff:127.0.0.1" } }, { "local6.example.com", { "fe80::1" } },
    { "both.example.com", { "10.0.0.1", "::1" } },
};

static int fixed(const char *address, const char *service, const struct addrinfo *hints,
                 struct addrinfo **res)
{
    typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct addrinfo wanted = { .ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM,
                               .ai_flags = AI_NUMERICHOST };
    resolve_fn real;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(address, service, address ? &wanted : hints, res);
}

SB_API int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    for (size_t i = 0; node && i < sizeof(names) / sizeof(names[0]); i++) {
        struct addrinfo *second = NULL;
        if (strcmp(node, names[i].name) != 0)
            continue;
        int rc = fixed(names[i].addresses[0], service, hints, res);
        if (rc == 0 && names[i].addresses[1] && fixed(names[i].addresses[1], service, hints, &second) == 0)
            (*res)->ai_next = second; /* glibc frees each on its own, so that the two may be joined */
        return rc;
    }
    typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    resolve_fn real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, res);
}

static void echo(struct hostile_conn *conn, void *ctx)
{
    (void)ctx;
    while (hostile_read(conn))
        hostile_reply(conn, 200, "", "{}");
}

static struct exchange guarded(const char *url)
{
    struct exchange exchange = exchange_post(url, "{}");

    exchange.request.public_only = true;
    return exchange;
}

static void expect_forbidden(const struct http_response *response, const char *host)
{
    char want[200];

    (void)snprintf(want, sizeof(want), "%s has no address on the public internet", host);
    assert_int_equal(0, response->status);
    assert_string_equal(want, response->fault);
    assert_true(response->is_forbidden);
    assert_int_equal(HTTP_NOT_SENT, response->sent);
}

static void names_that_lead_home_are_not_followed(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(echo, NULL, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char url[120], host[100];
        (void)snprintf(host, sizeof(host), "%s:%u", names[i].name, hostile_port(server));
        (void)snprintf(url, sizeof(url), "https://%s/hook", host);
        struct exchange post = guarded(url);
        expect_forbidden(world_exchange(&world, &post), host);
        exchange_done(&post);
    }
    assert_int_equal(0, hostile_connections(server)); /* not even that */
    world_close(&world);
    hostile_stop(server);
}

static void the_same_names_are_reached_without_the_guard(void **state)
{
    struct world world;
    char url[100];

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(echo, NULL, NULL);
    (void)snprintf(url, sizeof(url), "https://loop4.example.com:%u/hook", hostile_port(server));
    struct exchange post = exchange_post(url, "{}");
    post.request.connect_timeout_ms = 1000;
    const struct http_response *response = world_exchange(&world, &post);
    assert_int_equal(0, response->status); /* it does not speak TLS */
    assert_false(response->is_forbidden);
    assert_int_equal(1, hostile_connections(server));
    exchange_done(&post);
    world_close(&world);
    hostile_stop(server);
}

static void numeric_addresses_are_not_reached_either(void **state)
{
    struct world world;
    char host[64];

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(echo, NULL, NULL);
    struct exchange post = guarded(hostile_url(server, "/hook"));
    (void)snprintf(host, sizeof(host), "%s", hostile_host(server));
    expect_forbidden(world_exchange(&world, &post), host);
    assert_int_equal(0, hostile_connections(server));
    exchange_done(&post);
    world_close(&world);
    hostile_stop(server);
}

static void a_connection_that_another_request_has_opened_is_not_used(void **state)
{
    struct world world;
    char url[100], host[64];

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(echo, NULL, NULL);
    (void)snprintf(url, sizeof(url), "%s", hostile_url(server, "/hook"));
    (void)snprintf(host, sizeof(host), "%s", hostile_host(server));
    struct exchange plain = exchange_post(url, "{}");
    assert_int_equal(200, world_exchange(&world, &plain)->status);
    exchange_done(&plain);
    struct exchange post = guarded(url);
    expect_forbidden(world_exchange(&world, &post), host);
    exchange_done(&post);
    assert_int_equal(1, hostile_requests(server));
    world_close(&world);
    hostile_stop(server);
}

static void the_guard_does_not_stay_with_the_handle(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct hostile *server = hostile_start(echo, NULL, NULL);
    char url[100];
    (void)snprintf(url, sizeof(url), "%s", hostile_url(server, "/hook"));
    struct exchange post = guarded(url);
    assert_true(world_exchange(&world, &post)->is_forbidden);
    exchange_done(&post);
    struct exchange plain = exchange_post(url, "{}");
    assert_int_equal(200, world_exchange(&world, &plain)->status);
    exchange_done(&plain);
    world_close(&world);
    hostile_stop(server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_lead_home_are_not_followed),
        cmocka_unit_test(the_same_names_are_reached_without_the_guard),
        cmocka_unit_test(numeric_addresses_are_not_reached_either),
        cmocka_unit_test(a_connection_that_another_request_has_opened_is_not_used),
        cmocka_unit_test(the_guard_does_not_stay_with_the_handle),
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
