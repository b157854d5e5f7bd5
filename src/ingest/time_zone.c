/* TimeZone; see time_zone.h.
 *
 * A zone is a list of changes: from `start` (UTC seconds) on, the wall is ahead by `offset` seconds.  Named zones are read
 * from the system's tz database (TZif, RFC 8536): its 64-bit block, and behind its last change the rule at the file's end
 * (a POSIX TZ string), which is rolled out to the year 2200 once, so that looking up stays one binary search. */
#include "ingest/time_zone.h"

#include <stdio.h>

#include "base/clock.h"
#include "storage/storage.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define MAX_ZONE_BYTES ((size_t)1 << 20)
#define MAX_CHANGES 10000u
#define LAST_YEAR 2200
#define FIRST_RULE_YEAR 1970
#define SECONDS_PER_DAY 86400
#define MAX_OFFSET (26 * 3600)

typedef struct ZoneChange {
    int64_t start;
    int32_t offset;
} ZoneChange;

struct TimeZone {
    const char *name;
    ZoneChange *changes; /* the first holds since ever */
    uint32_t n;
};

const char *time_zone_name(const TimeZone *zone)
{
    return zone ? zone->name : "UTC";
}

int64_t time_zone_to_utc(const TimeZone *zone, int64_t wall_micros)
{
    if (!zone)
        return wall_micros;
    int64_t wall = wall_micros / 1000000 - (wall_micros % 1000000 < 0);
    /* The first span whose end, on its own wall, lies behind the time. */
    uint32_t low = 0, high = zone->n - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (wall - zone->changes[middle].offset < zone->changes[middle + 1].start)
            high = middle;
        else
            low = middle + 1;
    }
    int32_t offset = zone->changes[low].offset;
    if (low > 0 && wall - offset < zone->changes[low].start)
        offset = zone->changes[low - 1].offset; /* skipped by the clocks */
    return wall_micros - (int64_t)offset * 1000000;
}

int64_t time_zone_to_wall(const TimeZone *zone, int64_t utc_micros)
{
    if (!zone)
        return utc_micros;
    int64_t utc = utc_micros / 1000000 - (utc_micros % 1000000 < 0);
    uint32_t low = 0, high = zone->n - 1;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (zone->changes[middle].start <= utc)
            low = middle;
        else
            high = middle - 1;
    }
    return utc_micros + (int64_t)zone->changes[low].offset * 1000000;
}

static TimeZone *zone_new(const char *name, uint32_t capacity, Arena *arena)
{
    TimeZone *zone = ARENA_NEW(arena, TimeZone);
    zone->name = arena_strdup(arena, name);
    zone->changes = ARENA_ARRAY(arena, ZoneChange, capacity);
    return zone;
}

static const TimeZone *fixed_zone(const char *name, int32_t offset, Arena *arena)
{
    TimeZone *zone = zone_new(name, 1, arena);
    zone->changes[zone->n++] = (ZoneChange){INT64_MIN, offset};
    return zone;
}

static void add_change(TimeZone *zone, int64_t start, int32_t offset)
{
    if (zone->n > 0 && (zone->changes[zone->n - 1].offset == offset || start <= zone->changes[zone->n - 1].start))
        return;
    zone->changes[zone->n++] = (ZoneChange){start, offset};
}

/* ---- The rule at the end of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

typedef struct RuleDay {
    char kind; /* 'M': weekday of a week of a month; 'J': day 1..365 without 29 February; 0: day 0..365 */
    int month, week, weekday, day;
    int32_t time; /* seconds behind midnight, may be negative */
} RuleDay;

typedef struct ZoneRule {
    int32_t standard, summer; /* offsets */
    bool has_summer;
    RuleDay start, end;
} ZoneRule;

typedef struct RuleText {
    const char *at, *end;
    bool good;
} RuleText;

static bool take(RuleText *text, char c)
{
    if (text->at < text->end && *text->at == c) {
        text->at++;
        return true;
    }
    return false;
}

static int take_number(RuleText *text, int highest)
{
    int value = 0, digits = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9' && digits++ < 4)
        value = value * 10 + (*text->at++ - '0');
    text->good = text->good && digits > 0 && value <= highest;
    return value;
}

static void take_abbreviation(RuleText *text)
{
    const char *start = text->at;
    if (take(text, '<')) {
        while (text->at < text->end && *text->at != '>')
            text->at++;
        text->good = text->good && take(text, '>');
        return;
    }
    while (text->at < text->end && ((*text->at | 0x20) >= 'a' && (*text->at | 0x20) <= 'z'))
        text->at++;
    text->good = text->good && text->at - start >= 3;
}

