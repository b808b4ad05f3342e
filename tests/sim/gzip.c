/* Packs a body as gzip with stored blocks: valid for every client, and no compressor is needed here. */
#include "sim.h"

#include <string.h>

static uint32_t crc_of(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return crc ^ 0xffffffffu;
}

static void put_little(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static struct sim_blob *pack(const unsigned char *data, size_t size)
{
    enum { HEAD = 10, BLOCK_MAX = 65535, BLOCK_HEAD = 5, TAIL = 8 };
    size_t blocks = size / BLOCK_MAX + 1, used = HEAD;
    unsigned char *out = sim_malloc(HEAD + blocks * BLOCK_HEAD + size + TAIL);
    static const unsigned char head[HEAD] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
    memcpy(out, head, HEAD);
    for (size_t i = 0, at = 0; i < blocks; i++) {
        size_t length = size - at < BLOCK_MAX ? size - at : BLOCK_MAX;
        out[used] = i + 1 == blocks;
        put_little(out + used + 1, (uint32_t)length, 2);
        put_little(out + used + 3, ~(uint32_t)length, 2);
        memcpy(out + used + BLOCK_HEAD, data + at, length);
        used += BLOCK_HEAD + length;
        at += length;
    }
    put_little(out + used, crc_of(data, size), 4);
    put_little(out + used + 4, (uint32_t)size, 4);
    return sim_blob_new(out, used + TAIL);
}

void sim_respond_gzip(struct sim_response *res)
{
    const char *accepted = sim_header(res->req, "Accept-Encoding");
    if (!accepted || !strstr(accepted, "gzip") || res->size == 0)
        return;
    struct sim_blob *packed = pack((const unsigned char *)answer_bytes(res), res->size);
    answer_clear(res);
    res->body = packed;
    res->size = sim_blob_size(packed);
    sim_respond_header(res, "Content-Encoding", "gzip");
}

size_t sim_response_size(const struct sim_response *res)
{
    return res->size;
}
