/* The mapping file of contacts, read strictly: every mistake with its line, and nothing of a file that has one. */
#include "app/contacts_csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/utf8.h"

enum { FIELDS_MAX = 16, FIELD_BYTES_MAX = 4096, ID_MAX = 255, NAME_MAX = 40, CONTACT_DIGITS_MAX = 30 };
enum column { COLUMN_CANONICAL, COLUMN_CRM, COLUMN_CONTACT, COLUMN_COUNT, COLUMN_NONE = -1 };

static const char *const column_words[] = { "canonical_id", "crm_id", "contact_id", NULL };

/* Other names that people give the columns. */
static const struct {
    const char *word;
    enum column column;
} aliases[] = {
    { "user_id", COLUMN_CANONICAL },
    { "canonical", COLUMN_CANONICAL },
    { "crm_contact_id", COLUMN_CRM },
    { "zoho_crm_id", COLUMN_CRM },
    { "desk_contact_id", COLUMN_CONTACT },
    { "zoho_contact_id", COLUMN_CONTACT },
    { "zoho_desk_contact_id", COLUMN_CONTACT },
};

struct reader {
    const char *path;
    const char *at, *end;
    size_t line; /* of the record that is read */
    size_t next_line;
    char fields[FIELDS_MAX][FIELD_BYTES_MAX + 1];
    size_t count; /* fields of the record; may be more than FIELDS_MAX: those are not kept */
    enum column columns[FIELDS_MAX];
    size_t column_count;
    json_t *rows, *lines, *mistakes; /* owned; lines: canonical id -> line, for duplicates */
    size_t mistake_count;
    bool has_no_memory;
};

SB_PRINTF(2, 3) static void mistake(struct reader *reader, const char *fmt, ...)
{
    AUTO_BUF text;
    AUTO_BUF clean;
    va_list args;

    buf_init(&text, 8192);
    buf_init(&clean, 32768); /* a byte that is no text becomes three */
    reader->mistake_count++;
    if (json_array_size(reader->mistakes) >= CONTACTS_MISTAKES_MAX)
        return;
    buf_printf(&text, "%s:%zu: ", reader->path, reader->line);
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    utf8_mend(&clean, text.data, text.len); /* names of columns may be any bytes */
    if (text.failed || clean.failed || json_array_append_new(reader->mistakes, json_string(clean.data)) < 0)
        reader->has_no_memory = true;
}

/* ---- records and fields -------------------------------------------------------------------------------- */

static void keep(struct reader *reader, size_t *size, char c)
{
    if (reader->count >= FIELDS_MAX)
        return;
    if (*size < FIELD_BYTES_MAX)
        reader->fields[reader->count][*size] = c;
    (*size)++;
}

static void end_field(struct reader *reader, size_t size)
{
    if (reader->count < FIELDS_MAX) {
        if (size > FIELD_BYTES_MAX)
            mistake(reader, "field %zu is longer than %d bytes", reader->count + 1, FIELD_BYTES_MAX);
        reader->fields[reader->count][size < FIELD_BYTES_MAX ? size : FIELD_BYTES_MAX] = '\0';
    }
    reader->count++;
}

/* After the opening quote. Ends behind the closing one. */
static size_t read_quoted(struct reader *reader)
{
    size_t size = 0;

    while (reader->at < reader->end) {
        char c = *reader->at++;
        if (c == '"' && (reader->at == reader->end || *reader->at != '"'))
            return size;
        if (c == '"')
            reader->at++;
        reader->next_line += c == '\n';
        keep(reader, &size, c);
    }
    mistake(reader, "a quote is opened and never closed");
    return size;
}

static bool is_end_of_field(const struct reader *reader)
{
    return reader->at == reader->end || *reader->at == ',' || *reader->at == '\n' || *reader->at == '\r';
}

static void read_field(struct reader *reader)
{
    size_t size = 0;
    bool is_quoted = reader->at < reader->end && *reader->at == '"';

    if (is_quoted) {
        reader->at++;
        size = read_quoted(reader);
        if (!is_end_of_field(reader))
            mistake(reader, "field %zu goes on after its closing quote", reader->count + 1);
    }
    for (; !is_end_of_field(reader); reader->at++) {
        if (!is_quoted && *reader->at == '"')
            mistake(reader, "field %zu has a quote in it: put the field in quotes, and double the quote",
                    reader->count + 1);
        if (!is_quoted)
            keep(reader, &size, *reader->at);
    }
    end_field(reader, size);
}

