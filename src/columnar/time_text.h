/* Dates and timestamps from text and to text, by the rules of Spark's CAST in the time zone UTC.
 *
 * date_parse takes, blanks around allowed: yyyy, yyyy-[m]m, yyyy-[m]m-[d]d, and behind a full date a 'T' or a blank with
 * anything; years of 4 to 7 digits with a sign.  "20250105" and "2025-02-30" are no dates.
 * timestamp_parse takes the same dates and behind 'T' or a blank [h]h[:[m]m[:[s]s[.fraction]]] with, behind seconds, a
 * zone: Z, UTC, GMT or an offset (+1, +01:30, UTC-5).  Zones by region and times without a date are not taken. */
#ifndef FREIGHTLAKE_COLUMNAR_TIME_TEXT_H
#define FREIGHTLAKE_COLUMNAR_TIME_TEXT_H

#include "columnar/types.h"

#define TIME_TEXT_SIZE 40
#define MICROS_PER_SECOND ((int64_t)1000000)
#define MICROS_PER_DAY ((int64_t)86400000000)

bool date_parse(StrView text, int32_t *ret_days);
bool timestamp_parse(StrView text, int64_t *ret_micros);
/* "2025-06-30", "2025-06-30 12:00:00.5".  Return the length; TIME_TEXT_SIZE bytes of room, NUL-terminated. */
size_t date_format(char *text, int32_t days);
size_t timestamp_format(char *text, int64_t micros);

/* Days of a civil date of any year; false where there is no such day or it is out of range. */
bool date_from_parts(int64_t year, int64_t month, int64_t day, int32_t *ret_days);

/* The day a timestamp lies in. */
static inline int32_t timestamp_day(int64_t micros)
{
    int64_t day = micros / MICROS_PER_DAY;
    return (int32_t)(day - (micros % MICROS_PER_DAY < 0));
}

/* Microseconds since the start of that day. */
static inline int64_t timestamp_time(int64_t micros)
{
    int64_t time = micros % MICROS_PER_DAY;
    return time < 0 ? time + MICROS_PER_DAY : time;
}

#endif
