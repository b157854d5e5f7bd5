/* How a mart's values are shown to people.
 *
 * The names carry the units (architecture.md's and any mart's: *_cost, *_percentage, *_days, *_km), so a mart that a
 * client writes is shown as well as a built-in one.  Doubles are rounded half up on their shortest decimal text, as
 * round() does, so that 0.125 shown with two digits is what a person expects. */
#include "mart/display.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "columnar/decimal.h"

static bool has_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(name, word); at; at = strstr(at + 1, word))
        if ((at == name || at[-1] == '_') && (at[length] == '\0' || at[length] == '_'))
            return true;
    return false;
}

static bool has_any(const char *name, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (has_word(name, words[i]))
            return true;
    return false;
}

Display display_of(const Field *field)
{
    static const char *const money[] = {"cost", "costs", "surcharge", "price", "amount", "spend", "saving", "savings"};
    static const char *const percent[] = {"percentage", "percent", "pct"};
    static const char *const measures[] = {"km", "kg", "miles"};
    const char *name = field->name;
    if (!type_is_numeric(field->type))
        return (Display){DISPLAY_TEXT, 0};
    if (has_any(name, percent, ARRAY_SIZE(percent)))
        return (Display){DISPLAY_PERCENT, 2};
    if (field->type.id == TYPE_INT || field->type.id == TYPE_BIGINT)
        return (Display){DISPLAY_COUNT, 0};
    if (has_any(name, money, ARRAY_SIZE(money)))
        return (Display){DISPLAY_MONEY, has_word(name, "per") ? 4 : 2};
    if (has_word(name, "days"))
        return (Display){DISPLAY_DAYS, 2};
    if (has_any(name, measures, ARRAY_SIZE(measures)))
        return (Display){DISPLAY_MEASURE, 1};
    if (has_word(name, "m3"))
        return (Display){DISPLAY_MEASURE, 2};
    return (Display){DISPLAY_NUMBER, 2};
}

/* "-1234567.5" -> "-1,234,567.5" */
static void append_grouped(Buffer *text, const char *number)
{
    if (*number == '-')
        buffer_append_byte(text, (uint8_t)*number++);
    size_t whole = strspn(number, "0123456789");
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            buffer_append_byte(text, ',');
        buffer_append_byte(text, (uint8_t)number[i]);
    }
    buffer_append_text(text, number + whole);
}

static void append_decimal(Buffer *text, Int128 unscaled, uint8_t scale, uint8_t digits)
{
    Int128 rounded;
    char number[DECIMAL_TEXT_SIZE];
    if (!decimal_rescale(unscaled, scale, DECIMAL_TYPE(DECIMAL_MAX_PRECISION, digits), &rounded)) {
        decimal_format(number, unscaled, scale);
    } else
        decimal_format(number, rounded, digits);
    append_grouped(text, number);
}

static void append_double(Buffer *text, double value, uint8_t digits)
{
    Int128 rounded;
    if (!isfinite(value))
        buffer_append_text(text, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    else if (decimal_from_double(value, DECIMAL_TYPE(DECIMAL_MAX_PRECISION, digits), &rounded))
        append_decimal(text, rounded, digits, digits);
    else
        buffer_printf(text, "%.6g", value);
}

void display_append(Buffer *text, Display display, const Value *value)
{
    switch (value->type.id) {
    case TYPE_INT:
        append_decimal(text, value->int32, 0, display.digits);
        break;
    case TYPE_BIGINT:
        append_decimal(text, value->int64, 0, display.digits);
        break;
    case TYPE_FLOAT:
        append_double(text, (double)value->float32, display.digits);
        break;
    case TYPE_DOUBLE:
        append_double(text, value->float64, display.digits);
        break;
    case TYPE_DECIMAL:
        append_decimal(text, type_is_wide_decimal(value->type) ? value->int128 : value->int64, value->type.scale,
                       display.digits);
        break;
    default:
        value_append_text(text, value);
    }
    if (display.kind == DISPLAY_PERCENT)
        buffer_append_byte(text, '%');
}

void display_append_header(Buffer *text, const char *name)
{
    for (const char *c = name; *c; c++) {
        char shown = *c == '_' ? ' ' : *c;
        if (c == name && shown >= 'a' && shown <= 'z')
            shown = (char)(shown - 'a' + 'A');
        buffer_append_byte(text, (uint8_t)shown);
    }
}

void display_append_age(Buffer *text, double seconds)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        double n = floor(seconds / units[i].seconds);
        if (n >= 1) {
            buffer_printf(text, "%.0f %s%s ago", n, units[i].name, n == 1 ? "" : "s");
            return;
        }
    }
    buffer_append_text(text, "just now");
}
