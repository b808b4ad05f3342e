/* Wall clock times as text. All in the proleptic Gregorian calendar, without the C library's zone. Pure. */
#ifndef BASE_TIMEFMT_H
#define BASE_TIMEFMT_H

#include <stdint.h>

enum { TIME_TEXT_MAX = 40 };

/* "YYYY-MM-DD HH:MM:SS" on the clock of a zone `offset_minutes` east of UTC to ms since 1970; -1 when
 * malformed. */
int64_t time_parse_wall(const char *text, int offset_minutes);
/* RFC 3339 with Z or offset, fraction optional, to ms since 1970; -1 when malformed. */
int64_t time_parse_rfc3339(const char *text);
/* An HTTP date (IMF-fixdate) to ms since 1970; -1 when malformed. */
int64_t time_parse_http(const char *text);
void time_format_wall(int64_t ms, int offset_minutes, char ret_text[TIME_TEXT_MAX]);
void time_format_rfc3339(int64_t ms, char ret_text[TIME_TEXT_MAX]);    /* "2026-03-10T09:00:11Z" */
void time_format_rfc3339_ms(int64_t ms, char ret_text[TIME_TEXT_MAX]); /* "2026-03-10T09:00:11.000Z" */

/* The real clocks, for core/app only; everything else is told the time. */
int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);

#endif
