/* The parameters of the list: what they may be, and which calls they let through. */
#include "exotel.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char invalid[] = "Invalid parameter";
static const char out_of_bounds[] = "time range is out of bounds";
static const char bad_direction[] = "valid values for Direction are inbound,outbound-dial,outbound-api";

static const char *const status_words[] = { "queued", "ringing", "in-progress", "completed",
                                            "failed", "busy",    "no-answer",   "canceled" };
enum { STATUSES = sizeof(status_words) / sizeof(status_words[0]), RANGE_MAX_S = 31 * EXO_DAY_S };

/* Cuts `text` at `separator` and gives the parts; -1 when there are more than `max` or one is empty. */
static int split(struct sim_request *req, const char *text, char separator, const char **parts, size_t max)
{
    size_t count = 0;
    char *at = sim_text(req, "%s", text);
    for (char *next = at; next; at = next) {
        next = strchr(at, separator);
        if (next)
            *next++ = '\0';
        if (!*at || count == max)
            return -1;
        parts[count++] = at;
    }
    return (int)count;
}

static int read_words(struct sim_request *req, const char *text, const char *const *words, size_t word_count,
                      unsigned *ret_set)
{
    const char *parts[16];
    int count = split(req, text, ',', parts, 16);
    unsigned set = 0;
    for (int i = 0; i < count; i++) {
        size_t word = 0;
        while (word < word_count && strcmp(words[word], parts[i]) != 0)
            word++;
        if (word == word_count)
            return -1;
        set |= 1u << word;
    }
    *ret_set = set;
    return count < 0 ? -1 : 0;
}

/* A decimal number with `suffix` behind it and nothing else. */
static int read_number(const char *text, const char *suffix, double *ret_number)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return -1;
    double number = strtod(text, &end);
    if (strcmp(end, suffix) != 0 || !isfinite(number))
        return -1;
    *ret_number = number;
    return 0;
}

/* "gte:10s;lte:45s" or "eq:30s": each operator at most once. */
static int read_range(struct sim_request *req, const char *text, const char *suffix, double *ret_min,
                      double *ret_max)
{
    const char *parts[2];
    int count = split(req, text, ';', parts, 2);
    bool has_min = false, has_max = false;
    for (int i = 0; i < count; i++) {
        bool is_min = strncmp(parts[i], "gte:", 4) == 0, is_max = strncmp(parts[i], "lte:", 4) == 0;
        bool is_equal = strncmp(parts[i], "eq:", 3) == 0;
        double number;
        if ((!is_min && !is_max && !is_equal) ||
            read_number(parts[i] + (is_equal ? 3 : 4), suffix, &number) < 0)
            return -1;
        if (((is_min || is_equal) && has_min) || ((is_max || is_equal) && has_max))
            return -1;
        if (is_min || is_equal)
            *ret_min = number;
        if (is_max || is_equal)
            *ret_max = number;
        has_min |= is_min || is_equal;
        has_max |= is_max || is_equal;
    }
    return count < 1 ? -1 : 0;
}

static int64_t latest_allowed(const struct sim_request *req)
{
    int64_t now_s = req->now_ms / EXO_SECOND_MS;
    if (sim_knob_is(req->service, EXO_FUTURE_TOLERANCE, "unlimited"))
        return INT64_MAX;
    if (sim_knob_is(req->service, EXO_FUTURE_TOLERANCE, "strict"))
        return now_s;
    return exo_day_start(now_s) + EXO_DAY_S - 1;
}

static const char *read_created(struct sim_request *req, const char *text, struct exo_filter *filter)
{
    const char *parts[2];
    int count = split(req, text, ';', parts, 2);
    int64_t now_s = req->now_ms / EXO_SECOND_MS, from_s = INT64_MIN, to_s = INT64_MAX;
    for (int i = 0; i < count; i++) {
        int64_t *side = strncmp(parts[i], "gte:", 4) == 0   ? &from_s
                        : strncmp(parts[i], "lte:", 4) == 0 ? &to_s
                                                            : NULL;
        if (!side || (*side != INT64_MIN && *side != INT64_MAX) || exo_read_ist(parts[i] + 4, side) < 0)
            return invalid;
    }
    if (count < 1)
        return invalid;
    if (to_s != INT64_MAX && to_s > latest_allowed(req))
        return out_of_bounds;
    if (to_s == INT64_MAX)
        to_s = now_s;
    if (from_s == INT64_MIN)
        from_s = to_s - RANGE_MAX_S;
    if (from_s < exo_six_months_before(now_s) || to_s - from_s > RANGE_MAX_S)
        return out_of_bounds;
    filter->from_s = from_s;
    filter->to_s = to_s;
    return NULL;
}

static const char *read_numbers(struct sim_request *req, const char *text, struct exo_filter *filter,
                                size_t which)
{
    int count = split(req, text, ',', filter->numbers[which], EXO_NUMBERS_MAX);
    if (count < 1)
        return invalid;
    filter->number_counts[which] = (size_t)count;
    return NULL;
}

