/* Row groups: see row_group.h. */
#include "generate/row_group.h"

#define SERIAL_TEXT_ROOM 24

typedef struct GroupColumn {
    const Domain *domain; /* NULL: serial ids */
    uint32_t width;       /* bytes of an ordinal: 1, 2, 4; of a serial: 8 */
    void *rows;
    uint8_t *used;   /* by ordinal: whether it occurs */
    uint32_t *codes; /* by ordinal: its code in `dict` */
    Vector dict;     /* FLAT; room for all entries of the domain */
    bool as_dict;
} GroupColumn;

/* What the vector of the page handed out last points to: codes, or values, validity and texts. */
typedef struct PageMemory {
    uint32_t capacity; /* rows */
    void *data;
    uint8_t *valid;
    char *texts;
} PageMemory;

struct RowGroupMaker {
    const Model *model;
    uint32_t max_rows;
    uint32_t n;
    GroupColumn columns[MODEL_MAX_COLUMNS];
    PageMemory page;
};

static uint32_t width_for(uint32_t n)
{
    return n <= 256 ? 1 : n <= 65536 ? 2 : 4;
}

RowGroupMaker *row_group_maker_new(const Model *model, uint32_t max_rows)
{
    RowGroupMaker *maker = mem_zalloc(sizeof *maker);
    maker->model = model;
    maker->max_rows = max_rows;
    for (uint32_t i = 0; i < model->schema.n; i++) {
        GroupColumn *column = &maker->columns[i];
        column->domain = model->domains[i];
        column->width = column->domain ? width_for(column->domain->n) : 8;
        column->rows = mem_alloc((size_t)max_rows * column->width);
        if (!column->domain)
            continue;
        size_t n = column->domain->n;
        column->used = mem_alloc(n);
        column->codes = mem_zalloc(n * sizeof(uint32_t));
        column->dict = (Vector){.type = column->domain->type,
                                .kind = VECTOR_FLAT,
                                .data = mem_alloc(n * sizeof(StrView)),
                                .valid = mem_alloc(n)};
    }
    return maker;
}

static void reserve_page(PageMemory *page, uint32_t n, bool with_texts)
{
    if (n > page->capacity) {
        page->data = mem_realloc(page->data, (size_t)n * sizeof(StrView));
        page->valid = mem_realloc(page->valid, n);
        if (page->texts)
            page->texts = mem_realloc(page->texts, (size_t)n * SERIAL_TEXT_ROOM);
        page->capacity = n;
    }
    if (with_texts && !page->texts)
        page->texts = mem_alloc((size_t)page->capacity * SERIAL_TEXT_ROOM);
}

void row_group_maker_free(RowGroupMaker *maker)
{
    if (!maker)
        return;
    for (uint32_t i = 0; i < maker->model->schema.n; i++) {
        GroupColumn *column = &maker->columns[i];
        mem_free(column->rows);
        mem_free(column->used);
        mem_free(column->codes);
        mem_free(column->dict.data);
        mem_free(column->dict.valid);
    }
    mem_free(maker->page.data);
    mem_free(maker->page.valid);
    mem_free(maker->page.texts);
    mem_free(maker);
}

void row_group_clear(RowGroupMaker *maker)
{
    maker->n = 0;
    for (uint32_t i = 0; i < maker->model->schema.n; i++)
        if (maker->columns[i].domain)
            memset(maker->columns[i].used, 0, maker->columns[i].domain->n);
}

#define STORE_ORDINALS(Type)                                                                                           \
    do {                                                                                                               \
        Type *rows = (Type *)column->rows + first;                                                                     \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            rows[i] = (Type)ordinals[i];                                                                               \
            used[ordinals[i]] = 1;                                                                                     \
        }                                                                                                              \
    } while (0)

static void store_ordinals(GroupColumn *column, uint32_t first, const uint32_t *ordinals, uint32_t n)
{
    uint8_t *used = column->used;
    if (column->width == 1)
        STORE_ORDINALS(uint8_t);
    else if (column->width == 2)
        STORE_ORDINALS(uint16_t);
    else
        STORE_ORDINALS(uint32_t);
}

void row_group_add(RowGroupMaker *maker, const Block *block)
{
    CHECK(maker->n + block->n <= maker->max_rows);
    for (uint32_t i = 0; i < maker->model->schema.n; i++) {
        GroupColumn *column = &maker->columns[i];
        if (column->domain)
            store_ordinals(column, maker->n, block->ordinals[i], block->n);
        else
            memcpy((uint64_t *)column->rows + maker->n, block->serials, sizeof(uint64_t) * block->n);
    }
    maker->n += block->n;
}

