/* The proof on the screen: the chain of one record, or the figures of all. */
#include <inttypes.h>
#include <string.h>

#include "app/prove.h"
#include "app/show.h"
#include "app/table.h"
#include "app/unknown.h"
#include "base/json.h"
#include "base/scope.h"

enum { DIGEST_SHOWN = 12, LINE_MAX_BYTES = 64 * 1024, STEP_MAX = 256 };

static void write_line(const struct screen *screen, const char *label, const struct buf *text)
{
    if (text->len)
        (void)fprintf(screen->out, "  %-14s%s\n", label, text->data);
}

static void write_title(const struct screen *screen, const char *title)
{
    (void)fprintf(screen->out, "\n%s%s%s\n", screen_begin(screen, SCREEN_BOLD), title,
                  screen_end(screen, SCREEN_BOLD));
}

static void write_verdict(const struct proof *proof, const struct screen *screen)
{
    AUTO_BUF text;
    AUTO_BUF clean;

    buf_init(&text, LINE_MAX_BYTES);
    buf_init(&clean, LINE_MAX_BYTES);
    enum screen_style style = prove_verdict(proof, &text) ? SCREEN_GREEN : SCREEN_RED;
    screen_clean(&clean, text.data);
    (void)fprintf(screen->out, "\n%s%s%s\n", screen_begin(screen, style), clean.data,
                  screen_end(screen, style));
}

static const char *str(const json_t *row, const char *name)
{
    const char *text = json_str(row, name);

    return text ? text : "";
}

static void write_step(struct buf *out, const json_t *row)
{
    int64_t round = json_int(row, "round", 0);

    buf_printf(out, "%s%s%s", str(row, "instance"), *str(row, "step") ? "." : "", str(row, "step"));
    if (round > 0)
        buf_printf(out, " %" PRId64, round + 1);
}

/* ---- one record ---------------------------------------------------------------------------------------- */

static const struct table_column event_columns[] = {
    { .title = "TIME" },   { .title = "STEP", .can_shrink = true },     { .title = "RESULT" },
    { .title = "DIGEST" }, { .title = "WHAT IS KNOWN", .wraps = true },
};

/* What an intent says of itself: which request, what became of it. */
static void write_intent(const struct proof *proof, struct buf *out, const json_t *row)
{
    char digest[DIGEST_HEX_SIZE], settled[TIME_TEXT_MAX];

    unknown_request_digest(row, digest);
    buf_printf(out, "request %.*s, attempt %" PRId64, DIGEST_SHOWN, *digest ? digest : "-",
               json_int(row, "attempt", 0) + 1);
    if (json_int(row, "settled_ms", 0) > 0)
        buf_printf(out, ", settled %s", prove_time(proof, json_int(row, "settled_ms", 0), settled));
    if (*str(row, "made"))
        buf_printf(out, ", made %s", str(row, "made"));
}

static void add_event(const struct proof *proof, struct table *table, const json_t *row)
{
    char when[TIME_TEXT_MAX];
    bool is_intent = strcmp(str(row, "kind"), "intent") == 0;
    AUTO_BUF step;
    AUTO_BUF known;

    buf_init(&step, STEP_MAX);
    buf_init(&known, LINE_MAX_BYTES);
    write_step(&step, row);
    if (is_intent)
        write_intent(proof, &known, row);
    else if (json_int(row, "http_status", 0) > 0)
        buf_printf(&known, "HTTP %" PRId64 "%s", json_int(row, "http_status", 0),
                   *str(row, "text") ? ", " : "");
    if (!is_intent)
        buf_str(&known, str(row, "text"));
    table_cell(table, prove_time(proof, json_int(row, "at_ms", 0), when));
    table_cell(table, step.data);
    table_cellf(table, "%s%s", is_intent ? "intent " : "", str(row, is_intent ? "state" : "verdict"));
    table_cellf(table, "%.*s", DIGEST_SHOWN, str(row, "digest"));
    table_cell(table, known.data);
}

static void show_head(const struct proof *proof, const struct screen *screen)
{
    const struct store_record *record = proof->record;
    const json_t *source = json_object_get(record->sections, "source");
    char when[TIME_TEXT_MAX];
    AUTO_BUF line;

    (void)fprintf(screen->out, "%sRecord %" PRId64 ", [SB-%s], %s%s\n", screen_begin(screen, SCREEN_BOLD),
                  record->id, record->reference, store_state_word(record->state),
                  screen_end(screen, SCREEN_BOLD));
    buf_init(&line, LINE_MAX_BYTES);
    screen_clean(&line, record->external_id);
    write_line(screen, "conversation", &line);
    buf_clear(&line);
    buf_str(&line, prove_time(proof, json_int(source, "at_ms", 0), when));
    if (json_int(source, "at_ms", 0) > 0) /* agents need not say when */
        write_line(screen, "took place", &line);
    buf_clear(&line);
    buf_printf(&line, "%s, from %s%s", prove_time(proof, record->received_ms, when), str(source, "plugin"),
               record->is_doubtful ? ", doubtful: looked for before anything was created" : "");
    write_line(screen, "received", &line);
}

