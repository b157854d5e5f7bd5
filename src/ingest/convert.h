/* Converter: blocks of a client's records -> columns of canonical shipments, with a verdict on every record.
 *
 *   converter_new (one a thread) -> converter_run per block -> what is good goes to a ShipmentFile, what is bad is asked
 *   for its reasons with converter_reasons
 *
 * Distinct texts of a column are converted once (intern.h, text_value.h); a row costs a code.  A column with more than
 * INTERN_MAX distinct texts goes over to values, row by row, for the rest of the converter's life. */
#ifndef FREIGHTLAKE_INGEST_CONVERT_H
#define FREIGHTLAKE_INGEST_CONVERT_H

#include "columnar/vector.h"
#include "ingest/mapping.h"
#include "shipment/reason.h"
#include "text/records.h"

typedef struct Converter Converter;

/* How a column of a block comes:
 *   ABSENT    NULL in every row
 *   CONSTANT  one value in every row
 *   CODES     codes into `entries`, whose codes stay as they are while it grows
 *   VALUES    one value a row in the type's physical form; valid NULL: no row is NULL */
typedef enum ColumnForm { COLUMN_ABSENT, COLUMN_CONSTANT, COLUMN_CODES, COLUMN_VALUES } ColumnForm;

typedef struct ConvertedColumn {
    ColumnForm form;
    Value constant;
    const uint16_t *codes;
    const Vector *entries; /* FLAT; entries not valid are NULL or bad */
    void *values;
    uint8_t *valid;
} ConvertedColumn;

typedef struct ConvertedBlock {
    uint32_t n;
    ConvertedColumn
        columns[SHIPMENT_COLUMN_COUNT]; /* client, source_file, ingested_at, contract_version: not set here */
    uint8_t *bad;                       /* per record */
    uint32_t n_bad;                     /* records */
} ConvertedBlock;

/* The client's columns a mapping reads, which is the order of fields that converter_run expects in a RecordBlock. */
uint32_t converter_sources(const Mapping *mapping, const char **ret_names /* SHIPMENT_COLUMN_COUNT */);

/* CONFIG when the mapping's rules cannot be meant, or amounts have no currency. */
Status converter_new(const Lake *lake, const Mapping *mapping, Converter **ret_converter, Error *err) MUST_CHECK;
void converter_free(Converter *converter);

/* The result is the converter's and lives until the next call; texts in VALUES point into the block. */
const ConvertedBlock *converter_run(Converter *converter, RecordBlock *block);

/* One reason why a record is bad. */
typedef struct RecordReason {
    const char *code;
    const char *column; /* canonical; "" for the record as a whole */
    StrView value;      /* the client's text; empty for the record as a whole */
    const char *message;
} RecordReason;
/* All reasons of record `row` of the block last run; in `arena`.  At least one. */
void converter_reasons(Converter *converter, const RecordBlock *block, uint32_t row, Arena *arena,
                       RecordReason **ret_reasons, uint32_t *ret_n);

#endif
