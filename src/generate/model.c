/* What scenarios share: columns, common domains, and the values that make rows bad. */
#include "generate/model.h"

#include <stdio.h>

#include "base/clock.h"
#include "generate/random.h"

#define LONG_TEXT_SIZE 5000

Model *model_new(Arena *arena, TypeId dates, const ModelColumn *more, uint32_t n)
{
    const ModelColumn common[MODEL_COMMON_COLUMNS] = {
        [MODEL_ID] = {"shipment_id", DATA_TYPE(STRING)},
        [MODEL_ORIGIN] = {"origin_warehouse", DATA_TYPE(STRING)},
        [MODEL_DESTINATION] = {"destination_city", DATA_TYPE(STRING)},
        [MODEL_CARRIER] = {"carrier", DATA_TYPE(STRING)},
        [MODEL_WEIGHT] = {"shipment_weight_kg", DATA_TYPE(DOUBLE)},
        [MODEL_VOLUME] = {"shipment_volume_m3", DATA_TYPE(DOUBLE)},
        [MODEL_SHIPMENT_DATE] = {"shipment_date", {.id = dates}},
        [MODEL_DELIVERY_DATE] = {"delivery_date", {.id = dates}},
        [MODEL_COST] = {"shipping_cost", DATA_TYPE(DOUBLE)},
        [MODEL_STATUS] = {"delivery_status", DATA_TYPE(STRING)},
        [MODEL_DELAY] = {"delay_days", DATA_TYPE(BIGINT)},
        [MODEL_DISTANCE] = {"route_distance_km", DATA_TYPE(BIGINT)},
    };
    CHECK(n <= MODEL_MAX_COLUMNS - MODEL_COMMON_COLUMNS);
    Model *model = ARENA_NEW(arena, Model);
    model->schema =
        (Schema){.fields = ARENA_ARRAY(arena, Field, MODEL_COMMON_COLUMNS + n), .n = MODEL_COMMON_COLUMNS + n};
    for (uint32_t i = 0; i < model->schema.n; i++) {
        const ModelColumn *column = i < MODEL_COMMON_COLUMNS ? &common[i] : &more[i - MODEL_COMMON_COLUMNS];
        model->schema.fields[i] = (Field){.name = column->name, .type = column->type, .nullable = true};
    }
    model->bad = (BadPlaces){
        .required = {MODEL_ID, MODEL_ORIGIN, MODEL_DESTINATION},
        .weight_column = MODEL_WEIGHT,
        .shipment_date_column = MODEL_SHIPMENT_DATE,
        .delivery_date_column = MODEL_DELIVERY_DATE,
        .delivery_same_day = MODEL_EARLY_DAYS,
        .status_column = MODEL_STATUS,
        .carrier_column = MODEL_CARRIER,
        .destination_column = MODEL_DESTINATION,
    };
    return model;
}

void model_streams(uint64_t *streams, uint32_t n, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++)
        streams[i] = random_stream(seed, i);
}

Domain *model_texts(Arena *arena, const char *const *texts, uint32_t n, uint32_t spare)
{
    Domain *domain = domain_new(arena, DATA_TYPE(STRING), n + spare);
    for (uint32_t i = 0; i < n; i++)
        domain_add_text(domain, arena, str_view(texts[i]));
    return domain;
}

static uint32_t add_day(Domain *domain, Arena *arena, int32_t days)
{
    if (domain->type.id == TYPE_DATE)
        return domain_add_integer(domain, days);
    CivilDate date = civil_from_days(days);
    char text[32];
    snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    return domain_add_text(domain, arena, str_view(text));
}

Domain *model_days(Arena *arena, TypeId type, int32_t first, int32_t last, uint32_t spare)
{
    Domain *domain = domain_new(arena, (DataType){.id = type}, (uint32_t)(last - first + 1) + spare);
    for (int32_t days = first; days <= last; days++)
        add_day(domain, arena, days);
    return domain;
}

Domain *model_integers(Arena *arena, int64_t first, int64_t last, uint32_t spare)
{
    Domain *domain = domain_new(arena, DATA_TYPE(BIGINT), (uint32_t)(last - first + 1) + spare);
    for (int64_t i = first; i <= last; i++)
        domain_add_integer(domain, i);
    return domain;
}

Domain *model_fractions(Arena *arena, uint32_t first, uint32_t last, uint32_t parts, uint32_t spare)
{
    Domain *domain = domain_new(arena, DATA_TYPE(DOUBLE), last - first + 1 + spare);
    for (uint32_t i = first; i <= last; i++)
        domain_add_number(domain, (double)i / (double)parts);
    return domain;
}

static void add_impossible_dates(Model *model, Arena *arena, int32_t as_of)
{
    Domain *dates = model->domains[model->bad.shipment_date_column];
    static const char *const endings[] = {"02-30", "06-31", "13-01", "00-10"};
    model->bad.impossible_date = dates->n;
    model->bad.n_impossible_dates = ARRAY_SIZE(endings);
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        char text[32];
        snprintf(text, sizeof text, "%04d-%s", civil_from_days(as_of).year, endings[i]);
        if (dates->type.id == TYPE_STRING)
            domain_add_text(dates, arena, str_view(text));
        else
            domain_add_broken(dates, arena, text);
    }
}

void model_add_bad_values(Model *model, Arena *arena, int32_t as_of)
{
    BadPlaces *bad = &model->bad;
    Domain *weights = model->domains[bad->weight_column];
    uint32_t n_weights = weights->n;
    bad->weight_negative = n_weights;
    for (uint32_t i = 0; i < n_weights; i++)
        domain_add_number(weights, -((const double *)weights->entries.data)[i]);
    bad->weight_text = domain_add_broken(weights, arena, "12,5 kg");

    for (size_t i = 0; i < ARRAY_SIZE(bad->required); i++)
        if (model->domains[bad->required[i]])
            bad->required_null[i] = domain_add_null(model->domains[bad->required[i]]);
    add_impossible_dates(model, arena, as_of);
    bad->unknown_status = domain_add_text(model->domains[bad->status_column], arena, str_view("Teleported"));
    bad->control_carrier = domain_add_text(model->domains[bad->carrier_column], arena, str_view("Fed\001Ex"));

    char long_text[LONG_TEXT_SIZE];
    memset(long_text, 'X', sizeof long_text);
    bad->long_destination =
        domain_add_text(model->domains[bad->destination_column], arena, (StrView){long_text, sizeof long_text});
}

uint32_t model_serial_text(char *text, uint64_t serial)
{
    char digits[24];
    uint32_t n = 0;
    while (serial > 0 || n < 10) {
        digits[n++] = (char)('0' + serial % 10);
        serial /= 10;
    }
    text[0] = 'S';
    text[1] = 'H';
    for (uint32_t i = 0; i < n; i++)
        text[2 + i] = digits[n - 1 - i];
    return n + 2;
}