/* Row `to` of a FLAT vector := entry `from` of the domain. */
static void copy_entry(const Domain *domain, uint32_t from, void *values, uint8_t *valid, uint32_t to)
{
    valid[to] = domain->entries.valid[from];
    switch (domain->type.id) {
    case TYPE_STRING:
        ((StrView *)values)[to] = ((const StrView *)domain->entries.data)[from];
        break;
    case TYPE_DOUBLE:
    case TYPE_BIGINT:
        ((uint64_t *)values)[to] = ((const uint64_t *)domain->entries.data)[from];
        break;
    default:
        ((uint32_t *)values)[to] = ((const uint32_t *)domain->entries.data)[from];
    }
}

/* The dictionary of what occurs, if it is at most half as long as the column. */
static void make_dictionary(GroupColumn *column, uint32_t n_rows)
{
    const Domain *domain = column->domain;
    uint32_t n = 0;
    for (uint32_t i = 0; i < domain->n_sorted; i++) {
        uint32_t ordinal = domain->sorted[i];
        if (!column->used[ordinal])
            continue;
        copy_entry(domain, ordinal, column->dict.data, column->dict.valid, n);
        column->codes[ordinal] = n++;
    }
    column->dict.n = n;
    column->as_dict = n <= n_rows / 2;
}

static uint32_t ordinal_at(const GroupColumn *column, uint64_t row)
{
    return column->width == 1   ? ((const uint8_t *)column->rows)[row]
           : column->width == 2 ? ((const uint16_t *)column->rows)[row]
                                : ((const uint32_t *)column->rows)[row];
}

#define GATHER_CODES(From, To)                                                                                         \
    do {                                                                                                               \
        const From *rows = (const From *)column->rows + first;                                                         \
        To *codes = page->data;                                                                                        \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            codes[i] = (To)column->codes[rows[i]];                                                                     \
    } while (0)
#define GATHER_CODES_FROM(From)                                                                                        \
    do {                                                                                                               \
        if (code_width == 1)                                                                                           \
            GATHER_CODES(From, uint8_t);                                                                               \
        else if (code_width == 2)                                                                                      \
            GATHER_CODES(From, uint16_t);                                                                              \
        else                                                                                                           \
            GATHER_CODES(From, uint32_t);                                                                              \
    } while (0)

static void dictionary_page(const GroupColumn *column, const PageMemory *page, uint64_t first, uint32_t n,
                            Vector *ret_page)
{
    uint32_t code_width = width_for(column->dict.n);
    if (column->width == 1)
        GATHER_CODES_FROM(uint8_t);
    else if (column->width == 2)
        GATHER_CODES_FROM(uint16_t);
    else
        GATHER_CODES_FROM(uint32_t);
    *ret_page = (Vector){.type = column->dict.type,
                         .kind = VECTOR_DICT,
                         .code_width = (uint8_t)code_width,
                         .n = n,
                         .data = page->data,
                         .dict = &column->dict};
}

static void flat_page(const GroupColumn *column, PageMemory *page, uint64_t first, uint32_t n, Vector *ret_page)
{
    for (uint32_t i = 0; i < n; i++)
        copy_entry(column->domain, ordinal_at(column, first + i), page->data, page->valid, i);
    *ret_page =
        (Vector){.type = column->domain->type, .kind = VECTOR_FLAT, .n = n, .data = page->data, .valid = page->valid};
}

static void serial_page(const GroupColumn *column, PageMemory *page, uint64_t first, uint32_t n, Vector *ret_page)
{
    const uint64_t *serials = (const uint64_t *)column->rows + first;
    for (uint32_t i = 0; i < n; i++) {
        char *text = page->texts + (size_t)i * SERIAL_TEXT_ROOM;
        page->valid[i] = serials[i] > 0;
        ((StrView *)page->data)[i] = (StrView){text, model_serial_text(text, serials[i])};
    }
    *ret_page =
        (Vector){.type = DATA_TYPE(STRING), .kind = VECTOR_FLAT, .n = n, .data = page->data, .valid = page->valid};
}

static Status make_page(void *context, uint32_t index, uint64_t first, uint32_t n, Vector *ret_page, Error *err)
{
    (void)err;
    RowGroupMaker *maker = context;
    const GroupColumn *column = &maker->columns[index];
    PageMemory *page = &maker->page;
    CHECK(first + n <= maker->n);
    reserve_page(page, n, !column->domain);
    if (!column->domain)
        serial_page(column, page, first, n, ret_page);
    else if (column->as_dict)
        dictionary_page(column, page, first, n, ret_page);
    else
        flat_page(column, page, first, n, ret_page);
    if (ret_page->kind == VECTOR_FLAT && !memchr(page->valid, 0, n))
        ret_page->valid = NULL;
    return STATUS_OK;
}

Status row_group_encode(RowGroupMaker *maker, const ParquetWriter *writer, ParquetEncodedRowGroup **inout_row_group,
                        Error *err)
{
    for (uint32_t i = 0; i < maker->model->schema.n; i++)
        if (maker->columns[i].domain)
            make_dictionary(&maker->columns[i], maker->n);
    const ParquetPageSource source = {.context = maker, .page = make_page};
    return parquet_encode_row_group(writer, &source, maker->n, inout_row_group, err);
}
