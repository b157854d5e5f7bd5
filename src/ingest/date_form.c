/* DateForm; see date_form.h.
 *
 * A pattern is compiled into tokens once.  A text is matched token by token, without going back: every token knows from
 * the text alone how many characters it takes.  yyyy-MM-dd, the form of nearly all files, has its own path. */
#include "ingest/date_form.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "columnar/decimal.h"
#include "columnar/number_text.h"
#include "columnar/time_text.h"
#include "ingest/time_zone.h"

#define MAX_TOKENS 48
#define MAX_MONTH_BYTES 24
#define MAX_PATTERN 80
#define FIRST_TWO_DIGIT_YEAR 70             /* 70..99: 19xx, 00..69: 20xx */
#define EXCEL_EPOCH (-25569)                /* 1899-12-30 */
#define MAX_EXCEL_DAY 2958465.0             /* 9999-12-31 */
#define FIRST_MICROS (-62135596800000000LL) /* 0001-01-01 */
#define LAST_MICROS 253402300799999999LL    /* 9999-12-31 */

typedef enum TokenKind {
    TOKEN_LITERAL,
    TOKEN_YEAR,       /* yyyy */
    TOKEN_YEAR_2,     /* yy */
    TOKEN_MONTH,      /* MM, M */
    TOKEN_MONTH_NAME, /* MMM, MMMM */
    TOKEN_DAY,
    TOKEN_HOUR,    /* HH, H */
    TOKEN_HOUR_12, /* hh, h */
    TOKEN_MINUTE,
    TOKEN_SECOND,
    TOKEN_FRACTION, /* SSS: so many digits; S: one to nine */
    TOKEN_AM_PM,
    TOKEN_WEEKDAY,
    TOKEN_ZONE_X,
    TOKEN_ZONE_Z,
    TOKEN_KIND_COUNT
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint8_t least, most; /* digits */
    bool full;           /* names */
    char literal;
} Token;

typedef enum FormKind { FORM_TOKENS, FORM_ISO_DATE, FORM_EPOCH_SECONDS, FORM_EPOCH_MILLISECONDS, FORM_EXCEL } FormKind;

struct DateForm {
    FormKind kind;
    const char *pattern;
    bool has_time;
    Token tokens[MAX_TOKENS + 1]; /* one behind the last is always there to be looked at */
    uint32_t n;
};

typedef struct Parts {
    int year, month, day, hour, minute, second;
    int32_t micros;
    int half; /* -1: none, 0: AM, 1: PM */
    bool has_zone;
    int32_t offset; /* seconds */
} Parts;

/* English, German, French, Spanish; folded.  "sept" and the like are short ones of more than three letters. */
static const char *const LONG_MONTHS[][4] = {{"january", "januar", "janvier", "enero"},
                                             {"february", "februar", "fevrier", "febrero"},
                                             {"march", "marz", "mars", "marzo"},
                                             {"april", "april", "avril", "abril"},
                                             {"may", "mai", "mai", "mayo"},
                                             {"june", "juni", "juin", "junio"},
                                             {"july", "juli", "juillet", "julio"},
                                             {"august", "august", "aout", "agosto"},
                                             {"september", "september", "septembre", "septiembre"},
                                             {"october", "oktober", "octobre", "octubre"},
                                             {"november", "november", "novembre", "noviembre"},
                                             {"december", "dezember", "decembre", "diciembre"}};
static const char *const SHORT_MONTHS[][5] = {{"jan", "janv", "ene"},
                                              {"feb", "fev", "fevr"},
                                              {"mar", "mrz", "mars", "marz"},
                                              {"apr", "avr", "abr"},
                                              {"may", "mai"},
                                              {"jun", "juin", "juni"},
                                              {"jul", "juil", "juli"},
                                              {"aug", "aou", "aout", "ago"},
                                              {"sep", "sept"},
                                              {"oct", "okt"},
                                              {"nov"},
                                              {"dec", "dez", "dic"}};
static const char *const WEEKDAYS[7] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

const char *date_form_pattern(const DateForm *form)
{
    return form->pattern;
}

bool date_form_has_time(const DateForm *form)
{
    return form->has_time;
}

/* ---- Compiling ---- */

