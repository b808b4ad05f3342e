/* What is said in a call, and the sound of it. The sound is made so that only the whole of it tells which call it is: a
 * transcriber that gets a cut or mixed recording does not give out a good transcript. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "simulation/company.h"
#include "simulation/memory.h"

enum { LINE_MS = 4000, LINE_SAYS_MS = 3500, SPEAKERS = 2, FILLER_SIZE = 300 };

static const char *const sentences[] = {
    "good morning and welcome to the help line",
    "my parcel went to the neighbour across the street",
    "I wanted to hear whether the blue one comes back next week",
    "let me look that up for you",
    "the colour on the page differs from the one in the box",
    "could you spell your name for me",
    "we sent it on Monday with the usual carrier",
    "that would be lovely",
    "the lamp flickers when the fan turns",
    "I have written that down",
    "my sister bought it for the garden",
    "somebody from the workshop calls you back tomorrow",
};

static const char urgent_sentence[] = "this is urgent and my shop is closed until you mend it";

/* Three letters for a number below 17576. */
static void letters(size_t number, char ret_text[4])
{
    ret_text[0] = (char)('a' + number / 676 % 26);
    ret_text[1] = (char)('a' + number / 26 % 26);
    ret_text[2] = (char)('a' + number % 26);
    ret_text[3] = '\0';
}

void speech_write(struct truth_call *call, struct chance *chance, size_t line_count)
{
    call->lines = sim_grow(NULL, line_count, sizeof(*call->lines));
    call->line_count = line_count;
    for (size_t i = 0; i < line_count; i++) {
        const char *sentence = sentences[chance_below(chance, sizeof(sentences) / sizeof(sentences[0]))];
        char number[4], text[200];

        letters(i, number);
        /* Both say it, one after the other: some classifiers listen to the customer only. */
        if (call->is_urgent && i / SPEAKERS == line_count / 2 / SPEAKERS)
            sentence = urgent_sentence;
        (void)snprintf(text, sizeof(text), "%s, %s %s.", sentence, call->code, number);
        call->lines[i] = (struct truth_line){ .start_ms = (int64_t)i * LINE_MS,
                                              .end_ms = (int64_t)i * LINE_MS + LINE_SAYS_MS,
                                              .speaker = (unsigned)(i % SPEAKERS),
                                              .text = sim_copy(text) };
    }
}

/* ---- sound --------------------------------------------------------------------------------------------- */

/* The tag and the first frame header of an MP3: what the engine looks at. The fourth byte says mono or stereo. */
static const char head_mono[] = "ID3\x03\0\0\0\0\0\0\xff\xfb\x90\xc4";
static const char head_stereo[] = "ID3\x03\0\0\0\0\0\0\xff\xfb\x90\x04";
static const char mark[] = "SIMSOUND ";

char *recording_bytes(const struct truth_call *call, size_t *ret_size)
{
    struct buf sound;
    char filler[FILLER_SIZE + 1], hex[DIGEST_HEX_SIZE];

    memset(filler, '~', FILLER_SIZE);
    filler[FILLER_SIZE] = '\0';
    buf_init(&sound, 4096);
    buf_add(&sound, call->channels == 2 ? head_stereo : head_mono, sizeof(head_mono) - 1);
    buf_printf(&sound, "%s%s %s ", mark, call->sid, filler);
    digest_sha256_hex(sound.data, sound.len, hex);
    buf_str(&sound, hex);
    return buf_take(&sound, ret_size);
}

struct truth_call *recording_call(const struct truth *truth, const char *bytes, size_t size)
{
    size_t head = sizeof(head_mono) - 1 + sizeof(mark) - 1;
    char sid[TRUTH_SID_SIZE], hex[DIGEST_HEX_SIZE];

    if (size < head + sizeof(sid) + DIGEST_HEX_SIZE ||
        memcmp(bytes + sizeof(head_mono) - 1, mark, sizeof(mark) - 1) != 0)
        return NULL;
    digest_sha256_hex(bytes, size - (DIGEST_HEX_SIZE - 1), hex);
    if (memcmp(bytes + size - (DIGEST_HEX_SIZE - 1), hex, DIGEST_HEX_SIZE - 1) != 0)
        return NULL;
    (void)snprintf(sid, sizeof(sid), "%.*s", TRUTH_SID_SIZE - 1, bytes + head);
    return truth_call_by_sid(truth, sid);
}
