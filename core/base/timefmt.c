/* Wall clock times as text, by arithmetic alone: no shared buffers, and no time zone of the machine. */
#include "base/timefmt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_PER_DAY = 86400000 };

struct civil {
    int year, month, day, hour, minute, second;
};

static const char *const month_words[12] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
/* 1970-01-01 was a Thursday. */
static const char *const day_words[7] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 0001-01-01 to the first of January of `year` (1 or later). */
static int64_t days_before_year(int64_t year)
{
    int64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t days_since_1970(const struct civil *c)
{
    int64_t days = days_before_year(c->year) - days_before_year(1970);

    for (int month = 1; month < c->month; month++)
        days += days_in_month(c->year, month);
    return days + c->day - 1;
}

/* The time in ms, or -1 when a field is out of range or the time is before 1970. */
static int64_t civil_to_ms(const struct civil *c, int offset_minutes)
{
    if (c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in_month(c->year, c->month) || c->hour > 23 || c->minute > 59 || c->second > 59)
        return -1;
    int64_t minutes = (days_since_1970(c) * 24 + c->hour) * 60 + c->minute;
    int64_t seconds = minutes * 60 + c->second;
    seconds -= (int64_t)offset_minutes * 60;
    return seconds < 0 ? -1 : seconds * 1000;
}

/* Times outside the years 1 to 9999 are moved to the nearest one inside: four digits must do. */
static void civil_from_ms(int64_t ms, struct civil *ret)
{
    const int64_t first_day = -days_before_year(1970);
    const int64_t end_day = days_before_year(10000) + first_day;
    int64_t day_ms = ms % MS_PER_DAY;
    int64_t days = ms / MS_PER_DAY;

    if (day_ms < 0) {
        day_ms += MS_PER_DAY;
        days--;
    }
    if (days < first_day || days >= end_day) {
        day_ms = days < first_day ? 0 : MS_PER_DAY - 1;
        days = days < first_day ? first_day : end_day - 1;
    }

    days -= first_day;             /* since 0001-01-01 from here on */
    int64_t year = days / 366 + 1; /* never late, and at most seven years early */
    while (days >= days_before_year(year + 1))
        year++;
    int64_t day = days - days_before_year(year);
    int month = 1;
    while (day >= days_in_month(year, month))
        day -= days_in_month(year, month++);
    *ret = (struct civil){ .year = (int)year, .month = month, .day = (int)day + 1 };
    ret->hour = (int)(day_ms / 3600000);
    ret->minute = (int)(day_ms / 60000 % 60);
    ret->second = (int)(day_ms / 1000 % 60);
}

/* Reads `text` by `form`: 'Y' 'M' 'D' 'h' 'm' 's' stand for one digit of that field, '?' for any character,
 * everything else for itself. Returns what follows, or NULL. */
static const char *read_form(const char *text, const char *form, struct civil *ret)
{
    for (; *form; form++, text++) {
        int *field = *form == 'Y'   ? &ret->year
                     : *form == 'M' ? &ret->month
                     : *form == 'D' ? &ret->day
                     : *form == 'h' ? &ret->hour
                     : *form == 'm' ? &ret->minute
                     : *form == 's' ? &ret->second
                                    : NULL;
        if (field) {
            if (!isdigit((unsigned char)*text))
                return NULL;
            *field = *field * 10 + (*text - '0');
        } else if (*text == '\0' || (*form != '?' && *text != *form)) {
            return NULL;
        }
    }
    return text;
}

int64_t time_parse_wall(const char *text, int offset_minutes)
{
    struct civil c = { 0 };
    const char *rest = read_form(text, "YYYY-MM-DD hh:mm:ss", &c);

    return rest && *rest == '\0' ? civil_to_ms(&c, offset_minutes) : -1;
}

/* Reads "Z", "+05:30" or "-0800". False when malformed. */
static bool read_offset(const char *text, int *ret_minutes)
{
    if ((*text == 'Z' || *text == 'z') && text[1] == '\0') {
        *ret_minutes = 0;
        return true;
    }
    if (*text != '+' && *text != '-')
        return false;

    struct civil c = { 0 };
    const char *rest = read_form(text + 1, "hh:mm", &c);
    if (!rest) {
        c = (struct civil){ 0 };
        rest = read_form(text + 1, "hhmm", &c);
    }
    if (!rest || *rest || c.hour > 23 || c.minute > 59)
        return false;
    *ret_minutes = (c.hour * 60 + c.minute) * (*text == '-' ? -1 : 1);
    return true;
}

int64_t time_parse_rfc3339(const char *text)
{
    struct civil c = { 0 };
    const char *rest = read_form(text, "YYYY-MM-DD?hh:mm:ss", &c);
    if (!rest || !strchr("Tt ", text[10]))
        return -1;

    int64_t fraction_ms = 0;
    if (*rest == '.') {
        int64_t weight = 100;
        if (!isdigit((unsigned char)*++rest))
            return -1;
        for (; isdigit((unsigned char)*rest); rest++, weight /= 10)
            fraction_ms += (*rest - '0') * weight;
    }
    int offset_minutes = 0;
    if (!read_offset(rest, &offset_minutes))
        return -1;
    bool is_leap_second = c.second == 60; /* counted as the second before it, as UTC clocks do */
    if (is_leap_second)
        c.second = 59;
    int64_t ms = civil_to_ms(&c, offset_minutes);
    return ms < 0 ? -1 : ms + fraction_ms;
}

int64_t time_parse_http(const char *text)
{
    struct civil c = { 0 };
    const char *rest = read_form(text, "???, DD ??? YYYY hh:mm:ss", &c);
    if (!rest || strcmp(rest, " GMT") != 0)
        return -1;

    for (int i = 0; i < 12; i++)
        if (strncmp(text + 8, month_words[i], 3) == 0)
            c.month = i + 1;
    int64_t ms = civil_to_ms(&c, 0);
    if (ms < 0 || strncmp(text, day_words[ms / MS_PER_DAY % 7], 3) != 0)
        return -1;
    return ms;
}

void time_format_wall(int64_t ms, int offset_minutes, char ret_text[TIME_TEXT_MAX])
{
    struct civil c;

    civil_from_ms(ms + (int64_t)offset_minutes * 60000, &c);
    (void)snprintf(ret_text, TIME_TEXT_MAX, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour,
                   c.minute, c.second);
}

void time_format_rfc3339(int64_t ms, char ret_text[TIME_TEXT_MAX])
{
    struct civil c;

    civil_from_ms(ms, &c);
    (void)snprintf(ret_text, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour,
                   c.minute, c.second);
}

void time_format_rfc3339_ms(int64_t ms, char ret_text[TIME_TEXT_MAX])
{
    int64_t fraction_ms = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;

    time_format_rfc3339(ms, ret_text);
    size_t length = strlen(ret_text) - 1; /* over the Z */
    (void)snprintf(ret_text + length, TIME_TEXT_MAX - length, ".%03dZ", (int)fraction_ms);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now = { 0 };

    (void)clock_gettime(id, &now); /* cannot fail for these two clocks */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
