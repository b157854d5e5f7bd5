/* Guesses: files of quite different clients, what is made of each, and that the written mapping can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingest/guess.h"
#include "ingest/mapping.h"

/* Writes the text to a file of its own, guesses, and gives the mapping that the written YAML is. */
static Mapping *onboard_bytes(const void *bytes, size_t size, Arena *arena, Guesses **ret_guesses)
{
    Error err;
    MemoryBudget budget;
    Sample *sample;
    Mapping *mapping;
    error_init(&err);
    budget_init(&budget, 0);
    char path[] = "/tmp/freightlake-onboard-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    close(file);
    Status status = sample_read(path, &budget, arena, &sample, &err);
    unlink(path);
    if (status != STATUS_OK)
        fail_msg("%s", err.message);
    *ret_guesses = guess_sample(sample, "USD", arena);
    Buffer yaml;
    buffer_init(&yaml, 0);
    guess_append_yaml(*ret_guesses, "emart", &yaml);
    const char *text = arena_memdup(arena, yaml.data, yaml.size);
    buffer_done(&yaml);
    if (mapping_parse("emart.yaml", str_view(text), arena, &mapping, &err) != STATUS_OK)
        fail_msg("line %lld: %s\n%s", (long long)err.row, err.message, text);
    return mapping;
}

static Mapping *onboard(const char *text, Arena *arena, Guesses **ret_guesses)
{
    return onboard_bytes(text, strlen(text), arena, ret_guesses);
}

static void assert_source(const Mapping *mapping, ShipmentColumnId id, const char *source)
{
    const char *got = mapping->columns[id].source;
    if (source ? !got || strcmp(got, source) != 0 : got != NULL)
        fail_msg("%s is read from %s, not %s", shipment_column(id)->name, got ? got : "nothing",
                 source ? source : "nothing");
}

static void assert_form(const Mapping *mapping, ShipmentColumnId id, const char *pattern)
{
    assert_true(mapping->columns[id].n_forms >= 1);
    assert_string_equal(date_form_pattern(mapping->columns[id].forms[0]), pattern);
}

static void test_american(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping =
        onboard("Tracking Number,Ship From,Ship To City,Carrier Name,Weight (lbs),Distance [mi],Ship Date,"
                "Delivered At,Freight Charge,Delivery Status\n"
                "1Z01,Dallas,Austin,UPS,\"2,222.4\",1149,3/7/2025 6:26 AM,3/9/2025 1:00 PM,\"$2,131.10\",Delivered\n"
                "1Z02,Dallas,Reno,FedEx,12.5,90,12/31/2025 11:26 PM,N/A,$31.10,Canceled\n"
                "1Z03,Dallas,Reno,FedEx,13.5,91,12/30/2025 11:26 PM,N/A,$32.10,Delivered\n",
                &arena, &guesses);
    assert_source(mapping, SHIPMENT_COLUMN_ID, "Tracking Number");
    assert_source(mapping, SHIPMENT_COLUMN_ORIGIN_WAREHOUSE, "Ship From");
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "Ship To City");
    assert_source(mapping, SHIPMENT_COLUMN_CARRIER, "Carrier Name");
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "M/d/yyyy h:mm a");
    assert_true(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].factor == 0.45359237);
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].thousands_mark, ',');
    assert_true(mapping->columns[SHIPMENT_COLUMN_DISTANCE_KM].factor == 1.609344);
    assert_string_equal(mapping->columns[SHIPMENT_COLUMN_CURRENCY].constant, "USD");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_DELIVERY_DATE].n_nulls, 1);
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_STATUS].n_values, 1);
    arena_done(&arena);
}

