/* Recordings made on the spot: valid MPEG-2.5 layer III streams of any length, the same bytes for the same
 * request. Every frame stands alone (no bit reservoir), so a stream of n bytes is a prefix of a longer one.
 * Frames are 72 ms long; a mono stream is 2,000 bytes a second, a stereo stream 4,000. */
#ifndef RECORDINGS_MP3_H
#define RECORDINGS_MP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP3_TAG_BYTES 128u

/* What decides the bytes besides their number. */
struct mp3_shape {
    unsigned channels; /* 1 or 2 */
    bool is_silent;    /* digital silence instead of a faint tone */
};

/* Bytes of one frame of this shape. */
size_t mp3_frame_bytes(struct mp3_shape shape);

/* Bytes of a stream that lasts at least `seconds`, a whole number of frames. */
size_t mp3_stream_bytes(struct mp3_shape shape, double seconds);

/* Writes `count` frames at `bytes`, which holds at least count * mp3_frame_bytes(shape). */
void mp3_write_frames(struct mp3_shape shape, size_t count, uint8_t *bytes);

/* Writes the closing tag (ID3v1, MP3_TAG_BYTES long) that makes one recording's bytes differ from another's.
 * Borrows `name`; its last 30 and its first 30 characters are kept. */
void mp3_write_tag(const char *name, uint8_t bytes[MP3_TAG_BYTES]);

#endif
