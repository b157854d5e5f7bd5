/* Domains: see domain.h. */
#include "generate/domain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static size_t entry_width(TypeId type)
{
    switch (type) {
    case TYPE_STRING:
        return sizeof(StrView);
    case TYPE_DOUBLE:
    case TYPE_BIGINT:
        return 8;
    default:
        return 4;
    }
}

Domain *domain_new(Arena *arena, DataType type, uint32_t capacity)
{
    CHECK(type.id == TYPE_STRING || type.id == TYPE_DOUBLE || type.id == TYPE_BIGINT || type.id == TYPE_INT ||
          type.id == TYPE_DATE);
    Domain *domain = ARENA_NEW(arena, Domain);
    domain->type = type;
    domain->capacity = capacity;
    domain->entries = (Vector){.type = type,
                               .kind = VECTOR_FLAT,
                               .data = arena_zalloc(arena, entry_width(type.id) * capacity),
                               .valid = arena_zalloc(arena, capacity)};
    domain->broken = ARENA_ARRAY(arena, const char *, capacity);
    return domain;
}

static uint32_t add_entry(Domain *domain, bool valid)
{
    CHECK(domain->n < domain->capacity);
    domain->entries.valid[domain->n] = valid;
    domain->entries.n = domain->n + 1;
    return domain->n++;
}

uint32_t domain_add_text(Domain *domain, Arena *arena, StrView text)
{
    DCHECK(domain->type.id == TYPE_STRING);
    uint32_t ordinal = add_entry(domain, true);
    ((StrView *)domain->entries.data)[ordinal] = (StrView){arena_memdup(arena, text.data, text.size), text.size};
    return ordinal;
}

uint32_t domain_add_number(Domain *domain, double number)
{
    DCHECK(domain->type.id == TYPE_DOUBLE);
    uint32_t ordinal = add_entry(domain, true);
    ((double *)domain->entries.data)[ordinal] = number;
    return ordinal;
}

uint32_t domain_add_integer(Domain *domain, int64_t integer)
{
    uint32_t ordinal = add_entry(domain, true);
    if (domain->type.id == TYPE_BIGINT)
        ((int64_t *)domain->entries.data)[ordinal] = integer;
    else
        ((int32_t *)domain->entries.data)[ordinal] = (int32_t)integer;
    return ordinal;
}

uint32_t domain_add_null(Domain *domain)
{
    return add_entry(domain, false);
}

uint32_t domain_add_broken(Domain *domain, Arena *arena, const char *text)
{
    uint32_t ordinal = add_entry(domain, false);
    domain->broken[ordinal] = arena_strdup(arena, text);
    return ordinal;
}

static int compare_entries(const Domain *domain, uint32_t a, uint32_t b)
{
    const void *data = domain->entries.data;
    if (domain->entries.valid[a] != domain->entries.valid[b])
        return domain->entries.valid[a] ? -1 : 1;
    switch (domain->type.id) {
    case TYPE_STRING:
        return str_compare(((const StrView *)data)[a], ((const StrView *)data)[b]);
    case TYPE_DOUBLE: {
        const double *numbers = data;
        return (numbers[a] > numbers[b]) - (numbers[a] < numbers[b]);
    }
    case TYPE_BIGINT: {
        const int64_t *integers = data;
        return (integers[a] > integers[b]) - (integers[a] < integers[b]);
    }
    default: {
        const int32_t *integers = data;
        return (integers[a] > integers[b]) - (integers[a] < integers[b]);
    }
    }
}

static int compare_ordinals(const void *a, const void *b, void *context)
{
    return compare_entries(context, *(const uint32_t *)a, *(const uint32_t *)b);
}

void domain_sort(Domain *domain, Arena *arena)
{
    domain->sorted = ARENA_ARRAY(arena, uint32_t, domain->n);
    domain->n_sorted = 0;
    bool in_order = true; /* the common case: most domains are added in order */
    for (uint32_t i = 0; i < domain->n; i++) {
        if (domain->broken[i])
            continue;
        uint32_t n = domain->n_sorted++;
        domain->sorted[n] = i;
        in_order = in_order && (n == 0 || compare_entries(domain, domain->sorted[n - 1], i) < 0);
    }
    if (!in_order)
        qsort_r(domain->sorted, domain->n_sorted, sizeof(uint32_t), compare_ordinals, domain);
}

