/* ChunkReader: one column chunk in steps of any size.
 *
 * A step goes over as many pages as it needs.  For each piece of a page: the definition levels say which rows are NULL
 * (nothing is done per row where one run says that none is); the codes or values of the others are decoded, straight
 * into the result when there is no NULL among them, else into `present` and spread from there.
 *
 * What is handed out points into the reader's own buffers, into the chunk's bytes (PLAIN values of an uncompressed
 * page), or into decompressed pages.  A step that crosses pages keeps those which strings already point into: each has
 * its own buffer until the next step. */
#include "parquet/encoding_spread.h"
#include "parquet/reader_internal.h"

#define SKIP_STEP 16384

void *growable_reserve(Growable *growable, size_t size)
{
    if (size > growable->capacity) {
        mem_free(growable->data);
        growable->data = mem_zalloc(size);
        growable->capacity = size;
    }
    return growable->data;
}

void growable_done(Growable *growable)
{
    mem_free(growable->data);
    *growable = (Growable){0};
}

/* Room for n values with the decoders' slack. */
static void *reserve_values(Growable *growable, uint32_t n, size_t value_bytes)
{
    return growable_reserve(growable, ((size_t)n + UNPACK_SLACK) * value_bytes);
}

static bool points_into_pages(const ChunkReader *reader)
{
    return reader->leaf->type.id == TYPE_STRING || reader->leaf->type.id == TYPE_BINARY;
}

static void release_strings(ChunkReader *reader, unsigned which)
{
    arena_reset(&reader->strings[which]);
    if (reader->strings_reserved[which])
        budget_release(reader->budget, reader->strings_reserved[which]);
    reader->strings_reserved[which] = 0;
}

void chunk_reader_done(ChunkReader *reader)
{
    for (unsigned i = 0; i < 2; i++) {
        release_strings(reader, i);
        arena_done(&reader->strings[i]);
    }
    for (uint32_t i = 0; i < reader->n_buffers; i++)
        page_buffer_done(&reader->buffers[i]);
    mem_free(reader->buffers);
    growable_done(&reader->data);
    growable_done(&reader->valid);
    growable_done(&reader->levels);
    growable_done(&reader->physical);
    growable_done(&reader->present);
    *reader = (ChunkReader){0};
}

Status chunk_reader_start(ChunkReader *reader, const ParquetFile *file, uint32_t row_group, const SchemaLeaf *leaf,
                          const uint8_t *bytes, ChunkRange range, Error *err)
{
    release_strings(reader, 0);
    release_strings(reader, 1);
    reader->file = file;
    reader->budget = file->budget;
    reader->leaf = leaf;
    reader->row_group = row_group;
    reader->metadata = &chunk_of(file, row_group, leaf)->metadata;
    reader->values_left = (uint64_t)reader->metadata->n_values;
    reader->dictionary_loaded = false;
    reader->dictionary = NULL;
    reader->n_entries = 0;
    reader->page_left = 0;
    reader->current_buffer = 0;
    reader->buffer_in_use = false;
    page_cursor_init(&reader->cursor, bytes, range.size, range.offset);
    return chunk_facts(file, row_group, leaf, bytes, range, &reader->facts, err);
}

static uint32_t code_width_for(uint32_t n_entries)
{
    return n_entries <= 256 ? 1 : n_entries <= 65536 ? 2 : 4;
}

/* A dictionary of no entries, for chunks of nothing but NULLs whose writers left its page out. */
static Vector *empty_dictionary(ChunkReader *reader)
{
    Vector *dictionary = ARENA_NEW(reader->dictionary_arena, Vector);
    *dictionary = (Vector){.type = reader->leaf->type, .kind = VECTOR_FLAT, .n = reader->facts.may_have_nulls};
    dictionary->data = arena_zalloc(reader->dictionary_arena, 64);
    if (points_into_pages(reader))
        ((StrView *)dictionary->data)[0] = (StrView){"", 0};
    if (reader->facts.may_have_nulls)
        dictionary->valid = arena_zalloc(reader->dictionary_arena, 1);
    return dictionary;
}

