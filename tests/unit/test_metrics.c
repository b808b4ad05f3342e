/* The exposition format, the limit on series, and counting from several threads. */
#include <pthread.h>

#include "base/metrics.h"
#include "check.h"

static void families_are_written_in_order(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    assert_non_null(metrics);

    const char *const done[] = { "state", "done", NULL };
    const char *const dead[] = { "state", "de\"a\\d\n", "pipeline", "calls", NULL };
    metric_add(metrics_get(metrics, METRIC_COUNTER, "records_total", "Records by\nstate.", done), 2);
    metric_set(metrics_get(metrics, METRIC_GAUGE, "in_flight", "Now.", NULL), 1.5);
    metric_add(metrics_get(metrics, METRIC_COUNTER, "records_total", "another help is ignored", dead), 1);
    metric_add(metrics_get(metrics, METRIC_COUNTER, "records_total", NULL, done), 1);
    metric_add(metrics_get(metrics, METRIC_GAUGE, "in_flight", NULL, NULL), -4);

    AUTO_BUF out;
    buf_init(&out, 10000);
    metrics_write(metrics, &out);
    CHECK_STR("text",
              "# HELP records_total Records by\\nstate.\n"
              "# TYPE records_total counter\n"
              "records_total{state=\"done\"} 3\n"
              "records_total{state=\"de\\\"a\\\\d\\n\",pipeline=\"calls\"} 1\n"
              "# HELP in_flight Now.\n"
              "# TYPE in_flight gauge\n"
              "in_flight -2.5\n",
              out.data);
    metrics_free(metrics);
    metrics_free(NULL);
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    const char *const labels[] = { "step", "create", NULL };
    struct metric *metric = metrics_get(metrics, METRIC_HISTOGRAM, "step_seconds", "Time.", labels);

    metric_observe(metric, 0.001); /* exactly a bound: inside it */
    metric_observe(metric, 0.002);
    metric_observe(metric, 599);
    metric_observe(metric, 601);
    AUTO_BUF out;
    buf_init(&out, 10000);
    metrics_write(metrics, &out);
    static const char *const lines[] = {
        "# TYPE step_seconds histogram\n",
        "step_seconds_bucket{step=\"create\",le=\"0.001\"} 1\n",
        "step_seconds_bucket{step=\"create\",le=\"0.0025\"} 2\n",
        "step_seconds_bucket{step=\"create\",le=\"300\"} 2\n",
        "step_seconds_bucket{step=\"create\",le=\"600\"} 3\n",
        "step_seconds_bucket{step=\"create\",le=\"+Inf\"} 4\n",
        "step_seconds_sum{step=\"create\"} 1200.00",
        "step_seconds_count{step=\"create\"} 4\n",
    };
    for (size_t i = 0; i < ROWS(lines); i++)
        if (!strstr(out.data, lines[i]))
            CHECK_STR(lines[i], lines[i], out.data);
    metrics_free(metrics);
}

static void same_labels_give_the_same_series(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    const char *const a[] = { "x", "1", NULL };
    const char *const b[] = { "x", "2", NULL };

    assert_ptr_equal(metrics_get(metrics, METRIC_COUNTER, "m", "", a),
                     metrics_get(metrics, METRIC_COUNTER, "m", "", a));
    assert_ptr_not_equal(metrics_get(metrics, METRIC_COUNTER, "m", "", a),
                         metrics_get(metrics, METRIC_COUNTER, "m", "", b));
    metric_add(metrics_get(metrics, METRIC_COUNTER, "m", "", a), 5);
    CHECK_INT("value", 5, (int64_t)metric_value(metrics_get(metrics, METRIC_COUNTER, "m", "", a)));
    CHECK_INT("other", 0, (int64_t)metric_value(metrics_get(metrics, METRIC_COUNTER, "m", "", b)));
    metrics_free(metrics);
}

static void too_many_series_overflow(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *last = NULL;

    for (int i = 0; i <= METRICS_SERIES_MAX; i++) {
        char value[20];
        (void)snprintf(value, sizeof(value), "%d", i);
        const char *const labels[] = { "id", value, NULL };
        last = metrics_get(metrics, METRIC_COUNTER, "many", "", labels);
        assert_non_null(last);
        metric_add(last, 7);
    }
    AUTO_BUF out;
    buf_init(&out, 1 << 20);
    metrics_write(metrics, &out);
    assert_non_null(strstr(out.data, "many{id=\"4095\"} 7\n"));
    assert_null(strstr(out.data, "many{id=\"4096\"}"));
    assert_non_null(strstr(out.data, "\nswitchboard_metrics_overflow_total 1\n"));

    /* A known name of another kind, and labels without end, go there too. */
    const char *const first[] = { "id", "0", NULL };
    assert_ptr_equal(metrics_get(metrics, METRIC_GAUGE, "many", "", first), last);
    char endless[5000];
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    const char *const wide[] = { "id", endless, NULL };
    assert_ptr_equal(metrics_get(metrics, METRIC_COUNTER, "many", "", wide), last);
    metric_observe(last, 1);
    metric_set(last, 1);
    metrics_free(metrics);
}

static void *count_up(void *arg)
{
    const char *const labels[] = { "k", "v", NULL };

    for (int i = 0; i < 10000; i++)
        metric_add(metrics_get(arg, METRIC_COUNTER, "threads_total", "", labels), 1);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    pthread_t threads[4];
    const char *const labels[] = { "k", "v", NULL };

    for (size_t i = 0; i < ROWS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, metrics), 0);
    for (size_t i = 0; i < ROWS(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    CHECK_INT("sum", 40000,
              (int64_t)metric_value(metrics_get(metrics, METRIC_COUNTER, "threads_total", "", labels)));
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_are_written_in_order),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(same_labels_give_the_same_series),
        cmocka_unit_test(too_many_series_overflow),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
