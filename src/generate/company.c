/* SwiftShip's parameters and what follows from them.
 *
 * | what                     | model                                                                                  |
 * |--------------------------|----------------------------------------------------------------------------------------|
 * | time                     | 364 days that end on the as-of date                                                    |
 * | demand of a day          | weekday x month end (1.5 in the last three days) x season (peak from mid-November to   |
 * |                          | Christmas 1.35, January 0.85) x the warehouse's growth over the year                   |
 * | congestion               | a queue per warehouse: what a day brings above its capacity waits, at most 6 days;     |
 * |                          | CA_Warehouse grows beyond its capacity, the others have room                           |
 * | lateness by the carrier  | carrier (linear from the year's first to its last day) x city x winter in the cold     |
 * |                          | cities (1.3) x FedEx to Seattle (1.9); calibrated so that with congestion 30 % are two |
 * |                          | or more days late                                                                      |
 * | how late, when late      | each further day has 0.45 of the share of the one before                               |
 * | price (linehaul)         | (8 + km x (0.010 + 0.00022 x chargeable kg)) x carrier x its trend x lane x mode       |
 * | fuel surcharge           | 18 % of the linehaul, 40 % more after a year, moving every week by up to 3 %           |
 *
 * Only +, -, x, / are used on doubles, so every machine derives the same tables. */
#include "generate/company.h"

#include "base/clock.h"
#include "base/status.h"
#include "generate/random.h"

#define TARGET_TWO_DAYS_LATE 0.30
#define MAX_TWO_DAYS_LATE 0.65
#define FUEL_START 0.18
#define FUEL_RISE 0.40
#define FUEL_WEEKLY 0.03

const char *const company_origins[COMPANY_ORIGINS] = {"NY_Warehouse", "TX_Warehouse", "CA_Warehouse", "IL_Warehouse"};
const char *const company_cities[COMPANY_CITIES] = {"Los Angeles", "Chicago", "Miami",   "Seattle",
                                                    "Boston",      "Denver",  "Atlanta", "Houston"};
const char *const company_carriers[COMPANY_CARRIERS] = {"FedEx",           "UPS", "DHL", "USPS", "OnTrac", "Ryder",
                                                        "Amazon Logistics"};
const char *const company_modes[COMPANY_MODES] = {"Road", "Rail", "Air", "Parcel"};

typedef struct OriginFacts {
    double share;
    double growth;   /* of demand over the year */
    double capacity; /* of a day, against the mean demand of a day */
    double price;
} OriginFacts;

static const OriginFacts origin_facts[COMPANY_ORIGINS] = {
    {.share = 0.30, .growth = 0.05, .capacity = 1.60, .price = 1.02},  /* NY */
    {.share = 0.25, .growth = 0.10, .capacity = 1.50, .price = 0.96},  /* TX */
    {.share = 0.30, .growth = 0.45, .capacity = 1.12, .price = 1.08},  /* CA */
    {.share = 0.15, .growth = -0.05, .capacity = 1.70, .price = 0.95}, /* IL */
};

typedef struct CityFacts {
    double share;
    double late;
    double price;
    bool cold;
} CityFacts;

static const CityFacts city_facts[COMPANY_CITIES] = {
    {.share = 0.18, .late = 1.00, .price = 0.95},               /* Los Angeles */
    {.share = 0.14, .late = 0.95, .price = 0.90, .cold = true}, /* Chicago */
    {.share = 0.12, .late = 1.05, .price = 1.10},               /* Miami */
    {.share = 0.10, .late = 1.30, .price = 1.15},               /* Seattle */
    {.share = 0.12, .late = 0.90, .price = 1.05, .cold = true}, /* Boston */
    {.share = 0.09, .late = 1.15, .price = 1.10, .cold = true}, /* Denver */
    {.share = 0.12, .late = 0.85, .price = 0.95},               /* Atlanta */
    {.share = 0.13, .late = 0.90, .price = 0.92},               /* Houston */
};

typedef struct CarrierFacts {
    double share;
    double late_start; /* two or more days late, before calibration */
    double late_end;
    double price;
    double price_rise; /* over the year */
    double modes[COMPANY_MODES];
} CarrierFacts;

