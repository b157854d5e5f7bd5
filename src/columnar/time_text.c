/* Dates and timestamps from text and to text.
 *
 * Dates of the form YYYY-MM-DD, which is what files hold, take a way of their own without loops. */
#include "columnar/time_text.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "columnar/number_text.h"

/* The years of the first and last whole year that 32-bit days reach. */
#define FIRST_YEAR (-5877640)
#define LAST_YEAR 5881579

bool date_from_parts(int64_t year, int64_t month, int64_t day, int32_t *ret_days)
{
    if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 ||
        day > days_in_month((int32_t)year, (int32_t)month))
        return false;
    *ret_days = days_from_civil((int32_t)year, (int32_t)month, (int32_t)day);
    return true;
}

typedef struct DateParts {
    int64_t year, month, day;
    int n;            /* how many of them were written */
    const char *rest; /* behind the date */
} DateParts;

static bool segment_is_valid(int segment, int n_digits)
{
    return segment == 0 ? n_digits >= 4 && n_digits <= 7 : n_digits == 1 || n_digits == 2;
}

/* The date at the start of a trimmed text, up to a blank or 'T'. */
static bool scan_date(StrView text, DateParts *ret)
{
    const char *at = text.data, *end = text.data + text.size;
    int64_t segments[3] = {1, 1, 1};
    int segment = 0, n_digits = 0;
    int64_t value = 0;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    for (; at < end && *at != ' ' && *at != 'T'; at++) {
        if (segment < 2 && *at == '-') {
            if (!segment_is_valid(segment, n_digits))
                return false;
            segments[segment++] = value;
            value = n_digits = 0;
        } else {
            if (*at < '0' || *at > '9' || n_digits > 7)
                return false;
            value = value * 10 + (*at - '0');
            n_digits++;
        }
    }
    if (!segment_is_valid(segment, n_digits) || (segment < 2 && at < end))
        return false;
    segments[segment] = value;
    *ret = (DateParts){negative ? -segments[0] : segments[0], segments[1], segments[2], segment + 1, at};
    return true;
}

static inline unsigned two_digits(const char *text, unsigned *bad)
{
    unsigned tens = (unsigned)(unsigned char)text[0] - '0', ones = (unsigned)(unsigned char)text[1] - '0';
    *bad |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

/* days_from_civil for the years 0 to 9999, where no era can be negative. */
static inline int32_t days_of_short_year(unsigned year, unsigned month, unsigned day)
{
    unsigned shifted = year + 399 + (month > 2); /* counted from 1 March of the year -400 */
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int32_t)(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year) - (719468 + 146097);
}

bool date_parse(StrView text, int32_t *ret_days)
{
    if (LIKELY(text.size == 10 && text.data[4] == '-' && text.data[7] == '-')) {
        unsigned bad = 0;
        unsigned year = two_digits(text.data, &bad) * 100 + two_digits(text.data + 2, &bad);
        unsigned month = two_digits(text.data + 5, &bad), day = two_digits(text.data + 8, &bad);
        if (LIKELY(!bad)) {
            if (month - 1 > 11 || day - 1 > 30 || (day > 28 && (int)day > days_in_month((int)year, (int)month)))
                return false;
            *ret_days = days_of_short_year(year, month, day);
            return true;
        }
    }
    DateParts parts;
    return scan_date(text_trim_control(text, true), &parts) &&
           date_from_parts(parts.year, parts.month, parts.day, ret_days);
}

/* One or two digits; false where there are none or three. */
static bool scan_small(const char **at, const char *end, int64_t *ret)
{
    int64_t value = 0;
    int n_digits = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (**at - '0');
        if (++n_digits > 2)
            return false;
    }
    *ret = value;
    return n_digits > 0;
}

