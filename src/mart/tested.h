/* Which tests a mart's version has passed, so that a change of the tests alone makes them run on the version that stands.
 *
 * LAKE/_freightlake/state/MART.tested, one a mart, holds the hash of the tests' text and the version.  It is a cache: without it
 * the tests run once more. */
#ifndef FREIGHTLAKE_MART_TESTED_H
#define FREIGHTLAKE_MART_TESTED_H

#include "lake/lake.h"
#include "mart/registry.h"

/* Whether this version of the mart's table has passed the tests as they are; one without tests has. */
Status tested_check(const Lake *lake, const Mart *mart, int64_t version, Arena *arena, bool *ret_passed, Error *err)
    MUST_CHECK;
Status tested_save(const Lake *lake, const Mart *mart, int64_t version, Arena *arena, Error *err) MUST_CHECK;

#endif
