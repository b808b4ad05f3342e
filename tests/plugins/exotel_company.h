/* A small telephone company with a clock of its own: its calls, and the list of them as the contract describes it. */
#ifndef EXOTEL_COMPANY_H
#define EXOTEL_COMPANY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exotel_kit.h"

enum { CALLS_MAX = 600, IST_MINUTES = 330 };

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* ---- the company --------------------------------------------------------------------------------------- */

struct world_call {
    char sid[40];
    int64_t start_ms, end_ms, settle_ms; /* settle_ms: when the late fields are written; -1: never */
    bool has_status, has_recording;
    unsigned emits;
    int64_t emitted_ms;
};

enum page_end { END_NULL, END_EMPTY, END_ABSENT };

struct world {
    const char *name;
    int64_t now_ms, begin_ms;
    struct world_call calls[CALLS_MAX];
    size_t call_count;
    bool shows_running, has_date, is_lenient;
    enum page_end page_end;
    const char *next_prefix;       /* of NextPageUri */
    int64_t cursors_live_since_ms; /* cursors from before are refused */
    uint64_t random;
    unsigned requests, refused;
};

static inline uint64_t next_random(struct world *world)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random;
}

static inline int64_t random_up_to(struct world *world, int64_t limit)
{
    return (int64_t)(next_random(world) % (uint64_t)(limit + 1));
}

static inline const char *ist(int64_t ms, char text[32])
{
    static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t seconds = ms / SECOND + INT64_C(60) * IST_MINUTES;
    int64_t day_of_2026 = seconds / 86400 - 20454; /* days from 1970 to 2026 */
    int month = 11;

    assert_in_range(day_of_2026, 0, 364);
    while (days_before[month] > day_of_2026)
        month--;
    (void)snprintf(text, 32, "2026-%02d-%02d %02d:%02d:%02d", month + 1,
                   (int)(day_of_2026 - days_before[month] + 1), (int)(seconds % 86400 / 3600),
                   (int)(seconds % 3600 / 60), (int)(seconds % 60));
    return text;
}

static inline bool has_ended(const struct world *world, const struct world_call *call)
{
    return world->now_ms >= call->end_ms;
}

static inline bool is_visible(const struct world *world, const struct world_call *call)
{
    return world->now_ms >= call->start_ms && (world->shows_running || has_ended(world, call));
}

static inline json_t *view(const struct world *world, const struct world_call *call)
{
    char start[32], end[32], updated[32];
    bool ended = has_ended(world, call);
    bool settled = ended && call->settle_ms >= 0 && world->now_ms >= call->settle_ms;
    int64_t touched = settled ? call->settle_ms : ended ? call->end_ms : call->start_ms;

    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Sid", call->sid, "DateCreated",
                             ist(call->start_ms, start), "DateUpdated", ist(touched, updated), "From",
                             "05550100001", "To", settled ? "05550100101" : "05550100900", "PhoneNumberSid",
                             "05550100900", "Direction", "inbound");
    (void)json_object_set_new(item, "Status",
                              !ended             ? json_string("in-progress")
                              : call->has_status ? json_string("completed")
                                                 : json_null());
    (void)json_object_set_new(item, "EndTime",
                              settled ? json_string(ist(call->end_ms, end))
                              : ended ? json_string("1970-01-01 05:30:00")
                                      : json_null());
    (void)json_object_set_new(item, "Duration",
                              settled ? json_integer((call->end_ms - call->start_ms) / SECOND) : json_null());
    if (settled && call->has_recording)
        (void)json_object_set_new(item, "RecordingUrl", json_string("https://recordings.exotel.com/a/b.mp3"));
    (void)json_object_set_new(item, "Details",
                              settled ? json_pack("{s:i, s:s, s:s}", "ConversationDuration", 10, "Leg1Status",
                                                  "completed", "Leg2Status", "completed")
                                      : json_pack("{s:i, s:s, s:n}", "ConversationDuration", 0, "Leg1Status",
                                                  ended ? "completed" : "in-progress", "Leg2Status"));
    return item;
}

/* ---- its list ------------------------------------------------------------------------------------------ */

static inline bool query_value(const char *url, const char *name, char *out, size_t size)
{
    size_t name_size = strlen(name), length = 0;

    for (const char *at = strchr(url, '?'); at; at = strchr(at + 1, '&')) {
        if (strncmp(at + 1, name, name_size) != 0 || at[name_size + 1] != '=')
            continue;
        for (at += name_size + 2; *at && *at != '&'; at++) {
            assert_true(length + 1 < size);
            unsigned byte = (unsigned char)*at;
            if (*at == '%') {
                assert_int_equal(sscanf(at + 1, "%2x", &byte), 1);
                at += 2;
            } else if (*at == '+') {
                byte = ' ';
            }
            out[length++] = (char)byte;
        }
        out[length] = '\0';
        return true;
    }
    return false;
}

struct answer {
    int status;
    char headers[128];
    char *body; /* owned */
};