static void test_german(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping =
        onboard("Sendungsnummer;Versandlager;Zielort;Spediteur;Bruttogewicht (kg);Versanddatum;Lieferdatum;"
                "Frachtkosten EUR;Status\n"
                "D1;Lager A;M\xfcnchen;DHL;2.625,34;07.03.2025;10.03.2025;2.652,73;zugestellt\n"
                "D2;Lager B;K\xf6ln;DHL;515,46;01.02.2025;06.02.2025;294,47;versp\xe4tet\n"
                "D3;Lager B;K\xf6ln;DHL;515,46;01.02.2025;06.02.2025;294,47;unterwegs\n",
                &arena, &guesses);
    assert_int_equal(mapping->format.encoding, TEXT_WINDOWS_1252);
    assert_int_equal(mapping->format.delimiter, ';');
    assert_source(mapping, SHIPMENT_COLUMN_ORIGIN_WAREHOUSE, "Versandlager");
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "Zielort");
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "dd.MM.yyyy");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].decimal_mark, ',');
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].thousands_mark, '.');
    assert_string_equal(mapping->columns[SHIPMENT_COLUMN_CURRENCY].constant, "EUR");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_STATUS].n_values, 3);
    arena_done(&arena);
}

static void test_nested_json(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard(
        "{\"shipmentId\":\"S1\",\"from\":{\"warehouse\":\"W1\"},\"to\":{\"city\":\"Paris\"},\"weight\":{\"value\":2.5,"
        "\"unit\":\"lb\"},\"shippedAt\":1741348800000,\"cost\":{\"amount\":9.5,\"currency\":\"EUR\"}}\n"
        "{\"shipmentId\":\"S2\",\"from\":{\"warehouse\":\"W1\"},\"to\":{\"city\":\"Lyon\"},\"weight\":{\"value\":3.5,"
        "\"unit\":\"lb\"},\"shippedAt\":1741448800000,\"cost\":{\"amount\":8.5,\"currency\":\"EUR\"}}\n",
        &arena, &guesses);
    assert_int_equal(mapping->input, INPUT_NDJSON);
    assert_source(mapping, SHIPMENT_COLUMN_ORIGIN_WAREHOUSE, "from.warehouse");
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "to.city");
    assert_source(mapping, SHIPMENT_COLUMN_CURRENCY, "cost.currency");
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "epoch_milliseconds");
    assert_true(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].factor == 0.45359237);
    arena_done(&arena);
}

/* A text in a column of dates or numbers that repeats or follows a pattern is a way of saying nothing; a date that does not
 * exist and a word that stands there once are not. */
static void test_null_texts(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping =
        onboard("ID,Origin,Destination,Weight (kg),Delivered Date\n"
                "1,A,B,13,02-Jun-06\n2,A,B,Captured Separately,03-Jun-06\n3,A,B,Captured Separately,30-Feb-06\n"
                "4,A,B,See DN-304 (ID#:1),Not Captured\n5,A,B,See DN-3 (ID#:7),Not Captured\n6,A,B,oops,"
                "05-Jun-06\n7,A,B,7,06-Jun-06\n8,A,B,8,07-Jun-06\n9,A,B,9,08-Jun-06\n",
                &arena, &guesses);
    const MappingColumn *weight = &mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG];
    const MappingColumn *date = &mapping->columns[SHIPMENT_COLUMN_DELIVERY_DATE];
    assert_int_equal(weight->n_nulls, 1);
    assert_true(str_equal(weight->nulls[0], str_view("Captured Separately")));
    assert_int_equal(weight->n_null_patterns, 1);
    assert_true(str_equal(weight->null_patterns[0], str_view("See *")));
    assert_int_equal(guesses->of[SHIPMENT_COLUMN_WEIGHT_KG].n_unread, 1);
    assert_int_equal(date->n_nulls, 1);
    assert_int_equal(guesses->of[SHIPMENT_COLUMN_DELIVERY_DATE].n_unread, 1);
    arena_done(&arena);
}

/* One 13th day in one column decides for the file; without any, it is said that nothing does. */
static void test_day_and_month(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard("id,origin,destination,ship date,delivery date\n"
                               "1,A,B,02/03/2025,04/03/2025\n2,A,B,05/03/2025,13/03/2025\n",
                               &arena, &guesses);
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "dd/MM/yyyy");
    assert_form(mapping, SHIPMENT_COLUMN_DELIVERY_DATE, "dd/MM/yyyy");
    assert_null(guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE].other_form);
    mapping = onboard("id,origin,destination,ship date,delivery date\n"
                      "1,A,B,02/03/2025,04/03/2025\n2,A,B,05/03/2025,03/13/2025\n",
                      &arena, &guesses);
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "MM/dd/yyyy");
    mapping = onboard("id,origin,destination,ship date,delivery date\n"
                      "1,A,B,02/03/2025,04/03/2025\n2,A,B,05/03/2025,06/03/2025\n",
                      &arena, &guesses);
    assert_non_null(guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE].other_form);
    assert_true(guess_is_low(&guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE]));
    arena_done(&arena);
}

