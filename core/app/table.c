/* Tables: cells are kept until the widths of all columns are known. */
#include "app/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/scope.h"

enum {
    TABLE_BYTES_MAX = 256 * 1024 * 1024,
    CELL_BYTES_MAX = 64 * 1024,
    SHRUNK_MIN = 8,
    WRAPPED_MIN = 24,
    BELOW_INDENT = 4,
    GAP = 2
};

struct cell {
    const char *text;
    size_t columns;
    enum screen_style style;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct arena *arena; /* owned: the cells' texts */
    struct cell *cells;  /* owned */
    size_t count, capacity;
    size_t widths[TABLE_COLUMNS_MAX];
    bool has_failed;
};

struct table *table_new(const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    struct table *table = calloc(1, sizeof(*table));

    if (!table)
        return NULL;
    table->columns = columns;
    table->column_count = column_count;
    table->arena = arena_new(TABLE_BYTES_MAX);
    if (!table->arena) {
        free(table);
        return NULL;
    }
    for (size_t i = 0; i < column_count; i++)
        table->widths[i] = screen_columns(columns[i].title, strlen(columns[i].title));
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    arena_free(table->arena);
    free(table->cells);
    free(table);
}

static bool make_room(struct table *table)
{
    if (table->count < table->capacity)
        return true;
    size_t capacity = table->capacity ? table->capacity * 2 : 64;
    struct cell *cells = reallocarray(table->cells, capacity, sizeof(*cells));
    if (!cells)
        return false;
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

void table_cell_styled(struct table *table, const char *text, enum screen_style style)
{
    AUTO_BUF clean;

    buf_init(&clean, CELL_BYTES_MAX);
    if (text)
        screen_clean(&clean, text);
    const char *kept = arena_strdup(table->arena, clean.data);
    if (!kept || clean.failed || !make_room(table)) {
        table->has_failed = true;
        return;
    }
    struct cell *cell = &table->cells[table->count];
    size_t *width = &table->widths[table->count++ % table->column_count];
    *cell = (struct cell){ .text = kept, .columns = screen_columns(kept, clean.len), .style = style };
    if (cell->columns > *width)
        *width = cell->columns;
}

void table_cell(struct table *table, const char *text)
{
    table_cell_styled(table, text, SCREEN_PLAIN);
}

void table_cellf(struct table *table, const char *fmt, ...)
{
    AUTO_BUF text;
    va_list args;

    buf_init(&text, CELL_BYTES_MAX);
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    table->has_failed = table->has_failed || text.failed;
    table_cell(table, text.data);
}

size_t table_rows(const struct table *table)
{
    return table->count / table->column_count;
}

/* ---- writing ---- */

struct layout {
    const struct screen *screen;
    unsigned indent;
    size_t widths[TABLE_COLUMNS_MAX];
    bool is_below; /* the wrapped column stands under the others */
};

/* Columns that stand beside each other. */
static size_t columns_beside(const struct table *table, const struct layout *layout)
{
    return table->column_count - (layout->is_below ? 1 : 0);
}

static size_t whole_width(const struct table *table, const struct layout *layout)
{
    size_t count = columns_beside(table, layout);
    size_t sum = layout->indent + GAP * (count - 1);

    for (size_t i = 0; i < count; i++)
        sum += layout->widths[i];
    return sum;
}

/* The widest column that may still give way, or column_count. */
static size_t find_widest(const struct table *table, const struct layout *layout)
{
    size_t found = table->column_count;

    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].can_shrink && layout->widths[i] > SHRUNK_MIN &&
            (found == table->column_count || layout->widths[i] > layout->widths[found]))
            found = i;
    return found;
}

static struct layout lay_out(const struct table *table, const struct screen *screen, unsigned indent)
{
    struct layout layout = { .screen = screen, .indent = indent };
    size_t last = table->column_count - 1;

