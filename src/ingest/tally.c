/* ReasonTally; see tally.h.  Reasons are few, so they are looked up one by one. */
#include "ingest/tally.h"

#include <stdlib.h>

#define EXAMPLE_BYTES 200

void tally_init(ReasonTally *tally)
{
    tally->n = 0;
    arena_init(&tally->arena);
}

void tally_done(ReasonTally *tally)
{
    arena_done(&tally->arena);
    tally->n = 0;
}

static IngestReason *find(ReasonTally *tally, const char *code, const char *column)
{
    for (uint32_t i = 0; i < tally->n; i++)
        if (strcmp(tally->reasons[i].code, code) == 0 && strcmp(tally->reasons[i].column, column) == 0)
            return &tally->reasons[i];
    if (tally->n == TALLY_MAX)
        return NULL;
    IngestReason *reason = &tally->reasons[tally->n++];
    *reason = (IngestReason){.code = arena_strdup(&tally->arena, code), .column = arena_strdup(&tally->arena, column)};
    reason->example_row = INT64_MAX;
    return reason;
}

/* The example is the one of the first row, so that it does not depend on threads. */
static void set_example(ReasonTally *tally, IngestReason *reason, int64_t row, const char *message, const char *value,
                        size_t value_size)
{
    if (row >= reason->example_row)
        return;
    size_t n = value_size < EXAMPLE_BYTES ? value_size : EXAMPLE_BYTES;
    reason->example_row = row;
    reason->example_message = arena_strdup(&tally->arena, message);
    reason->example_value = n ? arena_memdup(&tally->arena, value, n) : "";
}

void tally_add(ReasonTally *tally, const RecordReason *reasons, uint32_t n, int64_t row)
{
    for (uint32_t i = 0; i < n; i++) {
        bool again = false;
        for (uint32_t j = 0; j < i && !again; j++)
            again = strcmp(reasons[i].code, reasons[j].code) == 0 && strcmp(reasons[i].column, reasons[j].column) == 0;
        IngestReason *reason = again ? NULL : find(tally, reasons[i].code, reasons[i].column);
        if (!reason)
            continue;
        reason->records++;
        set_example(tally, reason, row, reasons[i].message, reasons[i].value.data, reasons[i].value.size);
    }
}

void tally_merge(ReasonTally *tally, const ReasonTally *other)
{
    for (uint32_t i = 0; i < other->n; i++) {
        const IngestReason *from = &other->reasons[i];
        IngestReason *reason = find(tally, from->code, from->column);
        if (!reason)
            continue;
        reason->records += from->records;
        set_example(tally, reason, from->example_row, from->example_message, from->example_value,
                    strlen(from->example_value));
    }
}

static int compare_records(const void *a, const void *b)
{
    const IngestReason *x = a, *y = b;
    if (x->records != y->records)
        return x->records > y->records ? -1 : 1;
    int order = strcmp(x->code, y->code);
    return order ? order : strcmp(x->column, y->column);
}

void tally_result(const ReasonTally *tally, Arena *arena, IngestReason **ret_reasons, uint32_t *ret_n)
{
    IngestReason *reasons = ARENA_ARRAY(arena, IngestReason, tally->n + 1);
    for (uint32_t i = 0; i < tally->n; i++) {
        const IngestReason *from = &tally->reasons[i];
        reasons[i] = *from;
        reasons[i].code = arena_strdup(arena, from->code);
        reasons[i].column = arena_strdup(arena, from->column);
        reasons[i].example_message = arena_strdup(arena, from->example_message);
        reasons[i].example_value = arena_strdup(arena, from->example_value);
    }
    qsort(reasons, tally->n, sizeof *reasons, compare_records);
    *ret_reasons = reasons;
    *ret_n = tally->n;
}