/* One record. False at the end of the file. */
static bool read_record(struct reader *reader)
{
    reader->line = reader->next_line;
    reader->count = 0;
    if (reader->at == reader->end)
        return false;
    for (;;) {
        read_field(reader);
        if (reader->at == reader->end || *reader->at != ',')
            break;
        reader->at++;
    }
    if (reader->at < reader->end && *reader->at == '\r')
        reader->at++;
    if (reader->at < reader->end && *reader->at == '\n')
        reader->at++;
    reader->next_line++;
    return true;
}

static bool is_empty(const struct reader *reader)
{
    return reader->count == 1 && reader->fields[0][0] == '\0';
}

/* ---- the header ---------------------------------------------------------------------------------------- */

/* "Desk Contact-ID" as "desk_contact_id". */
static void plain_name(const char *text, char ret_name[NAME_MAX + 1])
{
    size_t size = 0;

    while (*text == ' ')
        text++;
    for (; *text && size < NAME_MAX; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
        ret_name[size++] = c == ' ' || c == '-' ? '_' : c;
    }
    while (size && ret_name[size - 1] == '_')
        size--;
    ret_name[size] = '\0';
}

static enum column find_column(const char *text)
{
    char name[NAME_MAX + 1];

    plain_name(text, name);
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (strcmp(name, column_words[i]) == 0)
            return (enum column)i;
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        if (strcmp(name, aliases[i].word) == 0)
            return aliases[i].column;
    return COLUMN_NONE;
}

static void read_header(struct reader *reader)
{
    bool is_there[COLUMN_COUNT] = { false };

    (void)read_record(reader);
    for (size_t i = 0; i < reader->count && i < FIELDS_MAX; i++) {
        char name[NAME_MAX + 1];
        enum column column = find_column(reader->fields[i]);
        reader->columns[i] = column;
        plain_name(reader->fields[i], name);
        const char *nearest = parse_nearest(name, column_words);
        if (column == COLUMN_NONE && nearest)
            mistake(reader, "unknown column '%s'; did you mean '%s'?", name, nearest);
        else if (column == COLUMN_NONE)
            mistake(reader, "unknown column '%s'; there are canonical_id, crm_id and contact_id", name);
        else if (is_there[column])
            mistake(reader, "column '%s' is there twice", column_words[column]);
        if (column != COLUMN_NONE)
            is_there[column] = true;
    }
    reader->column_count = reader->count;
    if (reader->count > FIELDS_MAX)
        mistake(reader, "the header has more than %d columns", FIELDS_MAX);
    if (!is_there[COLUMN_CANONICAL])
        mistake(reader, "the header has no column 'canonical_id'");
    if (!is_there[COLUMN_CRM] && !is_there[COLUMN_CONTACT])
        mistake(reader, "the header has neither a column 'crm_id' nor a column 'contact_id'");
}