static const char *read_page_size(struct sim_request *req, const char *text, struct exo_filter *filter)
{
    double size;
    if (read_number(text, "", &size) < 0 || size < 1 || size != floor(size))
        return invalid;
    if (size > EXO_PAGE_MAX) {
        if (sim_knob_is(req->service, EXO_PAGE_SIZE_OVER, "rejected"))
            return invalid;
        size = EXO_PAGE_MAX;
    }
    filter->page_size = (size_t)size;
    return NULL;
}

/* ---- cursor: the position of one call, in letters that need no escaping, with a check digit pair ---- */

static unsigned check_cursor(uint64_t second, uint64_t id)
{
    uint64_t mixed = (second * 0x9e3779b97f4a7c15u) ^ (id * 0xc2b2ae3d27d4eb4fu);
    return (unsigned)(mixed >> 56);
}

static void format_cursor(uint64_t second, uint64_t id, char text[40])
{
    (void)snprintf(text, 40, "c%02x%010" PRIx64 "-%08" PRIx64, check_cursor(second, id), second, id);
}

void exo_write_cursor(const struct exo_call *call, char text[40])
{
    format_cursor((uint64_t)(call->start_ms / EXO_SECOND_MS), call->id, text);
}

/* A cursor is good when writing it again gives the same text. */
static const char *read_cursor(const char *text, bool is_before, struct exo_filter *filter)
{
    unsigned check;
    uint64_t second, id;
    char again[40] = "";
    if (filter->has_cursor || sscanf(text, "c%2x%10" SCNx64 "-%8" SCNx64, &check, &second, &id) != 3)
        return invalid;
    format_cursor(second, id, again);
    if (strcmp(again, text) != 0)
        return invalid;
    filter->has_cursor = true;
    filter->is_before = is_before;
    filter->cursor_s = (int64_t)second;
    filter->cursor_id = id;
    return NULL;
}

/* ---- all parameters ---- */

static const char *read_validity(const char *text, int64_t *ret_minutes)
{
    double minutes;
    if (read_number(text, "", &minutes) < 0 || minutes != floor(minutes) || minutes < 5 || minutes > 60 ||
        strlen(text) > 2)
        return "RecordingUrlValidity must be an integer between 5 and 60";
    *ret_minutes = (int64_t)minutes;
    return NULL;
}

static const char *read_flag(const char *text, bool *ret_flag)
{
    *ret_flag = strcmp(text, "true") == 0;
    return *ret_flag || strcmp(text, "false") == 0 ? NULL : invalid;
}

static const char *read_sort(const char *text, bool *ret_ascending)
{
    *ret_ascending = strcmp(text, "DateCreated:asc") == 0;
    return *ret_ascending || strcmp(text, "DateCreated:desc") == 0 ? NULL : invalid;
}

static bool is_details(const char *name)
{
    return strcmp(name, "details") == 0 || strcmp(name, "Details") == 0;
}

static const char *read_set_parameter(struct sim_request *req, const char *name, const char *value,
                                      struct exo_filter *filter, bool *ret_is_known)
{
    static const char *const number_names[] = { "To", "From", "PhoneNumber" };
    static const char *const direction_words[] = { "inbound", "outbound-dial", "outbound-api" };
    for (size_t i = 0; i < 3; i++)
        if (strcmp(name, number_names[i]) == 0)
            return read_numbers(req, value, filter, i);
    if (strcmp(name, "Sid") == 0) {
        int count = split(req, value, ',', filter->sids, EXO_SIDS_MAX);
        filter->sid_count = count < 0 ? 0 : (size_t)count;
        return count < 1 ? invalid : NULL;
    }
    if (strcmp(name, "Status") == 0)
        return read_words(req, value, status_words, STATUSES, &filter->statuses) < 0 ? invalid : NULL;
    if (strcmp(name, "Direction") == 0)
        return read_words(req, value, direction_words, 3, &filter->directions) < 0 ? bad_direction : NULL;
    *ret_is_known = false;
    return NULL;
}

static const char *read_parameter(struct sim_request *req, const char *name, const char *value,
                                  struct exo_filter *filter, bool *ret_is_known)
{
    *ret_is_known = true;
    if (strcmp(name, "DateCreated") == 0)
        return read_created(req, value, filter);
    if (strcmp(name, "Duration") == 0) {
        filter->has_duration = true;
        return read_range(req, value, "s", &filter->duration_min, &filter->duration_max) < 0 ? invalid : NULL;
    }
    if (strcmp(name, "Price") == 0) {
        filter->has_price = true;
        return read_range(req, value, "", &filter->price_min, &filter->price_max) < 0 ? invalid : NULL;
    }
    if (strcmp(name, "PageSize") == 0)
        return read_page_size(req, value, filter);
    if (strcmp(name, "SortBy") == 0)
        return read_sort(value, &filter->is_ascending);
    if (strcmp(name, "After") == 0 || strcmp(name, "Before") == 0)
        return read_cursor(value, name[0] == 'B', filter);
    if (is_details(name))
        return read_flag(value, &filter->has_details);
    if (strcmp(name, "RecordingUrlValidity") == 0)
        return read_validity(value, &filter->validity_minutes);
    return read_set_parameter(req, name, value, filter, ret_is_known);
}