/* What the other side has, by id. */
static void show_made(const struct proof *proof, const struct screen *screen)
{
    const json_t *contact = json_object_get(proof->record->sections, "contact");
    const json_t *ticket = json_object_get(proof->record->sections, "ticket");
    const json_t *notes = json_object_get(json_object_get(proof->record->sections, "notes"), "ids");
    size_t index;
    json_t *id;
    AUTO_BUF line;

    buf_init(&line, LINE_MAX_BYTES);
    write_title(screen, "At the helpdesk");
    if (*str(contact, "id"))
        buf_printf(&line, "%s%s", str(contact, "id"),
                   json_is_true(json_object_get(contact, "created")) ? ", made for this conversation" : "");
    write_line(screen, "contact", &line);
    buf_clear(&line);
    if (*str(ticket, "id"))
        buf_printf(&line, "%s%s%s%s", *str(ticket, "number") ? "#" : "", str(ticket, "number"),
                   *str(ticket, "number") ? ", id " : "", str(ticket, "id"));
    else
        buf_str(&line, "none");
    write_line(screen, "ticket", &line);
    buf_clear(&line);
    json_array_foreach (notes, index, id)
        buf_printf(&line, "%s%s", index ? ", " : "", json_string_value(id) ? json_string_value(id) : "?");
    write_line(screen, "notes", &line);
}

static void show_doubled(const struct proof *proof, const struct screen *screen, const json_t *doubled)
{
    size_t index, k;
    json_t *row, *id;
    char when[TIME_TEXT_MAX];

    json_array_foreach (doubled, index, row) {
        AUTO_BUF line;
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "record %" PRId64 " [SB-%s], %s.%s: %s was made; there is also",
                   json_int(row, "record_id", 0), str(row, "reference"), str(row, "instance"),
                   str(row, "step"), str(row, "made"));
        json_array_foreach (json_object_get(row, "others"), k, id)
            buf_printf(&line, "%s %s", k ? "," : "", json_string_value(id) ? json_string_value(id) : "?");
        buf_printf(&line, " (seen %s)", prove_time(proof, json_int(row, "at_ms", 0), when));
        write_line(screen, "DOUBLED", &line);
    }
}

static void show_sweeps(const struct proof *proof, const struct screen *screen)
{
    size_t index;
    json_t *row;
    char when[TIME_TEXT_MAX];

    json_array_foreach (json_object_get(proof->found, "sweeps"), index, row) {
        AUTO_BUF line;
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "%s.%s, at %s or later", str(row, "instance"), str(row, "step"),
                   prove_time(proof, json_int(row, "due_ms", 0), when));
        write_line(screen, "second look", &line);
    }
}

static void show_faults(const struct proof *proof, const struct screen *screen)
{
    size_t index;
    json_t *fault;

    json_array_foreach (json_object_get(proof->chain, "faults"), index, fault) {
        int64_t id = json_int(fault, "record_id", 0);
        AUTO_BUF line;

        buf_init(&line, LINE_MAX_BYTES);
        if (proof->record && id != proof->record->id)
            continue;
        if (id > 0 && !proof->record)
            buf_printf(&line, "record %" PRId64 ": ", id);
        screen_clean(&line, str(fault, "text"));
        write_line(screen, str(fault, "what"), &line);
    }
}

