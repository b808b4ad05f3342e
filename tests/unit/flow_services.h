/* The services that flow tests call: a small shop of contacts, tickets and notes, answered by a few C functions, and the
 * ways in which a request to it goes wrong. What is asserted in the end is what this shop has got. */
#ifndef TESTS_UNIT_FLOW_SERVICES_H
#define TESTS_UNIT_FLOW_SERVICES_H

#include <stdlib.h>

#include "base/json.h"
#include "flow/flow.h"
#include "unit/check.h"

enum { SHOP_MAX = 64 };

struct shop {
    struct {
        char name[64];
        int64_t at_ms;
    } contacts[SHOP_MAX];
    struct {
        char reference[32], contact[32];
        int64_t at_ms;
    } tickets[SHOP_MAX];
    struct {
        int ticket, part;
    } notes[SHOP_MAX];
    int contact_count, ticket_count, note_count, transcriptions, token_count;
    int64_t late_ms; /* of MISHAP_LATE */
    int64_t lag_ms;  /* contacts and tickets show in lists after this long */
    char calls[SHOP_MAX][32];
    int call_count;
};

/* ---- what the shop answers -------------------------------------------------------------------------- */

static struct http_response *answer(int status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct http_response *response = http_response_new(status, text ? text : "", text ? strlen(text) : 0);

    assert_non_null(response);
    free(text);
    json_decref(body);
    return response;
}

static struct http_response *shop_find(const struct shop *shop, int64_t now_ms, const char *what,
                                       const char *word)
{
    if (strcmp(what, "contacts") == 0) {
        for (int i = 0; i < shop->contact_count; i++)
            if (strcmp(shop->contacts[i].name, word) == 0 && shop->contacts[i].at_ms + shop->lag_ms <= now_ms)
                return answer(200, json_pack("{s:i}", "id", i + 1));
    } else if (strcmp(what, "tickets") == 0) {
        json_t *ids = json_array();
        for (int i = 0; i < shop->ticket_count; i++)
            if (strcmp(shop->tickets[i].reference, word) == 0 &&
                shop->tickets[i].at_ms + shop->lag_ms <= now_ms)
                (void)json_array_append_new(ids, json_sprintf("%d", i + 1));
        if (json_array_size(ids))
            return answer(200, json_pack("{s:i, s:o}", "id",
                                         (int)strtol(json_string_value(json_array_get(ids, 0)), NULL, 10),
                                         "ids", ids));
        json_decref(ids);
    } else if (strcmp(what, "ticket") == 0) {
        int i = (int)strtol(word, NULL, 10) - 1;
        if (i < 0 || i >= shop->ticket_count)
            return answer(404, NULL);
        return answer(200, json_pack("{s:i, s:s}", "id", i + 1, "reference", shop->tickets[i].reference));
    } else {
        int ticket = 0, part = 0;
        (void)sscanf(word, "%d-%d", &ticket, &part); /* NOLINT: a test's own text */
        for (int i = 0; i < shop->note_count; i++)
            if (shop->notes[i].ticket == ticket && shop->notes[i].part == part)
                return answer(200, json_pack("{s:i}", "id", i + 1));
    }
    return answer(204, NULL);
}

static struct http_response *shop_create(struct shop *shop, int64_t now_ms, const char *what,
                                         const json_t *body)
{
    if (strcmp(what, "contacts") == 0) {
        int i = shop->contact_count++;
        assert_true(i < SHOP_MAX);
        (void)snprintf(shop->contacts[i].name, sizeof(shop->contacts[i].name), "%s", json_str(body, "name"));
        shop->contacts[i].at_ms = now_ms;
        return answer(200, json_pack("{s:i}", "id", i + 1));
    }
    if (strcmp(what, "tickets") == 0) {
        int i = shop->ticket_count++;
        assert_true(i < SHOP_MAX);
        (void)snprintf(shop->tickets[i].reference, 32, "%s", json_str(body, "reference"));
        (void)snprintf(shop->tickets[i].contact, 32, "%lld", (long long)json_int(body, "contact", 0));
        shop->tickets[i].at_ms = now_ms;
        return answer(200, json_pack("{s:i}", "id", i + 1));
    }
    int i = shop->note_count++;
    assert_true(i < SHOP_MAX);
    shop->notes[i].ticket = (int)json_int(body, "ticket", 0);
    shop->notes[i].part = (int)json_int(body, "part", -1);
    return answer(200, json_pack("{s:i}", "id", i + 1));
}

