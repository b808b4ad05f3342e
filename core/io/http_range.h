/* The Range header of a request (RFC 9110 section 14): one range of bytes, which is what audio players ask for. Pure. */
#ifndef IO_HTTP_RANGE_H
#define IO_HTTP_RANGE_H

#include <stdint.h>

enum http_range_kind {
    HTTP_RANGE_ALL, /* no range, or one that is not understood: the whole file */
    HTTP_RANGE_PART,
    HTTP_RANGE_NONE_FITS /* it lies outside of the file */
};

struct http_range {
    uint64_t from, size;
};

/* `text` NULL: no header. *ret_range is what to send; untouched for HTTP_RANGE_NONE_FITS. */
enum http_range_kind http_range_parse(const char *text, uint64_t file_size, struct http_range *ret_range);

#endif