static bool letter_token(char letter, uint32_t run, Token *ret)
{
    *ret = (Token){.least = run == 1 ? 1 : 2, .most = 2};
    switch (letter) {
    case 'y':
        *ret = (Token){run == 4 ? TOKEN_YEAR : TOKEN_YEAR_2, (uint8_t)run, (uint8_t)run, false, 0};
        return run == 4 || run == 2;
    case 'M':
        ret->kind = run >= 3 ? TOKEN_MONTH_NAME : TOKEN_MONTH;
        ret->full = run == 4;
        return run <= 4;
    case 'd':
        ret->kind = TOKEN_DAY;
        return run <= 2;
    case 'H':
        ret->kind = TOKEN_HOUR;
        return run <= 2;
    case 'h':
        ret->kind = TOKEN_HOUR_12;
        return run <= 2;
    case 'm':
        ret->kind = TOKEN_MINUTE;
        return run == 2;
    case 's':
        ret->kind = TOKEN_SECOND;
        return run == 2;
    case 'S':
        *ret = (Token){TOKEN_FRACTION, (uint8_t)run, (uint8_t)(run == 1 ? 9 : run), false, 0};
        return run <= 9;
    case 'a':
        ret->kind = TOKEN_AM_PM;
        return run == 1;
    case 'E':
        ret->kind = TOKEN_WEEKDAY;
        ret->full = run == 4;
        return run == 3 || run == 4;
    case 'X':
        ret->kind = TOKEN_ZONE_X;
        return run == 1;
    case 'z':
        ret->kind = TOKEN_ZONE_Z;
        return run == 1;
    default:
        return false;
    }
}

static Status refuse(const char *pattern, Error *err, const char *what)
{
    error_set(err, STATUS_CONFIG, "'%.80s' is no date form: %s", pattern, what);
    return error_hint(err, "write for example yyyy-MM-dd, dd/MM/yyyy, M/d/yyyy h:mm a, dd-MMM-yy, "
                           "yyyy-MM-dd'T'HH:mm:ssX, epoch_milliseconds");
}