bool contacts_csv_is(const char *text, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t at = size >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

    while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
        at++;
    if (at == size || text[at] == '[' || text[at] == '{')
        return false;
    const char *line_end = memchr(text + at, '\n', size - at);
    size_t length = line_end ? (size_t)(line_end - text) - at : size - at;
    return memchr(text + at, ',', length) != NULL;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static char *trim(char *text)
{
    size_t size = strlen(text);

    while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        text[--size] = '\0';
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static bool is_digits(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return size >= 1 && size <= CONTACT_DIGITS_MAX && text[size] == '\0';
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

/* Whether the row can be taken; says what keeps it from that. */
static bool check_row(struct reader *reader, const char *const values[COLUMN_COUNT])
{
    size_t before = reader->mistake_count;
    const char *id = values[COLUMN_CANONICAL];

    for (int i = 0; i < COLUMN_COUNT; i++)
        if (!utf8_is_valid(values[i], strlen(values[i])) || !is_plain(values[i]))
            mistake(reader, "'%s' holds bytes that are no text (UTF-8 without control characters)",
                    column_words[i]);
    if (before != reader->mistake_count)
        return false;
    if (!*id)
        mistake(reader, "'canonical_id' is empty");
    else if (strlen(id) > CONTACTS_ID_MAX)
        mistake(reader, "'canonical_id' is longer than %d bytes", CONTACTS_ID_MAX);
    if (!*values[COLUMN_CRM] && !*values[COLUMN_CONTACT])
        mistake(reader, "'crm_id' and 'contact_id' are both empty: one of them must be there");
    if (strlen(values[COLUMN_CRM]) > ID_MAX)
        mistake(reader, "'crm_id' is longer than %d bytes", ID_MAX);
    if (*values[COLUMN_CONTACT] && !is_digits(values[COLUMN_CONTACT]))
        mistake(reader, "'%s' is no id of a Desk contact, which is digits", values[COLUMN_CONTACT]);
    const json_t *earlier = *id ? json_object_get(reader->lines, id) : NULL;
    if (earlier)
        mistake(reader, "'%s' is in line %lld already", id, (long long)json_integer_value(earlier));
    return before == reader->mistake_count;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static void take_row(struct reader *reader)
{
    const char *values[COLUMN_COUNT] = { "", "", "" };

    if (reader->count != reader->column_count) {
        mistake(reader, "the row has %zu %s, but the header has %zu", reader->count,
                reader->count == 1 ? "field" : "fields", reader->column_count);
        return;
    }
    for (size_t i = 0; i < reader->count && i < FIELDS_MAX; i++)
        if (reader->columns[i] != COLUMN_NONE)
            values[reader->columns[i]] = trim(reader->fields[i]);
    if (!check_row(reader, values))
        return;
    json_t *pair =
        json_pack("[o, o]", text_or_null(values[COLUMN_CRM]), text_or_null(values[COLUMN_CONTACT]));
    if (!pair || json_object_set_new(reader->rows, values[COLUMN_CANONICAL], pair) < 0 ||
        json_object_set_new(reader->lines, values[COLUMN_CANONICAL], json_integer((json_int_t)reader->line)) <
            0)
        reader->has_no_memory = true;
}

static void read_rows(struct reader *reader)
{
    while (!reader->has_no_memory && read_record(reader)) {
        if (is_empty(reader))
            continue;
        if (json_object_size(reader->rows) >= CONTACTS_ROWS_MAX) {
            mistake(reader, "the file has more than %d rows", CONTACTS_ROWS_MAX);
            return;
        }
        take_row(reader);
    }
}

static void free_reader(struct reader *reader)
{
    json_decref(reader->rows);
    json_decref(reader->lines);
    json_decref(reader->mistakes);
    free(reader);
}

static int finish(struct reader *reader, json_t **ret_rows, json_t **ret_mistakes, struct sb_error *err)
{
    if (reader->has_no_memory)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", reader->path);
    if (reader->mistake_count == 0) {
        *ret_rows = TAKE(reader->rows);
        return 0;
    }
    size_t shown = json_array_size(reader->mistakes);
    if (shown < reader->mistake_count) {
        char more[80];
        (void)snprintf(more, sizeof(more), "and %zu more", reader->mistake_count - shown);
        (void)json_array_append_new(reader->mistakes, json_string(more));
    }
    *ret_mistakes = TAKE(reader->mistakes);
    return sb_fail(err, SB_EINPUT, "cannot take '%s' over: it has %zu %s", reader->path,
                   reader->mistake_count, reader->mistake_count == 1 ? "mistake" : "mistakes");
}

int contacts_csv_read(const char *path, const char *text, size_t size, json_t **ret_rows,
                      json_t **ret_mistakes, struct sb_error *err)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    reader->path = path;
    reader->at = text;
    reader->end = text + size;
    reader->next_line = 1;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3;
    reader->rows = json_object();
    reader->lines = json_object();
    reader->mistakes = json_array();
    reader->has_no_memory = !reader->rows || !reader->lines || !reader->mistakes;
    reader->line = 1;
    if (memchr(text, '\0', size))
        mistake(reader, "the file holds bytes 0: save it as UTF-8");
    else if (!reader->has_no_memory) {
        read_header(reader);
        /* Rows under a header that is wrong would all be called wrong. */
        if (reader->mistake_count == 0)
            read_rows(reader);
    }

    int rc = finish(reader, ret_rows, ret_mistakes, err);
    free_reader(reader);
    return rc;
}
