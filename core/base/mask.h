/* Keeps personal data and secrets out of logs, errors and metrics. Pure; any thread. */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include "base/buf.h"

/* Appends `text` to `out` with telephone-like digit runs (7 to 15 digits, separators allowed; last two digits
 * stay), e-mail addresses, URL user:password and the query of URLs, bearer and basic credentials, and
 * key-like runs
 * ("sk-...", "1000.xxx.yyy", 32 and more mixed characters that contain digits and letters after a word such
 * as key, token, secret, password) replaced. Leaves call ids, record ids, references, times and dates alone.
 */
void mask_text(struct buf *out, const char *text);

/* A phone number for people who may not see it: "+9155…01". Writes at most 24 bytes with NUL. */
void mask_phone(const char *phone, char ret_text[24]);

#endif