static Status add_token(DateForm *form, Token token, Error *err)
{
    if (form->n == MAX_TOKENS)
        return refuse(form->pattern, err, "it is too long");
    form->tokens[form->n++] = token;
    return STATUS_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static Status compile(DateForm *form, Error *err)
{
    const char *pattern = form->pattern;
    for (const char *at = pattern; *at;) {
        Token token;
        if (*at == '\'') {
            const char *end = strchr(at + 1, '\'');
            if (!end)
                return refuse(pattern, err, "a quote does not end");
            if (end == at + 1) /* '' is one quote */
                TRY(add_token(form, (Token){.kind = TOKEN_LITERAL, .literal = '\''}, err));
            for (at++; at < end; at++)
                TRY(add_token(form, (Token){.kind = TOKEN_LITERAL, .literal = *at}, err));
            at = end + 1;
        } else if (is_letter(*at)) {
            uint32_t run = 1;
            while (at[run] == at[0])
                run++;
            char what[64];
            snprintf(what, sizeof what, "'%.*s' stands for nothing (quote plain letters)", (int)(run > 20 ? 20 : run),
                     at);
            if (!letter_token(*at, run, &token))
                return refuse(pattern, err, what);
            TRY(add_token(form, token, err));
            at += run;
        } else {
            TRY(add_token(form, (Token){.kind = TOKEN_LITERAL, .literal = *at++}, err));
        }
    }
    return STATUS_OK;
}

static bool is_digits_of_any_length(const Token *token)
{
    return token->least != token->most;
}

static Status check_tokens(DateForm *form, Error *err)
{
    uint32_t count[TOKEN_KIND_COUNT] = {0};
    for (uint32_t i = 0; i < form->n; i++) {
        const Token *token = &form->tokens[i];
        count[token->kind]++;
        bool number = token->kind != TOKEN_LITERAL && token->kind != TOKEN_MONTH_NAME && token->kind <= TOKEN_FRACTION;
        const Token *next = i + 1 < form->n ? &form->tokens[i + 1] : NULL;
        bool next_number =
            next && next->kind != TOKEN_LITERAL && next->kind != TOKEN_MONTH_NAME && next->kind <= TOKEN_FRACTION;
        if (number && next_number && is_digits_of_any_length(token))
            return refuse(form->pattern, err, "digits of no fixed length stand before digits");
        if (number)
            form->has_time = form->has_time || (token->kind >= TOKEN_HOUR);
    }
    for (TokenKind kind = TOKEN_YEAR; kind < TOKEN_KIND_COUNT; kind++)
        if (count[kind] > 1)
            return refuse(form->pattern, err, "a part stands twice");
    if (count[TOKEN_YEAR] + count[TOKEN_YEAR_2] != 1 || count[TOKEN_MONTH] + count[TOKEN_MONTH_NAME] != 1 ||
        count[TOKEN_DAY] != 1)
        return refuse(form->pattern, err, "it takes one year, one month and one day");
    if (count[TOKEN_HOUR] + count[TOKEN_HOUR_12] > 1)
        return refuse(form->pattern, err, "a part stands twice");
    if (count[TOKEN_HOUR_12] != count[TOKEN_AM_PM])
        return refuse(form->pattern, err, "h goes with a (AM/PM), and H without");
    if (form->has_time && count[TOKEN_HOUR] + count[TOKEN_HOUR_12] == 0)
        return refuse(form->pattern, err, "minutes and seconds need hours");
    if ((count[TOKEN_SECOND] && !count[TOKEN_MINUTE]) || (count[TOKEN_FRACTION] && !count[TOKEN_SECOND]))
        return refuse(form->pattern, err, "seconds need minutes, and fractions need seconds");
    return STATUS_OK;
}

Status date_form_new(const char *pattern, Arena *arena, const DateForm **ret_form, Error *err)
{
    static const struct {
        const char *word;
        FormKind kind;
    } words[] = {{"yyyy-MM-dd", FORM_ISO_DATE},
                 {"epoch_seconds", FORM_EPOCH_SECONDS},
                 {"epoch_milliseconds", FORM_EPOCH_MILLISECONDS},
                 {"excel", FORM_EXCEL}};
    if (strlen(pattern) > MAX_PATTERN)
        return refuse(pattern, err, "it is too long");
    DateForm *form = ARENA_NEW(arena, DateForm);
    form->pattern = arena_strdup(arena, pattern);
    *ret_form = form;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i].word, pattern) == 0) {
            form->kind = words[i].kind;
            form->has_time = form->kind != FORM_ISO_DATE;
            return STATUS_OK;
        }
    TRY(compile(form, err));
    return check_tokens(form, err);
}

/* ---- Matching ---- */

static bool take_digits(const char **at, const char *end, uint32_t least, uint32_t most, int *ret)
{
    int value = 0;
    uint32_t n = 0;
    while (*at < end && n < most && **at >= '0' && **at <= '9') {
        value = value * 10 + (**at - '0');
        (*at)++;
        n++;
    }
    *ret = value;
    return n >= least;
}

static uint32_t letters(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && is_letter(*at))
        at++;
    return (uint32_t)(at - start);
}

/* An English name of the day, whole or its first three letters. */
static bool take_weekday(const char **at, const char *end, bool full)
{
    uint32_t n = letters(*at, end);
    for (size_t i = 0; i < ARRAY_SIZE(WEEKDAYS); i++)
        if (n == (full ? strlen(WEEKDAYS[i]) : 3) && strncasecmp(*at, WEEKDAYS[i], n) == 0) {
            *at += n;
            return true;
        }
    return false;
}

static bool has_name(const char *const *names, uint32_t n_names, const char *word)
{
    for (uint32_t i = 0; i < n_names && names[i]; i++)
        if (strcmp(names[i], word) == 0)
            return true;
    return false;
}

/* A month's name and, where it is short, a point behind it that no `.` of the pattern takes. */
static bool take_month(const char **at, const char *end, bool full, bool point_is_literal, int *ret)
{
    char word[MAX_MONTH_BYTES];
    const char *start = *at, *stop = start;
    while (stop < end && (is_letter(*stop) || (unsigned char)*stop >= 0x80))
        stop++;
    if (!text_fold((StrView){start, (uint32_t)(stop - start)}, word, sizeof word))
        return false;
    for (int month = 0; month < 12; month++) {
        if (!(full ? has_name(LONG_MONTHS[month], ARRAY_SIZE(LONG_MONTHS[month]), word)
                   : has_name(SHORT_MONTHS[month], ARRAY_SIZE(SHORT_MONTHS[month]), word)))
            continue;
        *at = stop + (!full && !point_is_literal && stop < end && *stop == '.');
        *ret = month + 1;
        return true;
    }
    return false;
}

