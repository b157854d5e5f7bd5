/* See ingest_json.h. */
#include "cmd/ingest_json.h"

const char *ingest_outcome_name(IngestOutcome outcome)
{
    switch (outcome) {
    case INGEST_DONE:
        return "ingested";
    case INGEST_KNOWN:
        return "known";
    case INGEST_REFUSED:
        return "refused";
    default:
        return "dry run";
    }
}

static void append_json_reasons(Buffer *json, const IngestResult *result)
{
    buffer_append_text(json, "\"reasons\":[");
    for (uint32_t i = 0; i < result->n_reasons; i++) {
        const IngestReason *reason = &result->reasons[i];
        buffer_append_text(json, i ? ",{\"code\":" : "{\"code\":");
        text_append_json(json, str_view(reason->code));
        buffer_append_text(json, ",\"column\":");
        text_append_json(json, str_view(reason->column));
        buffer_printf(json,
                      ",\"records\":%llu,\"example_row\":%lld,\"example_value\":", (unsigned long long)reason->records,
                      (long long)reason->example_row);
        text_append_json(json, str_view(reason->example_value));
        buffer_append_text(json, ",\"example_message\":");
        text_append_json(json, str_view(reason->example_message));
        buffer_append_byte(json, '}');
    }
    buffer_append_byte(json, ']');
}

static void append_version(Buffer *json, const char *name, int64_t version)
{
    if (version >= 0)
        buffer_printf(json, "\"%s\":%lld,", name, (long long)version);
    else
        buffer_printf(json, "\"%s\":null,", name);
}

void ingest_append_json(Buffer *json, const IngestResult *result)
{
    buffer_append_text(json, "{\"file\":");
    text_append_json(json, str_view(result->file));
    buffer_printf(
        json,
        ",\"outcome\":\"%s\",\"sha256\":\"%s\",\"bytes\":%llu,\"records\":%llu,\"good\":%llu,\"rejected\":%llu,"
        "\"blank\":%llu,\"superseded\":%llu,\"replaced\":%llu,\"rejected_share\":%.6f,\"max_rejected_share\":%.6f,"
        "\"seconds\":%.6f,",
        ingest_outcome_name(result->outcome), result->hash, (unsigned long long)result->bytes,
        (unsigned long long)result->records, (unsigned long long)result->good, (unsigned long long)result->rejected,
        (unsigned long long)result->blank, (unsigned long long)result->superseded, (unsigned long long)result->replaced,
        result->rejected_share, result->max_rejected_share, result->seconds);
    append_version(json, "processed_version", result->processed_version);
    append_version(json, "quarantine_version", result->quarantine_version);
    append_version(json, "undone_by_version", result->outcome == INGEST_KNOWN ? result->undone_version : -1);
    append_json_reasons(json, result);
    buffer_append_byte(json, '}');
}
