/* The swiftship scenario: a year of a freight company with the troubles that Freightlake is there to find.
 *
 * company.c has the parameters in one table; here a row is drawn from them:
 *
 *   origin, city, carrier, mode   by their shares; parcels above 70 kg go by road
 *   shipment_date                 by the warehouse's demand
 *   weight                        log-logistic, median 45 kg, 1..1000 kg; volume by a density of 120..400 kg/m3
 *   distance                      the lane's, up to 5 % more
 *   promised_delivery_date        shipment_date + days that the mode needs for the lane + 1
 *   delivery_date                 promised + the carrier's lateness (-1, 0, 1, 2...14) + the wait at the warehouse
 *   status                        0.6 % Cancelled, 0.5 % Returned, 0.25 % Lost; what would arrive after the as-of date
 *                                 is In Transit; else Delivered, or Delayed when after the promise
 *   shipping_cost                 linehaul (+-8 %) + fuel_surcharge
 *
 * Only what has arrived has delivery_date and delay_days; ids are unique. */
#include "base/clock.h"
#include "generate/company.h"
#include "generate/model.h"
#include "generate/random.h"
#include "shipment/shipment.h"

#define MAX_TRANSIT 12
#define MIN_WEIGHT 10 /* tenths of a kilogram */
#define MAX_WEIGHT 10000
#define MEDIAN_WEIGHT 450
#define MAX_VOLUME 834 /* hundredths of a cubic metre: the heaviest at the least density */
#define MIN_KM 40
#define MAX_KM 5040
#define PARCEL_MAX_WEIGHT 700
#define MIN_CENTS 500
#define MAX_CENTS 500000
#define MAX_FUEL_CENTS 110000
#define FURTHER_DAY 0.45
#define CHARGEABLE_KG_PER_M3 200.0

enum {
    PROMISED_DATE = MODEL_COMMON_COLUMNS,
    FUEL,
    MODE,
    WAIT_STREAM, /* drawn, but not columns */
    FATE_STREAM,
    PRICE_STREAM,
    N_STREAMS
};

typedef struct SwiftShip {
    Company company;
    uint64_t streams[N_STREAMS];
    uint32_t no_delivery; /* ordinals of NULL */
    uint32_t no_delay;
} SwiftShip;

static uint64_t draw(const SwiftShip *ship, uint32_t stream, uint64_t row)
{
    return random_at(ship->streams[stream], row);
}

static uint32_t clamp(double value, uint32_t low, uint32_t high)
{
    return value <= low ? low : value >= high ? high : (uint32_t)value;
}

/* Who, where, when: everything that is drawn by shares. */
static void fill_orders(const SwiftShip *ship, Block *block)
{
    const Company *company = &ship->company;
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        uint32_t origin = weighted_draw(&company->origins, draw(ship, MODEL_ORIGIN, row));
        block->serials[i] = row + 1;
        block->ordinals[MODEL_ORIGIN][i] = origin;
        block->ordinals[MODEL_DESTINATION][i] = weighted_draw(&company->cities, draw(ship, MODEL_DESTINATION, row));
        block->ordinals[MODEL_CARRIER][i] = weighted_draw(&company->carriers, draw(ship, MODEL_CARRIER, row));
        block->ordinals[MODEL_SHIPMENT_DATE][i] =
            weighted_draw(&company->days[origin], draw(ship, MODEL_SHIPMENT_DATE, row));
    }
}

static void fill_goods(const SwiftShip *ship, Block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        double part = random_unit(draw(ship, MODEL_WEIGHT, row));
        uint32_t weight = clamp(MEDIAN_WEIGHT * sqrt(part / (1.0 - part)) + 0.5, MIN_WEIGHT, MAX_WEIGHT);
        double density = 120.0 + 280.0 * random_unit(draw(ship, MODEL_VOLUME, row));
        uint32_t carrier = block->ordinals[MODEL_CARRIER][i];
        uint32_t mode = weighted_draw(&ship->company.modes[carrier], draw(ship, MODE, row));
        if (mode == COMPANY_PARCEL && weight > PARCEL_MAX_WEIGHT)
            mode = COMPANY_ROAD;
        uint32_t km = company_lane_km(block->ordinals[MODEL_ORIGIN][i], block->ordinals[MODEL_DESTINATION][i]);
        km += (uint32_t)((double)km * 0.05 * random_unit(draw(ship, MODEL_DISTANCE, row)));
        block->ordinals[MODEL_WEIGHT][i] = weight - MIN_WEIGHT;
        block->ordinals[MODEL_VOLUME][i] = clamp((double)weight * 10.0 / density + 0.5, 1, MAX_VOLUME) - 1;
        block->ordinals[MODE][i] = mode;
        block->ordinals[MODEL_DISTANCE][i] = km - MIN_KM;
    }
}

