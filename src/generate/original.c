/* The original scenario: the reference data's twelve columns, types and distributions.
 *
 * Every column is drawn on its own, uniform unless the table says otherwise:
 *
 *   shipment_id         SH1000..SH99999, not unique (a running number with unique ids)
 *   origin, city, carrier                  4, 8, 7 names
 *   shipment_weight_kg  round(uniform(1, 50), 1): tenths 10..500, the end values with half the weight
 *   shipment_volume_m3  round(uniform(0.1, 1), 2): hundredths 10..100, likewise
 *   shipment_date       the 191 days that end on the as-of date
 *   transit             1..7 days
 *   delay_days          0, 1, 2, 3 with weights 0.70, 0.15, 0.10, 0.05
 *   delivery_date       shipment_date + transit + delay_days
 *   delivery_status     Delivered when delay_days = 0, else Delayed
 *   route_distance_km   eight fixed lanes, else 500..5000
 *   shipping_cost       round(uniform(10, 30) + 0.5 weight + 0.01 distance, 2), rounded as the decimal value says */
#include "generate/model.h"
#include "generate/random.h"

#define FIRST_ID 1000
#define LAST_ID 99999
#define DAYS 191
#define MIN_DISTANCE 310
#define MAX_DISTANCE 5000
#define MIN_CENTS 1360  /* 10 + 0.5 x 1 + 0.01 x 310 */
#define MAX_CENTS 10500 /* 30 + 0.5 x 50 + 0.01 x 5000 */

enum {
    TRANSIT_STREAM = MODEL_COMMON_COLUMNS, /* drawn, but not columns */
    BASE_COST_STREAM,
    N_STREAMS
};

static const char *const origins[] = {"NY_Warehouse", "TX_Warehouse", "CA_Warehouse", "IL_Warehouse"};
static const char *const cities[] = {"Los Angeles", "Chicago", "Miami",   "Seattle",
                                     "Boston",      "Denver",  "Atlanta", "Houston"};
static const char *const carriers[] = {"FedEx", "UPS", "DHL", "USPS", "OnTrac", "Ryder", "Amazon Logistics"};
static const char *const statuses[] = {"Delivered", "Delayed"};

/* Kilometres of the fixed lanes, origin x city; 0: drawn per row. */
static const uint16_t lane_km[ARRAY_SIZE(origins)][ARRAY_SIZE(cities)] = {
    {3940, 0, 0, 0, 310, 0, 0, 0},
    {0, 1770, 0, 0, 0, 1030, 0, 0},
    {0, 0, 4800, 0, 0, 0, 3500, 0},
    {0, 0, 0, 3300, 0, 0, 0, 1370},
};

typedef struct Original {
    uint64_t streams[N_STREAMS];
} Original;

/* Ids in the order of their texts: 1000, 10000..10009, 1001, 10010..10019, ... */
static uint32_t id_ordinal(uint32_t id)
{
    return id < 10000 ? (id - FIRST_ID) * 11 : (id / 10 - FIRST_ID) * 11 + 1 + id % 10;
}

static Domain *id_domain(Arena *arena)
{
    Domain *domain = domain_new(arena, DATA_TYPE(STRING), LAST_ID - FIRST_ID + 1 + BAD_SPARE);
    char text[] = "SH00000";
    for (uint32_t id = FIRST_ID; id < 10000; id++) {
        for (uint32_t i = 0, rest = id; i < 4; i++, rest /= 10)
            text[5 - i] = (char)('0' + rest % 10);
        domain_add_text(domain, arena, (StrView){text, 6});
        for (text[6] = '0'; text[6] <= '9'; text[6]++)
            domain_add_text(domain, arena, (StrView){text, 7});
    }
    return domain;
}

static uint32_t delay_of(uint64_t random)
{
    double unit = random_unit(random);
    return (unit >= 0.70) + (unit >= 0.70 + 0.15) + (unit >= 0.70 + 0.15 + 0.10);
}

static void fill_ids(const Original *original, Block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        block->serials[i] = row + 1;
        uint64_t random = random_at(original->streams[MODEL_ID], row);
        block->ordinals[MODEL_ID][i] = id_ordinal(FIRST_ID + random_below(random, LAST_ID - FIRST_ID + 1));
    }
}

static void fill_uniform(const Original *original, Block *block, uint32_t column, uint32_t n_values)
{
    for (uint32_t i = 0; i < block->n; i++)
        block->ordinals[column][i] = random_below(random_at(original->streams[column], block->first_row + i), n_values);
}

