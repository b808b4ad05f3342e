/* Reads the headers of the containers that callers upload. */
#include "deepgram_audio.h"

#include <string.h>

static uint32_t little32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t big32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

static unsigned little16(const uint8_t *at)
{
    return (unsigned)at[0] | (unsigned)at[1] << 8;
}

/* ---- RIFF ---- */

struct wav_format {
    unsigned code;
    unsigned channels;
    uint32_t bytes_per_second;
    unsigned bits;
};

/* Samples under this magnitude are the dither of an encoder, not speech. */
enum { SILENCE_PCM16 = 16 };

static bool is_silent_pcm(const uint8_t *samples, size_t size, const struct wav_format *format)
{
    if (format->code == 7) { /* mu-law: 0xff and 0x7f are zero */
        for (size_t i = 0; i < size; i++)
            if ((samples[i] | 0x80u) < 0xfeu)
                return false;
        return true;
    }
    if (format->code != 1 || format->bits != 16)
        return false;
    for (size_t i = 0; i + 1 < size; i += 2) {
        int sample = (int16_t)little16(samples + i);
        if (sample > SILENCE_PCM16 || sample < -SILENCE_PCM16)
            return false;
    }
    return true;
}

static int read_wav(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    struct wav_format format = { 0 };
    for (size_t at = 12; at + 8 <= size;) {
        size_t length = little32(bytes + at + 4);
        const uint8_t *body = bytes + at + 8;
        size_t left = size - at - 8;
        if (memcmp(bytes + at, "fmt ", 4) == 0 && length >= 16 && left >= 16) {
            format = (struct wav_format){ .code = little16(body),
                                          .channels = little16(body + 2),
                                          .bytes_per_second = little32(body + 8),
                                          .bits = little16(body + 14) };
        } else if (memcmp(bytes + at, "data", 4) == 0) {
            /* A streamed file says 0 or the maximum instead of its length. */
            size_t sound = length == 0 || length > left ? left : length;
            if (format.bytes_per_second == 0 || format.channels == 0 || sound == 0)
                return -1;
            *ret_audio = (struct dg_audio){ .format = "wav",
                                            .seconds = (double)sound / format.bytes_per_second,
                                            .channels = format.channels,
                                            .is_silent = is_silent_pcm(body, sound, &format) };
            return 0;
        }
        if (length > left)
            return -1;
        at += 8 + length + (length & 1u);
    }
    return -1;
}

/* ---- MPEG audio ---- */

struct mpeg_frame {
    size_t bytes;
    double seconds;
    unsigned channels;
    bool is_layer3, is_version1, has_checksum;
};

