/* The mapping file of contacts: what is read, and every mistake with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/contacts_csv.h"
#include "base/scope.h"

static const struct {
    const char *name, *text;
    const char *rows; /* JSON */
} good[] = {
    { "as documented",
      "canonical_id,crm_id,contact_id\nu-1,7000001,5000001000000301001\nu-2,,5000001000000301002\nu-3,7,\n",
      "{\"u-1\": [\"7000001\", \"5000001000000301001\"], \"u-2\": [null, \"5000001000000301002\"], \"u-3\": "
      "[\"7\", "
      "null]}" },
    { "a byte order mark, CRLF, and no line end at the end",
      "\xef\xbb\xbf"
      "canonical_id,crm_id\r\nu-1,7\r\nu-2,8",
      "{\"u-1\": [\"7\", null], \"u-2\": [\"8\", null]}" },
    { "quotes, doubled quotes, commas and line breaks inside",
      "canonical_id,crm_id\n\"u,1\",\"7\"\n\"u\"\"2\", 8 \n\"u 3\",\"a b\"\n",
      "{\"u,1\": [\"7\", null], \"u\\\"2\": [\"8\", null], \"u 3\": [\"a b\", null]}" },
    { "other names and another order", "Desk Contact-ID,User ID,CRM contact id\n12,u-1,7\n",
      "{\"u-1\": [\"7\", \"12\"]}" },
    { "empty lines are skipped", "canonical_id,crm_id\n\nu-1,7\n\n\n", "{\"u-1\": [\"7\", null]}" },
    { "a header alone maps nobody", "canonical_id,crm_id\n", "{}" },
    { "text of any script", "canonical_id,crm_id\n\xe0\xa4\x85-1,7\n",
      "{\"\xe0\xa4\x85-1\": [\"7\", null]}" },
};

static void good_files_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        print_message("row: %s\n", good[i].name);
        struct sb_error err = SB_ERROR_INIT;
        json_t *rows = NULL, *mistakes = NULL;
        assert_true(contacts_csv_is(good[i].text, strlen(good[i].text)));
        int rc = contacts_csv_read("c.csv", good[i].text, strlen(good[i].text), &rows, &mistakes, &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        json_t *want = json_loads(good[i].rows, 0, NULL);
        assert_non_null(want);
        assert_true(json_equal(rows, want));
        assert_null(mistakes);
        json_decref(want);
        json_decref(rows);
    }
}

static const struct {
    const char *name, *text;
    const char *lines[4];
} bad[] = {
    { "every mistake of a file",
      "canonical_id,crm_id,contact_id\nu-1,7,12\nu-1,8,\n,9,\nu-4,,\nu-5,1\nu-6,,12a\n",
      { "c.csv:3: 'u-1' is in line 2 already", "c.csv:4: 'canonical_id' is empty",
        "c.csv:5: 'crm_id' and 'contact_id' are both empty: one of them must be there",
        "c.csv:6: the row has 2 fields, but the header has 3" } },
    { "an id that is none",
      "canonical_id,contact_id\nu-6,12a\n",
      { "c.csv:2: '12a' is no id of a Desk contact, which is digits" } },
    { "a misspelt column",
      "canonical_id,crmid\nu-1,7\n",
      { "c.csv:1: unknown column 'crmid'; did you mean 'crm_id'?",
        "c.csv:1: the header has neither a column 'crm_id' nor a column 'contact_id'" } },
    { "no canonical id", "crm_id,contact_id\n", { "c.csv:1: the header has no column 'canonical_id'" } },
    { "a column that is no text",
      "canonical_id,CRM i\xff\n",
      { "c.csv:1: unknown column 'crm_i\xef\xbf\xbd'; did you mean 'crm_id'?" } },
    { "a column twice",
      "canonical_id,crm_id,user id\n",
      { "c.csv:1: column 'canonical_id' is there twice" } },
    { "lines are counted through quoted line breaks",
      "canonical_id,crm_id\n\"u\n1\",7\n,8\n",
      { "c.csv:2: 'canonical_id' holds bytes that are no text (UTF-8 without control characters)",
        "c.csv:4: 'canonical_id' is empty" } },
    { "an open quote", "canonical_id,crm_id\n\"u-1,7\n", { "c.csv:2: a quote is opened and never closed" } },
    { "text behind a quote",
      "canonical_id,crm_id\n\"u-1\"x,7\n",
      { "c.csv:2: field 1 goes on after its closing quote" } },
    { "a quote inside",
      "canonical_id,crm_id\nu\"1,7\n",
      { "c.csv:2: field 1 has a quote in it: put the field in quotes, and double the quote" } },
    { "no text",
      "canonical_id,crm_id\n\xff\xfe,7\n",
      { "c.csv:2: 'canonical_id' holds bytes that are no text (UTF-8 without control characters)" } },
};

static void every_mistake_is_said_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        print_message("row: %s\n", bad[i].name);
        struct sb_error err = SB_ERROR_INIT;
        json_t *rows = NULL, *mistakes = NULL;
        assert_int_equal(contacts_csv_read("c.csv", bad[i].text, strlen(bad[i].text), &rows, &mistakes, &err),
                         SB_EINPUT);
        assert_null(rows);
        for (size_t k = 0; k < 4 && bad[i].lines[k]; k++) {
            const char *line = json_string_value(json_array_get(mistakes, k));
            assert_non_null(line);
            assert_string_equal(line, bad[i].lines[k]);
        }
        json_decref(mistakes);
    }
}

static void a_list_of_calls_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = { "[\"a\",\"b\"]", " {\"a\": 1, \"b\": 2}", "", "\n\n",
                                         "only one column\nx\n" };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(contacts_csv_is(texts[i], strlen(texts[i])));
}

static void bytes_zero_are_refused(void **state)
{
    (void)state;
    static const char text[] = "c\0a\0,\0";
    struct sb_error err = SB_ERROR_INIT;
    json_t *rows = NULL, *mistakes = NULL;
    assert_int_equal(contacts_csv_read("c.csv", text, sizeof(text) - 1, &rows, &mistakes, &err), SB_EINPUT);
    assert_string_equal(json_string_value(json_array_get(mistakes, 0)),
                        "c.csv:1: the file holds bytes 0: save it as UTF-8");
    json_decref(mistakes);
}

/* A file of mistakes does not fill the memory with them, and the count is right all the same. */
static void mistakes_are_counted_beyond_those_shown(void **state)
{
    (void)state;
    char text[8000] = "canonical_id,crm_id\n";
    for (int i = 0; i < 1000; i++)
        memcpy(text + strlen(text), ",7\n", 4);
    struct sb_error err = SB_ERROR_INIT;
    json_t *rows = NULL, *mistakes = NULL;
    assert_int_equal(contacts_csv_read("c.csv", text, strlen(text), &rows, &mistakes, &err), SB_EINPUT);
    assert_string_equal(err.text, "cannot take 'c.csv' over: it has 1000 mistakes");
    assert_int_equal(json_array_size(mistakes), CONTACTS_MISTAKES_MAX + 1);
    assert_string_equal(json_string_value(json_array_get(mistakes, CONTACTS_MISTAKES_MAX)), "and 900 more");
    json_decref(mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(every_mistake_is_said_with_its_line),
        cmocka_unit_test(a_list_of_calls_is_none),
        cmocka_unit_test(bytes_zero_are_refused),
        cmocka_unit_test(mistakes_are_counted_beyond_those_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
