/* Text to values. Each looks at the whole text, checks the range, says in `err` what would be right
 * (SB_ECONFIG), and leaves *ret_x untouched on failure. Pure; any thread. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "switchboard/error.h"

/* "250ms", "30s", "15m", "2h", "7d" to milliseconds. "30" fails: "'30' needs a unit: ms, s, m, h or d". */
int parse_duration(const char *text, int64_t *ret_ms, struct sb_error *err) SB_MUST_CHECK;
/* "512", "64k", "25m", "2g" (powers of 1024, upper case too) to bytes. */
int parse_size(const char *text, int64_t *ret_bytes, struct sb_error *err) SB_MUST_CHECK;
/* "200/min", "5/s", "1000/h", "unlimited" (0 events, any period) to events per period. */
int parse_rate(const char *text, int64_t *ret_events, int64_t *ret_period_ms,
               struct sb_error *err) SB_MUST_CHECK;
/* A whole decimal number, optional '-'. */
int parse_int(const char *text, int64_t *ret_value, struct sb_error *err) SB_MUST_CHECK;
/* true/false, yes/no, on/off, 1/0 in any case. */
int parse_bool(const char *text, bool *ret_value, struct sb_error *err) SB_MUST_CHECK;
/* "127.0.0.1:8080", "[::1]:0", ":8080", "localhost:8080": the host goes to ret_host[64], without brackets;
 * empty means all addresses. Port 0 lets the system choose. */
int parse_listen(const char *text, char ret_host[64], uint16_t *ret_port, struct sb_error *err) SB_MUST_CHECK;

/* The candidate nearest to `word` by edit distance, or NULL when none is near enough to be meant. `words`
 * ends with NULL. Gives a pointer into `words`. */
const char *parse_nearest(const char *word, const char *const *words);

/* Milliseconds as a person says it: "250ms", "30s", "15m", "2h", "1.5s". Writes at most 24 bytes with NUL. */
void format_duration(int64_t ms, char ret_text[24]);
void format_size(int64_t bytes, char ret_text[24]);

#endif
