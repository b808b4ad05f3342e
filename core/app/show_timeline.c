/* What happened to a record, attempt by attempt, and what was sent for it. */
#include <inttypes.h>
#include <string.h>

#include "app/show.h"
#include "app/table.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { DAY_LENGTH = 10, STEP_TEXT_MAX = 256, REQUEST_TEXT_MAX = 4 * 1024 * 1024 };

static const struct table_column columns[] = {
    { .title = "TIME" },
    { .title = "STEP", .can_shrink = true },
    { .title = "TRY", .is_right = true },
    { .title = "RESULT" },
    { .title = "HTTP", .is_right = true },
    { .title = "TOOK", .is_right = true },
    { .title = "WHY", .wraps = true },
};

static bool is_intent(const json_t *row)
{
    const char *kind = json_str(row, "kind");

    return kind && strcmp(kind, "intent") == 0;
}

/* "zoho_desk.add_note", and from the second repetition on " 2". */
static void write_step(struct buf *out, const json_t *row)
{
    const char *instance = json_str(row, "instance"), *step = json_str(row, "step");
    int64_t round = json_int(row, "round", 0);

    buf_printf(out, "%s%s%s", instance ? instance : "", step && *step ? "." : "", step ? step : "");
    if (round > 0)
        buf_printf(out, " %" PRId64, round + 1);
}

static enum screen_style style_of(const char *result)
{
    if (strcmp(result, "retry") == 0 || strcmp(result, "unknown") == 0 || strcmp(result, "intent open") == 0)
        return SCREEN_YELLOW;
    return strcmp(result, "reject") == 0 ? SCREEN_RED : SCREEN_PLAIN;
}

static void add_result(struct table *table, const json_t *row)
{
    char text[64];
    const char *verdict = json_str(row, is_intent(row) ? "state" : "verdict");

    (void)snprintf(text, sizeof(text), "%s%s", is_intent(row) ? "intent " : "", verdict ? verdict : "");
    table_cell_styled(table, text, style_of(text));
}

/* The day once over the table when all of it was one day, else in every row. */
static bool is_one_day(const struct shown *shown, char ret_day[TIME_TEXT_MAX])
{
    char last[TIME_TEXT_MAX];
    size_t count = json_array_size(shown->timeline);

    time_format_wall(json_int(json_array_get(shown->timeline, 0), "at_ms", 0), shown->zone_minutes, ret_day);
    time_format_wall(json_int(json_array_get(shown->timeline, count - 1), "at_ms", 0), shown->zone_minutes,
                     last);
    bool is_one = strncmp(ret_day, last, DAY_LENGTH) == 0;
    ret_day[DAY_LENGTH] = '\0';
    return is_one;
}

static void add_row(const struct shown *shown, struct table *table, const json_t *row, bool with_day)
{
    char when[TIME_TEXT_MAX], took[24];
    int64_t status = json_int(row, "http_status", 0), ms = json_int(row, "duration_ms", 0);
    AUTO_BUF step;

    buf_init(&step, STEP_TEXT_MAX);
    write_step(&step, row);
    time_format_wall(json_int(row, "at_ms", 0), shown->zone_minutes, when);
    format_duration(ms, took);
    table_cell(table, with_day ? when : when + DAY_LENGTH + 1);
    table_cell(table, step.data);
    table_cellf(table, "%" PRId64, json_int(row, "attempt", 0) + 1);
    add_result(table, row);
    if (status > 0)
        table_cellf(table, "%" PRId64, status);
    else
        table_cell(table, NULL);
    table_cell(table, ms > 0 ? took : NULL);
    table_cell(table, json_str(row, "text"));
}

int show_timeline(const struct shown *shown)
{
    char day[TIME_TEXT_MAX], title[TIME_TEXT_MAX + 16] = "Timeline";
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));
    size_t index;
    json_t *row;

    if (!table)
        return -1;
    bool one_day = json_array_size(shown->timeline) > 0 && is_one_day(shown, day);
    if (one_day)
        (void)snprintf(title, sizeof(title), "Timeline of %s", day);
    show_title(shown, title);
    json_array_foreach (shown->timeline, index, row)
        add_row(shown, table, row, !one_day);
    if (table_rows(table) > 0)
        return table_write(table, &shown->screen, 2);
    (void)fputs("  nothing has happened yet\n", shown->screen.out);
    return 0;
}

/* ---- requests ---- */

static void write_lines(const struct shown *shown, const char *text)
{
    AUTO_BUF clean;

    buf_init(&clean, REQUEST_TEXT_MAX);
    screen_clean_lines(&clean, text);
    for (const char *line = clean.data; *line;) {
        size_t size = strcspn(line, "\n");
        (void)fprintf(shown->screen.out, "    %.*s\n", (int)size, line);
        line += size + (line[size] == '\n');
    }
}

static int add_piece(const char *data, size_t size, void *ctx)
{
    buf_add(ctx, data, size);
    return 0;
}

static void write_body(const struct shown *shown, const json_t *body)
{
    if (json_is_string(body)) {
        write_lines(shown, json_string_value(body));
        return;
    }
    AUTO_BUF text;

    buf_init(&text, REQUEST_TEXT_MAX);
    if (json_dump_callback(body, add_piece, &text, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0 || text.failed)
        write_lines(shown, "(too large to be shown; --json has it)");
    else
        write_lines(shown, text.data);
}

static void show_request(const struct shown *shown, const json_t *row, const json_t *request)
{
    char when[TIME_TEXT_MAX];
    const char *method = json_str(request, "method"), *url = json_str(request, "url"), *name;
    const json_t *body = json_object_get(request, "body");
    json_t *value;
    AUTO_BUF step;
    AUTO_BUF line;

    buf_init(&step, STEP_TEXT_MAX);
    buf_init(&line, REQUEST_TEXT_MAX);
    write_step(&step, row);
    time_format_wall(json_int(row, "at_ms", 0), shown->zone_minutes, when);
    (void)fprintf(shown->screen.out, "  %s, %s\n", step.data, when);
    buf_printf(&line, "%s %s", method ? method : "?", url ? url : "?");
    json_object_foreach (json_object_get(request, "headers"), name, value)
        buf_printf(&line, "\n%s: %s", name, json_string_value(value) ? json_string_value(value) : "");
    write_lines(shown, line.data);
    if (body) {
        (void)fputc('\n', shown->screen.out);
        write_body(shown, body);
    }
    (void)fputc('\n', shown->screen.out);
}

void show_requests(const struct shown *shown)
{
    size_t index, count = 0;
    json_t *row;

    show_title(shown, "Requests that create something");
    json_array_foreach (shown->timeline, index, row) {
        const json_t *request = is_intent(row) ? json_object_get(row, "request") : NULL;
        if (!json_is_object(request))
            continue;
        show_request(shown, row, request);
        count++;
    }
    if (count == 0)
        (void)fputs("  none yet\n", shown->screen.out);
}