static unsigned choose_kbps(bool is_version1, unsigned layer, unsigned index)
{
    static const uint16_t version1[4][15] = {
        [1] = { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
        [2] = { 0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384 },
        [3] = { 0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448 },
    };
    static const uint16_t version2[4][15] = {
        [1] = { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
        [2] = { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
        [3] = { 0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256 },
    };
    return is_version1 ? version1[layer][index] : version2[layer][index];
}

/* Reads a frame header. The two layer bits are 1 for layer III, 2 for II and 3 for I; free format is refused.
 */
static bool read_frame(const uint8_t *at, struct mpeg_frame *ret_frame)
{
    static const unsigned rates[3] = { 44100, 48000, 32000 };
    unsigned version = (at[1] >> 3) & 3u, layer = (at[1] >> 1) & 3u;
    unsigned bitrate = at[2] >> 4, rate = (at[2] >> 2) & 3u;
    if (at[0] != 0xff || (at[1] & 0xe0u) != 0xe0u || version == 1 || layer == 0 || bitrate == 0 ||
        bitrate == 15 || rate == 3)
        return false;
    bool is_version1 = version == 3;
    unsigned hertz = rates[rate] >> (is_version1 ? 0 : version == 2 ? 1 : 2);
    unsigned samples = layer == 3 ? 384 : layer == 1 && !is_version1 ? 576 : 1152;
    unsigned slot = layer == 3 ? 4 : 1;
    unsigned kbps = choose_kbps(is_version1, layer, bitrate);
    size_t slots = (size_t)samples / 8 * kbps * 1000 / hertz / slot + ((at[2] >> 1) & 1u);
    *ret_frame = (struct mpeg_frame){ .bytes = slots * slot,
                                      .seconds = (double)samples / hertz,
                                      .channels = (at[3] >> 6) == 3 ? 1 : 2,
                                      .is_layer3 = layer == 1,
                                      .is_version1 = is_version1,
                                      .has_checksum = (at[1] & 1u) == 0 };
    return ret_frame->bytes >= 4;
}

/* Whether the first channel of the first granule carries any bits at all. */
static bool has_spectrum(const uint8_t *at, const struct mpeg_frame *frame)
{
    if (!frame->is_layer3)
        return true;
    size_t first_bit = frame->is_version1 ? 9 + (frame->channels == 2 ? 3u + 8u : 5u + 4u)
                                          : 8 + (frame->channels == 2 ? 2u : 1u);
    size_t header = frame->has_checksum ? 6 : 4, start = 8 * header + first_bit;
    if (frame->bytes * 8 < start + 12)
        return false;
    for (size_t bit = start; bit < start + 12; bit++)
        if (at[bit / 8] & (0x80u >> (bit % 8)))
            return true;
    return false;
}

static size_t skip_id3(const uint8_t *bytes, size_t size)
{
    if (size < 10 || memcmp(bytes, "ID3", 3) != 0)
        return 0;
    size_t length = (size_t)(bytes[6] & 0x7fu) << 21 | (size_t)(bytes[7] & 0x7fu) << 14 |
                    (size_t)(bytes[8] & 0x7fu) << 7 | (size_t)(bytes[9] & 0x7fu);
    return length + 10;
}

/* A stream counts as one when its first two frames follow each other, or it has one frame only. */
static int read_mpeg(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    struct dg_audio audio = { .format = "mp3", .is_silent = true };
    size_t frames = 0;
    for (size_t at = skip_id3(bytes, size); at + 4 <= size;) {
        struct mpeg_frame frame;
        if (!read_frame(bytes + at, &frame)) {
            if (frames == 1)
                return -1;
            if (frames > 0)
                break;
            at++;
            continue;
        }
        audio.channels = frame.channels;
        audio.seconds += frame.seconds;
        if (at + frame.bytes <= size && has_spectrum(bytes + at, &frame))
            audio.is_silent = false;
        frames++;
        at += frame.bytes;
    }
    if (frames == 0)
        return -1;
    *ret_audio = audio;
    return 0;
}

/* ---- the others ---- */

static int read_flac(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    if (size < 42)
        return -1;
    const uint8_t *info = bytes + 8 + 10;
    uint32_t hertz = (uint32_t)info[0] << 12 | (uint32_t)info[1] << 4 | (uint32_t)info[2] >> 4;
    uint64_t samples = (uint64_t)(info[3] & 0x0fu) << 32 | big32(info + 4);
    if (hertz == 0)
        return -1;
    *ret_audio = (struct dg_audio){ .format = "flac",
                                    .seconds = (double)samples / hertz,
                                    .channels = ((info[2] >> 1) & 7u) + 1 };
    return 0;
}

/* The last page says how many samples the stream has; Opus always counts at 48 kHz. */
static int read_ogg(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    if (size < 64)
        return -1;
    const uint8_t *head = bytes + 28;
    uint32_t hertz = 0;
    unsigned channels = 0;
    if (memcmp(head, "OpusHead", 8) == 0) {
        hertz = 48000;
        channels = head[9];
    } else if (memcmp(head, "\x01vorbis", 7) == 0) {
        channels = head[11];
        hertz = little32(head + 12);
    }
    if (hertz == 0 || channels == 0)
        return -1;
    for (size_t at = size - 14; at > 0; at--) {
        if (memcmp(bytes + at, "OggS", 4) != 0)
            continue;
        double samples = (double)little32(bytes + at + 6) + (double)little32(bytes + at + 10) * 4294967296.0;
        *ret_audio = (struct dg_audio){ .format = "ogg", .seconds = samples / hertz, .channels = channels };
        return 0;
    }
    return -1;
}

/* The movie header holds time scale and duration in its short form (version 0), which phones and recorders
 * write. */
static int read_mp4(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    const uint8_t *box = memmem(bytes, size, "mvhd", 4);
    if (!box || (size_t)(bytes + size - box) < 24 || box[4] != 0)
        return -1;
    uint32_t scale = big32(box + 16), length = big32(box + 20);
    if (scale == 0)
        return -1;
    *ret_audio = (struct dg_audio){ .format = "mp4", .seconds = (double)length / scale, .channels = 1 };
    return 0;
}

int dg_audio_read(const uint8_t *bytes, size_t size, struct dg_audio *ret_audio)
{
    if (size < 12)
        return -1;
    if (memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WAVE", 4) == 0)
        return read_wav(bytes, size, ret_audio);
    if (memcmp(bytes, "OggS", 4) == 0)
        return read_ogg(bytes, size, ret_audio);
    if (memcmp(bytes, "fLaC", 4) == 0)
        return read_flac(bytes, size, ret_audio);
    if (memcmp(bytes + 4, "ftyp", 4) == 0)
        return read_mp4(bytes, size, ret_audio);
    if (memcmp(bytes, "ID3", 3) == 0 || (bytes[0] == 0xff && (bytes[1] & 0xe0u) == 0xe0u))
        return read_mpeg(bytes, size, ret_audio);
    return -1;
}
