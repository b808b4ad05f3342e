/* The mapping file of contacts: a CSV that says which contact the user of an escalation is.
 *
 *   canonical_id,crm_id,contact_id
 *   user-1,7000001,5000001000000301001
 *   "user,2",,5000001000000301002
 *
 * RFC 4180 with a header row: quotes, CRLF or LF, a byte order mark, columns in any order. Of crm_id and contact_id one may
 * be empty or missing as a column. */
#ifndef APP_CONTACTS_CSV_H
#define APP_CONTACTS_CSV_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "switchboard/error.h"

enum {
    CONTACTS_BYTES_MAX = 64 * 1024 * 1024,
    CONTACTS_ROWS_MAX = 500 * 1000,
    CONTACTS_ID_MAX = 160, /* bytes of a canonical id; the plugin's names of keys have room for no more */
    CONTACTS_MISTAKES_MAX = 100
};

/* Whether the first line of `text` looks like the header of such a file, and not like JSON. */
bool contacts_csv_is(const char *text, size_t size);
/* Reads all of it. Gives an object: canonical id -> [CRM id, contact id], each a text or null. SB_EINPUT with every
 * mistake in *ret_mistakes, an array of "path:line: text", and `err` saying how many; else *ret_mistakes is left alone. The
 * caller owns both. */
int contacts_csv_read(const char *path, const char *text, size_t size, json_t **ret_rows,
                      json_t **ret_mistakes, struct sb_error *err) SB_MUST_CHECK;

#endif