static void append_csv_text(Buffer *buffer, StrView text)
{
    bool quoted = false;
    for (uint32_t i = 0; i < text.size; i++)
        quoted = quoted || strchr(",\"\r\n", text.data[i]) != NULL;
    if (!quoted) {
        buffer_append(buffer, text.data, text.size);
        return;
    }
    buffer_append_byte(buffer, '"');
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buffer_append_byte(buffer, '"');
        buffer_append_byte(buffer, (uint8_t)text.data[i]);
    }
    buffer_append_byte(buffer, '"');
}

static void append_text(Buffer *buffer, DomainText form, StrView text)
{
    if (form == DOMAIN_CSV)
        append_csv_text(buffer, text);
    else
        text_append_json(buffer, text);
}

/* The shortest text that reads back, with a decimal point, as Python writes it. */
static void append_number(Buffer *buffer, double number)
{
    double hundredths = number * 100.0;
    if (fabs(hundredths) < 1e9) { /* nearly all there are: at most two decimals */
        long long whole = llround(hundredths);
        long long size_of = llabs(whole);
        if ((double)whole / 100.0 == number && whole != 0) {
            int digits = size_of % 10 == 0 ? 1 : 2;
            buffer_printf(buffer, "%s%lld.%0*lld", whole < 0 ? "-" : "", size_of / 100, digits,
                          digits == 1 ? size_of % 100 / 10 : size_of % 100);
            return;
        }
    }
    char text[40];
    size_t size = text_format_double(text, number);
    buffer_append(buffer, text, size);
    if (!memchr(text, '.', size) && !memchr(text, 'e', size))
        buffer_append_text(buffer, ".0");
}

static void append_entry(Buffer *buffer, const Domain *domain, uint32_t ordinal, DomainText form)
{
    const void *data = domain->entries.data;
    if (domain->broken[ordinal]) {
        append_text(buffer, form, str_view(domain->broken[ordinal]));
    } else if (!domain->entries.valid[ordinal]) {
        buffer_append_text(buffer, form == DOMAIN_CSV ? "" : "null");
    } else if (domain->type.id == TYPE_STRING) {
        append_text(buffer, form, ((const StrView *)data)[ordinal]);
    } else if (domain->type.id == TYPE_DOUBLE) {
        append_number(buffer, ((const double *)data)[ordinal]);
    } else if (domain->type.id == TYPE_BIGINT) {
        buffer_printf(buffer, "%lld", (long long)((const int64_t *)data)[ordinal]);
    } else if (domain->type.id == TYPE_INT) {
        buffer_printf(buffer, "%d", ((const int32_t *)data)[ordinal]);
    } else {
        CivilDate date = civil_from_days(((const int32_t *)data)[ordinal]);
        const char *quote = form == DOMAIN_JSON ? "\"" : "";
        buffer_printf(buffer, "%s%04d-%02d-%02d%s", quote, date.year, date.month, date.day, quote);
    }
}

void domain_render(Domain *domain, Arena *arena, DomainText form, const char *prefix, const char *suffix)
{
    Buffer buffer;
    buffer_init(&buffer, 0);
    uint32_t *starts = ARENA_ARRAY(arena, uint32_t, domain->n + 1);
    for (uint32_t i = 0; i < domain->n; i++) {
        starts[i] = (uint32_t)buffer.size;
        buffer_append_text(&buffer, prefix);
        append_entry(&buffer, domain, i, form);
        buffer_append_text(&buffer, suffix);
    }
    starts[domain->n] = (uint32_t)buffer.size;
    char *bytes = arena_zalloc(arena, buffer.size + DOMAIN_TEXT_SLACK);
    if (buffer.size > 0)
        memcpy(bytes, buffer.data, buffer.size);
    domain->texts = ARENA_ARRAY(arena, StrView, domain->n);
    for (uint32_t i = 0; i < domain->n; i++) {
        uint32_t size = starts[i + 1] - starts[i];
        domain->texts[i] = (StrView){bytes + starts[i], size};
        domain->longest_text = size > domain->longest_text ? size : domain->longest_text;
    }
    buffer_done(&buffer);
}
