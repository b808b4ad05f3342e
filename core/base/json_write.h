/* A quick writer of JSON, for documents that are written again and again. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include <jansson.h>

#include "base/buf.h"

/* Appends `value` to `out`, byte for byte as json_dumps does with JSON_COMPACT | JSON_ENCODE_ANY. False: a text in it is not
 * UTF-8, it is nested without end, or there is no memory (out->failed). */
bool json_write(struct buf *out, const json_t *value);

#endif
