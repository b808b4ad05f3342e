/* Exotel's voice API, version 1, as far as it is asked: the list of calls with cursors, and single calls. Times are the
 * wall clock of India; calls that go on are hidden from the list and shown by themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/scope.h"
#include "base/timefmt.h"
#include "simulation/company.h"
#include "simulation/memory.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    (24 * 60 * MINUTE_MS)
#define IST_MS    (330 * MINUTE_MS)

enum { IST_MINUTES = 330, PAGE_DEFAULT = 50, PAGE_MAX = 100, SIDS_MAX = 100, AUTHORIZATION_MAX = 256 };

static const char calls_path[] = "/v1/Accounts/" SIM_ACCOUNT "/Calls";

static void refuse(struct sim_reply *reply, int status, const char *message)
{
    sim_reply_json(reply, status,
                   json_pack("{s:{s:i, s:s}}", "RestException", "Status", status, "Message", message));
}

bool exotel_is_authorized(const struct sim_request *request)
{
    static const char pair[] = SIM_EXOTEL_KEY ":" SIM_EXOTEL_TOKEN;
    const char *given = sim_request_header(request, "Authorization");
    AUTO_BUF want;

    buf_init(&want, AUTHORIZATION_MAX);
    buf_str(&want, "Basic ");
    digest_base64(pair, sizeof(pair) - 1, &want);
    return given && strcmp(given, want.data) == 0;
}

/* ---- one call ------------------------------------------------------------------------------------------ */

static json_t *wall_time(int64_t ms)
{
    char text[TIME_TEXT_MAX];

    time_format_wall(ms, IST_MINUTES, text);
    return json_string(text);
}

static bool has_settled(const struct truth_call *call, int64_t now_ms)
{
    return now_ms >= call->settled_ms;
}

/* What is written about the legs: nothing before the call has settled, and for some calls never. */
static json_t *details_of(const struct truth_call *call, int64_t now_ms)
{
    if (!has_settled(call, now_ms))
        return json_pack("{s:i, s:s, s:n, s:[]}", "ConversationDuration", 0, "Leg1Status", "completed",
                         "Leg2Status", "Legs");
    return json_pack("{s:I, s:s, s:s?, s:[{s:{s:i, s:I}}, {s:{s:i, s:I}}]}", "ConversationDuration",
                     (json_int_t)(call->kind == TRUTH_NO_STATUS ? 0 : call->talk_s), "Leg1Status",
                     "completed", "Leg2Status", call->leg2, "Legs", "Leg", "Id", 1, "OnCallDuration",
                     (json_int_t)call->duration_s, "Leg", "Id", 2, "OnCallDuration",
                     (json_int_t)call->talk_s);
}

static const char *status_of(const struct truth_call *call, int64_t now_ms)
{
    if (now_ms < call->ended_ms)
        return "in-progress";
    if (call->kind == TRUTH_NO_STATUS)
        return NULL;
    if (call->kind == TRUTH_MISSED && !call->is_inbound)
        return call->leg2 && strcmp(call->leg2, "canceled") != 0 ? call->leg2 : "failed";
    return "completed";
}

static json_t *url_of(const struct truth_call *call, int64_t now_ms)
{
    /* Of some records the address is all that is ever written. */
    bool is_written =
        call->kind == TRUTH_NEVER_SETTLES ? now_ms >= call->ended_ms + MINUTE_MS : has_settled(call, now_ms);

    if (!is_written)
        return json_null();
    if (call->recording == TRUTH_RECORDING_NONE)
        return json_string("");
    return json_sprintf("https://%s/exotelrecordings/" SIM_ACCOUNT "/%s.mp3",
                        recording_is_stored(call) ? SIM_HOST_STORAGE : SIM_HOST_RECORDINGS, call->sid);
}

static void put_end(json_t *item, const struct truth_call *call, int64_t now_ms)
{
    bool is_settled = has_settled(call, now_ms);
    bool is_over = now_ms >= call->ended_ms;

    json_object_set_new(item, "EndTime",
                        is_settled ? wall_time(call->ended_ms)
                        : is_over  ? wall_time(0)
                                   : json_null());
    json_object_set_new(item, "Duration", is_settled ? json_integer(call->duration_s) : json_null());
    json_object_set_new(item, "Price", is_settled ? json_real(0.5) : json_null());
    json_object_set_new(item, "RecordingUrl", url_of(call, now_ms));
    json_object_set_new(item, "DateUpdated",
                        wall_time(is_settled ? call->settled_ms
                                  : is_over  ? call->ended_ms
                                             : call->created_ms));
}

