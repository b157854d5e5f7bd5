/* Progress on a terminal.
 *
 * Workers call in at every batch; the one that finds a tenth of a second gone by wins the right to draw by a compare and
 * swap, all others go on at once.  The line is written in one piece and starts by clearing itself, so a log line
 * between two drawings does no harm. */
#include "base/progress.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define FIRST_MS 333
#define EVERY_MS 100

struct Progress {
    const char *what;
    bool enabled;
    double start;
    _Atomic int64_t next_ms; /* since start: when to draw next */
    _Atomic bool drawn;
};

Progress *progress_new(const char *what, bool enabled)
{
    Progress *progress = mem_zalloc(sizeof *progress);
    progress->what = what;
    progress->enabled = enabled;
    progress->start = clock_seconds();
    atomic_init(&progress->next_ms, FIRST_MS);
    return progress;
}

void progress_append(Buffer *line, const char *what, uint64_t rows_done, uint64_t rows_total, double seconds)
{
    char done[24], total[24], rate[24], left[24];
    double rows_per_second = seconds > 0 ? (double)rows_done / seconds : 0;
    double share = rows_total ? (double)rows_done / (double)rows_total : 0;
    share = share > 1 ? 1 : share;
    buffer_printf(line, "%s  %2.0f%%  %s of %s rows  %s/s", what, share * 100,
                  text_count(done, sizeof done, (double)rows_done), text_count(total, sizeof total, (double)rows_total),
                  text_count(rate, sizeof rate, rows_per_second));
    if (rows_per_second > 0 && rows_total >= rows_done)
        buffer_printf(line, "  %s left",
                      text_seconds(left, sizeof left, (double)(rows_total - rows_done) / rows_per_second));
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
    double seconds = clock_seconds() - progress->start;
    int64_t now_ms = (int64_t)(seconds * 1000), due_ms = atomic_load(&progress->next_ms);
    if (now_ms < due_ms || !atomic_compare_exchange_strong(&progress->next_ms, &due_ms, now_ms + EVERY_MS))
        return;
    Buffer line;
    buffer_init(&line, 1024);
    buffer_append_text(&line, "\r\x1b[K");
    progress_append(&line, progress->what, rows_done, rows_total, seconds);
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
        buffer_append_text(&line, "\r\x1b[K");
        write_line(&line);
        buffer_done(&line);
    }
    mem_free(progress);
}