/* Days against the promise by the carrier's doing. */
static int32_t draw_lateness(CompanyDelay delay, double unit, uint32_t transit)
{
    if (unit >= delay.two)
        return unit < delay.two + delay.one ? 1 : unit >= 1.0 - delay.early && transit > 1 ? -1 : 0;
    int32_t late = 2;
    double rest = unit / delay.two;
    while (rest < FURTHER_DAY && late < COMPANY_MAX_LATE) {
        rest /= FURTHER_DAY;
        late++;
    }
    return late;
}

/* Status of a shipment due to arrive `left` days before the as-of date (negative: after it). */
static ShipmentStatus draw_status(double fate, int32_t left, int32_t variance)
{
    if (fate < 0.0060)
        return SHIPMENT_CANCELLED;
    if (left < 0)
        return SHIPMENT_IN_TRANSIT;
    if (fate < 0.0110)
        return SHIPMENT_RETURNED;
    if (fate < 0.0135)
        return left >= 10 ? SHIPMENT_LOST : SHIPMENT_IN_TRANSIT; /* called lost ten days after it should be there */
    return variance > 0 ? SHIPMENT_DELAYED : SHIPMENT_DELIVERED;
}

static void fill_delivery(const SwiftShip *ship, Block *block)
{
    const Company *company = &ship->company;
    for (uint32_t i = 0; i < block->n; i++) {
        uint64_t row = block->first_row + i;
        uint32_t day = block->ordinals[MODEL_SHIPMENT_DATE][i];
        uint32_t origin = block->ordinals[MODEL_ORIGIN][i];
        uint32_t city = block->ordinals[MODEL_DESTINATION][i];
        double pace = company_mode_km_per_day(block->ordinals[MODE][i]);
        uint32_t transit = 2 + (uint32_t)((double)company_lane_km(origin, city) / pace);
        double wait = company->wait_days[origin][day] + random_unit(draw(ship, WAIT_STREAM, row));
        CompanyDelay delay = company_delay(company, block->ordinals[MODEL_CARRIER][i], city, day);
        int32_t variance = draw_lateness(delay, random_unit(draw(ship, MODEL_DELAY, row)), transit) + (int32_t)wait;
        int32_t arrival = (int32_t)(day + transit) + variance;
        ShipmentStatus status =
            draw_status(random_unit(draw(ship, FATE_STREAM, row)), COMPANY_DAYS - 1 - arrival, variance);
        bool arrived = status == SHIPMENT_DELIVERED || status == SHIPMENT_DELAYED;
        block->ordinals[PROMISED_DATE][i] = day + transit;
        block->ordinals[MODEL_DELIVERY_DATE][i] = arrived ? (uint32_t)(arrival + MODEL_EARLY_DAYS) : ship->no_delivery;
        block->ordinals[MODEL_DELAY][i] = arrived ? (uint32_t)(variance > 0 ? variance : 0) : ship->no_delay;
        block->ordinals[MODEL_STATUS][i] = status;
    }
}

static void fill_price(const SwiftShip *ship, Block *block)
{
    const Company *company = &ship->company;
    for (uint32_t i = 0; i < block->n; i++) {
        uint32_t day = block->ordinals[MODEL_SHIPMENT_DATE][i];
        double kg = (double)(block->ordinals[MODEL_WEIGHT][i] + MIN_WEIGHT) / 10.0;
        double m3 = (double)(block->ordinals[MODEL_VOLUME][i] + 1) / 100.0;
        double km = (double)(block->ordinals[MODEL_DISTANCE][i] + MIN_KM);
        double chargeable = kg > m3 * CHARGEABLE_KG_PER_M3 ? kg : m3 * CHARGEABLE_KG_PER_M3;
        double luck = 0.92 + 0.16 * random_unit(draw(ship, PRICE_STREAM, block->first_row + i));
        double linehaul = (8.0 + km * (0.010 + 0.00022 * chargeable)) * luck;
        linehaul *= company->carrier_price[block->ordinals[MODEL_CARRIER][i]][day];
        linehaul *= company_lane_price(block->ordinals[MODEL_ORIGIN][i], block->ordinals[MODEL_DESTINATION][i]);
        linehaul *= company_mode_price(block->ordinals[MODE][i]);
        uint32_t fuel = clamp(linehaul * company->fuel_rate[day] * 100.0 + 0.5, 1, MAX_FUEL_CENTS);
        uint32_t cents = clamp(linehaul * 100.0 + 0.5, MIN_CENTS, MAX_CENTS - MAX_FUEL_CENTS) + fuel;
        block->ordinals[FUEL][i] = fuel - 1;
        block->ordinals[MODEL_COST][i] = cents - MIN_CENTS;
    }
}

