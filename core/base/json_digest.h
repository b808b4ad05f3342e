/* The digest of a JSON document, whatever white space and order of members it came with. */
#ifndef BASE_JSON_DIGEST_H
#define BASE_JSON_DIGEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/digest.h"

/* SHA-256 of `value` as jansson writes it with JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY, without a text of the
 * whole. Any thread. False when out of memory, or for what JSON cannot say. */
bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE]);

#endif
