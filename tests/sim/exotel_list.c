/* The list of calls: which page, and the addresses of its neighbours. */
#include "exotel.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* All that match, in the order asked for, and the part of them that is this page. */
struct page {
    struct exo_call **calls;
    size_t total, first, end;
};

static bool is_visible(const struct sim_request *req, const struct exo_account *account,
                       const struct exo_call *call)
{
    enum exo_phase phase = exo_phase_of(call, req->now_ms);
    /* In the wrong region the account has no calls. */
    return call->account == account && !sim_knob_is(req->service, EXO_ACCESS, "wrong_region") &&
           (phase >= EXO_ENDED || (phase == EXO_ONGOING && sim_knob_bool(req->service, EXO_LIST_ONGOING)));
}

static int compare_calls(const void *left, const void *right)
{
    const struct exo_call *a = *(struct exo_call *const *)left, *b = *(struct exo_call *const *)right;
    int64_t a_s = a->start_ms / EXO_SECOND_MS, b_s = b->start_ms / EXO_SECOND_MS;
    if (a_s != b_s)
        return a_s < b_s ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* The calls to look at: those named, or those of the time range. Oldest first. */
static size_t gather_candidates(struct sim_request *req, const struct exotel *exotel,
                                const struct exo_filter *filter, struct exo_call ***ret_calls)
{
    size_t low = exo_first_since(exotel, filter->from_s), high = exo_first_since(exotel, filter->to_s + 1);
    if (filter->sid_count == 0) {
        *ret_calls = exotel->calls + low;
        return high > low ? high - low : 0;
    }
    struct exo_call **named = sim_alloc(req, filter->sid_count * sizeof(struct exo_call *));
    size_t count = 0;
    for (size_t i = 0; i < filter->sid_count; i++) {
        struct exo_call *call = exo_find_call(exotel, filter->sids[i]);
        int64_t second = call ? call->start_ms / EXO_SECOND_MS : 0;
        bool is_new = call && second >= filter->from_s && second <= filter->to_s;
        for (size_t seen = 0; seen < count && is_new; seen++)
            is_new = named[seen] != call;
        if (is_new)
            named[count++] = call;
    }
    qsort(named, count, sizeof(struct exo_call *), compare_calls); /* NOLINT(bugprone-sizeof-expression) */
    *ret_calls = named;
    return count;
}

/* Whether `call` stands before the cursor in the order asked for, behind it, or is it: -1, 1, 0. */
static int compare_to_cursor(const struct exo_filter *filter, const struct exo_call *call)
{
    int64_t second = call->start_ms / EXO_SECOND_MS;
    int order =
        second < filter->cursor_s || (second == filter->cursor_s && call->id < filter->cursor_id) ? -1 : 1;
    if (second == filter->cursor_s && call->id == filter->cursor_id)
        return 0;
    return filter->is_ascending ? order : -order;
}

static void choose_page(const struct exo_filter *filter, struct page *page)
{
    page->first = 0;
    page->end = page->total;
    if (filter->has_cursor && filter->is_before) {
        while (page->end > 0 && compare_to_cursor(filter, page->calls[page->end - 1]) >= 0)
            page->end--;
        page->first = page->end > filter->page_size ? page->end - filter->page_size : 0;
        return;
    }
    if (filter->has_cursor)
        while (page->first < page->total && compare_to_cursor(filter, page->calls[page->first]) <= 0)
            page->first++;
    if (page->total - page->first > filter->page_size)
        page->end = page->first + filter->page_size;
}

static struct page make_page(struct sim_request *req, const struct exotel *exotel,
                             const struct exo_account *account, const struct exo_filter *filter)
{
    struct exo_call **candidates;
    size_t count = gather_candidates(req, exotel, filter, &candidates);
    struct page page = { .calls = sim_alloc(req, (count + 1) * sizeof(struct exo_call *)) };
    for (size_t i = 0; i < count; i++) {
        struct exo_call *call = candidates[filter->is_ascending ? i : count - 1 - i];
        if (is_visible(req, account, call) && exo_matches(filter, call, req->now_ms))
            page.calls[page.total++] = call;
    }
    choose_page(filter, &page);
    return page;
}

/* ---- addresses ---- */

static char *write_escaped(char *at, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (isalnum(*byte) || strchr("-._~", *byte)) {
            *at++ = (char)*byte;
        } else if (*byte == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = hex[*byte >> 4];
            *at++ = hex[*byte & 15u];
        }
    }
    return at;
}