static void fill_rounded(const Original *original, Block *block, uint32_t column, uint32_t steps)
{
    for (uint32_t i = 0; i < block->n; i++)
        block->ordinals[column][i] = random_rounded(random_at(original->streams[column], block->first_row + i), steps);
}

static void fill_delivery(const Original *original, Block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        uint32_t delay = delay_of(random_at(original->streams[MODEL_DELAY], row));
        uint32_t transit = 1 + random_below(random_at(original->streams[TRANSIT_STREAM], row), 7);
        block->ordinals[MODEL_DELAY][i] = delay;
        block->ordinals[MODEL_STATUS][i] = delay > 0;
        block->ordinals[MODEL_DELIVERY_DATE][i] =
            block->ordinals[MODEL_SHIPMENT_DATE][i] + MODEL_EARLY_DAYS + transit + delay;
    }
}

static void fill_cost(const Original *original, Block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        uint32_t km = lane_km[block->ordinals[MODEL_ORIGIN][i]][block->ordinals[MODEL_DESTINATION][i]];
        if (km == 0)
            km = 500 + random_below(random_at(original->streams[MODEL_DISTANCE], row), 4501);
        double weight = (double)(block->ordinals[MODEL_WEIGHT][i] + 10) / 10.0;
        double base = 10.0 + 20.0 * random_unit(random_at(original->streams[BASE_COST_STREAM], row));
        int64_t cents = round_to_hundredths(base + 0.5 * weight + 0.01 * (double)km);
        block->ordinals[MODEL_DISTANCE][i] = km - MIN_DISTANCE;
        block->ordinals[MODEL_COST][i] = (uint32_t)(cents - MIN_CENTS);
    }
}

static void fill(const Model *model, Block *block)
{
    const Original *original = model->state;
    fill_ids(original, block);
    fill_uniform(original, block, MODEL_ORIGIN, ARRAY_SIZE(origins));
    fill_uniform(original, block, MODEL_DESTINATION, ARRAY_SIZE(cities));
    fill_uniform(original, block, MODEL_CARRIER, ARRAY_SIZE(carriers));
    fill_uniform(original, block, MODEL_SHIPMENT_DATE, DAYS);
    fill_rounded(original, block, MODEL_WEIGHT, 490);
    fill_rounded(original, block, MODEL_VOLUME, 90);
    fill_delivery(original, block);
    fill_cost(original, block);
}

const Model *model_original(const GenerateOptions *options, Arena *arena)
{
    Model *model = model_new(arena, TYPE_STRING, NULL, 0);
    model->fill = fill;
    model->serial_ids = options->unique_ids;
    Original *state = ARENA_NEW(arena, Original);
    model_streams(state->streams, N_STREAMS, options->seed);
    model->state = state;

    int32_t first_day = options->as_of - (DAYS - 1);
    Domain **domains = model->domains;
    domains[MODEL_ID] = options->unique_ids ? NULL : id_domain(arena);
    domains[MODEL_ORIGIN] = model_texts(arena, origins, ARRAY_SIZE(origins), BAD_SPARE);
    domains[MODEL_DESTINATION] = model_texts(arena, cities, ARRAY_SIZE(cities), BAD_SPARE);
    domains[MODEL_CARRIER] = model_texts(arena, carriers, ARRAY_SIZE(carriers), BAD_SPARE);
    domains[MODEL_WEIGHT] = model_fractions(arena, 10, 500, 10, 491 + BAD_SPARE);
    domains[MODEL_VOLUME] = model_fractions(arena, 10, 100, 100, 0);
    domains[MODEL_SHIPMENT_DATE] = model_days(arena, TYPE_STRING, first_day, options->as_of, BAD_SPARE);
    domains[MODEL_DELIVERY_DATE] = model_days(arena, TYPE_STRING, first_day - MODEL_EARLY_DAYS, options->as_of + 10, 0);
    domains[MODEL_COST] = model_fractions(arena, MIN_CENTS, MAX_CENTS, 100, 0);
    domains[MODEL_STATUS] = model_texts(arena, statuses, ARRAY_SIZE(statuses), BAD_SPARE);
    domains[MODEL_DELAY] = model_integers(arena, 0, 3, 0);
    domains[MODEL_DISTANCE] = model_integers(arena, MIN_DISTANCE, MAX_DISTANCE, 0);
    model_add_bad_values(model, arena, options->as_of);
    return model;
}
