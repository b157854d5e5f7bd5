/* The clients a lake knows, so that a name with a slip is refused and not taken for a client without data. */
#ifndef FREIGHTLAKE_INGEST_CLIENT_H
#define FREIGHTLAKE_INGEST_CLIENT_H

#include "lake/lake.h"

/* NOT_FOUND, with the nearest name as the hint, when the lake has no mapping, no raw file and no row of the client. */
Status client_check_known(const Lake *lake, const char *client, Arena *arena, Error *err) MUST_CHECK;
/* Of the clients with a mapping the one whose name is nearest; NULL when none is near, or the folder cannot be read. */
const char *client_nearest_mapped(const Lake *lake, const char *client, Arena *arena);

#endif
