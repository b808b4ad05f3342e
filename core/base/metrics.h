/* Counters, gauges and histograms, written in the Prometheus text format. Thread-safe. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

struct metrics;
struct metric; /* one time series; valid as long as its registry */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM /* seconds */ };

/* The series `name{labels}`, made on first use. `labels` is a NULL-terminated list of name, value pairs
 * (values are escaped). `help` is taken from the first caller. At most METRICS_SERIES_MAX series: beyond, a
 * shared overflow series is given. Never NULL. Cache the pointer in hot paths. */
enum { METRICS_SERIES_MAX = 4096 };
struct metric *metrics_get(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                           const char *const *labels);
void metric_add(struct metric *metric, double amount);      /* counter, gauge */
void metric_set(struct metric *metric, double value);       /* gauge */
void metric_observe(struct metric *metric, double seconds); /* histogram: 1 ms .. 10 min buckets */
double metric_value(const struct metric *metric);

/* Appends all series in exposition format 0.0.4, families in order of first use. */
void metrics_write(struct metrics *metrics, struct buf *out);

#endif
