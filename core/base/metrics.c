/* The registry of metrics: families in order of first use, each with its series. One lock guards it all: a
 * value changes a few times for each HTTP exchange, and nothing under the lock takes longer than a look-up.
 */
#include "base/metrics.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_SLOTS = 1024, LABEL_TEXT_MAX = 2048 };

/* Upper bounds in seconds: from a fast loopback answer to a transcription that takes ten minutes. */
static const double bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                 1,     2.5,    5,     10,   30,    60,   120, 300,  600 };

enum { BOUND_COUNT = sizeof(bounds) / sizeof(bounds[0]) };

struct family {
    struct family *next; /* in order of first use */
    char *name, *help;   /* owned */
    enum metric_kind kind;
    struct metric *first, *last;
};

struct metric {
    struct metrics *owner;
    struct family *family; /* NULL in the overflow series */
    struct metric *next;   /* in the family */
    struct metric *hash_next;
    char *labels;                  /* owned; `a="b",c="d"`, "" for none */
    double value;                  /* counter, gauge; histogram: the sum */
    uint64_t count;                /* histogram; the overflow series counts its calls */
    uint64_t buckets[BOUND_COUNT]; /* histogram: not cumulative */
};

struct metrics {
    pthread_mutex_t lock;
    struct family *first, *last;
    struct metric *slots[HASH_SLOTS];
    size_t series_count;
    struct metric overflow; /* embedded, so that metrics_get always has something to give */
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return NULL;

    if (pthread_mutex_init(&metrics->lock, NULL) != 0) {
        free(metrics);
        return NULL;
    }
    metrics->overflow.owner = metrics;
    return metrics;
}

static void free_family(struct family *family)
{
    for (struct metric *metric = family->first; metric;) {
        struct metric *next = metric->next;
        free(metric->labels);
        free(metric);
        metric = next;
    }
    free(family->name);
    free(family->help);
    free(family);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (struct family *family = metrics->first; family;) {
        struct family *next = family->next;
        free_family(family);
        family = next;
    }
    (void)pthread_mutex_destroy(&metrics->lock); /* nobody holds it any more */
    free(metrics);
}

static bool needs_escape(char c, bool escape_quotes)
{
    return c == '\n' || c == '\\' || (c == '"' && escape_quotes);
}

/* Escapes for a label's value; a help text leaves quotes alone. */
static void add_escaped(struct buf *out, const char *text, bool escape_quotes)
{
    while (*text) {
        size_t plain = 0;
        while (text[plain] && !needs_escape(text[plain], escape_quotes))
            plain++;
        buf_add(out, text, plain);
        text += plain;
        if (!*text)
            return;
        buf_char(out, '\\');
        buf_char(out, *text == '\n' ? 'n' : *text);
        text++;
    }
}

static void write_labels(struct buf *out, const char *const *labels)
{
    for (size_t i = 0; labels && labels[i]; i += 2) {
        assert(labels[i + 1]);
        if (i > 0)
            buf_char(out, ',');
        buf_str(out, labels[i]); /* without printf: this is how a series is looked up at every step */
        buf_str(out, "=\"");
        add_escaped(out, labels[i + 1], /* escape_quotes= */ true);
        buf_char(out, '"');
    }
}