json_t *exotel_call_json(const struct truth_call *call, int64_t now_ms, bool has_details)
{
    static const char our_number[] = "05550100900";
    const char *status = status_of(call, now_ms);
    /* Until then, and when none was tried, the agent of an inbound call is our own number. */
    bool has_agent = call->leg2 && has_settled(call, now_ms);
    const char *agent = call->is_inbound && !has_agent ? our_number : call->agent;
    json_t *item = json_object();

    json_object_set_new(item, "Sid", json_string(call->sid));
    json_object_set_new(item, "ParentCallSid", json_null());
    json_object_set_new(item, "DateCreated", wall_time(call->created_ms));
    json_object_set_new(item, "AccountSid", json_string(SIM_ACCOUNT));
    json_object_set_new(item, "To", json_string(call->is_inbound ? agent : call->customer));
    json_object_set_new(item, "From", json_string(call->is_inbound ? call->customer : call->agent));
    json_object_set_new(item, "PhoneNumberSid", json_string(our_number));
    json_object_set_new(item, "Status", status ? json_string(status) : json_null());
    json_object_set_new(item, "StartTime", wall_time(call->created_ms));
    json_object_set_new(item, "Direction", json_string(call->is_inbound ? "inbound" : "outbound-api"));
    put_end(item, call, now_ms);
    if (has_details)
        json_object_set_new(item, "Details", details_of(call, now_ms));
    return item;
}

/* ---- the list ------------------------------------------------------------------------------------------ */

struct query {
    int64_t from_ms, to_ms; /* 0: not given */
    bool is_ascending, has_details;
    size_t page_size;
    char *sids, *after, *direction; /* owned */
};

static void query_done(struct query *query)
{
    free(query->sids);
    free(query->after);
    free(query->direction);
}

/* "gte:2026-03-09 10:00:00;lte:2026-03-09 11:00:00". */
static bool read_dates(const char *text, struct query *query)
{
    while (*text) {
        char wall[20];
        size_t size = strcspn(text, ";");
        bool is_from = strncmp(text, "gte:", 4) == 0;

        if (size != 4 + sizeof(wall) - 1 || (!is_from && strncmp(text, "lte:", 4) != 0))
            return false;
        (void)snprintf(wall, sizeof(wall), "%s", text + 4);
        int64_t ms = time_parse_wall(wall, IST_MINUTES);
        if (ms < 0)
            return false;
        *(is_from ? &query->from_ms : &query->to_ms) = ms;
        text += size + (text[size] == ';');
    }
    return true;
}

static bool read_query(const struct sim_request *request, struct query *query)
{
    AUTO_STR dates = sim_form_value(request->query, "DateCreated");
    AUTO_STR sort = sim_form_value(request->query, "SortBy");
    AUTO_STR size = sim_form_value(request->query, "PageSize");
    AUTO_STR details = sim_form_value(request->query, "details");

    query->sids = sim_form_value(request->query, "Sid");
    query->after = sim_form_value(request->query, "After");
    query->direction = sim_form_value(request->query, "Direction");
    query->is_ascending = sort && strcmp(sort, "DateCreated:asc") == 0;
    query->has_details = details && strcmp(details, "true") == 0;
    query->page_size = size ? strtoul(size, NULL, 10) : PAGE_DEFAULT;
    if (query->page_size > PAGE_MAX)
        query->page_size = PAGE_MAX;
    if (query->direction && !strstr(query->direction, "bound"))
        return false;
    return query->page_size > 0 && (!dates || read_dates(dates, query));
}

static bool is_among(const char *list, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at++)
        if ((at == list || at[-1] == ',') && (at[size] == '\0' || at[size] == ','))
            return true;
    return false;
}

static bool fits(const struct query *query, const struct truth_call *call, int64_t now_ms)
{
    if (now_ms < call->ended_ms)
        return false;
    if (query->sids && !is_among(query->sids, call->sid))
        return false;
    if (query->direction && !is_among(query->direction, call->is_inbound ? "inbound" : "outbound-api"))
        return false;
    return call->created_ms >= query->from_ms && (!query->to_ms || call->created_ms <= query->to_ms);
}

