/* Company: SwiftShip as the scenario imagines it: who ships what where, when, by whom, how late and at what price.
 *
 * company.c holds the parameters in tables and derives from them what swiftship.c looks up per row. */
#ifndef FREIGHTLAKE_GENERATE_COMPANY_H
#define FREIGHTLAKE_GENERATE_COMPANY_H

#include "generate/weighted.h"

#define COMPANY_ORIGINS 4
#define COMPANY_CITIES 8
#define COMPANY_CARRIERS 7
#define COMPANY_MODES 4
#define COMPANY_DAYS 364 /* 52 whole weeks, so that every weekday occurs equally often */
#define COMPANY_MAX_WAIT 6
#define COMPANY_MAX_LATE 14

extern const char *const company_origins[COMPANY_ORIGINS];
extern const char *const company_cities[COMPANY_CITIES];
extern const char *const company_carriers[COMPANY_CARRIERS];
extern const char *const company_modes[COMPANY_MODES];

typedef enum CompanyMode { COMPANY_ROAD, COMPANY_RAIL, COMPANY_AIR, COMPANY_PARCEL } CompanyMode;

typedef struct Company {
    Weighted origins;
    Weighted cities;
    Weighted carriers;
    Weighted modes[COMPANY_CARRIERS];
    Weighted days[COMPANY_ORIGINS];                      /* demand: the day of a shipment, by origin */
    double wait_days[COMPANY_ORIGINS][COMPANY_DAYS];     /* what congestion adds, 0..COMPANY_MAX_WAIT */
    double carrier_late[COMPANY_CARRIERS][COMPANY_DAYS]; /* share of 2+ days late by its own doing */
    double lane_late[COMPANY_CARRIERS][COMPANY_CITIES];  /* factors on it */
    double weather[COMPANY_CITIES][COMPANY_DAYS];
    double carrier_price[COMPANY_CARRIERS][COMPANY_DAYS];
    double fuel_rate[COMPANY_DAYS]; /* surcharge as a share of the linehaul */
} Company;

/* first_day: days since 1970-01-01 of day 0. */
void company_init(Company *company, int32_t first_day, uint64_t seed);

/* Shares of delays by the carrier's doing, against the promise: `two` days and more, exactly `one`, one day early. */
typedef struct CompanyDelay {
    double two;
    double one;
    double early;
} CompanyDelay;
CompanyDelay company_delay(const Company *company, uint32_t carrier, uint32_t city, uint32_t day);

uint32_t company_lane_km(uint32_t origin, uint32_t city);
double company_lane_price(uint32_t origin, uint32_t city);
double company_mode_price(uint32_t mode);
double company_mode_km_per_day(uint32_t mode);

#endif
