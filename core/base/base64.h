/* Base64 (RFC 4648 section 4) read back; digest_base64() writes it. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* The size of what `text` holds, or -1 when it is no padded base64 on one line. "" holds nothing. */
int64_t base64_size(const char *text, size_t size);
/* Reads `text`, for which base64_size() gave no -1, into `bytes`, which has room for three quarters of `size`. Gives the
 * number of bytes. */
int64_t base64_read(const char *text, size_t size, unsigned char *bytes);

#endif
