/* engine.conf: any file ends in settings or in diagnostics that have a text, never in a crash. */
#include "fuzz/fuzz.h"
#include "unit/conf_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct conf_source source = { .lookup = fixture_lookup };
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = NULL;
    struct buf out;

    if (conf_load(fuzz_file(".conf", data, size), &source, &conf, &err) < 0) {
        FUZZ_CHECK(err.text[0]);
        return 0;
    }
    fixture_check(conf);
    for (size_t i = 0; i < conf->diagnostic_count; i++)
        FUZZ_CHECK(conf->diagnostics[i].text[0]);
    buf_init(&out, 1 << 22);
    conf_write_diagnostics(conf, &out);
    conf_write_summary(conf, &out);
    buf_done(&out);
    conf_free(conf);
    return 0;
}