static void fill(const Model *model, Block *block)
{
    const SwiftShip *ship = model->state;
    fill_orders(ship, block);
    fill_goods(ship, block);
    fill_delivery(ship, block);
    fill_price(ship, block);
}

static Domain *status_domain(Arena *arena)
{
    const char *names[SHIPMENT_STATUS_COUNT];
    for (int i = 0; i < SHIPMENT_STATUS_COUNT; i++)
        names[i] = shipment_status_name((ShipmentStatus)i);
    return model_texts(arena, names, SHIPMENT_STATUS_COUNT, BAD_SPARE);
}

static void make_domains(Model *model, SwiftShip *ship, int32_t first_day, Arena *arena)
{
    int32_t last_arrival = first_day + COMPANY_DAYS - 1;
    int32_t last_promise = last_arrival + MAX_TRANSIT;
    Domain **domains = model->domains;
    domains[MODEL_ID] = NULL;
    domains[MODEL_ORIGIN] = model_texts(arena, company_origins, COMPANY_ORIGINS, BAD_SPARE);
    domains[MODEL_DESTINATION] = model_texts(arena, company_cities, COMPANY_CITIES, BAD_SPARE);
    domains[MODEL_CARRIER] = model_texts(arena, company_carriers, COMPANY_CARRIERS, BAD_SPARE);
    domains[MODEL_WEIGHT] = model_fractions(arena, MIN_WEIGHT, MAX_WEIGHT, 10, MAX_WEIGHT + BAD_SPARE);
    domains[MODEL_VOLUME] = model_fractions(arena, 1, MAX_VOLUME, 100, 0);
    domains[MODEL_SHIPMENT_DATE] = model_days(arena, TYPE_DATE, first_day, last_arrival, BAD_SPARE);
    domains[MODEL_DELIVERY_DATE] = model_days(arena, TYPE_DATE, first_day - MODEL_EARLY_DAYS, last_arrival, BAD_SPARE);
    domains[MODEL_COST] = model_fractions(arena, MIN_CENTS, MAX_CENTS, 100, 0);
    domains[MODEL_STATUS] = status_domain(arena);
    domains[MODEL_DELAY] = model_integers(arena, 0, COMPANY_MAX_LATE + COMPANY_MAX_WAIT + 1, 1);
    domains[MODEL_DISTANCE] = model_integers(arena, MIN_KM, MAX_KM, 0);
    domains[PROMISED_DATE] = model_days(arena, TYPE_DATE, first_day, last_promise, 0);
    domains[FUEL] = model_fractions(arena, 1, MAX_FUEL_CENTS, 100, 0);
    domains[MODE] = model_texts(arena, company_modes, COMPANY_MODES, 0);
    ship->no_delivery = domain_add_null(domains[MODEL_DELIVERY_DATE]);
    ship->no_delay = domain_add_null(domains[MODEL_DELAY]);
}

const Model *model_swiftship(const GenerateOptions *options, Arena *arena)
{
    static const ModelColumn more[] = {
        {"promised_delivery_date", DATA_TYPE(DATE)},
        {"fuel_surcharge", DATA_TYPE(DOUBLE)},
        {"transport_mode", DATA_TYPE(STRING)},
    };
    Model *model = model_new(arena, TYPE_DATE, more, ARRAY_SIZE(more));
    int32_t first_day = options->as_of - (COMPANY_DAYS - 1);
    SwiftShip *ship = ARENA_NEW(arena, SwiftShip);
    model_streams(ship->streams, N_STREAMS, options->seed);
    company_init(&ship->company, first_day, options->seed);
    make_domains(model, ship, first_day, arena);
    model->fill = fill;
    model->state = ship;
    model->serial_ids = true;
    model_add_bad_values(model, arena, options->as_of);
    return model;
}