/* [+-]h[h][:mm[:ss]] */
static int32_t take_time(RuleText *text)
{
    bool negative = take(text, '-');
    if (!negative)
        take(text, '+');
    int32_t seconds = take_number(text, 167) * 3600;
    if (take(text, ':'))
        seconds += take_number(text, 59) * 60;
    if (take(text, ':'))
        seconds += take_number(text, 59);
    return negative ? -seconds : seconds;
}

static RuleDay take_day(RuleText *text)
{
    RuleDay day = {.time = 7200};
    if (take(text, 'M')) {
        day.kind = 'M';
        day.month = take_number(text, 12);
        text->good = text->good && day.month >= 1 && take(text, '.');
        day.week = take_number(text, 5);
        text->good = text->good && day.week >= 1 && take(text, '.');
        day.weekday = take_number(text, 6);
    } else {
        day.kind = take(text, 'J') ? 'J' : '\0';
        day.day = take_number(text, 365);
    }
    if (take(text, '/'))
        day.time = take_time(text);
    return day;
}

static bool parse_rule(const char *at, const char *end, ZoneRule *rule)
{
    RuleText text = {at, end, true};
    *rule = (ZoneRule){0};
    take_abbreviation(&text);
    rule->standard = -take_time(&text);
    if (text.at == text.end)
        return text.good;
    take_abbreviation(&text);
    rule->has_summer = true;
    rule->summer = rule->standard + 3600;
    if (text.at < text.end && *text.at != ',')
        rule->summer = -take_time(&text);
    text.good = text.good && take(&text, ',');
    rule->start = take_day(&text);
    text.good = text.good && take(&text, ',');
    rule->end = take_day(&text);
    return text.good && text.at == text.end;
}

/* Wall seconds of the change in a year, in the time that holds before it. */
static int64_t rule_day_seconds(const RuleDay *rule, int year)
{
    int32_t days;
    if (rule->kind == 'M') {
        int32_t first = days_from_civil(year, rule->month, 1);
        int weekday = (int)((first + 4) % 7); /* of the first: Sunday is 0 */
        int day = (rule->weekday - weekday + 7) % 7 + (rule->week - 1) * 7;
        while (day >= days_in_month(year, rule->month))
            day -= 7;
        days = first + day;
    } else if (rule->kind == 'J') {
        bool leap = days_in_month(year, 2) == 29;
        days = days_from_civil(year, 1, 1) + rule->day - 1 + (leap && rule->day >= 60);
    } else {
        days = days_from_civil(year, 1, 1) + rule->day;
    }
    return (int64_t)days * SECONDS_PER_DAY + rule->time;
}

static void roll_out(TimeZone *zone, const ZoneRule *rule)
{
    int64_t last = zone->n > 0 ? zone->changes[zone->n - 1].start : INT64_MIN;
    if (zone->n == 0)
        add_change(zone, INT64_MIN, rule->standard);
    else if (!rule->has_summer)
        add_change(zone, last + 1, rule->standard);
    for (int year = FIRST_RULE_YEAR; rule->has_summer && year <= LAST_YEAR; year++) {
        int64_t start = rule_day_seconds(&rule->start, year) - rule->standard;
        int64_t end = rule_day_seconds(&rule->end, year) - rule->summer;
        bool north = start < end;
        add_change(zone, north ? start : end, north ? rule->summer : rule->standard);
        add_change(zone, north ? end : start, north ? rule->standard : rule->summer);
    }
}

/* ---- TZif ---- */

#define HEADER_BYTES 44

static int64_t big_endian(const uint8_t *bytes, int n)
{
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

typedef struct ZoneHeader {
    uint32_t n_universal, n_standard, n_leaps, n_changes, n_kinds, n_letters;
} ZoneHeader;

static bool read_header(const uint8_t *bytes, size_t size, ZoneHeader *header)
{
    if (size < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0)
        return false;
    uint32_t *counts[] = {&header->n_universal, &header->n_standard, &header->n_leaps,
                          &header->n_changes,   &header->n_kinds,    &header->n_letters};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        *counts[i] = (uint32_t)big_endian(bytes + 20 + i * 4, 4);
        if (*counts[i] > MAX_CHANGES)
            return false;
    }
    return header->n_kinds > 0;
}