/* Columns named as the contract names them are taken for sure. */
static void test_own_names(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard(
        "shipment_id,origin_warehouse,destination_city,carrier,shipment_weight_kg,shipment_volume_m3,shipment_date,"
        "delivery_date,shipping_cost,delivery_status,delay_days,route_distance_km\n"
        "SH1,NY_Warehouse,Boston,UPS,12.5,0.5,2025-01-02,2025-01-04,25.50,Delivered,0,310\n"
        "SH2,TX_Warehouse,Denver,UPS,13.5,0.6,2025-01-03,2025-01-07,26.50,Delayed,1,1030\n",
        &arena, &guesses);
    static const ShipmentColumnId ids[] = {SHIPMENT_COLUMN_ID,
                                           SHIPMENT_COLUMN_ORIGIN_WAREHOUSE,
                                           SHIPMENT_COLUMN_CARRIER,
                                           SHIPMENT_COLUMN_WEIGHT_KG,
                                           SHIPMENT_COLUMN_VOLUME_M3,
                                           SHIPMENT_COLUMN_SHIPMENT_DATE,
                                           SHIPMENT_COLUMN_DELIVERY_DATE,
                                           SHIPMENT_COLUMN_COST,
                                           SHIPMENT_COLUMN_STATUS,
                                           SHIPMENT_COLUMN_DELAY_DAYS,
                                           SHIPMENT_COLUMN_DISTANCE_KM,
                                           SHIPMENT_COLUMN_DESTINATION_CITY};
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        assert_source(mapping, ids[i], shipment_column(ids[i])->name);
        assert_false(guess_is_low(&guesses->of[ids[i]]));
    }
    assert_null(guess_missing(guesses));
    arena_done(&arena);
}

static void test_utf16(void **state)
{
    (void)state;
    static const char text[] = "id\torigin\tdestination\tship date\n1\tA\tB\t25/12/24\n2\tA\tC\t26/12/24\n";
    uint8_t bytes[2 * sizeof text];
    size_t n = 0;
    bytes[n++] = 0xff;
    bytes[n++] = 0xfe;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        bytes[n++] = (uint8_t)text[i];
        bytes[n++] = 0;
    }
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard_bytes(bytes, n, &arena, &guesses);
    assert_int_equal(mapping->format.encoding, TEXT_UTF16LE);
    assert_int_equal(mapping->format.delimiter, '\t');
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "dd/MM/yy");
    arena_done(&arena);
}

/* Bytes that no YAML can hold, in values and in a column's name: the mapping can be read all the same. */
static void test_odd_bytes(void **state)
{
    (void)state;
    static const char text[] =
        "id,origin,destination,ship date,status,ba\x01"
        "d\n"
        "1,A\0B,B,2025-01-02,D\0E,1\n2,A\xc2\x85,C,2025-01-03,D\0F,2\n3,A\xff,C,2025-01-03,D,2\n";
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard_bytes(text, sizeof text - 1, &arena, &guesses);
    assert_source(mapping, SHIPMENT_COLUMN_ORIGIN_WAREHOUSE, "origin");
    assert_int_equal(guesses->sample->n_unread, 1);
    assert_string_equal(guesses->sample->unread[0].shown, "ba\\x01d");
    assert_string_equal(guesses->sample->unread[0].name, "ba\x01"
                                                         "d");
    assert_non_null(strstr(guesses->sample->unread[0].why, "cannot stand in a mapping"));
    arena_done(&arena);
}

/* Members whose names no mapping can say are told, and cannot break the mapping's comments. */
static void test_unreadable_names(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    onboard("{\"id\":1,\"origin\":\"A\",\"destination\":\"B\",\"ship date\":\"2025-01-02\","
            "\"two\xe2\x80\xa8lines\":1,\"a\\nb\":2,\"\":3}\n",
            &arena, &guesses);
    const Sample *sample = guesses->sample;
    assert_int_equal(sample->n_unread, 3);
    assert_string_equal(sample->unread[0].shown, "two\\xe2\\x80\\xa8lines");
    assert_string_equal(sample->unread[1].shown, "a\\x0ab");
    assert_string_equal(sample->unread[2].why, "it has no name");
    arena_done(&arena);
}

