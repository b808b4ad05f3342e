/* The HTTP client: which transfers there are, and what becomes of each. */
#include "io/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "io/http_easies.h"
#include "io/http_multis.h"
#include "io/http_save.h"
#include "io/http_transfer.h"

enum {
    WATCH_MAX_MS = 5000, /* between two looks at stalls and idle handles */
    /* A body that has begun must go on: fewer bytes than this in one period end the transfer. Waiting for the
     * first byte is another matter, a transcription takes its minutes; there only the request's own time
     * limit counts. */
    STALL_DEFAULT_MS = 30 * 1000,
    STALL_BYTES_PER_S = 64
};

enum transfer_stage {
    STAGE_RUNNING, /* in libcurl */
    STAGE_SAVING,  /* complete; the file is being synced */
    STAGE_ENDED    /* the response waits for its `done` */
};

/* One transfer in the client's books. `http` comes first: libcurl's callbacks know only it. */
struct transfer {
    struct http_transfer http;
    struct http_client *client;
    struct transfer *prev, *next; /* of all that are running or saving, or of the ended */
    uint64_t id;
    enum transfer_stage stage;
    bool is_cancelled;
    uint64_t stall_at_ms, stall_bytes; /* when and at which size the stall watch last looked */
    http_done_fn done;
    void *done_ctx;
};

_Static_assert(offsetof(struct transfer, http) == 0, "on_ended finds the transfer by its first member");

struct transfer_list {
    struct transfer *head, *tail;
};

/* An id is the slot's number and how often the slot was used before, so that a late cancel hits nobody else.
 */
struct slot {
    struct transfer *transfer; /* NULL: free */
    uint32_t uses;
    uint32_t next_free;
};

struct http_client {
    struct loop *loop;
    struct log *log;
    struct http_easies *easies;
    struct http_multis *multis;
    struct http_saver *saver;
    struct http_scratch scratch;
    struct loop_timer *soon;  /* delivers what ended outside libcurl's turns */
    struct loop_timer *watch; /* stalls, idle handles */
    bool is_watching;
    bool is_delivering;
    uint32_t stall_ms, watch_ms;
    struct transfer_list busy, ended;
    size_t in_flight;
    struct slot *slots;
    uint32_t slot_count, slot_free; /* slot_free: index + 1, 0 for none */
};

/* ---- books ---- */

static void list_append(struct transfer_list *list, struct transfer *transfer)
{
    transfer->prev = list->tail;
    transfer->next = NULL;
    if (list->tail)
        list->tail->next = transfer;
    else
        list->head = transfer;
    list->tail = transfer;
}

static void list_remove(struct transfer_list *list, struct transfer *transfer)
{
    if (transfer->prev)
        transfer->prev->next = transfer->next;
    else
        list->head = transfer->next;
    if (transfer->next)
        transfer->next->prev = transfer->prev;
    else
        list->tail = transfer->prev;
}

static int add_slots(struct http_client *client)
{
    uint32_t count = client->slot_count ? client->slot_count * 2 : 64;
    struct slot *grown = reallocarray(client->slots, count, sizeof(*grown));
    if (!grown)
        return -1;
    for (uint32_t i = client->slot_count; i < count; i++)
        grown[i] = (struct slot){ .next_free = i + 1 < count ? i + 2 : 0 };
    client->slot_free = client->slot_count + 1;
    client->slots = grown;
    client->slot_count = count;
    return 0;
}

static int take_slot(struct http_client *client, struct transfer *transfer)
{
    if (client->slot_free == 0 && add_slots(client) < 0)
        return -1;
    uint32_t index = client->slot_free - 1;
    struct slot *slot = &client->slots[index];
    client->slot_free = slot->next_free;
    slot->transfer = transfer;
    slot->uses++;
    transfer->id = (uint64_t)slot->uses << 32 | index;
    return 0;
}