static const CarrierFacts carrier_facts[COMPANY_CARRIERS] = {
    {0.20, 0.18, 0.21, 1.12, 0.04, {0.30, 0.00, 0.50, 0.20}},  /* FedEx */
    {0.20, 0.22, 0.22, 1.06, 0.06, {0.50, 0.00, 0.10, 0.40}},  /* UPS: steady */
    {0.12, 0.30, 0.19, 1.15, -0.02, {0.40, 0.00, 0.60, 0.00}}, /* DHL: mending */
    {0.14, 0.34, 0.36, 0.84, 0.03, {0.20, 0.00, 0.00, 0.80}},  /* USPS: cheap and late */
    {0.10, 0.40, 0.30, 0.90, 0.01, {0.70, 0.00, 0.00, 0.30}},  /* OnTrac: mending */
    {0.12, 0.22, 0.50, 0.95, 0.09, {0.75, 0.25, 0.00, 0.00}},  /* Ryder: getting worse, and dearer */
    {0.12, 0.27, 0.29, 0.92, 0.02, {0.50, 0.00, 0.00, 0.50}},  /* Amazon Logistics */
};

static const uint16_t lane_km[COMPANY_ORIGINS][COMPANY_CITIES] = {
    {3940, 1270, 2060, 4580, 310, 2860, 1400, 2620},
    {2310, 1770, 2120, 3350, 2850, 1030, 1260, 390},
    {60, 3240, 4800, 1830, 4790, 1640, 3500, 2490},
    {3240, 40, 2220, 3300, 1580, 1620, 1150, 1370},
};

static const double mode_price[COMPANY_MODES] = {1.00, 0.80, 1.90, 1.15};
static const double mode_km_per_day[COMPANY_MODES] = {700, 550, 2500, 600};

static const double weekday_demand[7] = {1.25, 1.10, 1.00, 1.05, 1.20, 0.35, 0.15};   /* Monday first */
static const double weekday_capacity[7] = {1.20, 1.20, 1.20, 1.20, 1.20, 0.70, 0.30}; /* adds up to 7 */

uint32_t company_lane_km(uint32_t origin, uint32_t city)
{
    return lane_km[origin][city];
}

double company_lane_price(uint32_t origin, uint32_t city)
{
    return origin_facts[origin].price * city_facts[city].price;
}

double company_mode_price(uint32_t mode)
{
    return mode_price[mode];
}

double company_mode_km_per_day(uint32_t mode)
{
    return mode_km_per_day[mode];
}

static int weekday_of(int32_t days)
{
    return (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

/* 0 on the first day, 1 after a year. */
static double part_of_year(uint32_t day)
{
    return (double)day / COMPANY_DAYS;
}

static double season(CivilDate date)
{
    bool peak = (date.month == 11 && date.day >= 15) || (date.month == 12 && date.day <= 23);
    bool month_end = date.day + 2 >= days_in_month(date.year, date.month);
    return (peak ? 1.35 : date.month == 1 ? 0.85 : 1.0) * (month_end ? 1.5 : 1.0);
}

static bool is_winter(CivilDate date)
{
    return (date.month == 12 && date.day >= 10) || date.month == 1 || (date.month == 2 && date.day <= 20);
}

static void init_demand(Company *company, int32_t first_day)
{
    double shares[COMPANY_ORIGINS];
    for (uint32_t origin = 0; origin < COMPANY_ORIGINS; origin++) {
        shares[origin] = origin_facts[origin].share;
        double demand[COMPANY_DAYS];
        for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
            int32_t days = first_day + (int32_t)day;
            demand[day] = weekday_demand[weekday_of(days)] * season(civil_from_days(days)) *
                          (1.0 + origin_facts[origin].growth * part_of_year(day));
        }
        weighted_init(&company->days[origin], demand, COMPANY_DAYS);
    }
    weighted_init(&company->origins, shares, COMPANY_ORIGINS);
}

/* The queue before each warehouse's dock: what is left over from the day before goes first. */
static void init_congestion(Company *company, int32_t first_day)
{
    for (uint32_t origin = 0; origin < COMPANY_ORIGINS; origin++) {
        double backlog = 0; /* in mean days of demand */
        double capacity = origin_facts[origin].capacity;
        for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
            backlog += company->days[origin].share[day] * COMPANY_DAYS;
            backlog -= capacity * weekday_capacity[weekday_of(first_day + (int32_t)day)];
            backlog = backlog < 0 ? 0 : backlog;
            backlog = backlog > COMPANY_MAX_WAIT * capacity ? COMPANY_MAX_WAIT * capacity : backlog;
            company->wait_days[origin][day] = backlog / capacity;
        }
    }
}

