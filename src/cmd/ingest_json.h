/* What became of a file that was ingested, or would become of it, for programs: a JSON object. */
#ifndef FREIGHTLAKE_CMD_INGEST_JSON_H
#define FREIGHTLAKE_CMD_INGEST_JSON_H

#include "ingest/ingest.h"

const char *ingest_outcome_name(IngestOutcome outcome);
void ingest_append_json(Buffer *json, const IngestResult *result);

#endif