/* Whether some doubt of the guess holds the words. */
static void assert_doubt(const Guesses *guesses, ShipmentColumnId id, const char *words)
{
    const Guess *guess = &guesses->of[id];
    for (uint32_t i = 0; i < guess->n_doubts; i++)
        if (strstr(guess->doubts[i].text, words)) {
            assert_true(guess_is_low(guess));
            return;
        }
    fail_msg("%s: no doubt says '%s' (%u doubts: %s)", shipment_column(id)->name, words, guess->n_doubts,
             guess->n_doubts ? guess->doubts[0].text : "");
}

static void assert_sure(const Guesses *guesses, ShipmentColumnId id)
{
    const Guess *guess = &guesses->of[id];
    if (guess_is_low(guess))
        fail_msg("%s is in doubt: %s", shipment_column(id)->name,
                 guess->n_doubts ? guess->doubts[0].text : "low score");
}

/* 2.137 is two and a bit or two thousand: other columns decide, else the place does and it is said. */
static void test_marks(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping =
        onboard("id;origin;destination;ship date;weight kg\n1;A;B;02.03.2025;2.137\n2;A;B;13.03.2025;5.250\n", &arena,
                &guesses);
    assert_sure(guesses, SHIPMENT_COLUMN_WEIGHT_KG);
    assert_string_equal(guesses->of[SHIPMENT_COLUMN_WEIGHT_KG].reason,
                        "2.137 is 2137: semicolons divide the fields and points the dates");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].decimal_mark, ',');
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].thousands_mark, '.');
    mapping = onboard("id;origin;destination;ship date;weight kg\n1;A;B;2025-03-02;2.137\n", &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, "2.137 is 2137, or with decimal=. 2.137: semicolons");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].decimal_mark, ',');
    mapping = onboard("id,origin,destination,ship date,weight kg\n1,A,B,2025-03-02,2.137\n2,A,B,2025-03-03,5.250\n",
                      &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, "2.137 is 2.137, or with decimal=, 2137: nothing");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].decimal_mark, '.');
    onboard("id,origin,destination,ship date,weight kg,cost usd\n1,A,B,2025-03-02,2.137,10.5\n", &arena, &guesses);
    assert_sure(guesses, SHIPMENT_COLUMN_WEIGHT_KG);
    assert_non_null(strstr(guesses->of[SHIPMENT_COLUMN_WEIGHT_KG].reason, "other columns have a decimal point"));
    onboard("id,origin,destination,ship date,weight kg,cost usd,volume m3\n1,A,B,2025-03-02,2.137,10.5,\"1,5\"\n",
            &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, "nothing in the sample decides");
    onboard("id,origin,destination,ship date,weight kg\n1,A,B,2025-03-02,2137\n", &arena, &guesses);
    assert_sure(guesses, SHIPMENT_COLUMN_WEIGHT_KG);
    arena_done(&arena);
}

