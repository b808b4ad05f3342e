/* The audio helper: any file is decoded within its limits or refused with a reason. */
#include <limits.h>

#include "fuzz/fuzz.h"
#include "plugin/helpers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct helper_audio audio = { .rate = 0 };
    struct sb_error err = SB_ERROR_INIT;

    if (size > 65536)
        return 0;
    if (helper_audio(fuzz_file(".audio", data, size), 16000, &audio, &err) < 0) {
        FUZZ_CHECK(err.text[0]);
        return 0;
    }
    FUZZ_CHECK(audio.channels >= 1 && audio.channels <= 8 && audio.rate == 16000);
    long sum = 0;
    for (uint32_t i = 0; i < audio.channels; i++) {
        FUZZ_CHECK(audio.samples[i]);
        for (size_t at = 0; at < audio.frames; at++)
            sum += audio.samples[i][at];
        free(audio.samples[i]);
    }
    FUZZ_CHECK(sum != LONG_MIN);
    return 0;
}