/* Z, +02, +0200, +02:00 */
static bool take_offset(const char **at, const char *end, Parts *parts)
{
    int hours, minutes = 0;
    if (*at == end)
        return false;
    char sign = *(*at)++;
    parts->has_zone = true;
    parts->offset = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    if ((sign != '+' && sign != '-') || !take_digits(at, end, 2, 2, &hours))
        return false;
    if (*at < end && **at == ':') {
        (*at)++;
        if (!take_digits(at, end, 2, 2, &minutes))
            return false;
    } else if (*at < end && **at >= '0' && **at <= '9' && !take_digits(at, end, 2, 2, &minutes)) {
        return false;
    }
    parts->offset = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return hours <= 18 && minutes < 60;
}

static bool take_fraction(const Token *token, const char **at, const char *end, Parts *parts)
{
    const char *start = *at;
    int32_t micros = 0;
    while (*at < end && *at - start < token->most && **at >= '0' && **at <= '9') {
        if (*at - start < 6)
            micros = micros * 10 + (**at - '0');
        (*at)++;
    }
    for (int64_t n = *at - start; n < 6; n++)
        micros *= 10;
    parts->micros = micros;
    return *at - start >= token->least;
}

static bool take_token(const Token *token, const char **at, const char *end, Parts *parts)
{
    int value = 0;
    switch (token->kind) {
    case TOKEN_LITERAL:
        return *at < end && *(*at)++ == token->literal;
    case TOKEN_YEAR:
        return take_digits(at, end, 4, 4, &parts->year);
    case TOKEN_YEAR_2:
        if (!take_digits(at, end, 2, 2, &value))
            return false;
        parts->year = value + (value < FIRST_TWO_DIGIT_YEAR ? 2000 : 1900);
        return true;
    case TOKEN_MONTH:
        return take_digits(at, end, token->least, 2, &parts->month);
    case TOKEN_MONTH_NAME:
        return take_month(at, end, token->full, token[1].kind == TOKEN_LITERAL && token[1].literal == '.',
                          &parts->month);
    case TOKEN_DAY:
        return take_digits(at, end, token->least, 2, &parts->day);
    case TOKEN_HOUR:
        return take_digits(at, end, token->least, 2, &parts->hour) && parts->hour < 24;
    case TOKEN_HOUR_12:
        return take_digits(at, end, token->least, 2, &parts->hour) && parts->hour >= 1 && parts->hour <= 12;
    case TOKEN_MINUTE:
        return take_digits(at, end, 2, 2, &parts->minute) && parts->minute < 60;
    case TOKEN_SECOND:
        return take_digits(at, end, 2, 2, &parts->second) && parts->second < 60;
    case TOKEN_FRACTION:
        return take_fraction(token, at, end, parts);
    case TOKEN_AM_PM:
        if (end - *at < 2 || ((*at)[1] | 0x20) != 'm' || ((**at | 0x20) != 'a' && (**at | 0x20) != 'p'))
            return false;
        parts->half = (**at | 0x20) == 'p';
        *at += 2;
        return true;
    case TOKEN_WEEKDAY:
        return take_weekday(at, end, token->full);
    case TOKEN_ZONE_X:
        return take_offset(at, end, parts);
    default:
        parts->has_zone = true;
        value = end - *at >= 3 && (strncasecmp(*at, "UTC", 3) == 0 || strncasecmp(*at, "GMT", 3) == 0);
        *at += value ? 3 : 0;
        return value;
    }
}

static bool match(const DateForm *form, StrView text, Parts *parts)
{
    const char *at = text.data, *end = text.data + text.size;
    *parts = (Parts){.half = -1};
    for (uint32_t i = 0; i < form->n; i++)
        if (!take_token(&form->tokens[i], &at, end, parts))
            return false;
    if (parts->half >= 0)
        parts->hour = parts->hour % 12 + 12 * parts->half;
    return at == end;
}