Status chunk_reader_load_dictionary(ChunkReader *reader, Error *err)
{
    if (reader->dictionary_loaded)
        return STATUS_OK;
    PageCursor ahead = reader->cursor;
    Page page = {0};
    if (!page_cursor_at_end(&ahead))
        TRY(page_next(&ahead, &page, err));
    if (page.body && page.header.type == FORMAT_DICTIONARY_PAGE) {
        bool with_null = reader->facts.dictionary_only && reader->facts.may_have_nulls;
        TRY(dictionary_decode(reader->file, &page, reader->metadata, reader->leaf, with_null, reader->dictionary_arena,
                              reader->dictionary_reserved, &reader->dictionary, err));
        reader->cursor = ahead;
        reader->n_entries = reader->dictionary->n - with_null;
    } else if (reader->facts.dictionary_only) {
        reader->dictionary = empty_dictionary(reader);
    }
    if (reader->dictionary)
        reader->code_width = code_width_for(reader->dictionary->n);
    reader->dictionary_loaded = true;
    return STATUS_OK;
}

/* The buffer for the next page: another one while strings of this step point into the current. */
static PageBuffer *next_buffer(ChunkReader *reader)
{
    if (reader->buffer_in_use)
        reader->current_buffer++;
    reader->buffer_in_use = false;
    if (reader->current_buffer >= reader->n_buffers) {
        uint32_t n = reader->current_buffer + 4;
        reader->buffers = mem_realloc(reader->buffers, n * sizeof *reader->buffers);
        memset(reader->buffers + reader->n_buffers, 0, (n - reader->n_buffers) * sizeof *reader->buffers);
        reader->n_buffers = n;
    }
    return &reader->buffers[reader->current_buffer];
}

/* Codes start with their width in a byte; a page without values may lack even that. */
static Status start_codes(ChunkReader *reader, Error *err)
{
    const PageContent *content = &reader->content;
    if (!reader->dictionary)
        return error_set(err, STATUS_CORRUPT, "its values are codes, and the column has no dictionary");
    uint32_t width = content->values_bytes ? content->values[0] : 0;
    if (width > 32)
        return error_set(err, STATUS_CORRUPT, "its codes have %u bits", width);
    size_t skipped = content->values_bytes ? 1 : 0;
    hybrid_init(&reader->codes, content->values + skipped, content->values_bytes - skipped, width);
    return STATUS_OK;
}

static Status open_data_page(ChunkReader *reader, Error *err)
{
    const Page *page = &reader->page;
    TRY(page_open_data(page, reader->metadata->codec, reader->leaf, next_buffer(reader), reader->budget,
                       reader->buffers_reserved, &reader->content, err));
    if (reader->content.n_values > reader->values_left) {
        error_set(err, STATUS_CORRUPT, "it has %u values, and the column has %llu left", reader->content.n_values,
                  (unsigned long long)reader->values_left);
        return page_error(page, err);
    }
    reader->page_left = reader->content.n_values;
    reader->page_is_coded = encoding_is_dictionary((int32_t)reader->content.encoding);
    if (reader->leaf->conversion == CONVERT_TO_NULLTYPE)
        return STATUS_OK;
    Status status = STATUS_OK;
    if (reader->page_is_coded)
        status = start_codes(reader, err);
    else if (reader->facts.dictionary_only)
        status = error_set(err, STATUS_CORRUPT, "it is not dictionary-encoded, and the footer says that all pages are");
    else
        status = values_init(&reader->values, reader->content.encoding, reader->leaf, reader->content.values,
                             reader->content.values_bytes, err);
    return status == STATUS_OK ? STATUS_OK : page_error(page, err);
}

/* Moves on to the next data page; those of other types are passed over. */
static Status next_data_page(ChunkReader *reader, Error *err)
{
    do {
        if (page_cursor_at_end(&reader->cursor)) {
            error_set(err, STATUS_CORRUPT, "the column's pages hold %llu values too few",
                      (unsigned long long)reader->values_left);
            return error_at_offset(err, (int64_t)(reader->cursor.file_offset + reader->cursor.position));
        }
        TRY(page_next(&reader->cursor, &reader->page, err));
        if (reader->page.header.type == FORMAT_DICTIONARY_PAGE) {
            error_set(err, STATUS_CORRUPT, "a dictionary page stands behind the column's first page");
            return page_error(&reader->page, err);
        }
    } while (!page_has_data(&reader->page));
    return open_data_page(reader, err);
}

static Status too_few(const ChunkReader *reader, const char *what, Error *err)
{
    error_set(err, STATUS_CORRUPT, "it has fewer %s than its header says, or they are malformed", what);
    return page_error(&reader->page, err);
}

/* ---- Definition levels: which of the next n rows are there ---- */

