/* The evidence about records of which it is not known whether something was created. */
#ifndef APP_UNKNOWN_H
#define APP_UNKNOWN_H

#include <jansson.h>

#include "conf/conf.h"
#include "store/store.h"

/* Gives an array, newest record first, at most `limit`: {record_id, external_id, reference, state, instance, step, sent_ms,
 * attempt, request_digest, looks, last_look, last_look_ms, last_look_text}, and, when the engine runs and is finding it
 * out, {next_ms, certain_ms}: when it looks next, and from when on "not there" is believed. Members that are not known are
 * left out. */
int unknown_read(const struct conf *conf, struct store *store, size_t limit, json_t **ret_array,
                 struct sb_error *err) SB_MUST_CHECK;

/* SHA-256 in hex of an intent's request, as it stands in the timeline; "" when there is none. */
void unknown_request_digest(const json_t *intent, char ret_hex[DIGEST_HEX_SIZE]);

#endif
