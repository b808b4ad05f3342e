/* Did it happen? Every status and every fault of the transport, and Retry-After in all its forms. */
#include "flow/delivery.h"

#include "check.h"

static const struct {
    const char *name;
    int status;
    enum http_sent sent;
    enum delivery delivery;
    bool is_service_fault;
} rows[] = {
    { "connection refused", 0, HTTP_NOT_SENT, DELIVERY_NOT_SENT, true },
    { "no answer", 0, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "ok", 200, HTTP_MAYBE_SENT, DELIVERY_APPLIED, false },
    { "created", 201, HTTP_MAYBE_SENT, DELIVERY_APPLIED, false },
    { "no content", 204, HTTP_MAYBE_SENT, DELIVERY_APPLIED, false },
    { "last good one", 299, HTTP_MAYBE_SENT, DELIVERY_APPLIED, false },
    { "moved", 301, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "not modified", 304, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "bad request", 400, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "unauthorized", 401, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "forbidden", 403, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "not found", 404, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "a gateway that gave up waiting", 408, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "conflict", 409, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "unprocessable", 422, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "too many", 429, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "last of the refusals", 499, HTTP_MAYBE_SENT, DELIVERY_REFUSED, false },
    { "server error", 500, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "bad gateway", 502, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "unavailable", 503, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "gateway timeout", 504, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "an odd one", 600, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, true },
    { "an interim one", 100, HTTP_MAYBE_SENT, DELIVERY_UNKNOWN, false },
};

static void statuses_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct http_response response = { .status = rows[i].status, .sent = rows[i].sent };
        CHECK_INT(rows[i].name, rows[i].delivery, delivery_of(&response));
        CHECK_INT(rows[i].name, rows[i].is_service_fault, delivery_is_service_fault(&response));
    }
}

static void what_fold_could_not_trust_is_unknown(void **state)
{
    (void)state;
    CHECK_INT("a good answer", DELIVERY_APPLIED, delivery_after_fold(DELIVERY_APPLIED, SB_OK));
    CHECK_INT("garbled", DELIVERY_UNKNOWN, delivery_after_fold(DELIVERY_APPLIED, SB_RETRY));
    CHECK_INT("refused by the plugin", DELIVERY_APPLIED, delivery_after_fold(DELIVERY_APPLIED, SB_REJECT));
    CHECK_INT("refused stays refused", DELIVERY_REFUSED, delivery_after_fold(DELIVERY_REFUSED, SB_RETRY));
    CHECK_INT("not sent stays not sent", DELIVERY_NOT_SENT, delivery_after_fold(DELIVERY_NOT_SENT, SB_RETRY));
    CHECK_INT("unknown stays unknown", DELIVERY_UNKNOWN, delivery_after_fold(DELIVERY_UNKNOWN, SB_OK));
}

static const struct {
    const char *name, *header, *value;
    int64_t ms;
} waits[] = {
    { "seconds", "Retry-After", "5", 5000 },
    { "any case", "retry-AFTER", "5", 5000 },
    { "zero", "Retry-After", "0", 0 },
    { "a day at most", "Retry-After", "999999", 86400000 },
    { "exactly a day", "Retry-After", "86400", 86400000 },
    { "the largest number", "Retry-After", "9223372036854775807", 86400000 },
    { "more than that", "Retry-After", "99999999999999999999", 0 },
    { "negative", "Retry-After", "-5", 0 },
    { "the smallest number", "Retry-After", "-9223372036854775808", 0 },
    { "a date", "Retry-After", "Tue, 10 Mar 2026 09:00:30 GMT", 30000 },
    { "a date that has passed", "Retry-After", "Tue, 10 Mar 2026 08:59:00 GMT", 0 },
    { "a date far away", "Retry-After", "Tue, 10 Mar 2037 09:00:00 GMT", 86400000 },
    { "no date", "Retry-After", "soon", 0 },
    { "nothing", "Retry-After", "", 0 },
    { "a fraction", "Retry-After", "1.5", 0 },
    { "milliseconds", "retry-after-ms", "250", 250 },
    { "milliseconds, too many", "retry-after-ms", "9223372036854775807", 86400000 },
    { "milliseconds, negative", "retry-after-ms", "-1", 0 },
    { "milliseconds that are none", "retry-after-ms", "x", 0 },
    { "another header", "X-Retry", "5", 0 },
};

static void retry_after_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(waits); i++) {
        struct http_response *response = http_response_new(429, "", 0);
        assert_non_null(response);
        assert_int_equal(http_response_add_header(response, waits[i].header, waits[i].value), 0);
        CHECK_INT(waits[i].name, waits[i].ms, delivery_retry_after_ms(response, INT64_C(1773133200000)));
        http_response_free(response);
    }
}

static void milliseconds_go_before_seconds(void **state)
{
    (void)state;
    struct http_response *response = http_response_new(429, "", 0);

    assert_non_null(response);
    assert_int_equal(http_response_add_header(response, "Retry-After", "1"), 0);
    assert_int_equal(http_response_add_header(response, "retry-after-ms", "250"), 0);
    CHECK_INT("both", 250, delivery_retry_after_ms(response, 0));
    http_response_free(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_are_told_apart),
        cmocka_unit_test(what_fold_could_not_trust_is_unknown),
        cmocka_unit_test(retry_after_is_read),
        cmocka_unit_test(milliseconds_go_before_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
