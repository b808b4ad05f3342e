/* Cuts a channel at its silences: the decoder normalises over what it is given, and does best with one whole utterance
 * at a time. */
#include <math.h>

#include "recogniser.h"

enum {
    FRAME = PS_RATE / 100,      /* 10 ms */
    SILENCE_FRAMES_MIN = 35,    /* a pause of this length ends a piece */
    MARGIN_FRAMES = 20,         /* silence kept on both sides */
    PIECE_FRAMES_MIN = 8,       /* shorter is a click */
    PIECE_FRAMES_MAX = 30 * 100 /* longer is cut all the same */
};

static const double loudness_min = 60; /* of 32768: below it is silence on any line */
static const double above_noise = 3;

static double loudness(const int16_t *samples, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * samples[i];
    return count ? sqrt(sum / (double)count) : 0;
}

static size_t frame_count(size_t count)
{
    return count / FRAME;
}

/* The line's own noise: the level that a tenth of the frames stay below, found with a histogram of steps of 3 dB. */
static double noise_level(const int16_t *samples, size_t frames)
{
    enum { STEPS = 32 };
    size_t histogram[STEPS] = { 0 }, seen = 0;

    for (size_t i = 0; i < frames; i++) {
        double level = loudness(samples + i * FRAME, FRAME);
        int step = level < 1 ? 0 : (int)(2 * log2(level));
        histogram[step < STEPS ? step : STEPS - 1]++;
    }
    for (int step = 0; step < STEPS; step++) {
        seen += histogram[step];
        if (seen * 10 >= frames)
            return exp2((step + 1) / 2.0);
    }
    return 0;
}

struct cutter {
    struct ps_piece *pieces;
    size_t count, max, frames;
    bool is_open;
    size_t first, last; /* loud frames of the open piece */
};

static void close_piece(struct cutter *cutter)
{
    size_t length = cutter->last + 1 - cutter->first;

    cutter->is_open = false;
    if (length < PIECE_FRAMES_MIN || cutter->count == cutter->max)
        return;
    size_t start = cutter->first > MARGIN_FRAMES ? cutter->first - MARGIN_FRAMES : 0;
    size_t end = cutter->last + 1 + MARGIN_FRAMES;
    if (end > cutter->frames)
        end = cutter->frames;
    cutter->pieces[cutter->count++] =
        (struct ps_piece){ .start = start * FRAME, .count = (end - start) * FRAME };
}

size_t ps_cut(const int16_t *samples, size_t count, struct ps_piece *pieces, size_t pieces_max)
{
    struct cutter cutter = { .pieces = pieces, .max = pieces_max, .frames = frame_count(count) };
    double limit = noise_level(samples, cutter.frames) * above_noise;

    if (limit < loudness_min)
        limit = loudness_min;
    for (size_t i = 0; i < cutter.frames; i++) {
        bool is_loud = loudness(samples + i * FRAME, FRAME) > limit;
        if (is_loud && !cutter.is_open) {
            cutter.is_open = true;
            cutter.first = cutter.last = i;
        } else if (is_loud) {
            cutter.last = i;
        }
        if (cutter.is_open && (i - cutter.last >= SILENCE_FRAMES_MIN || i - cutter.first >= PIECE_FRAMES_MAX))
            close_piece(&cutter);
    }
    if (cutter.is_open)
        close_piece(&cutter);
    return cutter.count;
}
