/* Words that clients write in their columns; see synonyms.h.  All are folded: lower case, no accents. */
#include <strings.h>

#include "ingest/synonyms.h"

#define C(name) SHIPMENT_COLUMN_##name

static const struct {
    ShipmentColumnId column;
    const char *word, *to;
} WORDS[] = {
    {C(STATUS), "delivered", "Delivered"},
    {C(STATUS), "dlvd", "Delivered"},
    {C(STATUS), "dlv", "Delivered"},
    {C(STATUS), "complete", "Delivered"},
    {C(STATUS), "completed", "Delivered"},
    {C(STATUS), "arrived", "Delivered"},
    {C(STATUS), "received", "Delivered"},
    {C(STATUS), "pod", "Delivered"},
    {C(STATUS), "closed", "Delivered"},
    {C(STATUS), "on time", "Delivered"},
    {C(STATUS), "ontime", "Delivered"},
    {C(STATUS), "shipping on time", "Delivered"},
    {C(STATUS), "advance shipping", "Delivered"},
    {C(STATUS), "zugestellt", "Delivered"},
    {C(STATUS), "geliefert", "Delivered"},
    {C(STATUS), "ausgeliefert", "Delivered"},
    {C(STATUS), "livre", "Delivered"},
    {C(STATUS), "entregado", "Delivered"},
    {C(STATUS), "entregada", "Delivered"},
    {C(STATUS), "livree", "Delivered"},
    {C(STATUS), "en retard", "Delayed"},
    {C(STATUS), "retrasado", "Delayed"},
    {C(STATUS), "en transito", "In Transit"},
    {C(STATUS), "en cours", "In Transit"},
    {C(STATUS), "annule", "Cancelled"},
    {C(STATUS), "cancelado", "Cancelled"},
    {C(STATUS), "retourne", "Returned"},
    {C(STATUS), "devuelto", "Returned"},
    {C(STATUS), "perdu", "Lost"},
    {C(STATUS), "perdido", "Lost"},
    {C(STATUS), "delayed", "Delayed"},
    {C(STATUS), "late", "Delayed"},
    {C(STATUS), "late delivery", "Delayed"},
    {C(STATUS), "delivered late", "Delayed"},
    {C(STATUS), "verspatet", "Delayed"},
    {C(STATUS), "in transit", "In Transit"},
    {C(STATUS), "intransit", "In Transit"},
    {C(STATUS), "transit", "In Transit"},
    {C(STATUS), "shipped", "In Transit"},
    {C(STATUS), "dispatched", "In Transit"},
    {C(STATUS), "en route", "In Transit"},
    {C(STATUS), "enroute", "In Transit"},
    {C(STATUS), "on the way", "In Transit"},
    {C(STATUS), "out for delivery", "In Transit"},
    {C(STATUS), "picked up", "In Transit"},
    {C(STATUS), "pending", "In Transit"},
    {C(STATUS), "processing", "In Transit"},
    {C(STATUS), "open", "In Transit"},
    {C(STATUS), "unterwegs", "In Transit"},
    {C(STATUS), "versendet", "In Transit"},
    {C(STATUS), "cancelled", "Cancelled"},
    {C(STATUS), "canceled", "Cancelled"},
    {C(STATUS), "cancel", "Cancelled"},
    {C(STATUS), "shipping canceled", "Cancelled"},
    {C(STATUS), "void", "Cancelled"},
    {C(STATUS), "storniert", "Cancelled"},
    {C(STATUS), "returned", "Returned"},
    {C(STATUS), "return", "Returned"},
    {C(STATUS), "rts", "Returned"},
    {C(STATUS), "refused", "Returned"},
    {C(STATUS), "retour", "Returned"},
    {C(STATUS), "zuruck", "Returned"},
    {C(STATUS), "lost", "Lost"},
    {C(STATUS), "missing", "Lost"},
    {C(STATUS), "verloren", "Lost"},
    {C(TRANSPORT_MODE), "road", "Road"},
    {C(TRANSPORT_MODE), "truck", "Road"},
    {C(TRANSPORT_MODE), "trucking", "Road"},
    {C(TRANSPORT_MODE), "ltl", "Road"},
    {C(TRANSPORT_MODE), "ftl", "Road"},
    {C(TRANSPORT_MODE), "truckload", "Road"},
    {C(TRANSPORT_MODE), "ground", "Road"},
    {C(TRANSPORT_MODE), "van", "Road"},
    {C(TRANSPORT_MODE), "lorry", "Road"},
    {C(TRANSPORT_MODE), "lkw", "Road"},
    {C(TRANSPORT_MODE), "strasse", "Road"},
    {C(TRANSPORT_MODE), "camion", "Road"},
    {C(TRANSPORT_MODE), "route", "Road"},
    {C(TRANSPORT_MODE), "carretera", "Road"},
    {C(TRANSPORT_MODE), "maritime", "Sea"},
    {C(TRANSPORT_MODE), "maritimo", "Sea"},
    {C(TRANSPORT_MODE), "aerien", "Air"},
    {C(TRANSPORT_MODE), "aereo", "Air"},
    {C(TRANSPORT_MODE), "ferroviaire", "Rail"},
    {C(TRANSPORT_MODE), "ferrocarril", "Rail"},
    {C(TRANSPORT_MODE), "colis", "Parcel"},
    {C(TRANSPORT_MODE), "paqueteria", "Parcel"},
    {C(TRANSPORT_MODE), "sea", "Sea"},
    {C(TRANSPORT_MODE), "ocean", "Sea"},
    {C(TRANSPORT_MODE), "ship", "Sea"},
    {C(TRANSPORT_MODE), "vessel", "Sea"},
    {C(TRANSPORT_MODE), "fcl", "Sea"},
    {C(TRANSPORT_MODE), "lcl", "Sea"},
    {C(TRANSPORT_MODE), "sea freight", "Sea"},
    {C(TRANSPORT_MODE), "ocean freight", "Sea"},
    {C(TRANSPORT_MODE), "schiff", "Sea"},
    {C(TRANSPORT_MODE), "seefracht", "Sea"},
    {C(TRANSPORT_MODE), "air", "Air"},
    {C(TRANSPORT_MODE), "air charter", "Air"},
    {C(TRANSPORT_MODE), "air freight", "Air"},
    {C(TRANSPORT_MODE), "airfreight", "Air"},
    {C(TRANSPORT_MODE), "flight", "Air"},
    {C(TRANSPORT_MODE), "plane", "Air"},
    {C(TRANSPORT_MODE), "luft", "Air"},
    {C(TRANSPORT_MODE), "luftfracht", "Air"},
    {C(TRANSPORT_MODE), "rail", "Rail"},
    {C(TRANSPORT_MODE), "train", "Rail"},
    {C(TRANSPORT_MODE), "intermodal rail", "Rail"},
    {C(TRANSPORT_MODE), "bahn", "Rail"},
    {C(TRANSPORT_MODE), "schiene", "Rail"},
    {C(TRANSPORT_MODE), "parcel", "Parcel"},
    {C(TRANSPORT_MODE), "courier", "Parcel"},
    {C(TRANSPORT_MODE), "post", "Parcel"},
    {C(TRANSPORT_MODE), "mail", "Parcel"},
    {C(TRANSPORT_MODE), "paket", "Parcel"},
};

