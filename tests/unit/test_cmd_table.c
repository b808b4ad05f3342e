/* Tables and texts for people: widths, breaks, and nothing in them that steers a terminal. */
#include "check.h"

#include <stdlib.h>

#include "app/screen.h"
#include "app/table.h"
#include "base/scope.h"

enum { TOO_LARGE = 100 * 1024 };

/* ---- texts ---- */

static void a_text_takes_the_columns_that_a_terminal_gives_it(void **state)
{
    static const struct {
        const char *text;
        size_t want;
    } cases[] = {
        { "", 0 },
        { "agent", 5 },
        { "caf\xc3\xa9", 4 },
        { "cafe\xcc\x81", 4 }, /* combining accent */
        { "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5\x8d\xe0\xa4\xa6\xe0\xa5\x80",
          5 },                             /* a virama has no width */
        { "\xe6\x97\xa5\xe6\x9c\xac", 4 }, /* wide */
        { "\xf0\x9f\x98\x80", 2 },
        { "a\xe2\x80\x8b"
          "b",
          2 }, /* zero width space */
        { "\xff", 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_INT(cases[i].text, cases[i].want, screen_columns(cases[i].text, strlen(cases[i].text)));
}

static void a_beginning_that_fits_ends_between_characters(void **state)
{
    static const struct {
        const char *text;
        size_t columns, want;
    } cases[] = {
        { "abcdef", 3, 3 },
        { "abc", 3, 3 },
        { "abc", 9, 3 },
        { "abc", 0, 0 },
        { "\xc3\xa9\xc3\xa9", 1, 2 },
        { "\xe6\x97\xa5\xe6\x9c\xac", 3, 3 },
        { "e\xcc\x81x", 1, 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_INT(cases[i].text, cases[i].want, screen_prefix(cases[i].text, cases[i].columns));
}

static void a_line_breaks_at_blanks_and_never_within_a_word(void **state)
{
    static const struct {
        const char *text;
        size_t columns, want_size, want_next;
    } cases[] = {
        { "one two three", 20, 13, 13 },      { "one two three", 13, 13, 13 },
        { "one two three", 8, 7, 8 },         { "one two three", 7, 7, 8 },
        { "one two three", 6, 3, 4 },         { "https://example.com/x y", 5, 21, 22 },
        { "https://example.com", 5, 19, 19 }, { "", 5, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t next = 12345;
        CHECK_INT(cases[i].text, cases[i].want_size, screen_break(cases[i].text, cases[i].columns, &next));
        CHECK_INT(cases[i].text, cases[i].want_next, next);
    }
}

#define MARK "\xef\xbf\xbd"

static void nothing_in_a_text_can_steer_a_terminal(void **state)
{
    static const struct {
        const char *text, *want, *want_lines;
    } cases[] = {
        { "plain \xe2\x82\xac", "plain \xe2\x82\xac", "plain \xe2\x82\xac" },
        { "a\nb\tc\r", "a b c ", "a\nb c " },
        { "\x1b[31mred", MARK "[31mred", MARK "[31mred" },
        { "bell\x07", "bell" MARK, "bell" MARK },
        { "\xc2\x9b"
          "31m",
          MARK "31m", MARK "31m" },                                /* CSI as one character */
        { "\xe2\x80\xaeturned", MARK "turned", MARK "turned" },    /* right to left override */
        { "\xe2\x81\xa6isolate", MARK "isolate", MARK "isolate" }, /* left to right isolate */
        { "cut \xe2\x82", "cut " MARK MARK, "cut " MARK MARK },
        { "\x7f", MARK, MARK },
        { NULL, "-", "-" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_BUF line;
        AUTO_BUF lines;
        buf_init(&line, 1000);
        buf_init(&lines, 1000);
        screen_clean(&line, cases[i].text);
        screen_clean_lines(&lines, cases[i].text);
        CHECK_STR(cases[i].want, cases[i].want, line.data);
        CHECK_STR(cases[i].want_lines, cases[i].want_lines, lines.data);
    }
}

/* ---- tables ---- */

static const struct table_column columns[] = {
    { .title = "ID", .is_right = true },
    { .title = "NAME", .can_shrink = true },
    { .title = "WHY", .wraps = true },
};

static struct table *example(void)
{
    struct table *table = table_new(columns, COUNT_OF(columns));

    assert_non_null(table);
    table_cellf(table, "%d", 7);
    table_cell(table, "caf\xc3\xa9");
    table_cell(table, "the caller never answered");
    table_cell(table, "1234");
    table_cell_styled(table, "a name that is rather long", SCREEN_RED);
    table_cell(table, NULL);
    return table;
}

static void check_written(const char *row, const struct table *table, struct screen screen, unsigned indent,
                          const char *want)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    screen.out = out;
    CHECK_INT(row, 0, table_write(table, &screen, indent));
    assert_int_equal(0, fclose(out));
    CHECK_STR(row, want, text);
    free(text);
}

static void without_a_terminal_every_cell_is_whole_and_lines_have_no_blanks_at_the_end(void **state)
{
    AUTO_TABLE table = example();

    (void)state;
    assert_int_equal(2, table_rows(table));
    check_written("no terminal", table, (struct screen){ .width = 0 }, 0,
                  "  ID  NAME                        WHY\n"
                  "   7  caf\xc3\xa9                        the caller never answered\n"
                  "1234  a name that is rather long\n");
    check_written("indented", table, (struct screen){ .width = 0 }, 2,
                  "    ID  NAME                        WHY\n"
                  "     7  caf\xc3\xa9                        the caller never answered\n"
                  "  1234  a name that is rather long\n");
}

static void the_last_column_goes_on_below_itself(void **state)
{
    static const struct table_column two[] = { { .title = "ID" }, { .title = "WHY", .wraps = true } };
    AUTO_TABLE table = table_new(two, COUNT_OF(two));

    (void)state;
    assert_non_null(table);
    table_cell(table, "1");
    table_cell(table, "the caller never answered, and then the line was dead");
    check_written("wrapped", table, (struct screen){ .width = 34 }, 0,
                  "ID  WHY\n"
                  "1   the caller never answered, and\n"
                  "    then the line was dead\n");
}

static void where_there_is_no_room_beside_it_stands_under_its_row(void **state)
{
    AUTO_TABLE table = example();

    (void)state;
    check_written("narrow", table, (struct screen){ .width = 44 }, 0,
                  "  ID  NAME\n"
                  "   7  caf\xc3\xa9\n"
                  "    the caller never answered\n"
                  "1234  a name that is rather long\n");
}

static void columns_that_may_shrink_show_where_they_were_cut(void **state)
{
    AUTO_TABLE table = example();

    (void)state;
    check_written("cut", table, (struct screen){ .width = 20 }, 0,
                  "  ID  NAME\n"
                  "   7  caf\xc3\xa9\n"
                  "    the caller never\n"
                  "    answered\n"
                  "1234  a name that i\xe2\x80\xa6\n");
}

static void colours_are_there_only_where_they_can_be_shown(void **state)
{
    AUTO_TABLE table = example();

    (void)state;
    check_written("colours", table, (struct screen){ .width = 0, .has_colour = true }, 0,
                  "  \x1b[1mID\x1b[0m  \x1b[1mNAME\x1b[0m                        \x1b[1mWHY\x1b[0m\n"
                  "   7  caf\xc3\xa9                        the caller never answered\n"
                  "1234  \x1b[31ma name that is rather long\x1b[0m\n");
}

static void an_empty_table_has_its_titles(void **state)
{
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));

    (void)state;
    assert_non_null(table);
    assert_int_equal(0, table_rows(table));
    check_written("empty", table, (struct screen){ .width = 0 }, 0, "ID  NAME  WHY\n");
}

static void a_cell_that_is_too_large_is_no_table(void **state)
{
    AUTO_TABLE table = table_new(columns, COUNT_OF(columns));
    AUTO_BUF large;

    (void)state;
    assert_non_null(table);
    buf_init(&large, TOO_LARGE);
    for (size_t i = 0; i < TOO_LARGE; i++)
        buf_char(&large, 'x');
    table_cell(table, large.data);
    table_cell(table, "b");
    table_cell(table, "c");
    assert_int_equal(-1, table_write(table, &(struct screen){ .out = stdout }, 0));
}

static void a_file_is_no_terminal(void **state)
{
    AUTO_FILE file = tmpfile();

    (void)state;
    assert_non_null(file);
    struct screen screen = screen_of(file);
    assert_int_equal(0, screen.width);
    assert_false(screen.has_colour);
    assert_string_equal("", screen_begin(&screen, SCREEN_RED));
    assert_string_equal("", screen_end(&screen, SCREEN_RED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_takes_the_columns_that_a_terminal_gives_it),
        cmocka_unit_test(a_beginning_that_fits_ends_between_characters),
        cmocka_unit_test(a_line_breaks_at_blanks_and_never_within_a_word),
        cmocka_unit_test(nothing_in_a_text_can_steer_a_terminal),
        cmocka_unit_test(without_a_terminal_every_cell_is_whole_and_lines_have_no_blanks_at_the_end),
        cmocka_unit_test(the_last_column_goes_on_below_itself),
        cmocka_unit_test(where_there_is_no_room_beside_it_stands_under_its_row),
        cmocka_unit_test(columns_that_may_shrink_show_where_they_were_cut),
        cmocka_unit_test(colours_are_there_only_where_they_can_be_shown),
        cmocka_unit_test(an_empty_table_has_its_titles),
        cmocka_unit_test(a_cell_that_is_too_large_is_no_table),
        cmocka_unit_test(a_file_is_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
