/* processed_calls.json: any file is a list of ids or refused with what would be right; every id is in exactly one batch, in
 * order. The reader is static in its verb. */
#include "fuzz/fuzz.h"

#include "app/cmd_import.c"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    json_t *list = NULL;

    if (read_list(fuzz_file(".json", data, size), &list, &err) < 0) {
        FUZZ_CHECK(err.text[0] && err.status == SB_EINPUT && !list);
        return 0;
    }
    FUZZ_CHECK(json_is_array(list));
    check_batches(list);
    json_decref(list);
    return 0;
}
