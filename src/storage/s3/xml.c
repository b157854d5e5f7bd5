/* XML answers; see xml.h.  Documents of S3 are small (a page of a listing has a thousand entries) and flat; what is
 * larger or deeper is refused, and a document type is never read, so no answer can make this grow. */
#include "storage/s3/xml.h"

#include <expat.h>
#include <stdlib.h>

#include "base/clock.h"

#define MAX_PATH_BYTES 256
#define MAX_TEXT_BYTES ((size_t)64 << 10)

typedef struct Walk {
    XML_Parser parser;
    XmlVisit visit;
    void *context;
    char path[MAX_PATH_BYTES];
    size_t length;
    Buffer text;
    bool refused;
} Walk;

static void stop(Walk *walk)
{
    walk->refused = true;
    XML_StopParser(walk->parser, XML_FALSE);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    Walk *walk = context;
    size_t n = strlen(name);
    if (walk->length + n + 2 > sizeof walk->path) {
        stop(walk);
        return;
    }
    if (walk->length)
        walk->path[walk->length++] = '/';
    memcpy(walk->path + walk->length, name, n + 1);
    walk->length += n;
    buffer_clear(&walk->text);
}

static void on_text(void *context, const XML_Char *text, int size)
{
    Walk *walk = context;
    buffer_append(&walk->text, text, (size_t)size);
    if (walk->text.failed)
        stop(walk);
}

static void on_end(void *context, const XML_Char *name)
{
    Walk *walk = context;
    walk->visit(walk->context, walk->path, buffer_text(&walk->text));
    size_t n = strlen(name);
    walk->length -= n < walk->length ? n + 1 : n;
    walk->path[walk->length] = '\0';
    buffer_clear(&walk->text);
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                       int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    stop(context);
}

Status xml_walk(StrView xml, XmlVisit visit, void *context, Error *err)
{
    Walk walk = {.visit = visit, .context = context, .parser = XML_ParserCreate("UTF-8")};
    CHECK(walk.parser != NULL);
    buffer_init(&walk.text, MAX_TEXT_BYTES);
    XML_SetUserData(walk.parser, &walk);
    XML_SetElementHandler(walk.parser, on_start, on_end);
    XML_SetCharacterDataHandler(walk.parser, on_text);
    XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
    bool good = XML_Parse(walk.parser, xml.data, (int)xml.size, 1) == XML_STATUS_OK && !walk.refused;
    if (!good) {
        error_set(err, STATUS_CORRUPT, "the answer is no XML as S3 writes it: %s",
                  walk.refused ? "too deep or too long" : XML_ErrorString(XML_GetErrorCode(walk.parser)));
        error_at_row(err, (int64_t)XML_GetCurrentLineNumber(walk.parser));
    }
    buffer_done(&walk.text);
    XML_ParserFree(walk.parser);
    return good ? STATUS_OK : err->code;
}

typedef struct Search {
    const char *path;
    Arena *arena;
    const char *found;
} Search;

static void visit_search(void *context, const char *path, const char *text)
{
    Search *search = context;
    if (!search->found && strcmp(path, search->path) == 0)
        search->found = arena_strdup(search->arena, text);
}

const char *xml_find(StrView xml, const char *path, Arena *arena)
{
    Search search = {.path = path, .arena = arena};
    Error ignored;
    error_init(&ignored);
    if (xml_walk(xml, visit_search, &search, &ignored) != STATUS_OK)
        return NULL;
    return search.found;
}

void xml_append_escaped(Buffer *xml, const char *text)
{
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '&':
            buffer_append_text(xml, "&amp;");
            break;
        case '<':
            buffer_append_text(xml, "&lt;");
            break;
        case '>':
            buffer_append_text(xml, "&gt;");
            break;
        case '"':
            buffer_append_text(xml, "&quot;");
            break;
        default:
            buffer_append_byte(xml, (uint8_t)*c);
        }
}

/* ---- Instants ---- */

/* `n` digits at *text, which moves behind them; -1 when there are fewer. */
static int take_digits(const char **text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        value = value * 10 + (**text - '0');
    }
    return value;
}

static bool take_character(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static bool take_time(const char **text, int64_t *ret_seconds)
{
    int hour = take_digits(text, 2);
    bool good = take_character(text, ':');
    int minute = good ? take_digits(text, 2) : -1;
    good = good && take_character(text, ':');
    int second = good ? take_digits(text, 2) : -1;
    *ret_seconds = (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
}

static bool day_from_civil(int year, int month, int day, int64_t *ret_day)
{
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_day = days_from_civil(year, month, day);
    return true;
}

bool instant_from_iso(const char *text, int64_t *ret_ms)
{
    int year = take_digits(&text, 4);
    bool good = year > 0 && take_character(&text, '-');
    int month = good ? take_digits(&text, 2) : -1;
    good = good && take_character(&text, '-');
    int day = good ? take_digits(&text, 2) : -1;
    int64_t days, seconds, ms = 0;
    if (!good || !take_character(&text, 'T') || !day_from_civil(year, month, day, &days) || !take_time(&text, &seconds))
        return false;
    if (*text == '.') {
        text++;
        for (int scale = 100; *text >= '0' && *text <= '9'; text++, scale /= 10)
            ms += (int64_t)scale * (*text - '0');
    }
    if (strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0)
        return false;
    *ret_ms = (days * 86400 + seconds) * 1000 + ms;
    return true;
}

bool instant_from_http(const char *text, int64_t *ret_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *comma = strchr(text, ',');
    if (!comma || comma[1] != ' ')
        return false;
    text = comma + 2;
    int day = take_digits(&text, 2);
    if (day < 0 || !take_character(&text, ' ') || strlen(text) < 4)
        return false;
    int month = 0;
    for (int i = 0; i < 12; i++)
        if (memcmp(months + 3 * i, text, 3) == 0)
            month = i + 1;
    text += 3;
    if (!take_character(&text, ' '))
        return false;
    int year = take_digits(&text, 4);
    int64_t days, seconds;
    if (year < 0 || !take_character(&text, ' ') || !day_from_civil(year, month, day, &days) ||
        !take_time(&text, &seconds) || strcmp(text, " GMT") != 0)
        return false;
    *ret_ms = (days * 86400 + seconds) * 1000;
    return true;
}
