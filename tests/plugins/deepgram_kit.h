/* What the tests of the Deepgram processor share. */
#ifndef DEEPGRAM_KIT_H
#define DEEPGRAM_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "plugins/harness.h"

extern const struct sb_plugin deepgram_plugin;

#define STEP  "transcribe"
#define KEY   "\"api_key\": \"demo-key\""
#define SAVED "\"state\": \"saved\", \"file\": \"0k/1-recording.mp3\", \"content_type\": \"audio/mpeg\""
#define SILENT                                                                                               \
    "{\"metadata\": {\"duration\": 3.0}, \"results\": {\"channels\": [{\"alternatives\": [{\"transcript\": " \
    "\"\","                                                                                                  \
    " \"confidence\": 0, \"words\": []}]}]}}"

/* A harness with these options and a stored recording, whose section holds `recording`. */
static inline struct harness *with_recording(const char *options, const char *recording)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "{" KEY "%s%s}", options[0] ? ", " : "", options);
    struct harness *h = harness_new(&deepgram_plugin, text);
    (void)harness_put_file(h, "recording.mp3", "ID3 sound", 9);
    (void)snprintf(text, sizeof(text), "{\"recording\": {%s}}", recording);
    harness_set_record(h, text);
    return h;
}

static inline const struct harness_result *fold_file(struct harness *h, const char *name)
{
    char path[256];
    AUTO_STR body = NULL;
    size_t size;
    struct sb_error err = SB_ERROR_INIT;

    (void)snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/plugins/deepgram/%s", name);
    if (file_read(path, 65536, &body, &size, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(harness_build(h, STEP)->verdict, SB_OK);
    return harness_fold(h, STEP, 200, NULL, body);
}

static inline const struct harness_result *fold_body(struct harness *h, int status, const char *body)
{
    assert_int_equal(harness_build(h, STEP)->verdict, SB_OK);
    return harness_fold(h, STEP, status, NULL, body);
}

#endif