static void give_slot(struct http_client *client, const struct transfer *transfer)
{
    uint32_t index = (uint32_t)transfer->id;

    client->slots[index].transfer = NULL;
    client->slots[index].next_free = client->slot_free;
    client->slot_free = index + 1;
}

static struct transfer *find_transfer(const struct http_client *client, uint64_t id)
{
    uint32_t index = (uint32_t)id;

    if (index >= client->slot_count || client->slots[index].uses != (uint32_t)(id >> 32))
        return NULL;
    return client->slots[index].transfer;
}

static void transfer_free(struct transfer *transfer)
{
    give_slot(transfer->client, transfer);
    http_transfer_done(&transfer->http);
    free(transfer);
}

/* ---- ends ---- */

static void end(struct transfer *transfer)
{
    struct http_client *client = transfer->client;
    struct http_response *response = transfer->http.answer.response;

    assert(transfer->stage != STAGE_ENDED);
    response->duration_ms = (uint32_t)(loop_now_ms(client->loop) - transfer->http.started_ms);
    transfer->stage = STAGE_ENDED;
    list_remove(&client->busy, transfer);
    list_append(&client->ended, transfer);
}

/* Ends the transfer without an answer; what came of one is dropped. */
static void end_with_fault(struct transfer *transfer, const char *why)
{
    struct http_answer *answer = &transfer->http.answer;

    http_answer_restart(answer);
    answer->response->status = 0;
    answer->response->is_saved = false;
    answer->response->sent = transfer->http.asked > 0 ? HTTP_MAYBE_SENT : HTTP_NOT_SENT;
    answer->response->is_forbidden = http_transfer_is_forbidden(&transfer->http);
    http_fault_set(answer->response->fault, "%s", why);
    answer->response->body = calloc(1, 1);
    end(transfer);
}

static void leave_libcurl(struct transfer *transfer)
{
    struct http_transfer *http = &transfer->http;

    if (http->multi)
        http_multis_remove(http->multi, http->easy);
    if (http->easy)
        http_easies_put(transfer->client->easies, http->easy);
    http->multi = NULL;
    http->easy = NULL;
}

static void on_saved(void *ctx, struct http_save *save, const char *fault)
{
    struct transfer *transfer = ctx;
    struct http_client *client = transfer->client;

    if (fault || transfer->is_cancelled) {
        end_with_fault(transfer, transfer->is_cancelled ? "cancelled" : fault);
        http_save_drop(save); /* after its last use: `fault` is in it */
    } else {
        http_save_keep(save);
        end(transfer);
    }
    loop_timer_arm(client->soon, 0);
}

static void end_with_answer(struct transfer *transfer)
{
    struct http_answer *answer = &transfer->http.answer;

    if (!answer->has_head) {
        /* Libcurl takes a head that stops after some whole line for an answer. */
        char why[HTTP_FAULT_MAX];
        http_transfer_explain(&transfer->http, CURLE_PARTIAL_FILE, why);
        end_with_fault(transfer, why);
    } else if (!http_answer_complete(answer)) {
        end_with_fault(transfer, answer->fault);
    } else if (!answer->save) {
        end(transfer);
    } else {
        struct http_save *save = answer->save;
        answer->save = NULL;
        http_save_describe(save, answer->response);
        transfer->stage = STAGE_SAVING;
        http_saver_finish(transfer->client->saver, save, on_saved, transfer);
    }
}

static void watch_soon(struct http_client *client)
{
    if (client->is_watching)
        return;
    client->is_watching = true;
    loop_timer_arm(client->watch, client->watch_ms);
}

/* Hands the transfer to libcurl. Ends it when that fails. */
static void launch(struct transfer *transfer)
{
    struct http_client *client = transfer->client;
    struct http_transfer *http = &transfer->http;
    struct sb_error err = SB_ERROR_INIT;

    http->easy = http_easies_take(client->easies);
    if (!http->easy) {
        end_with_fault(transfer, "cannot start the exchange: out of memory");
        return;
    }
    if (http_transfer_aim(http, loop_now_ms(client->loop), &err) == 0)
        http->multi = http_multis_add(client->multis, http->easy, &http->guard);
    if (!http->multi) {
        leave_libcurl(transfer);
        end_with_fault(transfer, err.status < 0 ? err.text : "cannot start the exchange: libcurl refused it");
        return;
    }
    watch_soon(client);
}

