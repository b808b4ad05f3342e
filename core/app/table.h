/* Tables for people: aligned columns, made to fit a terminal. */
#ifndef APP_TABLE_H
#define APP_TABLE_H

#include "app/screen.h"

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
    const char *title;
    bool is_right;   /* numbers */
    bool can_shrink; /* on a narrow terminal, its cells are cut */
    bool wraps;      /* the last column only: on a terminal, what does not fit goes on below */
};

struct table;

/* `columns` is borrowed for ever. NULL when out of memory. */
struct table *table_new(const struct table_column *columns, size_t column_count);
void table_free(struct table *table); /* NULL allowed */

/* Adds the next cell of the row; a row ends with its last column. Copies, cleaned for the screen. NULL is empty. A cell
 * that finds no memory makes table_write fail. */
void table_cell(struct table *table, const char *text);
void table_cell_styled(struct table *table, const char *text, enum screen_style style);
void table_cellf(struct table *table, const char *fmt, ...) SB_PRINTF(2, 3);
size_t table_rows(const struct table *table);

/* Writes titles and rows, each line behind `indent` blanks. -1: out of memory. */
int table_write(const struct table *table, const struct screen *screen, unsigned indent);

static inline void scope_table_free(struct table **table)
{
    table_free(*table);
}
#define AUTO_TABLE __attribute__((cleanup(scope_table_free))) struct table *

#endif
