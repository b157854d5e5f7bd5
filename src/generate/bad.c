/* Bad rows: see bad.h.
 *
 * The permutation is a Feistel network over ceil(log2 rows) bits with halves that may differ by one bit; a result past
 * the last row goes in again until it falls inside (less than twice on average). */
#include "generate/bad.h"

#include "generate/random.h"

#define ROUNDS 6
#define MAX_SEARCH 4096 /* rows looked at for a good one: with at most half of the rows bad, more than enough */

void bad_rows_init(BadRows *bad, const GenerateOptions *options)
{
    *bad = (BadRows){.rows = options->rows, .key = random_stream(options->seed, 1000)};
    double share = 0;
    for (int kind = 0; kind < GENERATE_BAD_COUNT; kind++) {
        share += options->bad_share[kind];
        bad->ends[kind] = (uint64_t)((double)options->rows * share + 0.5 + 1e-6); /* sums of shares are not exact */
    }
    uint32_t bits = 2;
    while (bits < 63 && (1ULL << bits) < options->rows)
        bits++;
    bad->left_bits = bits / 2;
    bad->right_bits = bits - bits / 2;
}

static uint64_t shuffle_once(const BadRows *bad, uint64_t place)
{
    uint32_t left_bits = bad->left_bits;
    uint32_t right_bits = bad->right_bits;
    uint64_t left = place >> right_bits;
    uint64_t right = place & ((1ULL << right_bits) - 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t mixed =
            left ^ (random_mix(bad->key + (right * ROUNDS + round + 1) * RANDOM_STEP) & ((1ULL << left_bits) - 1));
        left = right;
        right = mixed;
        uint32_t bits = left_bits;
        left_bits = right_bits;
        right_bits = bits;
    }
    return left << right_bits | right;
}

GenerateBadKind bad_rows_kind(const BadRows *bad, uint64_t row)
{
    uint64_t place = row;
    do {
        place = shuffle_once(bad, place);
    } while (place >= bad->rows);
    int kind = 0;
    while (kind < GENERATE_BAD_COUNT && place >= bad->ends[kind])
        kind++;
    return (GenerateBadKind)kind;
}

/* The good row before `row`, or where there is none the one after it; `row` itself when there is neither. */
static uint64_t good_row_near(const BadRows *bad, uint64_t row)
{
    for (uint64_t back = 1; back <= row && back <= MAX_SEARCH; back++)
        if (bad_rows_kind(bad, row - back) == GENERATE_BAD_COUNT)
            return row - back;
    for (uint64_t other = row + 1; other < bad->rows && other <= row + MAX_SEARCH; other++)
        if (bad_rows_kind(bad, other) == GENERATE_BAD_COUNT)
            return other;
    return row;
}

static void drop_required_field(const Model *model, Block *block, uint32_t i, uint64_t random)
{
    uint32_t which = random_below(random, ARRAY_SIZE(model->bad.required));
    uint32_t column = model->bad.required[which];
    if (model->domains[column])
        block->ordinals[column][i] = model->bad.required_null[which];
    else
        block->serials[i] = 0;
}

static void spoil(const BadRows *bad, const Model *model, Block *block, uint32_t i, GenerateBadKind kind)
{
    const BadPlaces *places = &model->bad;
    uint64_t random = random_at(bad->key ^ RANDOM_STEP, block->first_row + i);
    switch (kind) {
    case GENERATE_BAD_MISSING_FIELD:
        drop_required_field(model, block, i, random);
        break;
    case GENERATE_BAD_BAD_NUMBER:
        block->ordinals[places->weight_column][i] = places->weight_text;
        break;
    case GENERATE_BAD_IMPOSSIBLE_DATE:
        block->ordinals[places->shipment_date_column][i] =
            places->impossible_date + random_below(random, places->n_impossible_dates);
        break;
    case GENERATE_BAD_NEGATIVE_WEIGHT:
        block->ordinals[places->weight_column][i] += places->weight_negative;
        break;
    case GENERATE_BAD_EARLY_DELIVERY:
        block->ordinals[places->delivery_date_column][i] =
            block->ordinals[places->shipment_date_column][i] + places->delivery_same_day - 1 - random_below(random, 7);
        break;
    case GENERATE_BAD_UNKNOWN_STATUS:
        block->ordinals[places->status_column][i] = places->unknown_status;
        break;
    case GENERATE_BAD_CONTROL_CHARACTER:
        block->ordinals[places->carrier_column][i] = places->control_carrier;
        break;
    case GENERATE_BAD_LONG_TEXT:
        block->ordinals[places->destination_column][i] = places->long_destination;
        break;
    case GENERATE_BAD_COLUMN_COUNT:
        block->shapes[i] = random & 1 ? LINE_SHORT : LINE_LONG;
        block->has_shapes = true;
        break;
    case GENERATE_BAD_DUPLICATE_ID:
        block->serials[i] = good_row_near(bad, block->first_row + i) + 1;
        break;
    case GENERATE_BAD_COUNT:
        break;
    }
}

void bad_rows_apply(const BadRows *bad, const Model *model, Block *block, uint64_t counts[GENERATE_BAD_COUNT])
{
    block->has_shapes = false;
    memset(block->shapes, LINE_WHOLE, block->n);
    if (bad->ends[GENERATE_BAD_COUNT - 1] == 0)
        return;
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        GenerateBadKind kind = bad_rows_kind(bad, row);
        if (kind == GENERATE_BAD_COUNT || (kind == GENERATE_BAD_DUPLICATE_ID && good_row_near(bad, row) == row))
            continue;
        spoil(bad, model, block, i, kind);
        counts[kind]++;
    }
}