static int compare_calls(const void *a, const void *b)
{
    const struct truth_call *one = *(const struct truth_call *const *)a;
    const struct truth_call *other = *(const struct truth_call *const *)b;

    if (one->created_ms != other->created_ms)
        return one->created_ms < other->created_ms ? -1 : 1;
    return strcmp(one->sid, other->sid);
}

/* All that fit, in the order asked for; owned by the caller. */
static struct truth_call **select_calls(const struct company *company, const struct query *query,
                                        int64_t now_ms, size_t *ret_count)
{
    const struct truth *truth = &company->truth;
    struct truth_call **list = sim_new((truth->call_count + 1) * sizeof(struct truth_call *));
    size_t count = 0;

    for (size_t i = 0; i < truth->call_count; i++)
        if (fits(query, truth->calls[i], now_ms))
            list[count++] = truth->calls[i];
    qsort(list, count, sizeof(struct truth_call *), compare_calls);
    for (size_t i = 0; !query->is_ascending && i < count / 2; i++) {
        struct truth_call *swapped = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = swapped;
    }
    *ret_count = count;
    return list;
}

/* Where the page begins: behind the call that the cursor names, whether it is among those that fit or not. */
static bool find_begin(const struct company *company, const struct query *query,
                       struct truth_call *const *list, size_t count, size_t *ret_begin)
{
    const struct truth_call *last = query->after ? truth_call_by_sid(&company->truth, query->after) : NULL;
    size_t begin = 0;

    if (query->after && !last)
        return false;
    for (; last && begin < count; begin++) {
        int order = compare_calls(&list[begin], &last);
        if (query->is_ascending ? order > 0 : order < 0)
            break;
    }
    *ret_begin = begin;
    return true;
}

static void shuffle(struct company *company, json_t *page)
{
    for (size_t i = json_array_size(page); i > 1; i--) {
        size_t j = (size_t)company_fault_between(company, FAULT_PAGES_REORDERED, 0, (int64_t)i - 1);
        json_t *swapped = json_incref(json_array_get(page, i - 1));
        json_array_set(page, i - 1, json_array_get(page, j));
        json_array_set_new(page, j, swapped);
    }
}

static void answer_page(struct company *company, const struct sim_request *request, const struct query *query,
                        struct truth_call *const *list, size_t count, struct sim_reply *reply)
{
    size_t begin = 0;
    json_t *page = json_array();
    json_t *next = json_null();

    (void)find_begin(company, query, list, count, &begin);
    size_t end = begin + query->page_size < count ? begin + query->page_size : count;
    /* What was on the page before comes once more. */
    if (begin > 0 && company_fault(company, FAULT_PAGES_REPEATED))
        begin -= (size_t)company_fault_between(company, FAULT_PAGES_REPEATED, 1, (int64_t)begin);
    for (size_t i = begin; i < end; i++) {
        if (!list[i]->listed_ms)
            list[i]->listed_ms = request->now_ms;
        json_array_append_new(page, exotel_call_json(list[i], request->now_ms, query->has_details));
    }
    if (end - begin > 1 && company_fault(company, FAULT_PAGES_REORDERED))
        shuffle(company, page);
    if (end < count)
        next = json_sprintf("%s?PageSize=%zu&After=%s", calls_path, query->page_size, list[end - 1]->sid);
    sim_reply_json(reply, 200,
                   json_pack("{s:{s:I, s:I, s:s, s:n, s:o}, s:o}", "Metadata", "Total", (json_int_t)count,
                             "PageSize", (json_int_t)query->page_size, "FirstPageUri", calls_path,
                             "PrevPageUri", "NextPageUri", next, "Calls", page));
}

/* A call that began in the middle of what is being paged, and ends just now. */
static void add_sudden_call(struct company *company, const struct query *query, int64_t now_ms)
{
    int64_t least_ms = query->from_ms > company->truth.floor_ms ? query->from_ms : company->truth.floor_ms;
    int64_t most_ms = query->to_ms && query->to_ms < now_ms ? query->to_ms : now_ms;

    if (least_ms + MINUTE_MS < most_ms && company_fault(company, FAULT_CALL_WHILE_PAGING))
        (void)traffic_add_sudden(
            company, company_fault_between(company, FAULT_CALL_WHILE_PAGING, least_ms, most_ms - MINUTE_MS),
            now_ms);
}