/* A person's word settles what it is about, and no more. */
static void test_say(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    Error err;
    arena_init(&arena);
    error_init(&err);
    onboard("id;origin;destination;ship date;weight\n1;A;B;05/05/2025;2.137\n2;A;B;02/03/2025;5.250\n", &arena,
            &guesses);
    Guess *weight = &guesses->of[SHIPMENT_COLUMN_WEIGHT_KG];
    assert_int_equal(weight->n_doubts, 2);
    assert_int_equal(guess_say(weight, "unit", "lb", &arena, &err), STATUS_OK);
    assert_int_equal(weight->n_doubts, 1);
    assert_true(guess_is_low(weight));
    assert_int_equal(guess_say(weight, "decimal", ".", &arena, &err), STATUS_OK);
    assert_false(guess_is_low(weight));
    assert_doubt(guesses, SHIPMENT_COLUMN_SHIPMENT_DATE,
                 "02/03/2025 is 2025-03-02, or with dates=MM/dd/yyyy 2025-02-03: nothing");
    guess_confirm(&guesses->of[SHIPMENT_COLUMN_SHIPMENT_DATE]);
    assert_sure(guesses, SHIPMENT_COLUMN_SHIPMENT_DATE);
    arena_done(&arena);
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *names, *values, *doubt; /* NULL: sure */
        double factor;
    } cases[] = {
        {"Weight", "12.5", "does not say the unit: 12.5 is 12.5 kg, or with unit=lb 5.6699 kg", 1},
        {"Weight (tons)", "12.5", "a ton is", 1000},
        {"Gewicht (Tonnen)", "12.5", NULL, 1000},
        {"Weight (t),Weight Unit", "12.5,kg", NULL, 1000}, /* the name is nearer */
        {"Weight,Weight Unit,Volume Unit", "12.5,lb,ft3", NULL, 0.45359237},
        {"Volume Unit,Weight,Weight Unit", "ft3,12.5,oz", NULL, 0.45359237 / 16},
        {"Weight (kg)", "12.5 lb", "the name says kg, the values say lb", 0.45359237},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        Guesses *guesses;
        arena_init(&arena);
        Mapping *mapping = onboard(arena_printf(&arena, "id,origin,destination,ship date,%s\n1,A,B,2025-03-02,%s\n",
                                                cases[i].names, cases[i].values),
                                   &arena, &guesses);
        if (cases[i].doubt)
            assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, cases[i].doubt);
        else
            assert_sure(guesses, SHIPMENT_COLUMN_WEIGHT_KG);
        if (mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].factor != cases[i].factor)
            fail_msg("%s: %g", cases[i].names, mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].factor);
        arena_done(&arena);
    }
}

static void test_several_units(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard("id,origin,destination,ship date,weight,weight unit,distance (nm)\n"
                               "1,A,B,2025-03-02,12.5,lb,5\n2,A,B,2025-03-02,12.5,lb,6\n3,A,B,2025-03-02,12.5,kg,7\n",
                               &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, "several units");
    assert_true(mapping->columns[SHIPMENT_COLUMN_WEIGHT_KG].factor == 0.45359237);
    assert_true(mapping->columns[SHIPMENT_COLUMN_DISTANCE_KM].factor == 1.852);
    assert_sure(guesses, SHIPMENT_COLUMN_DISTANCE_KM);
    onboard("id,origin,destination,ship date,weight\n1,A,B,2025-03-02,5 kg\n2,A,B,2025-03-02,6 kg\n"
            "3,A,B,2025-03-02,7 lb\n",
            &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_WEIGHT_KG, "some values carry lb");
    assert_string_equal(guesses->of[SHIPMENT_COLUMN_WEIGHT_KG].unit, "kg");
    arena_done(&arena);
}

static void test_money(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    onboard("id,origin,destination,ship date,freight cost (usd),fuel surcharge (eur)\n1,A,B,2025-03-02,5,1\n", &arena,
            &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_CURRENCY, "a record has one currency");
    onboard("id,origin,destination,ship date,freight cost (xyz)\n1,A,B,2025-03-02,5\n", &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_CURRENCY, "xyz");
    onboard("id,origin,destination,ship date,cost\n1,A,B,2025-03-02,\xe2\x82\xac"
            "5\n2,A,B,2025-03-02,\xe2\x82\xac"
            "6\n3,A,B,2025-03-02,$7\n",
            &arena, &guesses);
    assert_string_equal(guesses->of[SHIPMENT_COLUMN_CURRENCY].constant, "EUR");
    assert_doubt(guesses, SHIPMENT_COLUMN_CURRENCY, "some amounts carry USD");
    onboard("id,origin,destination,ship "
            "date,delay,cost\n1,A,B,2025-03-02,4,\xc2\xa3"
            "5\n2,A,B,2025-03-02,60,6\n3,A,B,2025-03-02,7,7\n",
            &arena, &guesses);
    assert_doubt(guesses, SHIPMENT_COLUMN_CURRENCY, "some amounts carry GBP");
    assert_doubt(guesses, SHIPMENT_COLUMN_DELAY_DAYS, "does not say that these are days");
    onboard("id,origin,destination,ship date,freight cost eur\n1,A,B,2025-03-02,5\n", &arena, &guesses);
    assert_sure(guesses, SHIPMENT_COLUMN_CURRENCY);
    arena_done(&arena);
}

