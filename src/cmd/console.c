/* Console: standard output and the terminal behind it. */
#include "cmd/console.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "storage/storage.h"

static void end_as_filter(void)
{
    storage_discard_all();
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

Status console_write(const void *bytes, size_t size, Error *err)
{
    const char *next = bytes;
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, next, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            end_as_filter();
        if (n < 0)
            return error_set_errno(err, errno, "standard output cannot be written");
        next += n;
        size -= (size_t)n;
    }
    return STATUS_OK;
}

Status console_write_buffer(const Buffer *buffer, Error *err)
{
    TRY(buffer_check(buffer, "the output", err));
    return console_write(buffer->data, buffer->size, err);
}

uint32_t console_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

bool console_color(const Arguments *arguments)
{
    enum { AUTO, NEVER, ALWAYS };
    int choice = arguments_choice(arguments, "color");
    if (choice != AUTO)
        return choice == ALWAYS;
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

LogFormat console_log_format(const Arguments *arguments)
{
    return arguments_choice(arguments, "log-format") == 1 ? LOG_JSON : LOG_TEXT;
}

bool console_progress(const Arguments *arguments)
{
    return console_has_person() && console_log_format(arguments) == LOG_TEXT &&
           !arguments_given(arguments, "no-progress");
}

bool console_has_person(void)
{
    return isatty(STDERR_FILENO);
}

void console_configure_log(const Arguments *arguments)
{
    static const LogLevel levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    log_configure(console_log_format(arguments), levels[arguments_choice(arguments, "log-level")]);
}
