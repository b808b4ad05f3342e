/* Two helper objects that are loaded on first use: telephone numbers (libphonenumber) and audio (libsndfile,
 * libsamplerate). Their C faces; any thread. The folder is SWITCHBOARD_LIB_DIR in the environment, else the
 * build's or the installed one. */
#ifndef PLUGIN_HELPERS_H
#define PLUGIN_HELPERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"

/* What libsb_phone exports as `sb_phone_format`: E.164 into ret[24]. Returns 0, -1 when `text` cannot be a
 * number, or -2 without memory. */
typedef int (*helper_phone_fn)(const char *text, const char *region, char ret_e164[24], int *ret_is_valid);

/* What libsb_audio exports as `sb_audio_load`: malloc'ed samples, one block a channel. */
struct helper_audio {
    uint32_t rate, channels;
    size_t frames;
    int16_t *samples[8];
};
enum { HELPER_AUDIO_SECONDS_MAX = 6 * 3600 };
typedef int (*helper_audio_fn)(const char *path, uint32_t rate, struct helper_audio *ret_audio,
                               char ret_why[200]);

int helper_phone(const char *text, const char *region, char ret_e164[24], bool *ret_is_valid,
                 struct sb_error *err);
int helper_audio(const char *path, uint32_t rate, struct helper_audio *ret_audio, struct sb_error *err);

#endif
