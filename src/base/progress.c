/* Progress on a terminal.
 *
 * Workers call in at every batch; the one that finds a tenth of a second gone by wins the right to draw by a compare and
 * swap, all others go on at once.  The line is written in one piece and starts by clearing itself, so a log line
 * between two drawings does no harm. */
#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define FIRST_MS 333
#define EVERY_MS 100
#define CLEAR "\r\x1b[K"
#define CLEAR_BYTES (sizeof CLEAR - 1)
#define TRUSTED_SHARE 0.02 /* of the rows, before the rate says anything about the rest */

struct Progress {
    const char *what;
    bool enabled;
    double start;
    _Atomic int64_t
        first_ms; /* since start: when the first rows came; -1 before.  Opening files is no part of the rate */
    _Atomic int64_t next_ms; /* since start: when to draw next */
    _Atomic bool drawn;
};

Progress *progress_new(const char *what, bool enabled)
{
    Progress *progress = mem_zalloc(sizeof *progress);
    progress->what = what;
    progress->enabled = enabled;
    progress->start = clock_seconds();
    atomic_init(&progress->first_ms, -1);
    atomic_init(&progress->next_ms, FIRST_MS);
    return progress;
}

void progress_append(Buffer *line, const char *what, uint64_t rows_done, uint64_t rows_total, double seconds)
{
    char done[24], total[24], rate[24], left[24];
    double rows_per_second = seconds > 0 ? (double)rows_done / seconds : 0;
    double share = rows_total ? (double)rows_done / (double)rows_total : 0;
    share = share > 1 ? 1 : share;
    buffer_printf(line, "%s  %2.0f%%  %s of %s rows", what, share * 100,
                  text_count(done, sizeof done, (double)rows_done),
                  text_count(total, sizeof total, (double)rows_total));
    if (rows_per_second > 0)
        buffer_printf(line, "  %s/s", text_count(rate, sizeof rate, rows_per_second));
    if (share >= TRUSTED_SHARE && rows_per_second > 0 && rows_total >= rows_done)
        buffer_printf(line, "  %s left",
                      text_seconds(left, sizeof left, (double)(rows_total - rows_done) / rows_per_second));
}

/* A line that wraps could not be wiped. */
static void cut_to_terminal(Buffer *line)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && line->size > CLEAR_BYTES + size.ws_col - 1u)
        line->size = CLEAR_BYTES + size.ws_col - 1u;
}

/* A terminal that went away is nothing to fail over: progress is a courtesy. */
static void write_line(const Buffer *line)
{
    ssize_t ignored = write(STDERR_FILENO, line->data, line->size);
    (void)ignored;
}

void progress_update(void *context, uint64_t rows_done, uint64_t rows_total)
{
    Progress *progress = context;
    if (!progress->enabled)
        return;
    int64_t now_ms = (int64_t)((clock_seconds() - progress->start) * 1000), due_ms = atomic_load(&progress->next_ms);
    int64_t first_ms = -1;
    if (atomic_compare_exchange_strong(&progress->first_ms, &first_ms, now_ms))
        first_ms = now_ms;
    if (now_ms < due_ms || !atomic_compare_exchange_strong(&progress->next_ms, &due_ms, now_ms + EVERY_MS))
        return;
    Buffer line;
    buffer_init(&line, 1024);
    buffer_append_text(&line, CLEAR);
    progress_append(&line, progress->what, rows_done, rows_total, (double)(now_ms - first_ms) * 1e-3);
    cut_to_terminal(&line);
    write_line(&line);
    buffer_done(&line);
    atomic_store(&progress->drawn, true);
}

void progress_free(Progress *progress)
{
    if (!progress)
        return;
    if (atomic_load(&progress->drawn)) {
        Buffer line;
        buffer_init(&line, 16);
        buffer_append_text(&line, CLEAR);
        write_line(&line);
        buffer_done(&line);
    }
    mem_free(progress);
}
