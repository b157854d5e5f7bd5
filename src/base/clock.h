/* Clocks and civil dates (proleptic Gregorian, days since 1970-01-01). */
#ifndef FREIGHTLAKE_BASE_CLOCK_H
#define FREIGHTLAKE_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static inline double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A condition whose timed waits go by CLOCK_MONOTONIC: nobody sets that clock. */
static inline void clock_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

typedef struct CivilDate {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
} CivilDate;

/* Days since 1970-01-01 of a valid civil date; shifts the year to start in March so that the leap day comes last. */
static inline int32_t days_from_civil(int32_t year, int32_t month, int32_t day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * 146097 + day_of_era - 719468);
}

static inline CivilDate civil_from_days(int32_t days)
{
    int64_t z = (int64_t)days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int32_t civil_month = (int32_t)(month < 10 ? month + 3 : month - 9);
    return (CivilDate){.year = (int32_t)(year_of_era + era * 400 + (civil_month <= 2)),
                       .month = civil_month,
                       .day = (int32_t)(day_of_year - (153 * month + 2) / 5 + 1)};
}

static inline int32_t days_in_month(int32_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

#endif