static void on_ended(void *ctx, void *easy, int code)
{
    struct http_client *client = ctx;
    char *private = NULL;
    char why[HTTP_FAULT_MAX];
    const char *refused = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private); /* set by http_transfer_aim */
    struct transfer *transfer = (struct transfer *)(void *)private;
    if (code != CURLE_OK) {
        http_transfer_explain(&transfer->http, code, why);
        leave_libcurl(transfer);
        end_with_fault(transfer, why);
        return;
    }
    leave_libcurl(transfer);
    if (transfer->http.answer.has_head &&
        http_transfer_redirect(&transfer->http, &client->scratch, &refused)) {
        launch(transfer);
        return;
    }
    if (refused)
        LOG_WARN(client->log, "redirect not followed", LOG_STR("host", transfer->http.target.host),
                 LOG_STR("because", refused));
    end_with_answer(transfer);
}

/* ---- delivery ---- */

static void deliver_first(struct http_client *client)
{
    struct transfer *transfer = client->ended.head;
    http_done_fn done = transfer->done;
    void *done_ctx = transfer->done_ctx;
    struct http_response *response = transfer->http.answer.response;

    assert(!transfer->prev); /* it is the first */
    transfer->http.answer.response = NULL;
    list_remove(&client->ended, transfer);
    client->in_flight--;
    transfer_free(transfer); /* before `done`, which may free the request */
    done(done_ctx, response);
}

/* Only what has ended by now: a `done` that starts transfers which end at once must not keep the loop here.
 */
static void deliver(void *ctx)
{
    struct http_client *client = ctx;
    const struct transfer *last = client->ended.tail;
    bool was_last = !last;

    if (client->is_delivering)
        return;
    client->is_delivering = true;
    while (!was_last) {
        was_last = client->ended.head == last;
        deliver_first(client);
    }
    client->is_delivering = false;
    if (client->ended.head)
        loop_timer_arm(client->soon, 0);
}

/* ---- watching ---- */

/* Whether the body of a running transfer has come too slowly since the last look that began a period. */
static bool is_stalled(const struct http_client *client, struct transfer *transfer, uint64_t now_ms)
{
    const struct http_answer *answer = &transfer->http.answer;

    if (transfer->stage != STAGE_RUNNING || !answer->has_head || transfer->stall_at_ms == 0) {
        transfer->stall_at_ms = now_ms;
        transfer->stall_bytes = answer->body_size;
        return false;
    }
    uint64_t period_ms = now_ms - transfer->stall_at_ms;
    if (period_ms < client->stall_ms)
        return false;
    bool is_slow = (answer->body_size - transfer->stall_bytes) * 1000 < STALL_BYTES_PER_S * period_ms;
    transfer->stall_at_ms = now_ms;
    transfer->stall_bytes = answer->body_size;
    return is_slow;
}

static void end_stalled(struct http_client *client)
{
    uint64_t now_ms = loop_now_ms(client->loop);
    char why[HTTP_FAULT_MAX];
    char period[24];
    struct transfer *next;

    for (struct transfer *transfer = client->busy.head; transfer; transfer = next) {
        next = transfer->next;
        if (!is_stalled(client, transfer, now_ms))
            continue;
        format_duration(client->stall_ms, period);
        http_fault_set(why, "the answer of %s came too slowly: under %d bytes a second for %s",
                       transfer->http.target.host, STALL_BYTES_PER_S, period);
        leave_libcurl(transfer);
        end_with_fault(transfer, why);
    }
}