/* Z | (UTC|GMT|UT)[offset] | offset; an offset is [+-][h]h[:[m]m[:[s]s]] or [+-]hhmm, at most 18 hours. */
static bool scan_zone(const char *at, const char *end, int64_t *ret_seconds)
{
    StrView zone = text_trim_control((StrView){at, (uint32_t)(end - at)}, true);
    at = zone.data;
    end = at + zone.size;
    *ret_seconds = 0;
    if (zone.size == 1 && *at == 'Z')
        return true;
    if (zone.size >= 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0))
        at += 3;
    else if (zone.size >= 2 && memcmp(at, "UT", 2) == 0)
        at += 2;
    if (at == end)
        return zone.size > 0;
    if (*at != '+' && *at != '-')
        return false;
    int64_t sign = *at++ == '-' ? -1 : 1;
    int64_t parts[3] = {0, 0, 0};
    if (end - at == 4 && at[2] >= '0' && at[2] <= '9') { /* hhmm */
        const char *minutes = at + 2;
        if (!scan_small(&at, minutes, &parts[0]) || !scan_small(&minutes, end, &parts[1]) || at + 2 != end)
            return false;
        at = end;
    }
    for (int i = 0; i < 3 && at < end; i++) {
        if (!scan_small(&at, end, &parts[i]))
            return false;
        if (at == end)
            break;
        if (i == 2 || *at++ != ':')
            return false;
    }
    int64_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (at != end || parts[1] > 59 || parts[2] > 59 || seconds > 18 * 3600)
        return false;
    *ret_seconds = sign * seconds;
    return true;
}

/* ".dddddd": digits behind the sixth are dropped. */
static int64_t scan_fraction(const char **at, const char *end)
{
    int64_t micros = 0, unit = 100000;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        micros += (**at - '0') * unit;
    return micros;
}

static bool scan_time(const char *at, const char *end, int64_t *ret_micros)
{
    int64_t parts[3] = {0, 0, 0}, micros = 0, zone_seconds = 0;
    int n = 0;
    for (;;) {
        if (!scan_small(&at, end, &parts[n++]))
            return false;
        if (n == 3 || at == end)
            break;
        if (*at++ != ':')
            return false;
    }
    if (n == 3 && at < end && *at == '.') {
        at++;
        micros = scan_fraction(&at, end);
    }
    if (at < end && (n < 3 || !scan_zone(at, end, &zone_seconds)))
        return false;
    if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59)
        return false;
    *ret_micros = (parts[0] * 3600 + parts[1] * 60 + parts[2] - zone_seconds) * MICROS_PER_SECOND + micros;
    return true;
}

bool timestamp_parse(StrView text, int64_t *ret_micros)
{
    StrView trimmed = text_trim_control(text, true);
    DateParts parts;
    int32_t days;
    if (!scan_date(trimmed, &parts) || !date_from_parts(parts.year, parts.month, parts.day, &days))
        return false;
    const char *end = trimmed.data + trimmed.size;
    int64_t time = 0, micros;
    if (parts.rest < end && !scan_time(parts.rest + 1, end, &time))
        return false;
    if (__builtin_mul_overflow((int64_t)days, MICROS_PER_DAY, &micros) || __builtin_add_overflow(micros, time, &micros))
        return false;
    *ret_micros = micros;
    return true;
}

size_t date_format(char *text, int32_t days)
{
    CivilDate date = civil_from_days(days);
    if (LIKELY(date.year >= 0 && date.year <= 9999)) {
        text[0] = (char)('0' + date.year / 1000);
        text[1] = (char)('0' + date.year / 100 % 10);
        text[2] = (char)('0' + date.year / 10 % 10);
        text[3] = (char)('0' + date.year % 10);
        text[4] = text[7] = '-';
        text[5] = (char)('0' + date.month / 10);
        text[6] = (char)('0' + date.month % 10);
        text[8] = (char)('0' + date.day / 10);
        text[9] = (char)('0' + date.day % 10);
        text[10] = '\0';
        return 10;
    }
    return (size_t)snprintf(text, TIME_TEXT_SIZE, "%s%04d-%02d-%02d", date.year < 0 ? "-" : "+",
                            date.year < 0 ? -date.year : date.year, date.month, date.day);
}

size_t timestamp_format(char *text, int64_t micros)
{
    int32_t days = timestamp_day(micros);
    int64_t rest = timestamp_time(micros);
    int seconds = (int)(rest / MICROS_PER_SECOND), fraction = (int)(rest % MICROS_PER_SECOND);
    size_t length = date_format(text, days);
    length += (size_t)snprintf(text + length, TIME_TEXT_SIZE - length, " %02d:%02d:%02d", seconds / 3600,
                               seconds / 60 % 60, seconds % 60);
    if (fraction == 0)
        return length;
    length += (size_t)snprintf(text + length, TIME_TEXT_SIZE - length, ".%06d", fraction);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    return length;
}
