/* Statistics of column chunks as the planner may use them: bounds that certainly hold, or none.
 *
 * min_value and max_value count only where the footer's column order says that they were compared as the type defines
 * it.  The older min and max were compared as signed values by their writers, so they count only for types whose order
 * is that.  Floating-point bounds with a NaN say nothing; a zero bound stands for both zeros. */
#include <math.h>

#include "parquet/reader_internal.h"

static bool type_has_bounds(const SchemaLeaf *leaf)
{
    return !leaf->unsupported && leaf->physical != FORMAT_INT96 && leaf->type.id != TYPE_NULLTYPE;
}

/* Types whose order is that of their physical values, with sign. */
static bool old_bounds_hold(const SchemaLeaf *leaf)
{
    return leaf->physical != FORMAT_BYTE_ARRAY && leaf->physical != FORMAT_FIXED_LEN_BYTE_ARRAY && !leaf->is_unsigned;
}

static bool order_is_defined(const ParquetFile *file, const SchemaLeaf *leaf)
{
    const FormatFileMetaData *metadata = &file->metadata;
    return leaf->chunk < metadata->n_column_orders && metadata->column_orders[leaf->chunk];
}

/* One bound, in the physical form without length prefix, as a value of the leaf's type. */
static bool decode_bound(const SchemaLeaf *leaf, StrView bound, Value *ret)
{
    Error ignored;
    error_init(&ignored);
    uint8_t memory[sizeof(ret->raw)] __attribute__((aligned(16))) = {0};
    const void *physical = bound.data;
    if (leaf->physical == FORMAT_BYTE_ARRAY)
        physical = &bound;
    else if (bound.size != leaf->physical_bytes)
        return false;
    if (values_convert(leaf, physical, 1, memory, &ignored) != STATUS_OK)
        return false;
    *ret = (Value){.type = leaf->type, .valid = true};
    memcpy(ret->raw, memory, sizeof memory);
    return true;
}

static bool widen_floating(Value *min, Value *max)
{
    if (min->type.id == TYPE_DOUBLE) {
        if (isnan(min->float64) || isnan(max->float64))
            return false;
        min->float64 = min->float64 == 0 ? -0.0 : min->float64;
        max->float64 = max->float64 == 0 ? 0.0 : max->float64;
    } else if (min->type.id == TYPE_FLOAT) {
        if (isnan(min->float32) || isnan(max->float32))
            return false;
        min->float32 = min->float32 == 0 ? -0.0f : min->float32;
        max->float32 = max->float32 == 0 ? 0.0f : max->float32;
    }
    return true;
}

static bool bounds_ordered(const Value *min, const Value *max)
{
    switch (min->type.id) {
    case TYPE_BOOLEAN:
        return min->boolean <= max->boolean && max->boolean <= 1;
    case TYPE_INT:
    case TYPE_DATE:
        return min->int32 <= max->int32;
    case TYPE_FLOAT:
        return min->float32 <= max->float32;
    case TYPE_DOUBLE:
        return min->float64 <= max->float64;
    case TYPE_STRING:
    case TYPE_BINARY:
        return str_compare(min->string, max->string) <= 0;
    case TYPE_DECIMAL:
        return type_is_wide_decimal(min->type) ? min->int128 <= max->int128 : min->int64 <= max->int64;
    default:
        return min->int64 <= max->int64;
    }
}

bool statistics_bounds(const ParquetFile *file, const SchemaLeaf *leaf, StrView min, StrView max, Value *ret_min,
                       Value *ret_max)
{
    Value low, high;
    if (!type_has_bounds(leaf) || !order_is_defined(file, leaf) || !decode_bound(leaf, min, &low) ||
        !decode_bound(leaf, max, &high) || !widen_floating(&low, &high) || !bounds_ordered(&low, &high))
        return false;
    *ret_min = low;
    *ret_max = high;
    return true;
}

static bool old_bounds(const SchemaLeaf *leaf, const FormatStatistics *statistics, Value *ret_min, Value *ret_max)
{
    Value low, high;
    if (!statistics->has_old_min_max || !type_has_bounds(leaf) || !old_bounds_hold(leaf) ||
        !decode_bound(leaf, statistics->old_min, &low) || !decode_bound(leaf, statistics->old_max, &high) ||
        !widen_floating(&low, &high) || !bounds_ordered(&low, &high))
        return false;
    *ret_min = low;
    *ret_max = high;
    return true;
}

void parquet_column_statistics(const ParquetFile *file, uint32_t row_group, uint32_t column, ParquetStatistics *ret)
{
    CHECK(row_group < file->metadata.n_row_groups && column < file->tree.root.n_children);
    const SchemaNode *node = &file->tree.root.children[column];
    *ret = (ParquetStatistics){.n_values = (uint64_t)file->metadata.row_groups[row_group].n_rows};
    if (!node->leaf || node->repetition > 0)
        return;
    const FormatStatistics *statistics = &chunk_of(file, row_group, node->leaf)->metadata.statistics;
    bool nullable = node->leaf->max_definition > 0;
    if (!nullable || (statistics->has_null_count && statistics->null_count >= 0)) {
        ret->has_null_count = true;
        ret->null_count = nullable ? (uint64_t)statistics->null_count : 0;
    }
    ret->has_min_max =
        (statistics->has_min_value && statistics->has_max_value &&
         statistics_bounds(file, node->leaf, statistics->min_value, statistics->max_value, &ret->min, &ret->max)) ||
        old_bounds(node->leaf, statistics, &ret->min, &ret->max);
}
