/* What an uploaded file is, read from its headers: format, length, channels, silence. Nothing is decoded. */
#ifndef DEEPGRAM_AUDIO_H
#define DEEPGRAM_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dg_audio {
    const char *format; /* "wav", "mp3", "ogg", "flac", "mp4" */
    double seconds;
    unsigned channels;
    bool is_silent; /* every sample or every frame is digital silence */
};

/* Reads the headers of `size` bytes. 0 and *ret_audio, or -1 when this is not audio (an error page, an empty
 * file, a header without sound). Borrows `bytes`. */
int dg_audio_read(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio);

#endif
