/* Base64 by OpenSSL, which alone forgives blanks and counts the padding as content. */
#include "base/base64.h"

#include <openssl/evp.h>
#include <string.h>

static size_t padding(const char *text, size_t size)
{
    if (size < 4 || text[size - 1] != '=')
        return 0;
    return text[size - 2] == '=' ? 2 : 1;
}

int64_t base64_size(const char *text, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t pads = padding(text, size);

    if (size % 4)
        return -1;
    for (size_t i = 0; i < size - pads; i++)
        if (!text[i] || !strchr(alphabet, text[i]))
            return -1;
    return (int64_t)(size / 4 * 3 - pads);
}

int64_t base64_read(const char *text, size_t size, unsigned char *bytes)
{
    enum {
        CHUNK = 4096,
        CHUNK_BYTES = CHUNK / 4 * 3
    }; /* OpenSSL takes an int, and writes the padding's zeros */
    unsigned char part[CHUNK_BYTES];
    size_t whole = (size_t)base64_size(text, size), done = 0;

    for (size_t at = 0; at < size; at += CHUNK) {
        size_t length = size - at < CHUNK ? size - at : CHUNK;
        int count = EVP_DecodeBlock(part, (const unsigned char *)text + at, (int)length);
        size_t kept = count < 0 ? 0 : (size_t)count;
        kept = kept < whole - done ? kept : whole - done;
        memcpy(bytes + done, part, kept);
        done += kept;
    }
    return (int64_t)done;
}
