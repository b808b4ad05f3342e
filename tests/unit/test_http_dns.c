/* A resolver that hangs must not hold up the loop. This program brings its own getaddrinfo, which libcurl finds
 * before the C library's. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <time.h>

#include "unit/http_world.h"

enum { GIVE_UP_S = 30, HANG_MS = 1500, TICK_MS = 10, LATE_MS = 700 };

static atomic_uint hanging;

SB_API int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    const struct timespec hang = { .tv_sec = HANG_MS / 1000, .tv_nsec = HANG_MS % 1000 * 1000000L };
    resolve_fn real;

    if (node && strcmp(node, "hangs.example.com") == 0) {
        atomic_fetch_add(&hanging, 1);
        (void)nanosleep(&hang, NULL);
        atomic_fetch_sub(&hanging, 1);
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, res);
}

struct ticker {
    struct world *world;
    struct loop_timer *timer;
    uint64_t last_ms, longest_ms;
};

static void tick(void *ctx)
{
    struct ticker *ticker = ctx;
    uint64_t now_ms = loop_now_ms(ticker->world->loop);

    if (now_ms - ticker->last_ms > ticker->longest_ms)
        ticker->longest_ms = now_ms - ticker->last_ms;
    ticker->last_ms = now_ms;
    loop_timer_arm(ticker->timer, TICK_MS);
}

static void start_ticking(struct ticker *ticker, struct world *world)
{
    *ticker = (struct ticker){ .world = world, .last_ms = loop_now_ms(world->loop) };
    ticker->timer = loop_timer_new(world->loop, tick, ticker);
    loop_timer_arm(ticker->timer, TICK_MS);
}

static void a_resolver_that_hangs_is_given_up_without_waiting_for_it(void **state)
{
    struct world world;
    struct ticker ticker;

    (void)state;
    world_open(&world);
    start_ticking(&ticker, &world);
    struct exchange get = exchange_get("https://hangs.example.com/");
    get.request.connect_timeout_ms = 200;
    const struct http_response *response = world_exchange(&world, &get);
    assert_string_equal("no connection to hangs.example.com:443 within 200ms", response->fault);
    assert_int_equal(HTTP_NOT_SENT, response->sent);
    assert_int_equal(1, atomic_load(&hanging)); /* it was really this that took so long */
    assert_true(ticker.longest_ms < LATE_MS);
    exchange_done(&get);
    loop_timer_free(ticker.timer);
    uint64_t before_ms = loop_now_ms(world.loop);
    http_client_free(world.client);
    assert_true(loop_now_ms(world.loop) - before_ms < LATE_MS);
    world.client = NULL;
    world_close(&world);
}

static void cancel(void *ctx)
{
    struct exchange *exchange = ctx;

    http_client_cancel(exchange->world->client, exchange->id);
}

static void cancelling_does_not_wait_for_the_resolver(void **state)
{
    struct world world;
    struct ticker ticker;

    (void)state;
    world_open(&world);
    start_ticking(&ticker, &world);
    struct exchange get = exchange_get("https://hangs.example.com/");
    struct loop_timer *timer = loop_timer_new(world.loop, cancel, &get);
    loop_timer_arm(timer, 100);
    assert_string_equal("cancelled", world_exchange(&world, &get)->fault);
    assert_int_equal(HTTP_NOT_SENT, get.response->sent);
    assert_true(ticker.longest_ms < LATE_MS);
    exchange_done(&get);
    loop_timer_free(timer);
    loop_timer_free(ticker.timer);
    world_close(&world);
}

static void a_name_that_is_unknown_is_said(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct exchange get = exchange_get("https://hangs.example.com/");
    const struct http_response *response = world_exchange(&world, &get);
    assert_string_equal("cannot resolve the name of hangs.example.com:443", response->fault);
    assert_int_equal(HTTP_NOT_SENT, response->sent);
    exchange_done(&get);
    world_close(&world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resolver_that_hangs_is_given_up_without_waiting_for_it),
        cmocka_unit_test(cancelling_does_not_wait_for_the_resolver),
        cmocka_unit_test(
            a_name_that_is_unknown_is_said), /* last: it outwaits the resolvers that were left behind */
    };

    if (!http_tests_begin(GIVE_UP_S))
        return 1;
    return http_tests_end(cmocka_run_group_tests(tests, NULL, NULL));
}