/* Sets *ret_levels to NULL when all are, else to n bytes of 1 and 0; *ret_present counts them. */
static Status read_presence(ChunkReader *reader, uint32_t n, const uint8_t **ret_levels, uint32_t *ret_present,
                            Error *err)
{
    *ret_present = n;
    *ret_levels = NULL;
    if (reader->content.all_defined)
        return STATUS_OK;
    HybridDecoder *definition = &reader->content.definition;
    if (hybrid_run_of(definition, 1) >= n) {
        if (!hybrid_skip(definition, n))
            return too_few(reader, "definition levels", err);
        return STATUS_OK;
    }
    uint8_t *levels = reserve_values(&reader->levels, n, 1);
    if (!hybrid_read_u8(definition, n, levels))
        return too_few(reader, "definition levels", err);
    uint32_t present = 0;
    for (uint32_t i = 0; i < n; i++)
        present += levels[i];
    *ret_present = present;
    if (present < n)
        *ret_levels = levels;
    return STATUS_OK;
}

/* ---- Codes ---- */

static void narrow_codes(const uint32_t *codes, uint32_t n, uint32_t code_width, void *out)
{
    for (uint32_t i = 0; i < n; i++) {
        if (code_width == 1)
            ((uint8_t *)out)[i] = (uint8_t)codes[i];
        else if (code_width == 2)
            ((uint16_t *)out)[i] = (uint16_t)codes[i];
        else
            ((uint32_t *)out)[i] = codes[i];
    }
}

/* The next n codes, each checked to be that of an entry. */
static Status read_codes(ChunkReader *reader, uint32_t n, void *out, Error *err)
{
    HybridDecoder *codes = &reader->codes;
    uint32_t code_width = reader->code_width;
    bool direct = codes->width <= 8 * code_width;
    uint32_t width = direct ? code_width : 4;
    void *target = direct ? out : reserve_values(&reader->physical, n, sizeof(uint32_t));
    bool good = width == 1   ? hybrid_read_u8(codes, n, target)
                : width == 2 ? hybrid_read_u16(codes, n, target)
                             : hybrid_read_u32(codes, n, target);
    if (!good)
        return too_few(reader, "codes", err);
    bool any_fits = codes->width < 32 && (1ull << codes->width) <= reader->n_entries;
    if (!any_fits && !codes_below(target, width, n, reader->n_entries)) {
        error_set(err, STATUS_CORRUPT, "a code lies beyond the dictionary's %u entries", reader->n_entries);
        return page_error(&reader->page, err);
    }
    if (!direct)
        narrow_codes(target, n, code_width, out);
    return STATUS_OK;
}

static Status read_coded_piece(ChunkReader *reader, uint32_t n, uint8_t *out, Error *err)
{
    const uint8_t *levels;
    uint32_t present;
    TRY(read_presence(reader, n, &levels, &present, err));
    if (!levels)
        return read_codes(reader, n, out, err);
    if (!reader->facts.may_have_nulls) {
        error_set(err, STATUS_CORRUPT, "it has NULLs, and the column's statistics say that there are none");
        return page_error(&reader->page, err);
    }
    void *codes = reserve_values(&reader->present, n, reader->code_width);
    TRY(read_codes(reader, present, codes, err));
    spread_values(levels, n, codes, reader->code_width, reader->n_entries, out);
    return STATUS_OK;
}

static Status read_coded(ChunkReader *reader, uint32_t n, Vector *ret_vector, Error *err)
{
    uint8_t *out = reserve_values(&reader->data, n, reader->code_width);
    for (uint32_t done = 0; done < n;) {
        while (reader->page_left == 0)
            TRY(next_data_page(reader, err));
        uint32_t take = reader->page_left < n - done ? reader->page_left : n - done;
        TRY(read_coded_piece(reader, take, out + (size_t)done * reader->code_width, err));
        reader->page_left -= take;
        reader->values_left -= take;
        done += take;
    }
    *ret_vector = (Vector){.type = reader->leaf->type,
                           .kind = VECTOR_DICT,
                           .code_width = (uint8_t)reader->code_width,
                           .n = n,
                           .data = out,
                           .dict = reader->dictionary};
    return STATUS_OK;
}

/* ---- Flat values ---- */

#define DEFINE_GATHER(name, Type)                                                                                      \
    static void name(const Type *entries, const uint32_t *codes, uint32_t n, Type *out)                                \
    {                                                                                                                  \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            out[i] = entries[codes[i]];                                                                                \
    }
DEFINE_GATHER(gather_1, uint8_t)
DEFINE_GATHER(gather_4, uint32_t)
DEFINE_GATHER(gather_8, uint64_t)
DEFINE_GATHER(gather_16, UInt128)

