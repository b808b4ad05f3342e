/* Writes MPEG-2.5 layer III frames by hand: header, side information, and eight bits of spectrum. */
#include "recordings_mp3.h"

#include <assert.h>
#include <string.h>

enum { FRAME_BYTES_MONO = 144, FRAME_BYTES_STEREO = 288, SIDE_BYTES_MONO = 9, SIDE_BYTES_STEREO = 17 };

/* Side information is written bit by bit, most significant bit first. */
struct bit_writer {
    uint8_t *bytes;
    size_t position;
};

static void put_bits(struct bit_writer *writer, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; writer->position++) {
        if ((value >> i) & 1u)
            writer->bytes[writer->position / 8] |= (uint8_t)(0x80u >> (writer->position % 8));
    }
}

size_t mp3_frame_bytes(struct mp3_shape shape)
{
    return shape.channels == 2 ? FRAME_BYTES_STEREO : FRAME_BYTES_MONO;
}

size_t mp3_stream_bytes(struct mp3_shape shape, double seconds)
{
    double frames = seconds / 0.072;
    size_t count = frames < 1 ? 1 : (size_t)frames;
    if ((double)count < frames)
        count++;
    return count * mp3_frame_bytes(shape);
}

/* One channel of one granule: no big values, and for a tone one group of four lines of magnitude one, whose
 * code in table 33 is four zero bits followed by four signs. */
static void put_granule(struct bit_writer *writer, bool is_silent)
{
    put_bits(writer, is_silent ? 0 : 8, 12);  /* part2_3_length */
    put_bits(writer, 0, 9);                   /* big_values */
    put_bits(writer, is_silent ? 0 : 188, 8); /* global_gain: audible, far from clipping */
    put_bits(writer, 0, 9);                   /* scalefac_compress: no scale factors follow */
    put_bits(writer, 0, 1);                   /* window_switching_flag */
    put_bits(writer, 0, 15);                  /* table_select */
    put_bits(writer, 0, 7);                   /* region counts */
    put_bits(writer, 0, 1);                   /* scalefac_scale */
    put_bits(writer, is_silent ? 0 : 1, 1);   /* count1table_select */
}

/* Signs change from frame to frame, so that the tone is not one endless cycle. */
static uint8_t choose_signs(size_t frame, unsigned channel)
{
    return (uint8_t)(((frame * 2654435761u) >> (7 + channel)) & 0x0fu);
}

static void write_frame(struct mp3_shape shape, size_t frame, uint8_t *bytes)
{
    bool is_stereo = shape.channels == 2;
    memset(bytes, 0, mp3_frame_bytes(shape));
    bytes[0] = 0xff;
    bytes[1] = 0xe3;                               /* MPEG-2.5, layer III, no checksum */
    bytes[2] = (uint8_t)(is_stereo ? 0x48 : 0x28); /* 32 or 16 kbit/s at 8 kHz */
    bytes[3] = (uint8_t)(is_stereo ? 0x04 : 0xc4); /* mode, original */
    struct bit_writer side = { .bytes = bytes + 4 };
    put_bits(&side, 0, 8);                 /* main_data_begin: the frame stands alone */
    put_bits(&side, 0, is_stereo ? 2 : 1); /* private bits */
    for (unsigned channel = 0; channel < shape.channels; channel++)
        put_granule(&side, shape.is_silent);
    size_t side_bytes = is_stereo ? SIDE_BYTES_STEREO : SIDE_BYTES_MONO;
    assert(side.position == 8 * side_bytes);
    uint8_t *main_data = bytes + 4 + side_bytes;
    for (unsigned channel = 0; channel < shape.channels && !shape.is_silent; channel++)
        main_data[channel] = choose_signs(frame, channel);
}

void mp3_write_frames(struct mp3_shape shape, size_t count, uint8_t *bytes)
{
    size_t stride = mp3_frame_bytes(shape);
    for (size_t frame = 0; frame < count; frame++)
        write_frame(shape, frame, bytes + frame * stride);
}

void mp3_write_tag(const char *name, uint8_t bytes[MP3_TAG_BYTES])
{
    enum { TITLE = 3, ARTIST = 33, FIELD = 30, GENRE = 127 };
    size_t length = strlen(name);
    size_t kept = length < FIELD ? length : FIELD;
    memset(bytes, 0, MP3_TAG_BYTES);
    bytes[0] = 'T';
    bytes[1] = 'A';
    bytes[2] = 'G';
    for (size_t i = 0; i < kept; i++) {
        bytes[TITLE + i] = (uint8_t)name[length - kept + i];
        bytes[ARTIST + i] = (uint8_t)name[i];
    }
    bytes[GENRE] = 101; /* speech */
}