static inline bool digit_pair(const char *text, int *ret)
{
    unsigned tens = (unsigned char)text[0] - (unsigned)'0', ones = (unsigned char)text[1] - (unsigned)'0';
    *ret = (int)(tens * 10 + ones);
    return tens <= 9 && ones <= 9;
}

static bool parse_iso_date(StrView text, int32_t *ret_days)
{
    int century, year, month, day;
    const char *t = text.data;
    if (text.size != 10 || t[4] != '-' || t[7] != '-' || !digit_pair(t, &century) || !digit_pair(t + 2, &year) ||
        !digit_pair(t + 5, &month) || !digit_pair(t + 8, &day))
        return false;
    year += century * 100;
    if (year < 1 || month < 1 || month > 12 || day < 1 || (day > 28 && day > days_in_month(year, month)))
        return false;
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* Whole days and the time of day of a number of seconds, milliseconds or days. */
static bool parse_count(const DateForm *form, StrView text, int64_t *ret_micros)
{
    double value;
    if (form->kind == FORM_EXCEL) {
        if (!number_parse_double(text, &value) || !(value >= 1) || value >= MAX_EXCEL_DAY + 1)
            return false;
        double days = floor(value);
        int64_t millis = (int64_t)nearbyint((value - days) * 86400e3);
        *ret_micros = ((int64_t)days + EXCEL_EPOCH) * MICROS_PER_DAY + millis * 1000;
        return true;
    }
    Int128 micros;
    for (uint32_t i = 0; i < text.size; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') && text.data[i] != '.' && !(i == 0 && text.data[i] == '-'))
            return false;
    if (!decimal_parse(text, DECIMAL_TYPE(38, form->kind == FORM_EPOCH_SECONDS ? 6 : 3), &micros) ||
        micros < FIRST_MICROS || micros > LAST_MICROS)
        return false;
    *ret_micros = (int64_t)micros;
    return true;
}

/* The first micro second of the day, and how far into it, that the parts say; false for a day that does not exist. */
static bool wall_micros(const Parts *parts, int64_t *ret_micros)
{
    int32_t days;
    if (parts->year < 1 || !date_from_parts(parts->year, parts->month, parts->day, &days))
        return false;
    int64_t seconds = (int64_t)parts->hour * 3600 + parts->minute * 60 + parts->second;
    *ret_micros = days * MICROS_PER_DAY + seconds * 1000000 + parts->micros;
    return true;
}

bool date_form_parse_date(const DateForm *form, const TimeZone *zone, StrView text, int32_t *ret_days)
{
    int64_t micros;
    Parts parts;
    if (form->kind == FORM_ISO_DATE)
        return parse_iso_date(text, ret_days);
    bool is_utc = form->kind == FORM_EPOCH_SECONDS || form->kind == FORM_EPOCH_MILLISECONDS;
    if (form->kind == FORM_TOKENS) {
        if (!match(form, text, &parts) || !wall_micros(&parts, &micros))
            return false;
        is_utc = parts.has_zone && parts.offset == 0;
    } else if (!parse_count(form, text, &micros)) {
        return false;
    }
    *ret_days = timestamp_day(is_utc ? time_zone_to_wall(zone, micros) : micros);
    return true;
}

bool date_form_parse_instant(const DateForm *form, const TimeZone *zone, StrView text, int64_t *ret_micros)
{
    int32_t days;
    int64_t micros;
    if (form->kind == FORM_EPOCH_SECONDS || form->kind == FORM_EPOCH_MILLISECONDS)
        return parse_count(form, text, ret_micros);
    if (form->kind == FORM_EXCEL) {
        if (!parse_count(form, text, &micros))
            return false;
        *ret_micros = time_zone_to_utc(zone, micros);
        return true;
    }
    if (form->kind == FORM_ISO_DATE) {
        if (!parse_iso_date(text, &days))
            return false;
        *ret_micros = time_zone_to_utc(zone, days * MICROS_PER_DAY);
        return true;
    }
    Parts parts;
    if (!match(form, text, &parts) || !wall_micros(&parts, &micros))
        return false;
    *ret_micros = parts.has_zone ? micros - (int64_t)parts.offset * 1000000 : time_zone_to_utc(zone, micros);
    return true;
}