/* Codes of a chunk that is not read by codes as a whole, resolved. */
static Status read_resolved(ChunkReader *reader, uint32_t n, void *out, Error *err)
{
    uint32_t *codes = reserve_values(&reader->physical, n, sizeof *codes);
    uint32_t code_width = reader->code_width;
    reader->code_width = sizeof *codes;
    Status status = read_codes(reader, n, codes, err);
    reader->code_width = code_width;
    TRY(status);
    const void *entries = reader->dictionary->data;
    switch (type_width(reader->leaf->type)) {
    case 1:
        gather_1(entries, codes, n, out);
        break;
    case 4:
        gather_4(entries, codes, n, out);
        break;
    case 8:
        gather_8(entries, codes, n, out);
        break;
    default:
        gather_16(entries, codes, n, out);
    }
    return STATUS_OK;
}

/* Fixed-length bytes may stand in scratch memory that the step's next page takes: they move to the step's arena. */
static const void *keep_fixed(ChunkReader *reader, const void *physical, uint32_t n)
{
    if (reader->leaf->conversion != CONVERT_FIXED_TO_BINARY)
        return physical;
    return arena_memdup(&reader->strings[reader->turn], physical, (size_t)n * reader->leaf->physical_bytes);
}

/* The next n values that are present.  Into `out`, or, when `in_place` is given, maybe where they stand. */
static Status read_values(ChunkReader *reader, uint32_t n, void *out, const void **in_place, Error *err)
{
    const SchemaLeaf *leaf = reader->leaf;
    if (n == 0 || leaf->conversion == CONVERT_TO_NULLTYPE)
        return STATUS_OK;
    if (reader->page_is_coded)
        return read_resolved(reader, n, out, err);
    bool as_they_are = leaf->conversion == CONVERT_NONE;
    void *scratch = as_they_are ? out : reserve_values(&reader->physical, n, leaf->physical_bytes);
    const void *physical = NULL;
    if (points_into_pages(reader))
        reader->buffer_in_use = true;
    Status status = values_read(&reader->values, n, scratch, &reader->strings[reader->turn], reader->budget,
                                &reader->strings_reserved[reader->turn], &physical, err);
    if (status != STATUS_OK)
        return page_error(&reader->page, err);
    if (physical == out)
        return STATUS_OK;
    if (as_they_are && in_place && (uintptr_t)physical % leaf->physical_bytes == 0) {
        *in_place = physical;
        return STATUS_OK;
    }
    if (values_convert(leaf, keep_fixed(reader, physical, n), n, out, err) != STATUS_OK)
        return page_error(&reader->page, err);
    return STATUS_OK;
}

/* NULL rows of [first, first + n) into the step's mask, which is made at the first of them. */
static void mark_absent(ChunkReader *reader, uint8_t **inout_valid, uint32_t step, uint32_t first, uint32_t n,
                        const uint8_t *levels)
{
    if (!*inout_valid) {
        *inout_valid = reserve_values(&reader->valid, step, 1);
        memset(*inout_valid, 1, step);
    }
    if (levels)
        memcpy(*inout_valid + first, levels, n);
    else
        memset(*inout_valid + first, 0, n);
}

static Status read_flat_piece(ChunkReader *reader, uint32_t step, uint32_t first, uint32_t n, uint8_t *out,
                              uint8_t **inout_valid, const void **in_place, Error *err)
{
    size_t width = type_width(reader->leaf->type);
    const uint8_t *levels;
    uint32_t present;
    TRY(read_presence(reader, n, &levels, &present, err));
    if (reader->leaf->conversion == CONVERT_TO_NULLTYPE) {
        mark_absent(reader, inout_valid, step, first, n, NULL);
        memset(out + first * width, 0, n * width);
        return STATUS_OK;
    }
    if (!levels)
        return read_values(reader, n, out + first * width, n == step ? in_place : NULL, err);
    void *values = reserve_values(&reader->present, n, width);
    TRY(read_values(reader, present, values, NULL, err));
    spread_values(levels, n, values, width, 0, out + first * width);
    mark_absent(reader, inout_valid, step, first, n, levels);
    return STATUS_OK;
}

static Status read_flat(ChunkReader *reader, uint32_t n, Vector *ret_vector, Error *err)
{
    uint8_t *out = reserve_values(&reader->data, n, type_width(reader->leaf->type));
    uint8_t *valid = NULL;
    const void *in_place = NULL;
    for (uint32_t done = 0; done < n;) {
        while (reader->page_left == 0)
            TRY(next_data_page(reader, err));
        uint32_t take = reader->page_left < n - done ? reader->page_left : n - done;
        TRY(read_flat_piece(reader, n, done, take, out, &valid, &in_place, err));
        reader->page_left -= take;
        reader->values_left -= take;
        done += take;
    }
    *ret_vector = (Vector){.type = reader->leaf->type, .kind = VECTOR_FLAT, .n = n, .valid = valid};
    /* Vectors are read-only once handed on, so the page's own bytes may stand for one. */
    ret_vector->data = in_place ? (void *)(uintptr_t)in_place : out;
    return STATUS_OK;
}

