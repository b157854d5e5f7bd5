/* Status and Error: how every function that can fail says so.
 *
 * A function that can fail returns a Status and takes `Error *err` last.  On failure it fills *err (which the caller
 * owns and which is never NULL) and leaves its outputs untouched.  Low layers never print or log: the boundary (a
 * command, a job, a request) does that once.  One table gives each code its exit code, HTTP status and metric label. */
#ifndef FREIGHTLAKE_BASE_STATUS_H
#define FREIGHTLAKE_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* code, metric label, process exit code, HTTP status, what it means */
#define STATUS_TABLE(X)                                                                                                \
    X(OK, "ok", 0, 200, "done")                                                                                        \
    X(CHECK, "check_failed", 1, 409, "a data, mart-test or doctor check failed")                                       \
    X(USAGE, "usage", 2, 400, "the command line cannot be understood")                                                 \
    X(SQL, "sql", 2, 400, "the SQL text is refused")                                                                   \
    X(CONFIG, "config", 2, 400, "the configuration is refused")                                                        \
    X(IO, "io", 3, 503, "reading or writing failed")                                                                   \
    X(NOT_FOUND, "not_found", 3, 404, "a file or folder is not there")                                                 \
    X(DISK_FULL, "disk_full", 3, 507, "no space is left on the device")                                                \
    X(DATA, "data", 3, 422, "the data does not fit what is asked: missing column, wrong type")                         \
    X(CORRUPT, "corrupt", 3, 422, "a file is broken")                                                                  \
    X(UNSUPPORTED, "unsupported", 3, 422, "a file uses a feature this program does not read")                          \
    X(CONFLICT, "conflict", 3, 409, "another writer changed the same table first")                                     \
    X(MEMORY, "memory_limit", 4, 503, "the memory limit was hit")                                                      \
    X(SPILL, "spill_limit", 4, 503, "the spill limit was hit")                                                         \
    X(INTERNAL, "internal", 3, 500, "a defect in this program")                                                        \
    X(INTERRUPTED, "interrupted", 130, 503, "stopped by the user")

typedef enum Status {
#define X(code, label, exit_code, http, meaning) STATUS_##code,
    STATUS_TABLE(X)
#undef X
        STATUS_COUNT
} Status;

#define MUST_CHECK __attribute__((warn_unused_result))

typedef struct Error {
    Status code;
    char message[512];
    char file[512];   /* path or object key; "" when it does not apply */
    char column[128]; /* column name; "" when it does not apply */
    int64_t row;      /* 1-based line or row; -1 when it does not apply */
    int64_t offset;   /* byte offset in `file`, or character position in SQL text; -1 when it does not apply */
    char hint[512];   /* the next step; "" when there is none */
} Error;

/* A fresh Error: code OK, no location. */
void error_init(Error *err);

/* Sets code and message, clears location and hint, and returns the code so that `return error_set(...)` reads well. */
Status error_set(Error *err, Status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, with `: strerror(number)` appended; ENOSPC and EDQUOT become DISK_FULL, ENOENT becomes NOT_FOUND. */
Status error_set_errno(Error *err, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Each adds what is known where the error passes by; what was set deeper down is kept.  They return err->code. */
Status error_hint(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
Status error_at_file(Error *err, const char *file);
Status error_at_column(Error *err, const char *column);
Status error_at_row(Error *err, int64_t row);
Status error_at_offset(Error *err, int64_t offset);

/* "message (file F, column C, row R, offset O)\nhint: H"; always NUL-terminated.  Returns `text`. */
char *error_format(const Error *err, char *text, size_t size);

const char *status_label(Status code);
const char *status_meaning(Status code);
int status_exit_code(Status code);
int status_http(Status code);

#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        Status try_status_ = (expression);                                                                             \
        if (try_status_ != STATUS_OK)                                                                                  \
            return try_status_;                                                                                        \
    } while (0)

/* Asserts that stay on in production: a broken invariant stops the program before it can write a wrong answer. */
_Noreturn void check_failed(const char *file, int line, const char *expression);
#define CHECK(expression) ((expression) ? (void)0 : check_failed(__FILE__, __LINE__, #expression))
#ifdef FREIGHTLAKE_DEBUG
#define DCHECK(expression) CHECK(expression)
#else
#define DCHECK(expression) ((void)0)
#endif

#define CLEANUP(function) __attribute__((cleanup(function)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
