/* Posting alerts to a URL. */
#include "app/alerts.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "base/scope.h"
#include "base/timefmt.h"

/* Tried for most of an hour: after 5 s, then twice as long each time, at most 5 minutes. */
enum {
    ALERTS_WAITING_MAX = 100,
    ALERT_TRIES_MAX = 15,
    ALERT_AGAIN_MS = 5 * 1000,
    ALERT_AGAIN_MS_MAX = 300 * 1000
};
enum { HOUR_MS = 3600 * 1000 };

struct alert {
    struct alert *next;
    char *body; /* owned */
    uint32_t tries;
};

struct alerts {
    struct engine *engine;
    const char *url; /* NULL: only logged */
    struct alert *head, *tail;
    size_t waiting;
    bool is_sending;
    struct http_request request;
    struct loop_timer *timer;
    int64_t dead_since_ms; /* monotonic: of the hour that is counted */
    int64_t dead_count;
    struct metric *raised;
};

static void send_next(struct alerts *alerts);

static void drop_head(struct alerts *alerts)
{
    struct alert *alert = alerts->head;

    alerts->head = alert->next;
    if (!alerts->head)
        alerts->tail = NULL;
    alerts->waiting--;
    free(alert->body);
    free(alert);
}

static uint64_t again_ms(uint32_t tries)
{
    uint64_t ms = ALERT_AGAIN_MS;

    for (uint32_t i = 1; i < tries && ms < ALERT_AGAIN_MS_MAX; i++)
        ms *= 2;
    return ms < ALERT_AGAIN_MS_MAX ? ms : ALERT_AGAIN_MS_MAX;
}

static void on_done(void *ctx, struct http_response *response)
{
    struct alerts *alerts = ctx;
    struct alert *alert = alerts->head;
    bool is_told = response->status >= 200 && response->status <= 299;

    alerts->is_sending = false;
    alert->tries++;
    if (!is_told)
        LOG_WARN(alerts->engine->log, "alert not delivered", LOG_INT("status", response->status),
                 LOG_STR("fault", response->fault), LOG_INT("tries", alert->tries));
    http_response_free(response);
    if (!is_told && alert->tries < ALERT_TRIES_MAX) {
        loop_timer_arm(alerts->timer, again_ms(alert->tries));
        return;
    }
    if (!is_told)
        LOG_ERROR(alerts->engine->log, "alert given up", LOG_INT("tries", alert->tries));
    drop_head(alerts);
    send_next(alerts);
}

static void send_next(struct alerts *alerts)
{
    if (alerts->is_sending || !alerts->head)
        return;
    alerts->is_sending = true;
    alerts->request = (struct http_request){ .method = "POST",
                                             .url = alerts->url,
                                             .headers = { { "Content-Type", "application/json" } },
                                             .header_count = 1,
                                             .body_kind = HTTP_BODY_BYTES,
                                             .body = alerts->head->body,
                                             .body_size = strlen(alerts->head->body),
                                             .timeout_ms = 10 * 1000 };
    if (!http_client_send(alerts->engine->client, &alerts->request, NULL, NULL, on_done, alerts))
        alerts->is_sending = false; /* out of memory: the next alert tries again */
}

static void on_timer(void *ctx)
{
    send_next(ctx);
}

struct alerts *alerts_new(struct engine *engine, struct sb_error *err)
{
    struct alerts *alerts = calloc(1, sizeof(*alerts));

    if (!alerts) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        return NULL;
    }
    alerts->engine = engine;
    alerts->url = engine->setup->conf->settings.alert_url;
    alerts->timer = loop_timer_new(engine->loop, on_timer, alerts);
    alerts->raised =
        metrics_get(engine->metrics, METRIC_COUNTER, "switchboard_alerts_total", "alerts raised", NULL);
    if (!alerts->timer) {
        (void)sb_fail(err, SB_ENOMEM, "out of memory");
        free(alerts);
        return NULL;
    }
    return alerts;
}

void alerts_free(struct alerts *alerts)
{
    if (!alerts)
        return;
    while (alerts->head)
        drop_head(alerts);
    loop_timer_free(alerts->timer);
    free(alerts);
}

/* One dead letter is a matter for office hours; many within an hour are for a telephone, once in that hour. */
static bool is_worth_telling(struct alerts *alerts, enum flow_alert kind)
{
    int64_t now_ms = clock_mono_ms();

    if (kind != FLOW_ALERT_DEAD_LETTER)
        return true;
    if (!alerts->dead_count || now_ms - alerts->dead_since_ms > HOUR_MS) {
        alerts->dead_since_ms = now_ms;
        alerts->dead_count = 0;
    }
    return ++alerts->dead_count == alerts->engine->setup->conf->settings.alert_dead_letters;
}

void alerts_raise(struct alerts *alerts, enum flow_alert kind, const char *subject, const char *text)
{
    char at[TIME_TEXT_MAX];

    metric_add(alerts->raised, 1);
    if (!alerts->url || !is_worth_telling(alerts, kind) || alerts->waiting >= ALERTS_WAITING_MAX)
        return;
    time_format_rfc3339(clock_wall_ms(), at);
    AUTO_JSON doc = json_pack("{s:s, s:s, s:s, s:s?}", "alert", flow_alert_word(kind), "at", at, "subject",
                              subject, "text", text);
    struct alert *alert = doc ? calloc(1, sizeof(*alert)) : NULL;
    if (!alert)
        return; /* it was logged */
    if (kind == FLOW_ALERT_DEAD_LETTER)
        (void)json_object_set_new(doc, "count",
                                  json_integer(alerts->dead_count)); /* a failure only leaves it out */
    alert->body = json_dumps(doc, JSON_COMPACT);
    if (!alert->body) {
        free(alert);
        return;
    }
    if (alerts->tail)
        alerts->tail->next = alert;
    else
        alerts->head = alert;
    alerts->tail = alert;
    alerts->waiting++;
    send_next(alerts);
}
