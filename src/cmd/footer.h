/* Footer: a Parquet file's metadata for `inspect`, read without the reader, so that a file with features the reader
 * refuses can still be looked at. */
#ifndef FREIGHTLAKE_CMD_FOOTER_H
#define FREIGHTLAKE_CMD_FOOTER_H

#include "parquet/metadata.h"
#include "parquet/metadata_schema.h"
#include "storage/storage.h"

typedef struct Footer {
    uint64_t file_bytes;
    uint64_t footer_bytes;
    FormatFileMetaData metadata;
    SchemaTree tree;
} Footer;

/* All memory is the arena's.  CORRUPT with file and offset when the bytes are no Parquet footer. */
Status footer_read(const char *path, Arena *job_arena, Footer *ret_footer, Error *err) MUST_CHECK;

/* The value that `bytes` (a bound of the statistics) stand for; not valid when they do not fit the leaf's type. */
Value footer_bound(const SchemaLeaf *leaf, StrView bytes);
/* The bounds of a column chunk, the old pair only where its order is sure; false when there are none. */
bool footer_bounds(const SchemaLeaf *leaf, const FormatStatistics *statistics, Value *ret_min, Value *ret_max);
/* "decimal(18,4)", or the feature's name where the leaf has no type here.  Returns `text`. */
char *footer_type_text(const SchemaLeaf *leaf, char *text, size_t size);

#endif
