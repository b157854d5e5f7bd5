/* Functions of dates.  All are exact arithmetic on the proleptic Gregorian calendar; a date that does not fit 32-bit days
 * is NULL or, in date_add, wraps as Spark's does. */
#include <math.h>

#include "base/clock.h"
#include "columnar/families.h"
#include "columnar/kernel.h"
#include "columnar/number_text.h"
#include "columnar/time_text.h"

/* x is the date of one row. */
#define DATE_ROWS(Out, expression)                                                                                     \
    do {                                                                                                               \
        const int32_t *restrict rows_in = args[0].data;                                                                \
        Out *restrict rows_out = result->data;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            int32_t x = rows_in[i];                                                                                    \
            rows_out[i] = (Out)(expression);                                                                           \
        }                                                                                                              \
    } while (0)

/* Monday 0 .. Sunday 6. */
static inline int32_t weekday(int32_t days)
{
    int64_t shifted = (int64_t)days + 3; /* 1970-01-01 was a Thursday */
    return (int32_t)(shifted % 7 + (shifted % 7 < 0 ? 7 : 0));
}

static inline int32_t day_of_year(int32_t days)
{
    return days - days_from_civil(civil_from_days(days).year, 1, 1) + 1;
}

/* ISO 8601: the week belongs to the year its Thursday is in. */
static int32_t iso_week(int32_t days)
{
    int64_t thursday = (int64_t)days - weekday(days) + 3;
    if (thursday > INT32_MAX || thursday < INT32_MIN)
        thursday = days;
    return (day_of_year((int32_t)thursday) - 1) / 7 + 1;
}

void evaluate_date_part(EVALUATE_PARAMETERS)
{
    const char *name = call->function->name;
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    if (strcmp(name, "year") == 0)
        DATE_ROWS(int32_t, civil_from_days(x).year);
    else if (strcmp(name, "quarter") == 0)
        DATE_ROWS(int32_t, (civil_from_days(x).month + 2) / 3);
    else if (strcmp(name, "month") == 0)
        DATE_ROWS(int32_t, civil_from_days(x).month);
    else if (strcmp(name, "weekofyear") == 0)
        DATE_ROWS(int32_t, iso_week(x));
    else if (strcmp(name, "dayofweek") == 0)
        DATE_ROWS(int32_t, (weekday(x) + 1) % 7 + 1);
    else if (strcmp(name, "weekday") == 0)
        DATE_ROWS(int32_t, weekday(x));
    else if (strcmp(name, "dayofyear") == 0)
        DATE_ROWS(int32_t, day_of_year(x));
    else
        DATE_ROWS(int32_t, civil_from_days(x).day);
}

void evaluate_datediff(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, 2, n);
    const int32_t *restrict start = args[1].data;
    DATE_ROWS(int32_t, (uint32_t)x - (uint32_t)start[i]);
}

/* date_add, date_sub */
void evaluate_date_shift(EVALUATE_PARAMETERS)
{
    uint32_t sign = strcmp(call->function->name, "date_sub") == 0 ? UINT32_MAX : 1;
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, 2, n);
    const int32_t *restrict days = args[1].data;
    DATE_ROWS(int32_t, (uint32_t)x + sign * (uint32_t)days[i]);
}

static bool shift_months(int32_t days, int32_t months, int32_t *ret)
{
    CivilDate date = civil_from_days(days);
    int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
    int64_t year = month / 12 - (month % 12 < 0);
    month -= year * 12;
    int32_t last = days_in_month((int32_t)(year % 400), (int32_t)month + 1);
    return date_from_parts(year, month + 1, date.day < last ? date.day : last, ret);
}

void evaluate_add_months(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    uint8_t *valid = mask_copy(arena, mask_all(arena, args, 2, n), n);
    const int32_t *dates = args[0].data, *months = args[1].data;
    int32_t *out = result->data;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = 0;
        valid[i] = valid[i] && shift_months(dates[i], months[i], &out[i]);
    }
    result->valid = mask_trim(valid, n);
}