const char *word_translation(ShipmentColumnId column, StrView word, Arena *arena)
{
    NameTokens tokens;
    name_tokens(word, arena, &tokens);
    const char *plain = "";
    for (uint32_t i = 0; i < tokens.n; i++)
        plain = arena_printf(arena, "%s%s%s", plain, i ? " " : "", tokens.words[i]);
    /* capitals throughout have humps nowhere: compare the text itself, too */
    char *folded = arena_alloc(arena, 2 * (size_t)word.size + 3);
    CHECK(text_fold(word, folded, 2 * (size_t)word.size + 3));
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (WORDS[i].column == column && (strcmp(WORDS[i].word, plain) == 0 || strcmp(WORDS[i].word, folded) == 0))
            return WORDS[i].to;
    return NULL;
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

bool is_known_carrier(StrView text)
{
    static const char *const carriers[] = {
        "fedex",      "ups",      "dhl",        "usps",      "ontrac",       "ryder",    "amazon logistics",
        "dpd",        "gls",      "tnt",        "hermes",    "db schenker",  "schenker", "kuehne",
        "maersk",     "msc",      "xpo",        "jb hunt",   "old dominion", "estes",    "saia",
        "dachser",    "dsv",      "geodis",     "purolator", "aramex",       "evri",     "blue dart",
        "royal mail", "la poste", "chronopost", "yrc",       "schneider",    "swift"};
    for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
        size_t n = strlen(carriers[i]);
        if (text.size >= n && strncasecmp(text.data, carriers[i], n) == 0 &&
            (text.size == n || !is_letter(text.data[n])))
            return true;
    }
    return false;
}

bool is_null_word(StrView text)
{
    static const char *const words[] = {"n/a",
                                        "na",
                                        "n.a.",
                                        "#n/a",
                                        "null",
                                        "none",
                                        "nil",
                                        "nan",
                                        "-",
                                        "--",
                                        "---",
                                        "?",
                                        "??",
                                        "tbd",
                                        "tba",
                                        "unknown",
                                        "(null)",
                                        "(blank)",
                                        "\\n",
                                        "missing",
                                        "blank",
                                        "not available",
                                        "not applicable",
                                        "k.a.",
                                        "entf\xc3\xa4llt",
                                        "keine angabe",
                                        "unbekannt",
                                        "."};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strlen(words[i]) == text.size && strncasecmp(words[i], text.data, text.size) == 0)
            return true;
    return false;
}

const char *currency_code(StrView word)
{
    static const char *const codes[] = {
        "USD", "EUR", "GBP", "JPY", "CNY", "CHF", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
        "MXN", "BRL", "ZAR", "SGD", "HKD", "KRW", "TRY", "AED", "NZD", "THB", "IDR", "MYR", "SAR", "ILS", "RON",
        "PHP", "TWD", "VND", "CLP", "COP", "ARS", "EGP", "NGN", "KES", "UAH", "BGN", "ISK", "KWD", "QAR", "PKR"};
    static const char *const signs[][2] = {{"$", "USD"},        {"us$", "USD"},      {"dollar", "USD"},
                                           {"dollars", "USD"},  {"euro", "EUR"},     {"\xe2\x82\xac", "EUR"},
                                           {"\xc2\xa3", "GBP"}, {"\xc2\xa5", "JPY"}, {"\xe2\x82\xb9", "INR"}};
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (word.size == 3 && strncasecmp(codes[i], word.data, 3) == 0 && strncasecmp("try", word.data, 3) != 0)
            return codes[i];
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        if (strlen(signs[i][0]) == word.size && strncasecmp(signs[i][0], word.data, word.size) == 0)
            return signs[i][1];
    return NULL;
}
