/* The digest of a JSON document, whatever white space and order of members it came with. */
#ifndef BASE_JSON_DIGEST_H
#define BASE_JSON_DIGEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/digest.h"

/* SHA-256 of what `value` says, in a form of its own that is the same on every machine: of each value a letter for its kind
 * (`{`, `[`, `s`, `i`, `r`, `t`, `f`, `n`; `m` for the name of a member), its size or number in eight bytes, the least first,
 * and its bytes; members sorted by name. Journals keep such digests: the form does not change. Any thread. False without a
 * value, or when out of memory. */
bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE]);

#endif
