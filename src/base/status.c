#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct StatusRow {
    const char *label;
    int exit_code;
    int http;
    const char *meaning;
} StatusRow;

static const StatusRow STATUS_ROWS[STATUS_COUNT] = {
#define X(code, label, exit_code, http, meaning) {label, exit_code, http, meaning},
    STATUS_TABLE(X)
#undef X
};

void error_init(Error *err)
{
    err->code = STATUS_OK;
    err->message[0] = err->file[0] = err->column[0] = err->hint[0] = '\0';
    err->row = err->offset = -1;
}

Status error_set(Error *err, Status code, const char *format, ...)
{
    error_init(err);
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

static Status status_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return STATUS_DISK_FULL;
    case ENOENT:
        return STATUS_NOT_FOUND;
    default:
        return STATUS_IO;
    }
}

Status error_set_errno(Error *err, int number, const char *format, ...)
{
    error_init(err);
    err->code = status_of_errno(number);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    char text[128];
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror_r(number, text, sizeof text));
    return err->code;
}

Status error_hint(Error *err, const char *format, ...)
{
    if (err->hint[0] == '\0') {
        va_list args;
        va_start(args, format);
        vsnprintf(err->hint, sizeof err->hint, format, args);
        va_end(args);
    }
    return err->code;
}

Status error_at_file(Error *err, const char *file)
{
    if (err->file[0] == '\0')
        snprintf(err->file, sizeof err->file, "%s", file);
    return err->code;
}

Status error_at_column(Error *err, const char *column)
{
    if (err->column[0] == '\0')
        snprintf(err->column, sizeof err->column, "%s", column);
    return err->code;
}

Status error_at_row(Error *err, int64_t row)
{
    if (err->row < 0)
        err->row = row;
    return err->code;
}

Status error_at_offset(Error *err, int64_t offset)
{
    if (err->offset < 0)
        err->offset = offset;
    return err->code;
}

/* Appends to text[*used..size); stops silently at the end, which keeps the message readable rather than lost. */
__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *used, const char *format, ...)
{
    if (*used >= size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + *used, size - *used, format, args);
    va_end(args);
    if (n > 0)
        *used += (size_t)n;
}

char *error_format(const Error *err, char *text, size_t size)
{
    size_t used = 0;
    append(text, size, &used, "%s", err->message);
    const char *separator = " (";
    if (err->file[0]) {
        append(text, size, &used, "%sfile %s", separator, err->file);
        separator = ", ";
    }
    if (err->column[0]) {
        append(text, size, &used, "%scolumn %s", separator, err->column);
        separator = ", ";
    }
    if (err->row >= 0) {
        append(text, size, &used, "%srow %lld", separator, (long long)err->row);
        separator = ", ";
    }
    if (err->offset >= 0) {
        append(text, size, &used, "%s%s %lld", separator, err->code == STATUS_SQL ? "position" : "offset",
               (long long)err->offset);
        separator = ", ";
    }
    if (separator[0] == ',')
        append(text, size, &used, ")");
    if (err->hint[0])
        append(text, size, &used, "\nhint: %s", err->hint);
    return text;
}

const char *status_label(Status code)
{
    return STATUS_ROWS[code].label;
}

const char *status_meaning(Status code)
{
    return STATUS_ROWS[code].meaning;
}

int status_exit_code(Status code)
{
    return STATUS_ROWS[code].exit_code;
}

int status_http(Status code)
{
    return STATUS_ROWS[code].http;
}

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "freightlake: internal check failed at %s:%d: %s\n", file, line, expression);
    abort();
}
