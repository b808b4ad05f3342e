/* The bytes of a recording: read from disk, or made on the spot. */
#include "recordings.h"
#include "recordings_mp3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *stream_bytes(struct recordings *recordings, struct mp3_shape shape, size_t size)
{
    struct stream *stream = &recordings->streams[(shape.channels - 1) * 2 + (shape.is_silent ? 1 : 0)];
    size_t frame = mp3_frame_bytes(shape), frames = (size + frame - 1) / frame;
    if (stream->size < frames * frame) {
        free(stream->bytes);
        stream->bytes = sim_malloc(frames * frame);
        stream->size = frames * frame;
        mp3_write_frames(shape, frames, stream->bytes);
    }
    return stream->bytes;
}

static struct mp3_shape shape_of(const struct exo_call *call)
{
    return (struct mp3_shape){ .channels = call->recording.channels, .is_silent = call->recording.is_silent };
}

/* Bytes of a generated recording, its closing tag included: as many as were asked for, or as long as the
 * talk. */
static size_t generated_bytes(const struct exo_call *call)
{
    if (call->recording.bytes > MP3_TAG_BYTES)
        return call->recording.bytes;
    int64_t seconds = call->talk_s > 0 ? call->talk_s : call->leg2_s > 0 ? call->leg2_s : 5;
    return mp3_stream_bytes(shape_of(call), (double)seconds) + MP3_TAG_BYTES;
}

uint8_t *recordings_make(struct recordings *recordings, const struct exo_call *call, size_t *ret_size)
{
    size_t size = generated_bytes(call);
    uint8_t *bytes = sim_malloc(size);
    memcpy(bytes, stream_bytes(recordings, shape_of(call), size - MP3_TAG_BYTES), size - MP3_TAG_BYTES);
    mp3_write_tag(call->sid, bytes + size - MP3_TAG_BYTES);
    *ret_size = size;
    return bytes;
}

struct sim_blob *recordings_read_file(struct exo_call *call)
{
    struct exo_recording *recording = &call->recording;
    if (recording->blob || !recording->file)
        return recording->blob;
    FILE *file = fopen(recording->file, "rb");
    if (!file)
        return NULL;
    size_t size = 0, room = 65536;
    uint8_t *bytes = sim_malloc(room);
    for (size_t got; (got = fread(bytes + size, 1, room - size, file)) > 0;) {
        size += got;
        if (size == room)
            bytes = sim_realloc(bytes, room *= 2);
    }
    bool is_whole = !ferror(file);
    (void)fclose(file); /* It was only read. */
    if (!is_whole) {
        free(bytes);
        return NULL;
    }
    sim_sha256(bytes, size, recording->sha256);
    recording->blob = sim_blob_new(bytes, size);
    return recording->blob;
}

struct exo_call *recordings_recognise(struct sim *sim, const void *bytes, size_t size, const char *sha256)
{
    const struct exotel *exotel = exotel_of(sim);
    enum { TITLE = 3, ARTIST = 33, FIELD = 30 };
    const char *tag = size > MP3_TAG_BYTES ? (const char *)bytes + size - MP3_TAG_BYTES : "";
    if (strncmp(tag, "TAG", 3) == 0) {
        /* An id of 30 to 60 characters is told by its first 30 and its last 30. */
        for (size_t overlap = 0; overlap <= FIELD; overlap++) {
            char sid[2 * FIELD + 1];
            (void)snprintf(sid, sizeof(sid), "%.30s%.*s", tag + ARTIST, FIELD - (int)overlap,
                           tag + TITLE + overlap);
            struct exo_call *call = exo_find_call(exotel, sid);
            if (call && call->recording.exists && !call->recording.file && generated_bytes(call) == size)
                return call;
        }
    }
    for (size_t i = 0; i < exotel->call_count; i++) {
        struct exo_call *call = exotel->calls[i];
        if (call->recording.file && recordings_read_file(call) && strcmp(call->recording.sha256, sha256) == 0)
            return call;
    }
    return NULL;
}