/* Two names that say as much, a name that says another measure, and words in one spelling. */
static void test_names_and_words(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard("id,origin,Customer City,Order City,ship date,delay minutes,mode\n"
                               "1,A,Lyon,Paris,2025-03-02,55,AIR\n2,A,Nice,Rome,2025-03-02,9,sea\n",
                               &arena, &guesses);
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "Order City");
    assert_doubt(guesses, SHIPMENT_COLUMN_DESTINATION_CITY,
                 "the column Customer City fits as well: it says Lyon where this one says Paris");
    assert_source(mapping, SHIPMENT_COLUMN_DELAY_DAYS, NULL);
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_TRANSPORT_MODE].n_values, 2);
    arena_done(&arena);
}

static void test_french_and_spanish(void **state)
{
    (void)state;
    Arena arena;
    Guesses *guesses;
    arena_init(&arena);
    Mapping *mapping = onboard("Num\xc3\xa9ro d'exp\xc3\xa9"
                               "dition;Entrep\xc3\xb4t d'origine;Ville de destination;Transporteur;Poids brut (kg);"
                               "Date d'exp\xc3\xa9"
                               "dition;Date de livraison;Statut\n"
                               "E1;Lyon;Paris;Geodis;12,5;3 f\xc3\xa9vr. 2025;5 f\xc3\xa9vr. 2025;Livr\xc3\xa9\n"
                               "E2;Lyon;Nice;Geodis;13,5;4 mars 2025;15 ao\xc3\xbbt 2025;En retard\n",
                               &arena, &guesses);
    assert_source(mapping, SHIPMENT_COLUMN_ORIGIN_WAREHOUSE, "Entrep\xc3\xb4t d'origine");
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "Ville de destination");
    assert_form(mapping, SHIPMENT_COLUMN_SHIPMENT_DATE, "d MMM yyyy");
    assert_source(mapping, SHIPMENT_COLUMN_DELIVERY_DATE, "Date de livraison");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_STATUS].n_values, 2);
    mapping = onboard(
        "N\xc3\xbamero de env\xc3\xado,Almac\xc3\xa9n de origen,Ciudad de destino,Transportista,Peso bruto (kg),"
        "Fecha de env\xc3\xado,Fecha de entrega,Coste de env\xc3\xado EUR,Estado\n"
        "E1,Madrid,Vigo,SEUR,12.5,03-ene-25,05-ene-25,10.5,Entregado\n"
        "E2,Madrid,Vigo,SEUR,13.5,04-dic-25,15-dic-25,11.5,En tr\xc3\xa1nsito\n",
        &arena, &guesses);
    assert_source(mapping, SHIPMENT_COLUMN_ID, "N\xc3\xbamero de env\xc3\xado");
    assert_source(mapping, SHIPMENT_COLUMN_DESTINATION_CITY, "Ciudad de destino");
    assert_form(mapping, SHIPMENT_COLUMN_DELIVERY_DATE, "dd-MMM-yy");
    assert_source(mapping, SHIPMENT_COLUMN_COST, "Coste de env\xc3\xado EUR");
    assert_int_equal(mapping->columns[SHIPMENT_COLUMN_STATUS].n_values, 2);
    arena_done(&arena);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_american),
                                       cmocka_unit_test(test_german),
                                       cmocka_unit_test(test_nested_json),
                                       cmocka_unit_test(test_null_texts),
                                       cmocka_unit_test(test_day_and_month),
                                       cmocka_unit_test(test_own_names),
                                       cmocka_unit_test(test_utf16),
                                       cmocka_unit_test(test_marks),
                                       cmocka_unit_test(test_units),
                                       cmocka_unit_test(test_say),
                                       cmocka_unit_test(test_several_units),
                                       cmocka_unit_test(test_money),
                                       cmocka_unit_test(test_names_and_words),
                                       cmocka_unit_test(test_french_and_spanish),
                                       cmocka_unit_test(test_unreadable_names),
                                       cmocka_unit_test(test_odd_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
