/* Structured log lines on standard error: text for people, one JSON object a line for machines.
 *
 * Only boundaries log (a command, a job, a request); libraries return Errors.  log_configure once at start. */
#ifndef FREIGHTLAKE_BASE_LOG_H
#define FREIGHTLAKE_BASE_LOG_H

#include "base/text.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF } LogLevel;
typedef enum LogFormat { LOG_TEXT, LOG_JSON } LogFormat;

typedef struct LogField {
    const char *name;
    enum { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INTEGER, LOG_FIELD_NUMBER } kind;
    union {
        const char *text;
        int64_t integer;
        double number;
    };
} LogField;

#define LOG_TEXT_FIELD(n, v) ((LogField){.name = (n), .kind = LOG_FIELD_TEXT, .text = (v)})
#define LOG_INTEGER_FIELD(n, v) ((LogField){.name = (n), .kind = LOG_FIELD_INTEGER, .integer = (int64_t)(v)})
#define LOG_NUMBER_FIELD(n, v) ((LogField){.name = (n), .kind = LOG_FIELD_NUMBER, .number = (v)})

void log_configure(LogFormat format, LogLevel lowest);
bool log_enabled(LogLevel level);
void log_write(LogLevel level, const char *message, const LogField *fields, size_t n_fields);
#define LOG(level, message, ...)                                                                                       \
    do {                                                                                                               \
        const LogField log_fields_[] = {__VA_ARGS__};                                                                  \
        log_write(level, message, log_fields_, ARRAY_SIZE(log_fields_));                                               \
    } while (0)
/* An Error as one ERROR line with its code, file, column, row, offset and hint as fields. */
void log_error(const Error *err);

#endif