static void on_watch(void *ctx)
{
    struct http_client *client = ctx;

    end_stalled(client);
    bool has_idle = http_multis_tidy(client->multis);
    client->is_watching = false;
    if (has_idle || client->busy.head)
        watch_soon(client);
    deliver(client);
}

/* ---- life ---- */

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct log *log, struct sb_error *err)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client) {
        sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
        return NULL;
    }
    client->loop = loop;
    client->log = log;
    client->stall_ms = options->stall_timeout_ms ? options->stall_timeout_ms : STALL_DEFAULT_MS;
    client->watch_ms = client->stall_ms / 4 < WATCH_MAX_MS ? client->stall_ms / 4 : WATCH_MAX_MS;
    if (options->idle_timeout_ms && options->idle_timeout_ms < client->watch_ms)
        client->watch_ms = options->idle_timeout_ms;
    client->soon = loop_timer_new(loop, deliver, client);
    client->watch = loop_timer_new(loop, on_watch, client);
    client->saver = http_saver_new(loop);
    client->easies = http_easies_new(options, err);
    client->multis = http_multis_new(loop, options, on_ended, deliver, client, err);
    if (!client->soon || !client->watch || !client->saver || !client->easies || !client->multis ||
        http_scratch_init(&client->scratch) < 0) {
        sb_fail(err, SB_ENOMEM, "cannot make the HTTP client: out of memory");
        http_client_free(client);
        return NULL;
    }
    return client;
}

static void free_all(struct transfer_list *list)
{
    struct transfer *next;

    for (struct transfer *transfer = list->head; transfer; transfer = next) {
        next = transfer->next;
        leave_libcurl(transfer);
        transfer_free(transfer);
    }
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    assert(!client->is_delivering);
    http_saver_free(client->saver); /* first: afterwards it knows no transfer any more */
    free_all(&client->busy);
    free_all(&client->ended);
    http_multis_free(client->multis);
    http_easies_free(client->easies); /* after the multi handles, whose connections use what is shared */
    http_scratch_done(&client->scratch);
    loop_timer_free(client->soon);
    loop_timer_free(client->watch);
    free(client->slots);
    free(client);
}

/* ---- sending ---- */

uint64_t http_client_send(struct http_client *client, const struct http_request *request,
                          http_resolve_fn resolve, void *resolve_ctx, http_done_fn done, void *done_ctx)
{
    struct sb_error err = SB_ERROR_INIT;
    struct transfer *transfer = calloc(1, sizeof(*transfer));

    if (!transfer || take_slot(client, transfer) < 0) {
        free(transfer);
        return 0;
    }
    transfer->client = client;
    transfer->done = done;
    transfer->done_ctx = done_ctx;
    transfer->http.request = request;
    transfer->http.resolve = resolve;
    transfer->http.resolve_ctx = resolve_ctx;
    transfer->http.started_ms = loop_now_ms(client->loop);
    int rc = http_transfer_open(&transfer->http, &client->scratch, &err);
    if (!transfer->http.answer.response) { /* not even room for an answer */
        transfer_free(transfer);
        return 0;
    }
    uint64_t id = transfer->id;
    list_append(&client->busy, transfer);
    client->in_flight++;
    if (rc < 0)
        end_with_fault(transfer, err.text);
    else
        launch(transfer);
    if (client->ended.head && !client->is_delivering)
        loop_timer_arm(client->soon, 0);
    return id;
}

void http_client_cancel(struct http_client *client, uint64_t id)
{
    struct transfer *transfer = find_transfer(client, id);

    if (!transfer || transfer->stage == STAGE_ENDED)
        return;
    if (transfer->stage == STAGE_SAVING) {
        transfer->is_cancelled = true; /* the background thread has the file; on_saved removes it */
        return;
    }
    leave_libcurl(transfer);
    end_with_fault(transfer, "cancelled");
    if (!client->is_delivering)
        loop_timer_arm(client->soon, 0);
}

size_t http_client_in_flight(const struct http_client *client)
{
    return client->in_flight;
}
