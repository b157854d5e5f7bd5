/* Date forms: how a client writes dates and instants, as patterns chosen in the mapping.
 *
 * A pattern is made of yyyy yy MMMM MMM MM M dd d HH H hh h mm ss SSS a (AM/PM) EEE (weekday, checked for being one), zone
 * tokens X (Z, +02, +0200, +02:00) and z (UTC, GMT), and literal characters; letters stand in quotes ('T').  One- and
 * two-digit forms are strict: dd takes two digits, d one or two.  yy is 1970..2069.  MMM takes English names of three
 * letters (and "Sept"), MMMM full ones, any case, and German, French and Spanish ones, a point behind short ones being
 * theirs.  Also the words `epoch_seconds`, `epoch_milliseconds` (fractions are read) and `excel` (days since 1899-12-30, a
 * fraction being the time).  Nothing is guessed: a text that does not fit is no date. */
#ifndef FREIGHTLAKE_INGEST_DATE_FORM_H
#define FREIGHTLAKE_INGEST_DATE_FORM_H

#include "base/text.h"

typedef struct DateForm DateForm;
/* What instants without a zone of their own are in: UTC, a fixed offset or a zone of the system's tz database. */
typedef struct TimeZone TimeZone;

/* In `arena`.  CONFIG for a pattern that says no date, with what is wrong. */
Status date_form_new(const char *pattern, Arena *arena, const DateForm **ret_form, Error *err) MUST_CHECK;
const char *date_form_pattern(const DateForm *form);
bool date_form_has_time(const DateForm *form);
/* The civil date at the place of the event: as written, with whatever offset; what is written in UTC (Z, UTC, GMT, +00:00,
 * the epoch's counts) is an instant, and its day is the one in `zone` (NULL: UTC).  False when the text does not fit or
 * its year is not 1..9999. */
bool date_form_parse_date(const DateForm *form, const TimeZone *zone, StrView text, int32_t *ret_days);
/* The instant in microseconds UTC; a time that does not exist or exists twice in `zone` takes the earlier offset. */
bool date_form_parse_instant(const DateForm *form, const TimeZone *zone, StrView text, int64_t *ret_micros);

/* "UTC", "+02:00", "Europe/Paris".  CONFIG when there is no such zone. */
Status time_zone_new(const char *name, Arena *arena, const TimeZone **ret_zone, Error *err) MUST_CHECK;

#endif
