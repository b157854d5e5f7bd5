/* TimeZone: from the time on a wall to UTC and back.  Made by time_zone_new (date_form.h). */
#ifndef FREIGHTLAKE_INGEST_TIME_ZONE_H
#define FREIGHTLAKE_INGEST_TIME_ZONE_H

#include "ingest/date_form.h"

/* Microseconds since 1970-01-01 as the wall shows them -> microseconds UTC.  A time that the clocks skip or show twice is
 * read with the offset of before the change.  `zone` NULL is UTC. */
int64_t time_zone_to_utc(const TimeZone *zone, int64_t wall_micros);
/* The other way round: what the wall shows at an instant. */
int64_t time_zone_to_wall(const TimeZone *zone, int64_t utc_micros);
const char *time_zone_name(const TimeZone *zone);

/* The zone that a TZif file's bytes describe; false when they are none. */
bool time_zone_parse(const char *name, StrView bytes, Arena *arena, const TimeZone **ret_zone);

#endif