static size_t hash_slot(const char *name, const char *labels)
{
    uint32_t hash = 2166136261U;

    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619U;
    for (const char *p = labels; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619U;
    return hash % HASH_SLOTS;
}

static struct family *find_family(const struct metrics *metrics, const char *name)
{
    struct family *family = metrics->first;

    while (family && strcmp(family->name, name) != 0)
        family = family->next;
    return family;
}

static struct family *add_family(struct metrics *metrics, enum metric_kind kind, const char *name,
                                 const char *help)
{
    struct family *family = calloc(1, sizeof(*family));
    if (!family)
        return NULL;

    family->name = strdup(name);
    family->help = strdup(help ? help : "");
    family->kind = kind;
    if (!family->name || !family->help) {
        free_family(family);
        return NULL;
    }
    if (metrics->last)
        metrics->last->next = family;
    else
        metrics->first = family;
    metrics->last = family;
    return family;
}

static struct metric *add_series(struct metrics *metrics, struct family *family, const char *labels,
                                 size_t slot)
{
    struct metric *metric = calloc(1, sizeof(*metric));
    if (!metric)
        return NULL;
    metric->labels = strdup(labels);
    if (!metric->labels) {
        free(metric);
        return NULL;
    }

    metric->owner = metrics;
    metric->family = family;
    metric->hash_next = metrics->slots[slot];
    metrics->slots[slot] = metric;
    if (family->last)
        family->last->next = metric;
    else
        family->first = metric;
    family->last = metric;
    metrics->series_count++;
    return metric;
}

/* The series, or NULL when it cannot be had. Under the lock. */
static struct metric *find_or_add(struct metrics *metrics, enum metric_kind kind, const char *name,
                                  const char *help, const char *labels)
{
    size_t slot = hash_slot(name, labels);

    for (struct metric *metric = metrics->slots[slot]; metric; metric = metric->hash_next)
        if (strcmp(metric->labels, labels) == 0 && strcmp(metric->family->name, name) == 0)
            return metric->family->kind == kind ? metric : NULL;
    if (metrics->series_count >= METRICS_SERIES_MAX)
        return NULL;
    struct family *family = find_family(metrics, name);
    if (!family)
        family = add_family(metrics, kind, name, help);
    if (!family || family->kind != kind)
        return NULL;
    return add_series(metrics, family, labels, slot);
}

struct metric *metrics_get(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                           const char *const *labels)
{
    AUTO_BUF text;
    struct metric *metric = NULL;

    buf_init(&text, LABEL_TEXT_MAX);
    write_labels(&text, labels);
    (void)pthread_mutex_lock(&metrics->lock);
    if (!text.failed)
        metric = find_or_add(metrics, kind, name, help, text.data);
    (void)pthread_mutex_unlock(&metrics->lock);
    return metric ? metric : &metrics->overflow;
}

void metric_add(struct metric *metric, double amount)
{
    (void)pthread_mutex_lock(&metric->owner->lock);
    metric->value += amount;
    metric->count++;
    (void)pthread_mutex_unlock(&metric->owner->lock);
}

void metric_set(struct metric *metric, double value)
{
    (void)pthread_mutex_lock(&metric->owner->lock);
    metric->value = value;
    metric->count++;
    (void)pthread_mutex_unlock(&metric->owner->lock);
}

void metric_observe(struct metric *metric, double seconds)
{
    size_t slot = 0;

    while (slot < BOUND_COUNT && seconds > bounds[slot])
        slot++;
    (void)pthread_mutex_lock(&metric->owner->lock);
    metric->value += seconds;
    metric->count++;
    if (slot < BOUND_COUNT)
        metric->buckets[slot]++;
    (void)pthread_mutex_unlock(&metric->owner->lock);
}

double metric_value(const struct metric *metric)
{
    (void)pthread_mutex_lock(&metric->owner->lock);
    double value = metric->value;
    (void)pthread_mutex_unlock(&metric->owner->lock);
    return value;
}

/* Whole numbers without a fraction, everything else so that it reads back as it was. */
static void write_number(struct buf *out, double value)
{
    if (fabs(value) < 1e15 && floor(value) >= value)
        buf_printf(out, "%.0f\n", value);
    else
        buf_printf(out, "%.17g\n", value);
}

static void write_name(struct buf *out, const char *name, const char *suffix, const char *labels)
{
    buf_printf(out, "%s%s", name, suffix);
    if (*labels)
        buf_printf(out, "{%s}", labels);
    buf_char(out, ' ');
}

static void write_histogram(struct buf *out, const struct metric *metric)
{
    const char *name = metric->family->name;
    const char *comma = *metric->labels ? "," : "";
    uint64_t below = 0;

    for (size_t i = 0; i < BOUND_COUNT; i++) {
        below += metric->buckets[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} ", name, metric->labels, comma, bounds[i]);
        write_number(out, (double)below);
    }
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} ", name, metric->labels, comma);
    write_number(out, (double)metric->count);
    write_name(out, name, "_sum", metric->labels);
    write_number(out, metric->value);
    write_name(out, name, "_count", metric->labels);
    write_number(out, (double)metric->count);
}

static void write_family(struct buf *out, const struct family *family)
{
    static const char *const words[] = { "counter", "gauge", "histogram" };

    buf_printf(out, "# HELP %s ", family->name);
    add_escaped(out, family->help, /* escape_quotes= */ false);
    buf_printf(out, "\n# TYPE %s %s\n", family->name, words[family->kind]);
    for (const struct metric *metric = family->first; metric; metric = metric->next) {
        if (family->kind == METRIC_HISTOGRAM) {
            write_histogram(out, metric);
        } else {
            write_name(out, family->name, "", metric->labels);
            write_number(out, metric->value);
        }
    }
}

void metrics_write(struct metrics *metrics, struct buf *out)
{
    (void)pthread_mutex_lock(&metrics->lock);
    for (const struct family *family = metrics->first; family; family = family->next)
        write_family(out, family);
    if (metrics->overflow.count > 0) {
        buf_str(
            out,
            "# HELP switchboard_metrics_overflow_total Updates of series beyond the limit, which are lost.\n"
            "# TYPE switchboard_metrics_overflow_total counter\nswitchboard_metrics_overflow_total ");
        write_number(out, (double)metrics->overflow.count);
    }
    (void)pthread_mutex_unlock(&metrics->lock);
}