static struct http_response *shop_answer(struct shop *shop, int64_t now_ms,
                                         const struct http_request *request)
{
    const char *path = strstr(request->url, "://");
    char what[32] = "", word[64] = "";

    path = strchr(path + 3, '/') + 1;
    (void)sscanf(path, "%31[^/?]/%63s", what, word); /* NOLINT: a test's own text */
    if (strcmp(what, "token") == 0) {
        shop->token_count++;
        return answer(200, json_pack("{s:s, s:i}", "access_token", "fresh", "expires_in", 3600));
    }
    if (strcmp(what, "calls") == 0) {
        json_t *list = json_array();
        for (int i = 0; i < shop->call_count; i++)
            (void)json_array_append_new(list, json_string(shop->calls[i]));
        return answer(200, json_pack("{s:o}", "calls", list));
    }
    if (strcmp(what, "think") == 0) {
        shop->transcriptions++;
        return answer(200, json_pack("{s:s}", "text", "hello"));
    }
    if (strcmp(request->method, "GET") == 0)
        return shop_find(shop, now_ms, what, word);
    json_t *body = json_parse(request->body, request->body_size, NULL);
    struct http_response *response = shop_create(shop, now_ms, what, body);
    json_decref(body);
    return response;
}

/* ---- what goes wrong -------------------------------------------------------------------------------- */

/* What becomes of a request. */
enum mishap {
    MISHAP_NONE,
    MISHAP_REFUSED,      /* not sent: connection refused */
    MISHAP_LOST_REPLY,   /* it happened, the answer is lost */
    MISHAP_LOST_REQUEST, /* sent, never arrived */
    MISHAP_LATE,         /* sent, and arrives long after its sender has given it up */
    MISHAP_500_AFTER,    /* it happened, the answer is 500 */
    MISHAP_429,
    MISHAP_401,
    MISHAP_503,
    MISHAP_GARBLED, /* it happened, 200 with half a body */
    MISHAP_422      /* refused for good, which not every step outlives */
};

static struct http_response *broken(enum http_sent sent, const char *fault)
{
    struct http_response *response = http_response_new(0, "", 0);

    response->sent = sent;
    (void)snprintf(response->fault, sizeof(response->fault), "%s", fault);
    return response;
}

static struct http_response *mishap_answer(struct shop *shop, int64_t now_ms, enum mishap mishap,
                                           const struct http_request *request)
{
    struct http_response *good = NULL;

    switch (mishap) {
    case MISHAP_REFUSED:
        return broken(HTTP_NOT_SENT, "connection refused");
    case MISHAP_LOST_REQUEST:
        return broken(HTTP_MAYBE_SENT, "no answer within 30s");
    case MISHAP_422:
        return answer(422, NULL);
    case MISHAP_429:
        return answer(429, NULL);
    case MISHAP_401:
        return answer(401, NULL);
    case MISHAP_503:
        return answer(503, NULL);
    case MISHAP_LATE:
        good = shop_answer(shop, now_ms + shop->late_ms, request);
        http_response_free(good);
        return broken(HTTP_MAYBE_SENT, "no answer within 30s");
    case MISHAP_LOST_REPLY:
        good = shop_answer(shop, now_ms, request);
        http_response_free(good);
        return broken(HTTP_MAYBE_SENT, "connection reset");
    case MISHAP_500_AFTER:
        good = shop_answer(shop, now_ms, request);
        http_response_free(good);
        return answer(500, NULL);
    case MISHAP_GARBLED:
        good = shop_answer(shop, now_ms, request);
        http_response_free(good);
        return http_response_new(200, "{\"i", 3);
    case MISHAP_NONE:
        break;
    }
    return shop_answer(shop, now_ms, request);
}

#endif