static void init_carriers(Company *company, int32_t first_day)
{
    double shares[COMPANY_CARRIERS];
    for (uint32_t carrier = 0; carrier < COMPANY_CARRIERS; carrier++) {
        const CarrierFacts *facts = &carrier_facts[carrier];
        shares[carrier] = facts->share;
        weighted_init(&company->modes[carrier], facts->modes, COMPANY_MODES);
        for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
            double part = part_of_year(day);
            company->carrier_late[carrier][day] = facts->late_start + (facts->late_end - facts->late_start) * part;
            company->carrier_price[carrier][day] = facts->price * (1.0 + facts->price_rise * part);
        }
        for (uint32_t city = 0; city < COMPANY_CITIES; city++)
            company->lane_late[carrier][city] = city_facts[city].late * (carrier == 0 && city == 3 ? 1.9 : 1.0);
    }
    weighted_init(&company->carriers, shares, COMPANY_CARRIERS);

    double city_shares[COMPANY_CITIES];
    for (uint32_t city = 0; city < COMPANY_CITIES; city++) {
        city_shares[city] = city_facts[city].share;
        for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
            bool winter = is_winter(civil_from_days(first_day + (int32_t)day));
            company->weather[city][day] = winter && city_facts[city].cold ? 1.3 : 1.0;
        }
    }
    weighted_init(&company->cities, city_shares, COMPANY_CITIES);
}

static void init_fuel(Company *company, uint64_t seed)
{
    uint64_t stream = random_stream(seed, 2000);
    for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
        double weekly = FUEL_WEEKLY * (2.0 * random_unit(random_at(stream, day / 7)) - 1.0);
        company->fuel_rate[day] = FUEL_START * (1.0 + FUEL_RISE * part_of_year(day)) * (1.0 + weekly);
    }
}

CompanyDelay company_delay(const Company *company, uint32_t carrier, uint32_t city, uint32_t day)
{
    double two = company->carrier_late[carrier][day] * company->lane_late[carrier][city] * company->weather[city][day];
    two = two < MAX_TWO_DAYS_LATE ? two : MAX_TWO_DAYS_LATE;
    return (CompanyDelay){.two = two, .one = 0.03 + 0.3 * two, .early = 0.10};
}

/* Share of shipments two or more days late when the dock adds `wait` days (the fraction is a chance of one more). */
static double two_days_late(CompanyDelay delay, double wait)
{
    uint32_t whole = (uint32_t)wait;
    const double late[] = {delay.two, delay.two + delay.one, 1.0 - delay.early, 1.0};
    double now = late[whole < 3 ? whole : 3];
    double one_more = late[whole < 2 ? whole + 1 : 3];
    return now + (wait - whole) * (one_more - now);
}

static double expected_two_days_late(const Company *company)
{
    double expected = 0;
    for (uint32_t carrier = 0; carrier < COMPANY_CARRIERS; carrier++)
        for (uint32_t city = 0; city < COMPANY_CITIES; city++) {
            double of_lane = 0;
            for (uint32_t day = 0; day < COMPANY_DAYS; day++) {
                CompanyDelay delay = company_delay(company, carrier, city, day);
                for (uint32_t origin = 0; origin < COMPANY_ORIGINS; origin++)
                    of_lane += company->origins.share[origin] * company->days[origin].share[day] *
                               two_days_late(delay, company->wait_days[origin][day]);
            }
            expected += of_lane * company->carriers.share[carrier] * company->cities.share[city];
        }
    return expected;
}

/* Scales the carriers' lateness until the company as a whole is as late as it is known to be. */
static void calibrate(Company *company)
{
    for (int step = 0; step < 12; step++) {
        double factor = TARGET_TWO_DAYS_LATE / expected_two_days_late(company);
        for (uint32_t carrier = 0; carrier < COMPANY_CARRIERS; carrier++)
            for (uint32_t day = 0; day < COMPANY_DAYS; day++)
                company->carrier_late[carrier][day] *= factor;
    }
}

void company_init(Company *company, int32_t first_day, uint64_t seed)
{
    init_demand(company, first_day);
    init_congestion(company, first_day);
    init_carriers(company, first_day);
    init_fuel(company, seed);
    calibrate(company);
}