static inline int32_t last_day_of_month(int32_t days)
{
    CivilDate date = civil_from_days(days);
    return (int32_t)((uint32_t)days + (uint32_t)(days_in_month(date.year, date.month) - date.day));
}

void evaluate_last_day(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = args[0].valid;
    DATE_ROWS(int32_t, last_day_of_month(x));
}

/* Whole months when the days of month are equal or both last; otherwise the rest is counted in months of 31 days. */
static double months_between(int64_t end, int64_t start, bool round_off)
{
    int32_t end_day = timestamp_day(end), start_day = timestamp_day(start);
    CivilDate a = civil_from_days(end_day), b = civil_from_days(start_day);
    double months = (double)(((int64_t)a.year - b.year) * 12 + a.month - b.month);
    bool both_last = a.day == days_in_month(a.year, a.month) && b.day == days_in_month(b.year, b.month);
    if (a.day == b.day || both_last)
        return months;
    int64_t seconds_a = timestamp_time(end) / MICROS_PER_SECOND;
    int64_t seconds_b = timestamp_time(start) / MICROS_PER_SECOND;
    int64_t rest = (int64_t)(a.day - b.day) * 86400 + seconds_a - seconds_b;
    double between = months + (double)rest / (31.0 * 86400);
    return round_off ? floor(between * 1e8 + 0.5) / 1e8 : between;
}

void evaluate_months_between(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    result->valid = mask_all(arena, args, call->n_args, n);
    const int64_t *end = args[0].data, *start = args[1].data;
    const uint8_t *round_off = call->n_args == 3 ? args[2].data : NULL;
    double *out = result->data;
    for (uint32_t i = 0; i < n; i++)
        out[i] = months_between(end[i], start[i], !round_off || round_off[i]);
}

typedef enum DateUnit { UNIT_NONE, UNIT_YEAR, UNIT_QUARTER, UNIT_MONTH, UNIT_WEEK } DateUnit;

static DateUnit date_unit(StrView name)
{
    static const struct {
        const char *name;
        DateUnit unit;
    } units[] = {{"year", UNIT_YEAR},   {"yyyy", UNIT_YEAR}, {"yy", UNIT_YEAR},  {"quarter", UNIT_QUARTER},
                 {"month", UNIT_MONTH}, {"mon", UNIT_MONTH}, {"mm", UNIT_MONTH}, {"week", UNIT_WEEK}};
    char lower[8] = {0};
    for (uint32_t i = 0; i < name.size && i < sizeof lower - 1; i++)
        lower[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] | 0x20) : name.data[i];
    for (size_t i = 0; name.size < sizeof lower && i < ARRAY_SIZE(units); i++)
        if (strcmp(lower, units[i].name) == 0)
            return units[i].unit;
    return UNIT_NONE;
}

static int32_t start_of(int32_t days, DateUnit unit)
{
    CivilDate date = civil_from_days(days);
    switch (unit) {
    case UNIT_YEAR:
        return days_from_civil(date.year, 1, 1);
    case UNIT_QUARTER:
        return days_from_civil(date.year, (date.month - 1) / 3 * 3 + 1, 1);
    case UNIT_MONTH:
        return days_from_civil(date.year, date.month, 1);
    default:
        return (int32_t)((uint32_t)days - (uint32_t)weekday(days));
    }
}

void evaluate_trunc(EVALUATE_PARAMETERS)
{
    *result = vector_new(arena, call->type, n, false);
    uint8_t *valid = mask_copy(arena, mask_all(arena, args, 2, n), n);
    const int32_t *dates = args[0].data;
    const StrView *names = args[1].data;
    int32_t *out = result->data;
    for (uint32_t i = 0; i < n; i++) {
        DateUnit unit = valid[i] ? date_unit(names[i]) : UNIT_NONE;
        valid[i] = unit != UNIT_NONE;
        out[i] = unit != UNIT_NONE ? start_of(dates[i], unit) : 0;
    }
    result->valid = mask_trim(valid, n);
}