static inline void refuse(struct world *world, struct answer *answer, const char *message)
{
    json_t *body = json_pack("{s:{s:i, s:s}}", "RestException", "Status", 400, "Message", message);

    world->refused++;
    answer->status = 400;
    answer->body = json_dumps(body, 0);
    json_decref(body);
}

static inline int compare_calls(const void *a, const void *b)
{
    const struct world_call *one = a, *other = b;

    if (one->start_ms / SECOND != other->start_ms / SECOND)
        return one->start_ms < other->start_ms ? -1 : 1;
    return strcmp(one->sid, other->sid);
}

/* The cursor names the last call of the page before, dressed so that it must be escaped. */
static inline size_t first_after(const struct world *world, const char *cursor, bool *ret_is_known)
{
    for (size_t i = 0; i < world->call_count; i++) {
        if (strstr(cursor, world->calls[i].sid)) {
            *ret_is_known = strncmp(cursor, "a+b/c=", 6) == 0;
            return i + 1;
        }
    }
    *ret_is_known = false;
    return 0;
}

static inline void end_page(const struct world *world, json_t *metadata, const char *last_sid, bool has_more)
{
    char uri[256];

    if (has_more) {
        (void)snprintf(uri, sizeof(uri), "%s?PageSize=5&After=a%%2Bb%%2Fc%%3D%s&details=true",
                       world->next_prefix, last_sid);
        (void)json_object_set_new(metadata, "NextPageUri", json_string(uri));
    } else if (world->page_end != END_ABSENT) {
        (void)json_object_set_new(metadata, "NextPageUri",
                                  world->page_end == END_NULL ? json_null() : json_string(""));
    }
}

static inline void list_page(struct world *world, const char *url, size_t first, int64_t from_ms,
                             int64_t to_ms, const char *sids, struct answer *answer)
{
    char text[64];
    json_t *calls = json_array(), *metadata = json_object();
    const char *last_sid = "";
    bool has_more = false;

    assert_true(query_value(url, "PageSize", text, sizeof(text)));
    size_t page_size = strtoul(text, NULL, 10);
    for (size_t i = first; i < world->call_count; i++) {
        const struct world_call *call = &world->calls[i];
        int64_t start_ms = call->start_ms / SECOND * SECOND;
        if (!is_visible(world, call) || start_ms < from_ms || start_ms > to_ms ||
            (sids && !strstr(sids, call->sid)))
            continue;
        if (json_array_size(calls) == page_size) {
            has_more = true;
            break;
        }
        (void)json_array_append_new(calls, view(world, call));
        last_sid = call->sid;
    }
    end_page(world, metadata, last_sid, has_more);
    json_t *page = json_pack("{s:o, s:o}", "Metadata", metadata, "Calls", calls);
    answer->status = 200;
    answer->body = json_dumps(page, 0);
    json_decref(page);
}

static inline void serve(struct world *world, const char *url, struct answer *answer)
{
    char filter[128] = "", cursor[128] = "", sids[8192];
    int64_t from_ms = 0, to_ms = INT64_MAX;
    size_t first = 0;
    bool has_sids = query_value(url, "Sid", sids, sizeof(sids));

    world->requests++;
    assert_non_null(strstr(url, "/v1/Accounts/acmedemo1/Calls.json?"));
    if (query_value(url, "DateCreated", filter, sizeof(filter))) {
        assert_int_equal(strlen(filter), strlen("gte:2026-03-10 00:00:00;lte:2026-03-10 00:00:00"));
        filter[23] = '\0';
        from_ms = sb_parse_wall_time(filter + 4, IST_MINUTES);
        to_ms = sb_parse_wall_time(filter + 28, IST_MINUTES);
        assert_true(from_ms > 0 && to_ms >= from_ms);
        if ((to_ms > world->now_ms && !world->is_lenient) || to_ms - from_ms > 31 * (24 * HOUR)) {
            refuse(world, answer, "time range is out of bounds");
            return;
        }
    } else {
        assert_true(has_sids);
        from_ms = world->now_ms - 31 * (24 * HOUR);
    }
    if (query_value(url, "After", cursor, sizeof(cursor))) {
        bool is_known = false;
        first = first_after(world, cursor, &is_known);
        assert_true(is_known);
        if (world->cursors_live_since_ms > world->now_ms - 3 * SECOND) {
            refuse(world, answer, "Invalid parameter");
            return;
        }
    }
    list_page(world, url, first, from_ms, to_ms, has_sids ? sids : NULL, answer);
}

static inline void set_headers(const struct world *world, struct answer *answer)
{
    static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    char text[32];

    (void)snprintf(answer->headers, sizeof(answer->headers), "{}");
    if (!world->has_date)
        return;
    (void)ist(world->now_ms - IST_MINUTES * MINUTE, text);
    (void)snprintf(answer->headers, sizeof(answer->headers), "{\"Date\": \"%s, %.2s %s %.4s %s GMT\"}",
                   days[world->now_ms / SECOND / 86400 % 7], text + 8, months[strtol(text + 5, NULL, 10) - 1],
                   text, text + 11);
}

#endif