/* The list's own address with all its filters but the cursor, in memory of the request. */
static const char *write_filters(struct sim_request *req)
{
    size_t room = 1;
    for (size_t i = 0; i < req->query_count; i++)
        room += 3 * (strlen(req->query[i].name) + strlen(req->query[i].value)) + 2;
    char *text = sim_alloc(req, room), *at = text;
    for (size_t i = 0; i < req->query_count; i++) {
        const char *name = req->query[i].name;
        if (strcmp(name, "After") == 0 || strcmp(name, "Before") == 0)
            continue;
        if (at > text)
            *at++ = '&';
        at = write_escaped(at, name);
        *at++ = '=';
        at = write_escaped(at, req->query[i].value);
    }
    *at = '\0';
    return text;
}

static json_t *page_uri(struct sim_request *req, const struct exo_account *account, const char *filters,
                        const char *cursor_name, const struct exo_call *cursor_call)
{
    char cursor[40] = "";
    if (cursor_call)
        exo_write_cursor(cursor_call, cursor);
    const char *host = sim_knob_is(req->service, EXO_PAGE_URI, "absolute") ? req->service->base_url : "";
    const char *suffix = sim_knob_is(req->service, EXO_PAGE_URI, "without_json") ? "" : ".json";
    bool has_both = filters[0] && cursor[0];
    return json_sprintf("%s/v1/Accounts/%s/Calls%s%s%s%s%s%s%s", host, account->sid, suffix,
                        filters[0] || cursor[0] ? "?" : "", filters, has_both ? "&" : "",
                        cursor[0] ? cursor_name : "", cursor[0] ? "=" : "", cursor);
}

/* Sets the address of a neighbouring page, or what stands there when there is none. Takes `uri`. */
static void set_uri(struct sim_request *req, json_t *metadata, const char *name, json_t *uri)
{
    if (uri)
        json_object_set_new(metadata, name, uri);
    else if (sim_knob_is(req->service, EXO_LAST_PAGE_URI, "null"))
        json_object_set_new(metadata, name, json_null());
    else if (sim_knob_is(req->service, EXO_LAST_PAGE_URI, "empty"))
        json_object_set_new(metadata, name, json_string(""));
}

static json_t *make_metadata(struct sim_request *req, const struct exo_account *account,
                             const struct exo_filter *filter, const struct page *page)
{
    const char *filters = write_filters(req);
    bool is_full_last = page->end == page->total && page->end - page->first == filter->page_size;
    bool has_next =
        page->end < page->total || (is_full_last && sim_knob_bool(req->service, EXO_EXTRA_EMPTY_PAGE));
    json_t *metadata =
        json_pack("{s:I, s:I, s:o}", "Total", (json_int_t)page->total, "PageSize",
                  (json_int_t)filter->page_size, "FirstPageUri", page_uri(req, account, filters, "", NULL));
    /* A page that is empty behind the cursor has nothing to name a neighbour by. */
    bool is_empty = page->first == page->end;
    set_uri(req, metadata, "PrevPageUri",
            page->first > 0 && !is_empty ? page_uri(req, account, filters, "Before", page->calls[page->first])
                                         : NULL);
    set_uri(req, metadata, "NextPageUri",
            has_next && !is_empty ? page_uri(req, account, filters, "After", page->calls[page->end - 1])
                                  : NULL);
    return metadata;
}

void exo_handle_list(struct sim_request *req, struct sim_response *res)
{
    struct exotel *exotel = req->service->state;
    const struct exo_account *account = exo_admit(req, res);
    if (!account)
        return;
    struct exo_filter filter;
    const char *fault = exo_read_filter(req, &filter);
    if (fault) {
        exo_respond_error(req, res, 400, fault, 0);
        return;
    }
    struct page page = make_page(req, exotel, account, &filter);
    const struct exo_look look = { .now_ms = req->now_ms,
                                   .has_details = filter.has_details,
                                   .validity_minutes = filter.validity_minutes };
    json_t *calls = json_array();
    for (size_t i = page.first; i < page.end; i++) {
        page.calls[i]->listed++;
        json_array_append_new(calls, exo_call_json(exotel, page.calls[i], &look));
    }
    exotel->lists++;
    exo_respond(
        req, res, 200,
        json_pack("{s:o, s:o}", "Metadata", make_metadata(req, account, &filter, &page), "Calls", calls));
}