static bool is_repeated(const struct sim_request *req, size_t position)
{
    for (size_t i = 0; i < position; i++)
        if (strcmp(req->query[i].name, req->query[position].name) == 0)
            return true;
    return false;
}

/* Whether a parameter outside the documented ones ends the request. "StartTime" was seen to, whatever the
 * rest does. */
static bool refuses_unknown(const struct sim_request *req, const char *name)
{
    return strncmp(name, "StartTime", 9) == 0 ||
           sim_knob_is(req->service, EXO_UNKNOWN_PARAMETERS, "rejected");
}

const char *exo_read_filter(struct sim_request *req, struct exo_filter *ret_filter)
{
    int64_t now_s = req->now_ms / EXO_SECOND_MS;
    *ret_filter = (struct exo_filter){ .from_s = now_s - RANGE_MAX_S,
                                       .to_s = now_s,
                                       .duration_max = INFINITY,
                                       .price_max = INFINITY,
                                       .page_size = EXO_PAGE_DEFAULT };
    for (size_t i = 0; i < req->query_count; i++) {
        bool is_known;
        const char *fault =
            read_parameter(req, req->query[i].name, req->query[i].value, ret_filter, &is_known);
        if (fault)
            return fault;
        if (is_known ? is_repeated(req, i) : refuses_unknown(req, req->query[i].name))
            return invalid;
    }
    return req->is_malformed ? invalid : NULL;
}

const char *exo_read_look(struct sim_request *req, struct exo_look *ret_look)
{
    *ret_look = (struct exo_look){ .now_ms = req->now_ms };
    for (size_t i = 0; i < req->query_count; i++) {
        const char *name = req->query[i].name, *value = req->query[i].value, *fault = NULL;
        if (is_details(name))
            fault = read_flag(value, &ret_look->has_details);
        else if (strcmp(name, "RecordingUrlValidity") == 0)
            fault = read_validity(value, &ret_look->validity_minutes);
        else if (refuses_unknown(req, name))
            fault = invalid;
        if (fault)
            return fault;
    }
    return NULL;
}

/* ---- matching ---- */

/* Numbers are the same when their last ten digits are; everything else ("sip:...") when its text is. */
static bool is_same_number(const char *left, const char *right)
{
    enum { NATIONAL_DIGITS = 10 };
    char digits[2][NATIONAL_DIGITS + 1] = { { 0 } };
    const char *texts[2] = { left, right };
    for (size_t side = 0; side < 2; side++) {
        size_t found = 0;
        for (size_t at = strlen(texts[side]); at-- > 0 && found < NATIONAL_DIGITS;)
            if (isdigit((unsigned char)texts[side][at]))
                digits[side][found++] = texts[side][at];
        if (found < NATIONAL_DIGITS || isalpha((unsigned char)texts[side][0]))
            return strcmp(left, right) == 0;
    }
    return memcmp(digits[0], digits[1], NATIONAL_DIGITS) == 0;
}

static bool matches_numbers(const struct exo_filter *filter, const struct exo_call *call, int64_t now_ms)
{
    const char *own[3] = { exo_to_at(call, now_ms), call->from, call->exophone };
    for (size_t which = 0; which < 3; which++) {
        bool is_found = filter->number_counts[which] == 0;
        for (size_t i = 0; i < filter->number_counts[which] && !is_found; i++)
            is_found = is_same_number(filter->numbers[which][i], own[which]);
        if (!is_found)
            return false;
    }
    return true;
}

static bool matches_status(const struct exo_filter *filter, const struct exo_call *call, int64_t now_ms)
{
    const char *status = exo_status_at(call, now_ms);
    if (filter->statuses == 0)
        return true;
    for (size_t i = 0; i < STATUSES; i++)
        if (status && strcmp(status, status_words[i]) == 0)
            return (filter->statuses >> i) & 1u;
    return false;
}

bool exo_matches(const struct exo_filter *filter, const struct exo_call *call, int64_t now_ms)
{
    int64_t seconds;
    double price;
    bool is_listed = filter->sid_count == 0;
    for (size_t i = 0; i < filter->sid_count && !is_listed; i++)
        is_listed = strcmp(filter->sids[i], call->sid) == 0;
    if (!is_listed || (filter->directions && !((filter->directions >> call->direction) & 1u)))
        return false;
    if (!matches_status(filter, call, now_ms) || !matches_numbers(filter, call, now_ms))
        return false;
    if (filter->has_duration &&
        (!exo_duration_at(call, now_ms, &seconds) || (double)seconds < filter->duration_min ||
         (double)seconds > filter->duration_max))
        return false;
    return !filter->has_price ||
           (exo_price_at(call, now_ms, &price) && price >= filter->price_min && price <= filter->price_max);
}
