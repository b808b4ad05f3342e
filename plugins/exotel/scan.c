/* One walk through the list of calls, by start, oldest first: windows of at most a month, each paged by
 * cursor. It is kept in the source's cursor document between pages, so that a restart goes on with the next
 * page. */
#include <string.h>

#include "exotel.h"

/* The API's longest window is a month; a day less than 31 keeps clear of how it counts. */
#define WINDOW_MS (30 * EXO_DAY_MS)

bool exo_scan_load(struct sb_exchange *x, const char *name, struct exo_scan *ret_scan)
{
    const json_t *stored = sb_get(x, name);

    if (!json_is_object(stored))
        return false;
    *ret_scan = (struct exo_scan){
        .started_ms = sb_json_int(stored, "started_ms", 0),
        .from_ms = sb_json_int(stored, "from_ms", 0),
        .to_ms = sb_json_int(stored, "to_ms", 0),
        .end_ms = sb_json_int(stored, "end_ms", 0),
        .position_ms = sb_json_int(stored, "position_ms", 0),
        .date_ms = sb_json_int(stored, "date_ms", EXO_UNKNOWN),
        .newest_ms = sb_json_int(stored, "newest_ms", EXO_UNKNOWN),
        .after = exo_text(x, stored, "after"),
        .pages = sb_json_int(stored, "pages", 0),
        .slice = sb_json_int(stored, "slice", 0),
        .refusals = sb_json_int(stored, "refusals", 0),
    };
    return true;
}

void exo_scan_save(struct sb_exchange *x, const char *name, const struct exo_scan *scan)
{
    json_t *stored = exo_object(x);

    exo_put(x, stored, "started_ms", json_integer(scan->started_ms));
    exo_put(x, stored, "from_ms", json_integer(scan->from_ms));
    exo_put(x, stored, "to_ms", json_integer(scan->to_ms));
    exo_put(x, stored, "end_ms", json_integer(scan->end_ms));
    exo_put(x, stored, "position_ms", json_integer(scan->position_ms));
    exo_put(x, stored, "date_ms", json_integer(scan->date_ms));
    exo_put(x, stored, "newest_ms", json_integer(scan->newest_ms));
    exo_put_str(x, stored, "after", scan->after ? sb_utf8(x, scan->after) : NULL);
    exo_put(x, stored, "pages", json_integer(scan->pages));
    exo_put(x, stored, "slice", json_integer(scan->slice));
    exo_put(x, stored, "refusals", json_integer(scan->refusals));
    sb_set(x, name, json_incref(stored));
}

void exo_scan_drop(struct sb_exchange *x, const char *name)
{
    sb_set(x, name, NULL);
}

const char *exo_date_filter(struct sb_exchange *x, int64_t from_ms, int64_t to_ms)
{
    int minutes = 0;

    (void)exo_parse_offset(sb_option_str(x, "utc_offset"), &minutes); /* `open` has refused a malformed one */
    return sb_printf(x, "gte:%s;lte:%s", sb_wall_time(x, from_ms, minutes), sb_wall_time(x, to_ms, minutes));
}

/* The filter that asks for one side only, or NULL. */
static const char *direction_filter(const struct sb_exchange *x)
{
    const char *wanted = sb_option_str(x, "direction");

    if (strcmp(wanted, "both") == 0)
        return NULL;
    return strcmp(wanted, "inbound") == 0 ? "inbound" : "outbound-dial,outbound-api";
}

void exo_scan_request(struct sb_exchange *x, const struct exo_scan *scan)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/v1/Accounts");
    sb_path(x, sb_option_str(x, "account_sid"));
    sb_paths(x, "/Calls.json");
    sb_query(x, "DateCreated", exo_date_filter(x, scan->from_ms, scan->to_ms));
    sb_query(x, "SortBy", "DateCreated:asc");
    sb_query_int(x, "PageSize", sb_option_int(x, "page_size"));
    sb_query(x, "details", "true");
    if (direction_filter(x))
        sb_query(x, "Direction", direction_filter(x));
    if (scan->after)
        sb_query(x, "After", scan->after);
}

/* Begins the next window at `from_ms`. */
static void open_window(struct exo_scan *scan, int64_t from_ms)
{
    scan->from_ms = from_ms;
    scan->to_ms = scan->end_ms - from_ms > WINDOW_MS ? from_ms + WINDOW_MS : scan->end_ms;
    scan->after = NULL;
}

/* A next page whose cursor cannot be used is asked for by position: the window shrinks to what is left of it.
 * That lists the calls of one second again, and gets stuck only where a page cannot hold the calls of one
 * second. */
static bool continue_by_position(struct exo_scan *scan)
{
    if (scan->position_ms <= scan->from_ms)
        return false;
    open_window(scan, scan->position_ms);
    return true;
}

bool exo_scan_advance(struct sb_exchange *x, struct exo_scan *scan, const struct exo_intake *intake,
                      const char *next_uri)
{
    const char *after = next_uri ? exo_query_value(x, next_uri, "After") : NULL;

    scan->pages++;
    scan->slice++;
    if (intake->last_ms > scan->position_ms) {
        scan->position_ms = intake->last_ms;
        scan->refusals = 0;
    }
    if (intake->newest_ms > scan->newest_ms)
        scan->newest_ms = intake->newest_ms;
    if (after && (!scan->after || strcmp(after, scan->after) != 0)) {
        scan->after = after;
        return true;
    }
    if (next_uri && continue_by_position(scan))
        return true;
    if (scan->to_ms >= scan->end_ms)
        return false;
    open_window(scan, scan->to_ms);
    return true;
}