/* What the step before handed out is given up. */
static void begin_step(ChunkReader *reader)
{
    reader->turn ^= 1;
    release_strings(reader, reader->turn);
    if (reader->current_buffer > 0) {
        PageBuffer current = reader->buffers[reader->current_buffer];
        reader->buffers[reader->current_buffer] = reader->buffers[0];
        reader->buffers[0] = current;
        reader->current_buffer = 0;
    }
    reader->buffer_in_use = false;
}

Status chunk_reader_read(ChunkReader *reader, uint32_t n, Vector *ret_vector, Error *err)
{
    CHECK(n <= reader->values_left);
    TRY(chunk_reader_load_dictionary(reader, err));
    begin_step(reader);
    return reader->facts.dictionary_only ? read_coded(reader, n, ret_vector, err)
                                         : read_flat(reader, n, ret_vector, err);
}

/* Passes over whole pages without opening them; false when the next page has more than n values. */
static Status skip_pages(ChunkReader *reader, uint32_t *inout_n, Error *err)
{
    while (reader->page_left == 0 && *inout_n > 0 && !page_cursor_at_end(&reader->cursor)) {
        PageCursor ahead = reader->cursor;
        Page page;
        TRY(page_next(&ahead, &page, err));
        if (page_has_data(&page)) {
            if ((uint32_t)page.header.n_values > *inout_n)
                break;
            *inout_n -= (uint32_t)page.header.n_values;
            reader->values_left -= (uint32_t)page.header.n_values;
        }
        reader->cursor = ahead;
    }
    return STATUS_OK;
}

Status chunk_reader_skip(ChunkReader *reader, uint32_t n, Error *err)
{
    CHECK(n <= reader->values_left);
    TRY(chunk_reader_load_dictionary(reader, err));
    while (n > 0) {
        TRY(skip_pages(reader, &n, err));
        uint32_t step = n < SKIP_STEP ? n : SKIP_STEP;
        if (reader->page_left > 0 && step > reader->page_left)
            step = reader->page_left;
        Vector ignored;
        if (step > 0)
            TRY(chunk_reader_read(reader, step, &ignored, err));
        n -= step;
    }
    return STATUS_OK;
}

Status chunk_reader_read_levels(ChunkReader *reader, uint32_t n, const uint8_t **ret_repetition,
                                const uint8_t **ret_definition, uint32_t *ret_n, Vector *ret_vector, Error *err)
{
    TRY(chunk_reader_load_dictionary(reader, err));
    begin_step(reader);
    *ret_n = 0;
    if (reader->values_left == 0)
        return STATUS_OK;
    while (reader->page_left == 0)
        TRY(next_data_page(reader, err));
    n = n < reader->page_left ? n : reader->page_left;
    uint32_t max_definition = reader->leaf->max_definition, present = 0;
    uint8_t *repetition = reserve_values(&reader->valid, n, 1);
    uint8_t *definition = reserve_values(&reader->levels, n, 1);
    memset(repetition, 0, n);
    memset(definition, (int)max_definition, n);
    if (reader->leaf->max_repetition && !hybrid_read_u8(&reader->content.repetition, n, repetition))
        return too_few(reader, "repetition levels", err);
    if (max_definition && !reader->content.all_defined && !hybrid_read_u8(&reader->content.definition, n, definition))
        return too_few(reader, "definition levels", err);
    if (!codes_below(definition, 1, n, max_definition + 1) ||
        !codes_below(repetition, 1, n, reader->leaf->max_repetition + 1u))
        return too_few(reader, "levels", err);
    for (uint32_t i = 0; i < n; i++)
        present += definition[i] == max_definition;
    void *out = reserve_values(&reader->data, present, type_width(reader->leaf->type));
    TRY(read_values(reader, present, out, NULL, err));
    reader->page_left -= n;
    reader->values_left -= n;
    *ret_vector = (Vector){.type = reader->leaf->type, .kind = VECTOR_FLAT, .n = present, .data = out};
    *ret_repetition = repetition;
    *ret_definition = definition;
    *ret_n = n;
    return STATUS_OK;
}