static size_t block_bytes(const ZoneHeader *header, size_t time_size)
{
    return header->n_changes * (time_size + 1) + header->n_kinds * (size_t)6 + header->n_letters +
           header->n_leaps * (time_size + 4) + header->n_standard + header->n_universal;
}

static bool read_changes(const uint8_t *bytes, const ZoneHeader *header, TimeZone *zone)
{
    const uint8_t *kinds_of = bytes + header->n_changes * (size_t)8;
    const uint8_t *kinds = kinds_of + header->n_changes;
    for (uint32_t i = 0; i <= header->n_changes; i++) {
        uint32_t kind = i == 0 ? 0 : kinds_of[i - 1];
        if (kind >= header->n_kinds)
            return false;
        int64_t offset = big_endian(kinds + kind * (size_t)6, 4);
        if (offset > MAX_OFFSET || offset < -MAX_OFFSET)
            return false;
        add_change(zone, i == 0 ? INT64_MIN : big_endian(bytes + (i - 1) * (size_t)8, 8), (int32_t)offset);
    }
    return true;
}

bool time_zone_parse(const char *name, StrView file, Arena *arena, const TimeZone **ret_zone)
{
    const uint8_t *bytes = (const uint8_t *)file.data;
    size_t size = file.size;
    ZoneHeader header = {0};
    if (!read_header(bytes, size, &header) || bytes[4] < '2')
        return false;
    size_t skip = HEADER_BYTES + block_bytes(&header, 4);
    if (skip > size || !read_header(bytes + skip, size - skip, &header))
        return false;
    bytes += skip + HEADER_BYTES;
    size -= skip + HEADER_BYTES;
    size_t block = block_bytes(&header, 8);
    if (block > size)
        return false;
    TimeZone *zone = zone_new(name, header.n_changes + 2 + 2 * (LAST_YEAR - FIRST_RULE_YEAR + 1), arena);
    if (!read_changes(bytes, &header, zone))
        return false;
    const char *rule_text = (const char *)bytes + block + 1;
    ZoneRule rule;
    if (size >= block + 2 && bytes[block] == '\n') {
        const char *end = memchr(rule_text, '\n', size - block - 1);
        if (end && end > rule_text && parse_rule(rule_text, end, &rule))
            roll_out(zone, &rule);
    }
    *ret_zone = zone;
    return true;
}

/* ---- By name ---- */

/* [+-]hh[:mm] */
static bool parse_offset(const char *name, int32_t *ret_offset)
{
    int hours, minutes = 0, length = 0;
    char sign;
    size_t size = strlen(name);
    if ((size != 6 && size != 3) || (name[0] != '+' && name[0] != '-'))
        return false;
    sign = name[0];
    for (size_t i = 1; i < size; i++)
        if (i == 3 ? name[i] != ':' : name[i] < '0' || name[i] > '9')
            return false;
    hours = (name[1] - '0') * 10 + (name[2] - '0');
    if (size == 6)
        minutes = (name[4] - '0') * 10 + (name[5] - '0');
    length = hours * 3600 + minutes * 60;
    *ret_offset = sign == '-' ? -length : length;
    return hours <= 18 && minutes < 60;
}

/* Names of the tz database, and nothing that leads out of its folder. */
static bool is_zone_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > 60 || name[0] == '/')
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-' || c == '+' || (c == '/' && name[i + 1] != '/');
        if (!good)
            return false;
    }
    return true;
}

Status time_zone_new(const char *name, Arena *arena, const TimeZone **ret_zone, Error *err)
{
    int32_t offset;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 || strcmp(name, "GMT") == 0) {
        *ret_zone = fixed_zone("UTC", 0, arena);
        return STATUS_OK;
    }
    if (parse_offset(name, &offset)) {
        *ret_zone = fixed_zone(name, offset, arena);
        return STATUS_OK;
    }
    StrView bytes;
    if (is_zone_name(name)) {
        const char *path = arena_printf(arena, "%s/%s", ZONE_FOLDER, name);
        if (storage_read_file(path, MAX_ZONE_BYTES, arena, &bytes, err) == STATUS_OK &&
            time_zone_parse(name, bytes, arena, ret_zone))
            return STATUS_OK;
    }
    error_set(err, STATUS_CONFIG, "there is no time zone '%.80s'", name);
    return error_hint(err, "UTC, an offset such as +02:00, or a name of the system's tz database such as Europe/Paris");
}