    memcpy(layout.widths, table->widths, sizeof(layout.widths));
    if (screen->width == 0)
        return layout;
    size_t whole = whole_width(table, &layout);
    if (whole > screen->width && table->columns[last].wraps) {
        size_t others = whole - layout.widths[last];
        layout.is_below = last > 0 && others + WRAPPED_MIN > screen->width;
        layout.widths[last] = screen->width - (layout.is_below ? indent + BELOW_INDENT : others);
    }
    for (size_t i; whole_width(table, &layout) > screen->width &&
                   (i = find_widest(table, &layout)) < table->column_count;)
        layout.widths[i]--;
    return layout;
}

static void write_blanks(FILE *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fputc(' ', out);
}

/* What does not fit is cut, and the cut is shown. */
static void write_cell(const struct layout *layout, const struct cell *cell, size_t width, bool is_right,
                       bool is_last)
{
    FILE *out = layout->screen->out;
    bool is_cut = cell->columns > width;
    size_t size = is_cut ? screen_prefix(cell->text, width - 1) : strlen(cell->text);
    size_t used = screen_columns(cell->text, size) + (is_cut ? 1 : 0);

    if (is_right && used < width)
        write_blanks(out, width - used);
    (void)fprintf(out, "%s%.*s%s%s", screen_begin(layout->screen, cell->style), (int)size, cell->text,
                  is_cut ? "\xe2\x80\xa6" : "", screen_end(layout->screen, cell->style));
    if (!is_right && !is_last && used < width)
        write_blanks(out, width - used);
}

static void write_wrapped(const struct layout *layout, const struct cell *cell, size_t width, size_t left)
{
    FILE *out = layout->screen->out;
    const char *text = cell->text;

    for (bool is_first = true; is_first || *text; is_first = false) {
        size_t next = 0, size = screen_break(text, width, &next);
        if (!is_first) {
            (void)fputc('\n', out);
            write_blanks(out, left);
        }
        (void)fprintf(out, "%s%.*s%s", screen_begin(layout->screen, cell->style), (int)size, text,
                      screen_end(layout->screen, cell->style));
        text += next;
    }
}

/* The wrapped column, beside the others or under them. */
static void write_last(const struct table *table, const struct layout *layout, const struct cell *cell)
{
    size_t width = layout->widths[table->column_count - 1];
    size_t left = layout->is_below ? layout->indent + BELOW_INDENT : whole_width(table, layout) - width;

    if (layout->is_below) {
        (void)fputc('\n', layout->screen->out);
        write_blanks(layout->screen->out, left);
    }
    write_wrapped(layout, cell, width, left);
}

static void write_row(const struct table *table, const struct layout *layout, const struct cell *cells)
{
    FILE *out = layout->screen->out;
    size_t last = table->column_count - 1, end = table->column_count;
    bool wraps = table->columns[last].wraps && layout->screen->width > 0 && *cells[last].text;

    if (table->columns[last].wraps && layout->screen->width > 0)
        end--;
    /* Blanks behind the last text of a line are of no use to anybody. */
    while (end > 1 && !*cells[end - 1].text && !(wraps && !layout->is_below))
        end--;
    write_blanks(out, layout->indent);
    for (size_t i = 0; i < end; i++) {
        bool is_last = i + 1 == end && (!wraps || layout->is_below);
        write_cell(layout, &cells[i], layout->widths[i], table->columns[i].is_right, is_last);
        if (!is_last)
            write_blanks(out, GAP);
    }
    if (wraps)
        write_last(table, layout, &cells[last]);
    (void)fputc('\n', out);
}

int table_write(const struct table *table, const struct screen *screen, unsigned indent)
{
    struct cell titles[TABLE_COLUMNS_MAX];
    struct layout layout = lay_out(table, screen, indent);

    if (table->has_failed)
        return -1;
    assert(table->count % table->column_count == 0);
    for (size_t i = 0; i < table->column_count; i++) {
        bool is_hidden = layout.is_below && i + 1 == table->column_count;
        const char *title = is_hidden ? "" : table->columns[i].title;
        titles[i] = (struct cell){ .text = title,
                                   .columns = screen_columns(title, strlen(title)),
                                   .style = SCREEN_BOLD };
    }
    write_row(table, &layout, titles);
    for (size_t i = 0; i < table->count; i += table->column_count)
        write_row(table, &layout, &table->cells[i]);
    return 0;
}
