/* What onboarding found, for programs: a JSON object. */
#ifndef FREIGHTLAKE_CMD_ONBOARD_JSON_H
#define FREIGHTLAKE_CMD_ONBOARD_JSON_H

#include "ingest/guess.h"
#include "ingest/ingest.h"

typedef struct OnboardReport {
    const char *client, *mapping_file;
    const Guesses *guesses;      /* NULL: the mapping was there and was kept */
    const IngestResult *dry_run; /* NULL: a required column is missing, so nothing could be tried */
} OnboardReport;

void onboard_append_json(Buffer *json, const OnboardReport *report);

#endif
