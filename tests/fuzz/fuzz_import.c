/* What `import` reads: any file is a list of ids, a CSV of contacts, or refused with what would be right; every id is in
 * exactly one batch, in order, and every row is one that the journal takes. The reader of lists is static in its verb. */
#include "fuzz/fuzz.h"

#include "app/cmd_import.c"
#include "app/contacts.h"

static void check_batches(const json_t *list)
{
    size_t count = json_array_size(list), done = 0;

    while (done < count) {
        json_t *batch = next_batch(list, done);
        size_t size = json_array_size(batch);
        FUZZ_CHECK(batch && size > 0 && size <= BATCH_IDS_MAX);
        for (size_t i = 0; i < size; i++)
            FUZZ_CHECK(json_array_get(batch, i) == json_array_get(list, done + i));
        done += size;
        json_decref(batch);
    }
    FUZZ_CHECK(done == count);
}

static void check_contacts(const char *text, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *rows = NULL, *mistakes = NULL;

    if (contacts_csv_read("contacts.csv", text, size, &rows, &mistakes, &err) < 0)
        FUZZ_CHECK(err.text[0] && err.status == SB_EINPUT && !rows && json_array_size(mistakes) > 0);
    else
        FUZZ_CHECK(contacts_are_rows(rows) && !mistakes);
    json_decref(rows);
    json_decref(mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    const struct import_options options = { .path = "list.json", .text = (const char *)data, .size = size };
    json_t *list = NULL;

    if (contacts_csv_is(options.text, size)) {
        check_contacts(options.text, size);
        return 0;
    }
    if (read_list(&options, &list, &err) < 0) {
        FUZZ_CHECK(err.text[0] && err.status == SB_EINPUT && !list);
        return 0;
    }
    FUZZ_CHECK(json_is_array(list));
    check_batches(list);
    json_decref(list);
    return 0;
}
