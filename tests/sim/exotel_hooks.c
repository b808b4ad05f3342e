/* Webhooks (E6): who is told of what and when, and everything that goes wrong on the way. The service tells of calls by
 * itself where a URL is known, and of any call when a control request says so. */
#include "exotel.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_words[EXO_HOOK_KINDS] = { "status_callback", "passthru", "popup" };

/* One webhook that is to be sent: what knobs say, and what a control request says instead. Borrows everything. */
struct hook {
    enum exo_hook_kind kind;
    const struct exo_call *call;
    const char *event; /* terminal, answered, answered2; Dial, Ringing, Answered, Terminal */
    const char *url, *method, *form, *fields, *type, *digits, *content_type;
    json_t *set, *omit; /* members put in, and names left out; or NULL */
    json_int_t copies, delay_s, jitter_s, lost_percent, pad_bytes, timeout_ms;
    int is_lost, is_spoilt, has_retries, has_extra; /* truth values */
};

static struct hook make_hook(const struct exotel *exotel, enum exo_hook_kind kind,
                             const struct exo_call *call, const char *event)
{
    const struct sim_service *service = exotel->service;
    return (struct hook){
        .kind = kind,
        .call = call,
        .event = event,
        .url = exotel->hook_urls[kind],
        .method = kind == EXO_STATUS_CALLBACK ? "POST"
                  : kind == EXO_POPUP         ? "GET"
                                              : sim_knob_text(service, EXO_PASSTHRU_METHOD),
        .form = kind == EXO_STATUS_CALLBACK ? sim_knob_text(service, EXO_STATUS_CALLBACK_FORM) : "form",
        .fields = sim_knob_text(service, EXO_STATUS_CALLBACK_FIELDS),
        .content_type = sim_knob_text(service, EXO_WEBHOOK_CONTENT_TYPE),
        .copies = sim_knob_int(service, EXO_WEBHOOK_COPIES),
        .delay_s = sim_knob_int(service, EXO_WEBHOOK_DELAY_S),
        .jitter_s = sim_knob_int(service, EXO_WEBHOOK_JITTER_S),
        .lost_percent = sim_knob_int(service, EXO_WEBHOOK_LOST_PERCENT),
        .pad_bytes = sim_knob_int(service, EXO_WEBHOOK_PAD_BYTES),
        .timeout_ms = sim_knob_int(service, EXO_WEBHOOK_TIMEOUT_MS),
        .is_spoilt = sim_knob_bool(service, EXO_WEBHOOK_WRONG_SECRET),
        .has_retries = sim_knob_bool(service, EXO_WEBHOOK_RETRIES),
        .has_extra = sim_knob_bool(service, EXO_WEBHOOK_EXTRA_FIELDS),
    };
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static json_t *make_fields(const struct exotel *exotel, const struct hook *hook)
{
    int64_t now_ms = sim_now_ms(exotel->service->sim);
    json_t *fields = NULL;
    if (hook->kind == EXO_STATUS_CALLBACK)
        fields =
            exo_status_callback(exotel, hook->call, hook->event, strcmp(hook->fields, "all") == 0, now_ms);
    else if (hook->kind == EXO_PASSTHRU)
        fields = exo_passthru(exotel, hook->call, hook->type, hook->digits, now_ms);
    else
        fields = exo_popup(exotel, hook->call, hook->event, now_ms);
    size_t index;
    json_t *name;
    json_array_foreach (hook->omit, index, name)
        (void)json_object_del(fields, json_string_value(name));
    if (hook->set)
        (void)json_object_update(fields, hook->set);
    if (hook->has_extra) {
        (void)json_object_set_new(fields, "NobodyKnowsThis", json_string("1"));
        (void)json_object_set_new(fields, "Insights", json_pack("{s:s}", "Sentiment", "unknown"));
    }
    return fields;
}

static void add_padding(const struct hook *hook, json_t *fields)
{
    if (hook->pad_bytes <= 0)
        return;
    char *text = sim_malloc((size_t)hook->pad_bytes + 1);
    memset(text, 'x', (size_t)hook->pad_bytes);
    (void)json_object_set_new(fields, "Padding", json_stringn(text, (size_t)hook->pad_bytes));
    free(text);
}

/* Gives the body in memory for free() and its usual type. */
static char *make_body(const struct hook *hook, const json_t *fields, const char **ret_type)
{
    static const char boundary[] = "----------------------exo5f1d2c3b4a";
    if (strcmp(hook->form, "json") == 0) {
        *ret_type = "application/json";
        return json_dumps(fields, JSON_COMPACT);
    }
    if (strcmp(hook->form, "form") == 0) {
        *ret_type = "application/x-www-form-urlencoded";
        return exo_as_form(fields);
    }
    *ret_type = "multipart/form-data; boundary=----------------------exo5f1d2c3b4a";
    return exo_as_multipart(fields, boundary);
}

static void send_copies(struct exotel *exotel, const struct hook *hook, struct sim_message *message)
{
    struct sim_service *service = exotel->service;
    for (json_int_t i = 0; i < hook->copies; i++) {
        message->is_lost =
            hook->is_lost || (int64_t)sim_random_below(service, 100) < (int64_t)hook->lost_percent;
        message->delay_ms = hook->delay_s * EXO_SECOND_MS;
        if (hook->jitter_s > 0)
            message->delay_ms +=
                (int64_t)sim_random_below(service, (uint64_t)hook->jitter_s * EXO_SECOND_MS + 1);
        sim_send(service, message);
    }
}

/* -1 when its URL is none. */
static int send_hook(struct exotel *exotel, const struct hook *hook)
{
    json_t *fields = make_fields(exotel, hook);
    bool is_get = strcmp(hook->method, "GET") == 0;
    char *base = hook->is_spoilt ? exo_spoil_secret(hook->url) : sim_strdup(hook->url), *body = NULL,
         *header = NULL;
    const char *type = "";
    if (!is_get) {
        add_padding(hook, fields);
        body = make_body(hook, fields, &type);
    }
    char *url = base ? exo_as_query(base, is_get ? fields : NULL) : NULL;
    if (hook->content_type[0])
        type = hook->content_type;
    if (body && asprintf(&header, "Content-Type: %s", type) < 0)
        abort();
    struct sim_message message = { .what = kind_words[hook->kind],
                                   .tag = hook->call->sid,
                                   .method = hook->method,
                                   .url = url,
                                   .headers = { header },
                                   .body = body,
                                   .body_size = body ? strlen(body) : 0,
                                   .timeout_ms = hook->timeout_ms };
    if (hook->has_retries) {
        message.retry_ms[0] = 300000;
        message.retry_ms[1] = 900000;
    }
    if (url)
        send_copies(exotel, hook, &message);
    int rc = url ? 0 : -1;
    free(base);
    free(url);
    free(body);
    free(header);
    json_decref(fields);
    return rc;
}

/* ---- by itself ----------------------------------------------------------------------------------------- */

/* What happens to a call and is told of. */
enum point { RINGS, FIRST_LEG_UP, SECOND_LEG_UP, ENDS, POINTS };

enum { RINGS_AFTER_MS = 3000, UP_AFTER_MS = 2000 };

/* A plan may let two talk for longer than there is a call. */
static int64_t second_leg_time(const struct exo_call *call)
{
    int64_t at_ms = call->end_ms - call->talk_s * EXO_SECOND_MS, first_ms = call->start_ms + UP_AFTER_MS;
    return at_ms > first_ms ? at_ms : first_ms;
}

/* When it happens, or -1 when it does not. */
static int64_t time_of(const struct exotel *exotel, const struct exo_call *call, enum point point)
{
    bool is_inbound = call->direction == EXO_INBOUND;
    int64_t at_ms = -1;
    if (point == RINGS && is_inbound && call->leg2_status)
        at_ms = call->start_ms + RINGS_AFTER_MS;
    else if (point == FIRST_LEG_UP && !is_inbound && call->leg1_s > 0)
        at_ms = call->start_ms + UP_AFTER_MS;
    else if (point == SECOND_LEG_UP && !is_inbound && call->talk_s > 0)
        at_ms = second_leg_time(call);
    else if (point == ENDS)
        at_ms = call->end_ms - sim_knob_int(exotel->service, EXO_WEBHOOK_EARLY_S) * EXO_SECOND_MS;
    return at_ms > call->end_ms ? call->end_ms : at_ms;
}

static void tell_by_url(struct exotel *exotel, const struct exo_call *call, enum exo_hook_kind kind,
                        const char *event)
{
    const struct hook hook = make_hook(exotel, kind, call, event);
    if (hook.url)
        (void)send_hook(exotel, &hook); /* The URL was looked at when it came. */
}

/* StatusCallback: connect's own, or the account's for outbound calls. */
static void tell_status(struct exotel *exotel, const struct exo_call *call, const char *event)
{
    struct hook hook = make_hook(exotel, EXO_STATUS_CALLBACK, call, event);
    bool is_over = strcmp(event, "terminal") == 0;
    bool has_all = strcmp(hook.fields, "all") == 0, wants_answered = has_all;
    if (call->callback_url) {
        hook.url = call->callback_url;
        hook.form = call->callback_is_json ? "json" : "multipart";
        has_all = call->callback_has_events;
        hook.fields = has_all ? "all" : "four";
        wants_answered = call->callback_wants_answered;
    } else if (call->direction == EXO_INBOUND &&
               !sim_knob_bool(exotel->service, EXO_STATUS_CALLBACK_INBOUND)) {
        return;
    }
    if (hook.url && (is_over || wants_answered))
        (void)send_hook(exotel, &hook); /* A URL that is none is not told, like one that nobody serves. */
}

static void tell(struct exotel *exotel, const struct exo_call *call, enum point point)
{
    switch (point) {
    case RINGS:
        tell_by_url(exotel, call, EXO_POPUP, "Dial");
        break;
    case FIRST_LEG_UP:
        tell_status(exotel, call, "answered");
        break;
    case SECOND_LEG_UP:
        tell_status(exotel, call, "answered2");
        break;
    default:
        if (call->direction == EXO_INBOUND && call->leg2_status)
            tell_by_url(exotel, call, EXO_POPUP, "Terminal");
        if (call->direction == EXO_INBOUND)
            tell_by_url(exotel, call, EXO_PASSTHRU, NULL);
        tell_status(exotel, call, "terminal");
    }
}

static bool tells_anybody(const struct exotel *exotel)
{
    return exotel->has_callbacks || exotel->hook_urls[EXO_STATUS_CALLBACK] ||
           exotel->hook_urls[EXO_PASSTHRU] || exotel->hook_urls[EXO_POPUP];
}

/* When the next thing happens that nobody was told of; -1: nothing will. */
static int64_t next_time(const struct exotel *exotel)
{
    int64_t next_ms = -1;
    for (size_t i = 0; i < exotel->call_count; i++)
        for (int point = 0; point < POINTS; point++) {
            int64_t at_ms = time_of(exotel, exotel->calls[i], (enum point)point);
            if (at_ms > exotel->hooks_told_ms && (next_ms < 0 || at_ms < next_ms))
                next_ms = at_ms;
        }
    return next_ms;
}

static void tell_all_of(struct exotel *exotel, int64_t time_ms)
{
    for (size_t i = 0; i < exotel->call_count; i++)
        for (int point = 0; point < POINTS; point++)
            if (time_of(exotel, exotel->calls[i], (enum point)point) == time_ms)
                tell(exotel, exotel->calls[i], (enum point)point);
}

void exo_hooks_catch_up(struct exotel *exotel)
{
    int64_t now_ms = sim_now_ms(exotel->service->sim);
    while (tells_anybody(exotel)) {
        int64_t next_ms = next_time(exotel);
        if (next_ms < 0 || next_ms > now_ms)
            break;
        tell_all_of(exotel, next_ms);
        exotel->hooks_told_ms = next_ms;
    }
    exotel->hooks_told_ms = now_ms;
}

static void on_alarm(struct sim_alarm *alarm)
{
    struct exotel *exotel = (struct exotel *)((char *)alarm - offsetof(struct exotel, hooks_alarm));
    exo_hooks_catch_up(exotel);
    exo_hooks_rearm(exotel);
}

void exo_hooks_rearm(struct exotel *exotel)
{
    struct sim *sim = exotel->service->sim;
    int64_t next_ms = tells_anybody(exotel) ? next_time(exotel) : -1;
    sim_alarm_clear(sim, &exotel->hooks_alarm);
    if (next_ms >= 0)
        sim_alarm_set(sim, &exotel->hooks_alarm, next_ms, on_alarm);
}

void exo_hooks_end_moved(struct exotel *exotel, const struct exo_call *call, int64_t old_end_ms)
{
    if (tells_anybody(exotel) && old_end_ms > exotel->hooks_told_ms && call->end_ms <= exotel->hooks_told_ms)
        tell(exotel, call, ENDS);
}

void exo_hooks_reset(struct exotel *exotel)
{
    sim_alarm_clear(exotel->service->sim, &exotel->hooks_alarm);
    for (int kind = 0; kind < EXO_HOOK_KINDS; kind++)
        exo_set_text(&exotel->hook_urls[kind], NULL);
    exotel->has_callbacks = false;
    exotel->hooks_told_ms = sim_now_ms(exotel->service->sim);
}

/* ---- by request ---------------------------------------------------------------------------------------- */

static int kind_of(const char *word)
{
    for (int kind = 0; kind < EXO_HOOK_KINDS; kind++)
        if (strcmp(kind_words[kind], word) == 0)
            return kind;
    return -1;
}

static bool is_url(const char *text)
{
    char *whole = text ? exo_as_query(text, NULL) : NULL;
    bool is_http = whole && (strncmp(whole, "http://", 7) == 0 || strncmp(whole, "https://", 8) == 0);
    free(whole);
    return is_http;
}

int exo_hooks_load(struct exotel *exotel, const json_t *plan, struct sim_error *err)
{
    const char *name;
    json_t *url;
    if (!json_is_object(plan))
        return sim_fail(err,
                        "exotel: webhooks is an object from status_callback, passthru and popup to URLs");
    json_object_foreach ((json_t *)(uintptr_t)plan, name, url) {
        if (kind_of(name) < 0)
            return sim_fail(
                err, "exotel: unknown webhook '%s'; there are status_callback, passthru and popup", name);
        if (!json_is_null(url) && !is_url(json_string_value(url)))
            return sim_fail(err, "exotel: webhook '%s': wanted a URL, or null", name);
    }
    exo_hooks_catch_up(exotel);
    json_object_foreach ((json_t *)(uintptr_t)plan, name, url)
        exo_set_text(&exotel->hook_urls[kind_of(name)], json_string_value(url));
    exo_hooks_rearm(exotel);
    return 0;
}

static int check_word(const char *name, const char *value, const char *const *words, struct sim_error *err)
{
    for (size_t i = 0; words[i]; i++)
        if (!value || strcmp(words[i], value) == 0)
            return 0;
    return sim_fail(err, "webhook: unknown %s '%s'", name, value);
}

static int check_hook(const struct hook *hook, struct sim_error *err)
{
    static const char *const events[] = { "terminal", "answered", "answered2", NULL };
    static const char *const popup_events[] = { "Dial", "Ringing", "Answered", "Terminal", NULL };
    static const char *const types[] = { "completed",    "client-hangup", "incomplete",
                                         "call-attempt", "voicemail",     NULL };
    static const char *const methods[] = { "GET", "POST", NULL };
    static const char *const forms[] = { "multipart", "json", "form", NULL };
    static const char *const fields[] = { "all", "four", NULL };
    if (!is_url(hook->url))
        return sim_fail(err, "webhook: no URL is known, and 'url' is none");
    if (hook->copies < 1 || hook->copies > 1000 || hook->delay_s < 0 || hook->pad_bytes < 0 ||
        hook->pad_bytes > 16777216 || hook->timeout_ms < 1)
        return sim_fail(err, "webhook: copies, delay_s, pad_bytes or timeout_ms is out of range");
    return check_word("event", hook->event, hook->kind == EXO_POPUP ? popup_events : events, err) < 0 ||
                   check_word("call_type", hook->type, types, err) < 0 ||
                   check_word("method", hook->method, methods, err) < 0 ||
                   check_word("form", hook->form, forms, err) < 0 ||
                   check_word("fields", hook->fields, fields, err) < 0
               ? -1
               : 0;
}

/* The failures are spelt out, because the analyzer cannot see what sim_fail returns. */
static int read_hook(struct exotel *exotel, json_t *plan, struct hook *ret_hook, struct sim_error *err)
{
    const char *word = NULL, *sid = NULL, *event = NULL;
    if (json_unpack(plan, "{s:s, s:s, s?s}", "kind", &word, "sid", &sid, "event", &event) < 0) {
        sim_fail(err, "a webhook has 'kind' and 'sid'");
        return -1;
    }
    int kind = kind_of(word);
    const struct exo_call *call = exo_find_call(exotel, sid);
    if (kind < 0 || !call) {
        sim_fail(err,
                 kind < 0 ? "unknown kind '%s'; there are status_callback, passthru and popup"
                          : "no call '%s'",
                 kind < 0 ? word : sid);
        return -1;
    }
    const char *initial = kind == EXO_POPUP ? "Terminal" : "terminal";
    struct hook hook = make_hook(exotel, (enum exo_hook_kind)kind, call, event ? event : initial);
    json_error_t error;
    if (json_unpack_ex(plan, &error, JSON_STRICT,
                       "{s:s, s:s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?s, s?o, s?o, s?I, s?I, s?I, s?I, "
                       "s?b, s?b, s?b, s?b}",
                       "kind", &word, "sid", &sid, "event", &event, "url", &hook.url, "method", &hook.method,
                       "form", &hook.form, "fields", &hook.fields, "call_type", &hook.type, "digits",
                       &hook.digits, "content_type", &hook.content_type, "set", &hook.set, "omit", &hook.omit,
                       "copies", &hook.copies, "delay_s", &hook.delay_s, "pad_bytes", &hook.pad_bytes,
                       "timeout_ms", &hook.timeout_ms, "lost", &hook.is_lost, "wrong_secret", &hook.is_spoilt,
                       "retries", &hook.has_retries, "extra_fields", &hook.has_extra) < 0) {
        sim_fail(err, "webhook: %s", error.text);
        return -1;
    }
    *ret_hook = hook;
    return check_hook(&hook, err);
}

int exo_hooks_send(struct exotel *exotel, json_t *plan, size_t *ret_count, struct sim_error *err)
{
    struct hook hook;
    if (read_hook(exotel, plan, &hook, err) < 0)
        return -1;
    if (send_hook(exotel, &hook) < 0)
        return sim_fail(err, "webhook: '%s' is no URL", hook.url);
    *ret_count = (size_t)hook.copies;
    return 0;
}
