/* Times as Exotel writes them (IST wall clock without a zone), and as scenarios write them. */
#include "exotel.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 of a date of the Gregorian calendar, by counting from a March that follows a leap
 * day. */
static int64_t count_days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

const char *exo_ist_text(int64_t time_ms, char text[32])
{
    return sim_time_text(time_ms, EXO_IST_MINUTES, "%Y-%m-%d %H:%M:%S", text, 32);
}

/* Reads `count` digits at *at. */
static bool read_digits(const char **at, unsigned count, int64_t *ret_value)
{
    int64_t value = 0;
    for (unsigned i = 0; i < count; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        value = value * 10 + (**at - '0');
    }
    *ret_value = value;
    return true;
}

static bool skip_byte(const char **at, const char *choices)
{
    if (!**at || !strchr(choices, **at))
        return false;
    (*at)++;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    int64_t next_year = month == 12 ? year + 1 : year, next_month = month == 12 ? 1 : month + 1;
    return count_days(next_year, next_month, 1) - count_days(year, month, 1);
}

/* Reads date and time, as if they were UTC; *at then stands behind the seconds. */
static bool read_wall_clock(const char **at, const char *between, int64_t *ret_seconds)
{
    int64_t year, month, day, hour, minute, second;
    if (!read_digits(at, 4, &year) || !skip_byte(at, "-") || !read_digits(at, 2, &month) ||
        !skip_byte(at, "-") || !read_digits(at, 2, &day) || !skip_byte(at, between) ||
        !read_digits(at, 2, &hour) || !skip_byte(at, ":") || !read_digits(at, 2, &minute) ||
        !skip_byte(at, ":") || !read_digits(at, 2, &second))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    *ret_seconds = count_days(year, month, day) * (int64_t)EXO_DAY_S + hour * 3600 + minute * 60 + second;
    return true;
}

int exo_read_ist(const char *text, int64_t *ret_seconds)
{
    int64_t seconds;
    if (!read_wall_clock(&text, " ", &seconds) || *text)
        return -1;
    *ret_seconds = seconds - EXO_IST_S;
    return 0;
}

/* "Z", "+05:30" or nothing (IST), up to the end of the text. */
static bool read_zone(const char *at, int64_t *ret_offset_s)
{
    int64_t hours, minutes;
    *ret_offset_s = EXO_IST_S;
    if (!*at)
        return true;
    if (strcmp(at, "Z") == 0) {
        *ret_offset_s = 0;
        return true;
    }
    bool is_west = *at == '-';
    if (!skip_byte(&at, "+-") || !read_digits(&at, 2, &hours) || !skip_byte(&at, ":") ||
        !read_digits(&at, 2, &minutes))
        return false;
    *ret_offset_s = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return *at == '\0';
}

/* "-10m", "+90s", "-1h30m", "-2d": any number of counts with their units. */
static bool read_relative(const char *at, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', EXO_DAY_S } };
    int64_t sign = *at == '-' ? -1 : 1, total = 0;
    if (!skip_byte(&at, "+-") || !*at)
        return false;
    while (*at) {
        int64_t value = 0;
        size_t unit = 0, digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 9 || !read_digits(&at, (unsigned)digits, &value))
            return false;
        while (unit < 4 && units[unit].unit != *at)
            unit++;
        if (unit == 4)
            return false;
        total += value * units[unit].seconds;
        at++;
    }
    *ret_ms = sign * total * EXO_SECOND_MS;
    return true;
}

int exo_read_time(const json_t *value, int64_t now_ms, int64_t *ret_ms)
{
    if (json_is_integer(value)) {
        *ret_ms = json_integer_value(value);
        return 0;
    }
    const char *text = json_string_value(value);
    if (!text)
        return -1;
    int64_t shift_ms, seconds, offset_s;
    if (strcmp(text, "now") == 0) {
        *ret_ms = now_ms;
        return 0;
    }
    if (read_relative(text, &shift_ms)) {
        *ret_ms = now_ms + shift_ms;
        return 0;
    }
    if (!read_wall_clock(&text, " T", &seconds) || !read_zone(text, &offset_s))
        return -1;
    *ret_ms = (seconds - offset_s) * EXO_SECOND_MS;
    return 0;
}

int64_t exo_day_start(int64_t time_s)
{
    int64_t local = time_s + EXO_IST_S;
    return local / EXO_DAY_S * (int64_t)EXO_DAY_S - EXO_IST_S;
}

int64_t exo_six_months_before(int64_t time_s)
{
    char text[32];
    exo_ist_text(time_s * EXO_SECOND_MS, text);
    const char *at = text;
    int64_t year, month, day, midnight = exo_day_start(time_s);
    if (!read_digits(&at, 4, &year) || !skip_byte(&at, "-") || !read_digits(&at, 2, &month) ||
        !skip_byte(&at, "-") || !read_digits(&at, 2, &day))
        return time_s;
    year -= month <= 6;
    month += month <= 6 ? 6 : -6;
    int64_t last = days_in_month(year, month);
    int64_t earlier = count_days(year, month, day < last ? day : last) * (int64_t)EXO_DAY_S - EXO_IST_S;
    return earlier + (time_s - midnight);
}