/* A journal from before the very first round is in place: it looks back as far as a new one does, which is not at all. */
static bool begins_anew(const struct company *company, const struct query *query)
{
    return company->world && world_restored_ms(company->world) > 0 && query->from_ms == query->to_ms &&
           query->from_ms > company->truth.floor_ms;
}

static void handle_list(struct company *company, const struct sim_request *request, struct sim_reply *reply)
{
    struct query query = { .from_ms = 0 };
    int64_t today_ends_ms = request->now_ms + IST_MS - (request->now_ms + IST_MS) % DAY_MS + DAY_MS - IST_MS;
    size_t count = 0, begin;

    if (!read_query(request, &query)) {
        refuse(reply, 400, "Invalid parameter");
    } else if (query.to_ms >= today_ends_ms || query.to_ms - query.from_ms > 31 * DAY_MS) {
        refuse(reply, 400, "time range is out of bounds");
    } else {
        if (!query.sids && query.from_ms && (!company->truth.has_floor || begins_anew(company, &query))) {
            company->truth.has_floor = true;
            company->truth.floor_ms = query.from_ms;
        }
        if (!query.sids)
            add_sudden_call(company, &query, request->now_ms);
        struct truth_call **list = select_calls(company, &query, request->now_ms, &count);
        if (find_begin(company, &query, list, count, &begin))
            answer_page(company, request, &query, list, count, reply);
        else
            refuse(reply, 400, "Invalid parameter");
        free(list);
    }
    query_done(&query);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

/* 200 a minute for the whole account: the 201st of a minute is refused. */
static bool is_too_fast(struct company *company, int64_t now_ms)
{
    size_t room = sizeof(company->minute_ms) / sizeof(company->minute_ms[0]);
    int64_t *oldest = &company->minute_ms[company->minute_at % room];

    if (company->minute_at >= room && now_ms - *oldest < MINUTE_MS)
        return true;
    *oldest = now_ms;
    company->minute_at++;
    return false;
}

static void add_date(struct company *company, int64_t now_ms, struct sim_reply *reply)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char utc[TIME_TEXT_MAX]; /* "2026-03-09 10:00:00" */

    time_format_wall(now_ms, 0, utc);
    size_t month = (size_t)(utc[5] - '0') * 10 + (size_t)(utc[6] - '0') - 1;
    (void)snprintf(company->date, sizeof(company->date), "%.3s, %.2s %.3s %.4s %.8s GMT",
                   days + now_ms / DAY_MS % 7 * 3, utc + 8, months + month * 3, utc, utc + 11);
    sim_reply_header(reply, "Date", company->date);
}

static void handle_call(struct company *company, const struct sim_request *request, struct sim_reply *reply)
{
    char sid[TRUTH_SID_SIZE] = "";
    const char *name = request->path + sizeof(calls_path); /* behind the slash */
    size_t size = strcspn(name, ".");

    if (size < sizeof(sid) && strcmp(name + size, ".json") == 0)
        memcpy(sid, name, size);
    const struct truth_call *call = truth_call_by_sid(&company->truth, sid);
    if (!call || call->created_ms > request->now_ms) {
        refuse(reply, 404, "Not Found");
        return;
    }
    sim_reply_json(
        reply, 200,
        json_pack("{s:o}", "Call",
                  exotel_call_json(call, request->now_ms, strstr(request->query, "details=true") != NULL)));
}

void exotel_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;

    watch_request(company, request);
    company->truth.exotel_requests++;
    reply->think_ms = chance_between(&company->chance, 100, 900);
    add_date(company, request->now_ms, reply);
    if (!exotel_is_authorized(request))
        refuse(reply, 401, "Authentication failed");
    else if (is_too_fast(company, request->now_ms))
        refuse(reply, 429, "Too Many Requests");
    else if (strcmp(request->method, "GET") != 0)
        refuse(reply, 405, "Method Not Allowed");
    else if (strcmp(request->path, "/v1/Accounts/" SIM_ACCOUNT "/Calls.json") == 0)
        handle_list(company, request, reply);
    else if (strncmp(request->path, calls_path, sizeof(calls_path) - 1) == 0 &&
             request->path[sizeof(calls_path) - 1] == '/')
        handle_call(company, request, reply);
    else
        refuse(reply, 404, "Not Found");
}
