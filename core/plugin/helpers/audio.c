/* Audio files decoded by libsndfile and brought to one sample rate by libsamplerate, in pieces, so that a
 * long call needs no more memory than its samples. */
#include <limits.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/helpers.h"

__attribute__((visibility("default"))) int sb_audio_load(const char *path, uint32_t rate,
                                                         struct helper_audio *ret_audio, char ret_why[200]);

enum {
    CHUNK_FRAMES = 8192,
    CHANNELS_MAX = 8,
    RATE_MIN = 1000,
    RATE_MAX = 384000,
    WHY_SIZE = 200,
    ROOM_FIRST = 16 * 1024
};

struct loading {
    SNDFILE *file;
    SF_INFO info;
    SRC_STATE *converter; /* NULL: the file has the rate already */
    double ratio;
    float *in, *out; /* interleaved */
    long out_frames; /* room in `out` */
    size_t room;     /* frames in each channel's block */
    struct helper_audio audio;
};

static int fail(char why[WHY_SIZE], const char *text)
{
    (void)snprintf(why, WHY_SIZE, "%s", text);
    return -1;
}

static void release(struct loading *l)
{
    if (l->file)
        sf_close(l->file);
    if (l->converter)
        src_delete(l->converter);
    free(l->in);
    free(l->out);
    for (size_t i = 0; i < CHANNELS_MAX; i++)
        free(l->audio.samples[i]);
}

static bool grow(struct loading *l, size_t frames)
{
    if (frames <= l->room)
        return true;
    size_t room = l->room ? l->room : ROOM_FIRST;
    while (room < frames)
        room *= 2;
    for (uint32_t c = 0; c < l->audio.channels; c++) {
        int16_t *samples = reallocarray(l->audio.samples[c], room, sizeof(*samples));
        if (!samples)
            return false;
        l->audio.samples[c] = samples;
    }
    l->room = room;
    return true;
}

static int16_t to_sample(float value)
{
    float scaled = value * 32768.0F;

    if (scaled >= 32767.0F)
        return INT16_MAX;
    if (scaled <= -32768.0F)
        return INT16_MIN;
    return (int16_t)scaled;
}

/* Takes the channels apart. */
static int append(struct loading *l, const float *frames, size_t count, char why[WHY_SIZE])
{
    size_t limit = (size_t)l->audio.rate * HELPER_AUDIO_SECONDS_MAX;

    if (l->audio.frames + count > limit)
        return fail(why, "longer than 6 hours");
    if (!grow(l, l->audio.frames + count))
        return fail(why, "out of memory");
    for (size_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < l->audio.channels; c++)
            l->audio.samples[c][l->audio.frames + i] = to_sample(frames[i * l->audio.channels + c]);
    l->audio.frames += count;
    return 0;
}

/* Brings `count` frames to the rate. Until `is_last` the converter keeps some back. */
static int convert(struct loading *l, size_t count, bool is_last, char why[WHY_SIZE])
{
    SRC_DATA data = { .data_in = l->in,
                      .input_frames = (long)count,
                      .data_out = l->out,
                      .output_frames = l->out_frames,
                      .end_of_input = is_last,
                      .src_ratio = l->ratio };

    do {
        int code = src_process(l->converter, &data);
        if (code != 0)
            return fail(why, src_strerror(code));
        if (append(l, l->out, (size_t)data.output_frames_gen, why) < 0)
            return -1;
        data.data_in += data.input_frames_used * (long)l->audio.channels;
        data.input_frames -= data.input_frames_used;
    } while (data.input_frames > 0 || (is_last && data.output_frames_gen > 0));
    return 0;
}

static int read_all(struct loading *l, char why[WHY_SIZE])
{
    for (;;) {
        sf_count_t count = sf_readf_float(l->file, l->in, CHUNK_FRAMES);
        if (count < 0)
            return fail(why, sf_strerror(l->file));
        bool is_last = count == 0;
        /* What grow() got belongs to the loading; sb_audio_load frees it. NOLINTBEGIN(clang-analyzer-unix.Malloc) */
        int rc =
            l->converter ? convert(l, (size_t)count, is_last, why) : append(l, l->in, (size_t)count, why);
        /* NOLINTEND(clang-analyzer-unix.Malloc) */
        if (rc < 0)
            return -1;
        if (is_last)
            return grow(l, 1) ? 0
                              : fail(why, "out of memory"); /* an empty recording has samples to point at */
    }
}

static int open_file(struct loading *l, const char *path, uint32_t rate, char why[WHY_SIZE])
{
    l->file = sf_open(path, SFM_READ, &l->info);
    if (!l->file)
        return fail(why, sf_strerror(NULL));
    if (l->info.channels < 1 || l->info.channels > CHANNELS_MAX)
        return fail(why, "more than 8 channels");
    if (l->info.samplerate < RATE_MIN || l->info.samplerate > RATE_MAX)
        return fail(why, "a sample rate that cannot be right");
    if (rate != 0 && (rate < RATE_MIN || rate > RATE_MAX))
        return fail(why, "a sample rate that cannot be had");
    l->audio.channels = (uint32_t)l->info.channels;
    l->audio.rate = rate ? rate : (uint32_t)l->info.samplerate;
    l->ratio = (double)l->audio.rate / l->info.samplerate;
    return 0;
}

static int make_buffers(struct loading *l, char why[WHY_SIZE])
{
    size_t channels = l->audio.channels;
    int code = 0;

    l->in = calloc((size_t)CHUNK_FRAMES * channels, sizeof(*l->in));
    if (!l->in)
        return fail(why, "out of memory");
    if (l->audio.rate == (uint32_t)l->info.samplerate)
        return 0;
    l->out_frames = CHUNK_FRAMES;
    l->out = calloc((size_t)l->out_frames * channels, sizeof(*l->out));
    l->converter = src_new(SRC_SINC_FASTEST, (int)channels, &code);
    if (!l->out || !l->converter)
        return fail(why, l->out ? src_strerror(code) : "out of memory");
    return 0;
}

int sb_audio_load(const char *path, uint32_t rate, struct helper_audio *ret_audio, char ret_why[WHY_SIZE])
{
    struct loading l = { .file = NULL };

    if (open_file(&l, path, rate, ret_why) < 0 || make_buffers(&l, ret_why) < 0 ||
        read_all(&l, ret_why) < 0) {
        release(&l);
        return -1;
    }
    *ret_audio = l.audio;
    l.audio = (struct helper_audio){ .rate = 0 };
    release(&l);
    return 0;
}
