#include "base/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static LogFormat log_format = LOG_TEXT;
static LogLevel log_lowest = LOG_INFO;

static const char *const LEVEL_NAMES[] = {"debug", "info", "warn", "error"};

void log_configure(LogFormat format, LogLevel lowest)
{
    log_format = format;
    log_lowest = lowest;
}

bool log_enabled(LogLevel level)
{
    return level >= log_lowest;
}

static void append_field_json(Buffer *line, const LogField *field)
{
    buffer_append_byte(line, ',');
    text_append_json(line, str_view(field->name));
    buffer_append_byte(line, ':');
    if (field->kind == LOG_FIELD_TEXT)
        text_append_json(line, str_view(field->text));
    else if (field->kind == LOG_FIELD_INTEGER)
        buffer_printf(line, "%lld", (long long)field->integer);
    else
        buffer_printf(line, "%.6g", field->number);
}

static void append_field_text(Buffer *line, const LogField *field)
{
    buffer_printf(line, " %s=", field->name);
    if (field->kind == LOG_FIELD_TEXT)
        buffer_append_text(line, field->text);
    else if (field->kind == LOG_FIELD_INTEGER)
        buffer_printf(line, "%lld", (long long)field->integer);
    else
        buffer_printf(line, "%.6g", field->number);
}

void log_write(LogLevel level, const char *message, const LogField *fields, size_t n_fields)
{
    if (!log_enabled(level))
        return;
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    struct tm utc;
    gmtime_r(&clock.tv_sec, &utc);
    char when[32];
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    Buffer line;
    buffer_init(&line, 64 << 10);
    if (log_format == LOG_JSON) {
        buffer_printf(&line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":", when, clock.tv_nsec / 1000000,
                      LEVEL_NAMES[level]);
        text_append_json(&line, str_view(message));
        for (size_t i = 0; i < n_fields; i++)
            if (fields[i].kind != LOG_FIELD_END)
                append_field_json(&line, &fields[i]);
        buffer_append_text(&line, "}\n");
    } else {
        buffer_printf(&line, "freightlake: %s%s", level == LOG_INFO ? "" : LEVEL_NAMES[level],
                      level == LOG_INFO ? "" : ": ");
        buffer_append_text(&line, message);
        for (size_t i = 0; i < n_fields; i++)
            if (fields[i].kind != LOG_FIELD_END)
                append_field_text(&line, &fields[i]);
        buffer_append_byte(&line, '\n');
    }
    /* One write a line keeps lines of several threads whole; a closed standard error is nothing to fail over. */
    if (write(STDERR_FILENO, line.data, line.size) < 0)
        log_lowest = LOG_OFF;
    buffer_done(&line);
}

void log_error(const Error *err)
{
    if (log_format == LOG_TEXT) {
        char text[2048];
        log_write(LOG_ERROR, error_format(err, text, sizeof text), NULL, 0);
        return;
    }
    LogField fields[6];
    size_t n = 0;
    fields[n++] = LOG_TEXT_FIELD("code", status_label(err->code));
    if (err->file[0])
        fields[n++] = LOG_TEXT_FIELD("file", err->file);
    if (err->column[0])
        fields[n++] = LOG_TEXT_FIELD("column", err->column);
    if (err->row >= 0)
        fields[n++] = LOG_INTEGER_FIELD("row", err->row);
    if (err->offset >= 0)
        fields[n++] = LOG_INTEGER_FIELD("offset", err->offset);
    if (err->hint[0])
        fields[n++] = LOG_TEXT_FIELD("hint", err->hint);
    log_write(LOG_ERROR, err->message, fields, n);
}
