/* Units; see units.h.  Factors are exact by definition (international pound, yard and gallon) or to all digits given. */
#include "ingest/units.h"

#include <strings.h>

#define W SHIPMENT_COLUMN_WEIGHT_KG
#define V SHIPMENT_COLUMN_VOLUME_M3
#define D SHIPMENT_COLUMN_DISTANCE_KM

#define POUND 0.45359237
#define FOOT3 0.028316846592
#define MILE 1.609344

static const Unit UNITS[] = {
    {W, "kg", 1, "kg"},
    {W, "kgs", 1, "kg"},
    {W, "kilo", 1, "kg"},
    {W, "kilos", 1, "kg"},
    {W, "kilogram", 1, "kg"},
    {W, "kilograms", 1, "kg"},
    {W, "kilogramm", 1, "kg"},
    {W, "kilogramme", 1, "kg"},
    {W, "kilogrammes", 1, "kg"},
    {W, "kilogramos", 1, "kg"},
    {W, "g", 0.001, "g"},
    {W, "gram", 0.001, "g"},
    {W, "grams", 0.001, "g"},
    {W, "t", 1000, "t"},
    {W, "tonne", 1000, "t"},
    {W, "tonnes", 1000, "t"},
    {W, "tonnen", 1000, "t"},
    {W, "tonelada", 1000, "t"},
    {W, "toneladas", 1000, "t"},
    {W, "mt", 1000, "t"},
    {W, "metric_ton", 1000, "t"},
    {W, "metric_tons", 1000, "t"},
    {W, "lb", POUND, "lb"},
    {W, "lbs", POUND, "lb"},
    {W, "pound", POUND, "lb"},
    {W, "pounds", POUND, "lb"},
    {W, "oz", POUND / 16, "oz"},
    {W, "ounce", POUND / 16, "oz"},
    {W, "ounces", POUND / 16, "oz"},
    {W, "cwt", POUND * 100, "cwt"},
    {W, "short_ton", POUND * 2000, "short_ton"},
    {W, "short_tons", POUND * 2000, "short_ton"},
    {W, "long_ton", POUND * 2240, "long_ton"},
    {W, "long_tons", POUND * 2240, "long_ton"},
    {V, "m3", 1, "m3"},
    {V, "m\xc2\xb3", 1, "m3"},
    {V, "m_3", 1, "m3"},
    {V, "m^3", 1, "m3"},
    {V, "cbm", 1, "m3"},
    {V, "cubic_meter", 1, "m3"},
    {V, "cubic_metre", 1, "m3"},
    {V, "kubikmeter", 1, "m3"},
    {V, "metros_cubicos", 1, "m3"},
    {V, "cubic_meters", 1, "m3"},
    {V, "cubic_metres", 1, "m3"},
    {V, "l", 0.001, "l"},
    {V, "liter", 0.001, "l"},
    {V, "liters", 0.001, "l"},
    {V, "litre", 0.001, "l"},
    {V, "litres", 0.001, "l"},
    {V, "litro", 0.001, "l"},
    {V, "litros", 0.001, "l"},
    {V, "dm3", 0.001, "l"},
    {V, "cm3", 1e-6, "cm3"},
    {V, "ft3", FOOT3, "ft3"},
    {V, "ft\xc2\xb3", FOOT3, "ft3"},
    {V, "cft", FOOT3, "ft3"},
    {V, "cuft", FOOT3, "ft3"},
    {V, "cu_ft", FOOT3, "ft3"},
    {V, "ft_3", FOOT3, "ft3"},
    {V, "ft^3", FOOT3, "ft3"},
    {V, "cubic_foot", FOOT3, "ft3"},
    {V, "cubic_feet", FOOT3, "ft3"},
    {V, "in3", FOOT3 / 1728, "in3"},
    {V, "cubic_inches", FOOT3 / 1728, "in3"},
    {V, "gal", 0.003785411784, "gal"},
    {V, "gallons", 0.003785411784, "gal"},
    {D, "km", 1, "km"},
    {D, "kms", 1, "km"},
    {D, "kilometer", 1, "km"},
    {D, "kilometers", 1, "km"},
    {D, "kilometre", 1, "km"},
    {D, "kilometres", 1, "km"},
    {D, "kilometros", 1, "km"},
    {D, "m", 0.001, "m"},
    {D, "meters", 0.001, "m"},
    {D, "metres", 0.001, "m"},
    {D, "mi", MILE, "mi"},
    {D, "mile", MILE, "mi"},
    {D, "miles", MILE, "mi"},
    {D, "meilen", MILE, "mi"},
    {D, "millas", MILE, "mi"},
    {D, "nm", 1.852, "nmi"},
    {D, "nmi", 1.852, "nmi"},
    {D, "nautical_miles", 1.852, "nmi"},
    {D, "ft", 0.0003048, "ft"},
};

const Unit *unit_table(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(UNITS);
    return UNITS;
}

const Unit *unit_find(ShipmentColumnId column, StrView word)
{
    for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++)
        if (UNITS[i].column == column && strlen(UNITS[i].word) == word.size &&
            strncasecmp(UNITS[i].word, word.data, word.size) == 0)
            return &UNITS[i];
    return NULL;
}

const char *unit_words(ShipmentColumnId column, Arena *arena)
{
    const char *words = "";
    for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++)
        if (UNITS[i].column == column && strcmp(UNITS[i].word, UNITS[i].name) == 0)
            words = arena_printf(arena, "%s%s%s", words, *words ? ", " : "", UNITS[i].word);
    return words;
}
