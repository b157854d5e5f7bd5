/* text_value; see text_value.h.
 *
 * It runs once a distinct text, not once a row (convert.c), so it is written to be read. */
#include "ingest/text_value.h"

#include <math.h>
#include <strings.h>

#include "columnar/decimal.h"
#include "columnar/number_text.h"
#include "ingest/synonyms.h"

#define MAX_NUMBER_TEXT 64

static StrView trim(StrView text)
{
    for (;;) {
        if (text.size >= 1 && (text.data[0] == ' ' || text.data[0] == '\t'))
            text = (StrView){text.data + 1, text.size - 1};
        else if (text.size >= 2 && memcmp(text.data, "\xc2\xa0", 2) == 0) /* no-break space */
            text = (StrView){text.data + 2, text.size - 2};
        else
            break;
    }
    for (;;) {
        if (text.size >= 1 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
            text.size--;
        else if (text.size >= 2 && memcmp(text.data + text.size - 2, "\xc2\xa0", 2) == 0)
            text.size -= 2;
        else
            break;
    }
    return text;
}

/* '*' stands for any text; case does not matter. */
static bool matches_pattern(StrView pattern, StrView text)
{
    uint32_t p = 0, t = 0, star = UINT32_MAX, resume = 0;
    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size && strncasecmp(&pattern.data[p], &text.data[t], 1) == 0) {
            p++;
            t++;
        } else if (star != UINT32_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

static bool means_null(const MappingColumn *column, StrView text)
{
    if (text.size == 0)
        return true;
    for (uint32_t i = 0; i < column->n_nulls; i++)
        if (str_equal_ignoring_case(column->nulls[i], text))
            return true;
    for (uint32_t i = 0; i < column->n_null_patterns; i++)
        if (matches_pattern(column->null_patterns[i], text))
            return true;
    return false;
}

static const MappingValue *find_translation(const MappingColumn *column, StrView text)
{
    for (uint32_t i = 0; i < column->n_values; i++)
        if (str_equal_ignoring_case(column->values[i].from, text))
            return &column->values[i];
    return NULL;
}

/* ---- Numbers ---- */

static bool strip_prefix(StrView *text, const char *prefix)
{
    size_t n = strlen(prefix);
    if (n == 0 || text->size <= n || strncasecmp(text->data, prefix, n) != 0)
        return false;
    *text = trim((StrView){text->data + n, text->size - (uint32_t)n});
    return true;
}

static bool strip_suffix(StrView *text, const char *suffix)
{
    size_t n = strlen(suffix);
    if (n == 0 || text->size <= n || strncasecmp(text->data + text->size - n, suffix, n) != 0)
        return false;
    *text = trim((StrView){text->data, text->size - (uint32_t)n});
    return true;
}

/* "$" for the dollars, and so on: only the sign of the mapping's own currency may stand beside an amount. */
static const char *currency_sign(const char *currency)
{
    static const char *const signs[][2] = {{"EUR", "\xe2\x82\xac"},
                                           {"GBP", "\xc2\xa3"},
                                           {"JPY", "\xc2\xa5"},
                                           {"CNY", "\xc2\xa5"},
                                           {"INR", "\xe2\x82\xb9"}};
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
        if (strcmp(signs[i][0], currency) == 0)
            return signs[i][1];
    size_t n = strlen(currency);
    return n == 3 && currency[2] == 'D' ? "$" : "";
}

static void strip_unit(const Mapping *mapping, ShipmentColumnId id, StrView *text)
{
    const MappingColumn *column = &mapping->columns[id];
    if (column->unit)
        strip_suffix(text, column->unit);
    const char *currency = mapping->columns[SHIPMENT_COLUMN_CURRENCY].constant;
    if ((id != SHIPMENT_COLUMN_COST && id != SHIPMENT_COLUMN_FUEL_SURCHARGE) || !currency)
        return;
    const char *sign = currency_sign(currency);
    if (!strip_prefix(text, sign) && !strip_suffix(text, sign) && !strip_prefix(text, currency))
        strip_suffix(text, currency);
}

/* Brings a number into plain form: '.' as the decimal mark, no marks between thousands; false when a mark stands where
 * none may.  `plain` has MAX_NUMBER_TEXT bytes. */
static bool plain_number(const MappingColumn *column, StrView text, char *plain, StrView *ret)
{
    char decimal = column->decimal_mark ? column->decimal_mark : '.';
    uint32_t n = 0, digits = 0, group = 0;
    bool grouped = false, fraction = false;
    if (text.size > MAX_NUMBER_TEXT)
        return false;
    for (uint32_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!fraction && c == decimal) {
            if (grouped && group != 3)
                return false;
            fraction = true;
            c = '.';
        } else if (!fraction && column->thousands_mark && c == column->thousands_mark) {
            if (digits == 0 || (grouped ? group != 3 : digits > 3))
                return false;
            grouped = true;
            group = 0;
            continue;
        } else if (c >= '0' && c <= '9') {
            digits++;
            group++;
        } else if (c != '+' && c != '-' && c != 'e' && c != 'E') {
            return false;
        }
        plain[n++] = c;
    }
    if (grouped && !fraction && group != 3)
        return false;
    *ret = (StrView){plain, n};
    return digits > 0;
}

static void bad(TextValue *result, ReasonCode reason)
{
    result->state = VALUE_BAD;
    result->reason = reason;
}

static void check_sign(ShipmentColumnId id, double number, TextValue *result)
{
    if (id == SHIPMENT_COLUMN_WEIGHT_KG && !(number > 0))
        bad(result, REASON_WEIGHT_NOT_POSITIVE);
    else if (number < 0)
        bad(result, REASON_NEGATIVE);
}

static void number_value(const Mapping *mapping, ShipmentColumnId id, DataType type, StrView text, TextValue *result)
{
    char plain_text[MAX_NUMBER_TEXT];
    StrView plain;
    NumberText number;
    double approximate;
    strip_unit(mapping, id, &text);
    if (!plain_number(&mapping->columns[id], text, plain_text, &plain) || !number_scan(plain, &number) ||
        !number_parse_double(plain, &approximate)) {
        bad(result, REASON_NOT_A_NUMBER);
        return;
    }
    Int128 exact;
    double factor = mapping->columns[id].factor;
    switch (type.id) {
    case TYPE_DOUBLE:
        result->value.float64 = factor != 0 && factor != 1 ? approximate * factor : approximate;
        if (!isfinite(result->value.float64))
            bad(result, REASON_OUT_OF_RANGE);
        break;
    case TYPE_DECIMAL:
        if (decimal_parse(plain, type, &exact))
            result->value.int64 = (int64_t)exact;
        else
            bad(result, REASON_OUT_OF_RANGE);
        break;
    default:
        if (approximate != nearbyint(approximate))
            bad(result, REASON_NOT_A_NUMBER);
        else if (fabs(approximate) > INT32_MAX)
            bad(result, REASON_OUT_OF_RANGE);
        else
            result->value.int32 = (int32_t)approximate;
        break;
    }
    if (result->state == VALUE_OK)
        check_sign(id, approximate, result);
}

/* ---- Dates and texts ---- */

static void date_value(const Mapping *mapping, ShipmentColumnId id, StrView text, TextValue *result)
{
    const MappingColumn *column = &mapping->columns[id];
    for (uint32_t i = 0; i < column->n_forms; i++) {
        bool found = id == SHIPMENT_COLUMN_UPDATED_AT
                         ? date_form_parse_instant(column->forms[i], mapping->zone, text, &result->value.int64)
                         : date_form_parse_date(column->forms[i], mapping->zone, text, &result->value.int32);
        if (found)
            return;
    }
    bad(result, REASON_NOT_A_DATE);
}

static bool has_control_character(StrView text)
{
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        /* C0, DEL, and C1 in UTF-8 */
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < text.size && (unsigned char)text.data[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static void status_value(StrView text, TextValue *result)
{
    for (ShipmentStatus status = 0; status < SHIPMENT_STATUS_COUNT; status++) {
        StrView word = str_view(shipment_status_name(status));
        if (str_equal_ignoring_case(word, text)) {
            result->value.string = word;
            return;
        }
    }
    bad(result, REASON_UNKNOWN_STATUS);
}

/* The modes that marts group by, in one spelling; other words are the client's own. */
static StrView mode_value(StrView text)
{
    static const char *const modes[] = {"Road", "Rail", "Air", "Sea", "Parcel"};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (str_equal_ignoring_case(str_view(modes[i]), text))
            return str_view(modes[i]);
    return text;
}

static void string_value(ShipmentColumnId id, StrView text, TextValue *result)
{
    if (has_control_character(text)) {
        bad(result, REASON_CONTROL_CHARACTER);
    } else if (text.size > (id == SHIPMENT_COLUMN_ID ? SHIPMENT_MAX_ID_BYTES : SHIPMENT_MAX_TEXT_BYTES)) {
        bad(result, REASON_TOO_LONG);
    } else if (id == SHIPMENT_COLUMN_STATUS) {
        status_value(text, result);
    } else {
        result->value.string = id == SHIPMENT_COLUMN_TRANSPORT_MODE ? mode_value(text) : text;
    }
}

/* An ISO 4217 code; one in small letters is taken where it is a known one. */
static void currency_value(StrView text, TextValue *result)
{
    bool capitals = text.size == 3, letters = capitals;
    for (uint32_t i = 0; i < text.size && letters; i++) {
        capitals = capitals && text.data[i] >= 'A' && text.data[i] <= 'Z';
        letters = (text.data[i] | 0x20) >= 'a' && (text.data[i] | 0x20) <= 'z';
    }
    const char *known = letters && !capitals ? currency_code(text) : NULL;
    if (capitals || known)
        result->value.string = known ? str_view(known) : text;
    else
        bad(result, REASON_NO_CURRENCY);
}

void text_value(const Mapping *mapping, ShipmentColumnId id, StrView text, TextValue *ret_value)
{
    const MappingColumn *column = &mapping->columns[id];
    const ShipmentColumn *contract = shipment_column(id);
    *ret_value = (TextValue){.state = VALUE_OK, .value = {.type = contract->type, .valid = true}};
    text = trim(text);
    ret_value->word = text;
    bool null = means_null(column, text);
    if (null && column->constant) {
        text = str_view(column->constant);
        null = false;
    }
    const MappingValue *translation = null ? NULL : find_translation(column, text);
    if (translation) {
        text = translation->to;
        null = translation->to.data == NULL;
    }
    if (null) {
        ret_value->state = VALUE_NULL;
        ret_value->value.valid = false;
        if (contract->need == SHIPMENT_REQUIRED)
            bad(ret_value, REASON_MISSING);
        return;
    }
    if (!translation && column->others_rejected) {
        bad(ret_value, REASON_NOT_TRANSLATED);
        return;
    }
    if (id == SHIPMENT_COLUMN_CURRENCY)
        currency_value(text, ret_value);
    else if (contract->type.id == TYPE_STRING)
        string_value(id, text, ret_value);
    else if (contract->type.id == TYPE_DATE || contract->type.id == TYPE_TIMESTAMP)
        date_value(mapping, id, text, ret_value);
    else
        number_value(mapping, id, contract->type, text, ret_value);
}
