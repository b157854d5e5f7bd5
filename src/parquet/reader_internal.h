/* What the files of the reader share: the opened file, and the reader of one column chunk. */
#ifndef FREIGHTLAKE_PARQUET_READER_INTERNAL_H
#define FREIGHTLAKE_PARQUET_READER_INTERNAL_H

#include "parquet/encoding_values.h"
#include "parquet/page.h"
#include "parquet/reader.h"

struct ParquetFile {
    StorageReader *reader;
    MemoryBudget *budget;
    size_t reserved;
    Arena arena;
    uint8_t *footer;
    FormatFileMetaData metadata;
    SchemaTree tree;
    Schema schema; /* field i is child i of tree.root */
    uint64_t n_rows;
    struct KeptRowGroup *kept; /* per row group: reader_keep.c */
};

/* The bytes of a column chunk in the file. */
typedef struct ChunkRange {
    uint64_t offset;
    uint64_t size;
} ChunkRange;

/* A wanted chunk and where its bytes will be among those read. */
typedef struct WantedChunk {
    ChunkRange range;
    size_t position;
    uint32_t column; /* among the wanted ones */
} WantedChunk;

/* What can be known of a chunk before its data is read; see chunk_facts. */
typedef struct ChunkFacts {
    bool dictionary_only; /* every data page, of which there is one at least, is dictionary-encoded */
    bool may_have_nulls;
} ChunkFacts;

/* Memory that only grows; what it held is lost when it does. */
typedef struct Growable {
    void *data;
    size_t capacity;
} Growable;

void *growable_reserve(Growable *growable, size_t size);
void growable_done(Growable *growable);

/* Reads one column chunk in steps.  Its buffers outlive chunk_reader_start, so that it can be used again. */
typedef struct ChunkReader {
    const ParquetFile *file;
    MemoryBudget *budget; /* the file's; what is reserved is given back to it even when the file is closed */
    const SchemaLeaf *leaf;
    const FormatColumnMetaData *metadata;
    uint32_t row_group;
    PageCursor cursor;
    uint64_t values_left; /* of the chunk; rows where the leaf is not repeated */
    ChunkFacts facts;

    bool dictionary_loaded;
    Vector *dictionary; /* NULL when the chunk has none */
    uint32_t n_entries; /* without the one for NULL */
    uint32_t code_width;
    Arena *dictionary_arena; /* the handle's; so too the counters below */
    size_t *dictionary_reserved;
    size_t *buffers_reserved;

    Page page;
    PageContent content; /* of the page at hand */
    uint32_t page_left;
    bool page_is_coded;
    HybridDecoder codes;
    ValueDecoder values;

    PageBuffer *buffers; /* decompressed pages that strings of this step point into; the last is the page at hand */
    uint32_t n_buffers;
    uint32_t current_buffer;
    bool buffer_in_use; /* strings handed out in this step point into the current one */
    Arena strings[2];   /* of this step and of the one before, see values_read */
    size_t strings_reserved[2];
    unsigned turn;

    Growable data;
    Growable valid;
    Growable levels;
    Growable physical;
    Growable present; /* values or codes without NULLs */
} ChunkReader;

/* The chunk's place, checked against the file; UNSUPPORTED for encrypted or foreign chunks, unread codecs and types. */
Status chunk_range(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, ChunkRange *ret_range,
                   Error *err) MUST_CHECK;
/* `bytes` are the chunk's, needed where the footer has no encoding statistics; may be NULL when it has. */
Status chunk_facts(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, const uint8_t *bytes,
                   ChunkRange range, ChunkFacts *ret_facts, Error *err) MUST_CHECK;
/* reader_row_group.c: the wanted chunks' places; sorted by them, each run of neighbours one of *ret_ranges (n + 1 of room). */
Status chunks_place(const ParquetFile *file, uint32_t row_group, const uint32_t *columns, uint32_t n,
                    WantedChunk *chunks, Error *err) MUST_CHECK;
uint32_t chunks_plan_ranges(WantedChunk *chunks, uint32_t n, StorageRange *ranges, uint64_t *ret_total);

/* reader_keep.c: room for what may be kept; gives all of it back, before the storage is closed. */
void kept_row_groups_init(ParquetFile *file);
void kept_row_groups_done(ParquetFile *file);

bool chunk_has_encoding_stats(const FormatColumnMetaData *metadata);
/* The entries of a dictionary page as a FLAT vector in `arena`, one not valid more when `with_null`. */
Status dictionary_decode(const ParquetFile *file, const Page *page, const FormatColumnMetaData *metadata,
                         const SchemaLeaf *leaf, bool with_null, Arena *arena, size_t *inout_reserved,
                         Vector **ret_dictionary, Error *err) MUST_CHECK;

/* bytes: the chunk's, staying until the reader is started anew, with UNPACK_SLACK readable bytes behind. */
Status chunk_reader_start(ChunkReader *reader, const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf,
                          const uint8_t *bytes, ChunkRange range, Error *err) MUST_CHECK;
Status chunk_reader_load_dictionary(ChunkReader *reader, Error *err) MUST_CHECK;
/* Vectors as parquet_column_read gives them, for leaves that are not nested. */
Status chunk_reader_read(ChunkReader *reader, uint32_t n, Vector *ret_vector, Error *err) MUST_CHECK;
Status chunk_reader_skip(ChunkReader *reader, uint32_t n, Error *err) MUST_CHECK;
/* For nested leaves: the levels of at most n further values, the values that are present as FLAT vector of
 * *ret_vector.n <= *ret_n.  All of it lives until the next call.  *ret_n is 0 at the end of the chunk. */
Status chunk_reader_read_levels(ChunkReader *reader, uint32_t n, const uint8_t **ret_repetition,
                                const uint8_t **ret_definition, uint32_t *ret_n, Vector *ret_vector, Error *err)
    MUST_CHECK;
void chunk_reader_done(ChunkReader *reader);

/* A pair of bounds as values of the leaf's type; false when they say nothing that can be trusted. */
bool statistics_bounds(const ParquetFile *file, const SchemaLeaf *leaf, StrView min, StrView max, Value *ret_min,
                       Value *ret_max);

/* Adds file, column and row group to an error that passes by. */
Status chunk_error(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf, Error *err);

static inline const FormatColumnChunk *chunk_of(const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf)
{
    return &file->metadata.row_groups[row_group].columns[leaf->chunk];
}

#endif