int prove_show_record(const struct proof *proof, const struct screen *screen)
{
    AUTO_TABLE table = table_new(event_columns, COUNT_OF(event_columns));
    size_t index;
    json_t *row;

    if (!table)
        return -1;
    show_head(proof, screen);
    write_title(screen, "What happened");
    json_array_foreach (proof->timeline, index, row)
        add_event(proof, table, row);
    if (table_rows(table) > 0 && table_write(table, screen, 2) < 0)
        return -1;
    show_made(proof, screen);
    show_sweeps(proof, screen);
    show_doubled(proof, screen, json_object_get(proof->found, "doubled"));
    show_faults(proof, screen);
    write_verdict(proof, screen);
    return 0;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static const struct table_column unknown_columns[] = {
    { .title = "ID", .is_right = true },
    { .title = "WHAT", .can_shrink = true },
    { .title = "SENT" },
    { .title = "TRY", .is_right = true },
    { .title = "NEXT LOOK" },
    { .title = "SURE FROM" },
    { .title = "LOOKED", .wraps = true },
};

static void show_records(const struct proof *proof, const struct screen *screen)
{
    const char *state, *last = NULL;
    json_t *count;
    AUTO_BUF line;

    buf_init(&line, LINE_MAX_BYTES);
    json_object_foreach (json_object_get(proof->totals, "records"), state, count) {
        if (json_integer_value(count) == 0)
            continue;
        buf_printf(&line, "%s%lld %s", screen_before_count(state, last), (long long)json_integer_value(count),
                   state);
        last = state;
    }
    if (!line.len)
        buf_str(&line, "none yet");
    write_line(screen, "records", &line);
}

static void show_created(const struct proof *proof, const struct screen *screen)
{
    size_t index;
    json_t *row;

    json_array_foreach (json_object_get(proof->found, "intents"), index, row) {
        AUTO_BUF line;
        buf_init(&line, LINE_MAX_BYTES);
        buf_printf(&line, "%s.%s: %" PRId64 " %s", str(row, "instance"), str(row, "step"),
                   json_int(row, "count", 0), str(row, "state"));
        write_line(screen, index ? "" : "created", &line);
    }
}

static void show_verdicts(const struct proof *proof, const struct screen *screen)
{
    const json_t *verdicts = json_object_get(proof->found, "verdicts");
    const char *word;
    json_t *count;
    AUTO_BUF line;

    buf_init(&line, LINE_MAX_BYTES);
    json_object_foreach ((json_t *)(uintptr_t)verdicts, word, count)
        buf_printf(&line, "%s%lld %s", line.len ? ", " : "", (long long)json_integer_value(count), word);
    if (!line.len)
        buf_str(&line, "no outcome was ever unknown");
    write_line(screen, "looking", &line);
}

static int show_unknown(const struct proof *proof, const struct screen *screen)
{
    AUTO_TABLE table = table_new(unknown_columns, COUNT_OF(unknown_columns));
    char when[TIME_TEXT_MAX];
    size_t index;
    json_t *row;

    if (!table)
        return -1;
    json_array_foreach (proof->unknown, index, row) {
        table_cellf(table, "%" PRId64, json_int(row, "record_id", 0));
        table_cellf(table, "%s.%s", str(row, "instance"), str(row, "step"));
        table_cell(table, prove_time(proof, json_int(row, "sent_ms", 0), when));
        table_cellf(table, "%" PRId64, json_int(row, "attempt", 0));
        table_cell(table, prove_time(proof, json_int(row, "next_ms", 0), when));
        table_cell(table, prove_time(proof, json_int(row, "certain_ms", 0), when));
        table_cellf(table, "%" PRId64 " times%s%s%s%s", json_int(row, "looks", 0),
                    *str(row, "last_look") ? ", last: " : "", str(row, "last_look"),
                    *str(row, "last_look_text") ? ": " : "", str(row, "last_look_text"));
    }
    if (table_rows(table) == 0)
        return 0;
    write_title(screen, "Unknown");
    return table_write(table, screen, 2);
}

static void show_chain(const struct proof *proof, const struct screen *screen)
{
    const json_t *chain = proof->chain;
    AUTO_BUF line;

    buf_init(&line, LINE_MAX_BYTES);
    buf_printf(&line, "%s: %" PRId64 " links, %" PRId64 " of them expired",
               json_is_true(json_object_get(chain, "is_whole")) ? "whole" : "BROKEN",
               json_int(chain, "links", 0), json_int(chain, "expired", 0));
    if (json_int(chain, "adopted", 0) > 0)
        buf_printf(&line, "; the first %" PRId64 " were made when an older journal was brought up to date",
                   json_int(chain, "adopted", 0));
    write_line(screen, "hash chain", &line);
    buf_clear(&line);
    buf_str(&line, str(chain, "end"));
    write_line(screen, "its end", &line);
    show_faults(proof, screen);
}

static void show_report(const struct proof *proof, const struct screen *screen)
{
    char when[TIME_TEXT_MAX];
    AUTO_BUF line;

    buf_init(&line, LINE_MAX_BYTES);
    if (!proof->report) {
        buf_str(&line,
                "never ('switchboard reconcile' compares the sources and the helpdesk with the journal)");
    } else {
        buf_printf(&line, "%s: %" PRId64 " listed, %" PRId64 " missing, %" PRId64 " doubled",
                   prove_time(proof, proof->report_ms, when), json_int(proof->report, "listed", 0),
                   json_int(proof->report, "missing", 0), json_int(proof->report, "doubled", 0));
        if (json_array_size(json_object_get(proof->report, "faults")) > 0)
            buf_str(&line, "; not everything could be read");
    }
    write_line(screen, "compared", &line);
}

int prove_show_all(const struct proof *proof, const struct screen *screen)
{
    size_t sweeps = json_array_size(json_object_get(proof->found, "sweeps"));
    AUTO_BUF line;

    (void)fprintf(screen->out, "%sThe journal%s\n", screen_begin(screen, SCREEN_BOLD),
                  screen_end(screen, SCREEN_BOLD));
    show_records(proof, screen);
    show_created(proof, screen);
    show_verdicts(proof, screen);
    buf_init(&line, LINE_MAX_BYTES);
    buf_printf(&line, "%zu due", sweeps);
    write_line(screen, "second looks", &line);
    show_doubled(proof, screen, json_object_get(proof->found, "doubled"));
    show_report(proof, screen);
    show_chain(proof, screen);
    if (show_unknown(proof, screen) < 0)
        return -1;
    write_verdict(proof, screen);
    return 0;
}
