/* onboard: a file of a new client -> the mapping that says what its columns mean, and what would become of its records.
 *
 * Once the mapping is there it is the client's: the same command then only shows what would pass with it, so that a person
 * edits and repeats until content; --force makes it anew. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/console.h"
#include "cmd/onboard_json.h"
#include "lake/history.h"

#define REASONS_SHOWN 20
#define UNREAD_SHOWN 20
#define MAX_ANSWER 512

typedef struct Onboarding {
    const Arguments *arguments;
    Arena *arena;
    const Lake *lake;
    const char *client, *sample_file, *mapping_file;
    Resources resources;
    Guesses *guesses; /* NULL: the mapping was there */
    bool json;
} Onboarding;

/* ---- Asking ---- */

static void print_choices(const Guesses *guesses)
{
    for (uint32_t c = 0; c < guesses->sample->n_columns; c++)
        fprintf(stderr, "  %3u  %s\n", c + 1, guesses->sample->columns[c].name);
}

/* A column by number or name; -2: neither. */
static int32_t find_choice(const Sample *sample, const char *answer)
{
    char *end;
    long number = strtol(answer, &end, 10);
    for (uint32_t c = 0; c < sample->n_columns; c++)
        if (strcmp(sample->columns[c].name, answer) == 0)
            return (int32_t)c;
    return *end == '\0' && number >= 1 && number <= (long)sample->n_columns ? (int32_t)number - 1 : -2;
}

static void print_question(const Onboarding *job, const Guess *guess)
{
    const ShipmentColumn *contract = shipment_column(guess->id);
    fprintf(stderr, "\n%s (%s)\n", contract->name, contract->meaning);
    if (guess->column >= 0)
        fprintf(stderr, "  is it \"%s\"?  (confidence %.2f)\n", job->guesses->sample->columns[guess->column].name,
                guess->confidence);
    else if (guess->constant)
        fprintf(stderr, "  is it always %s?  (confidence %.2f)\n", guess->constant, guess->confidence);
    else
        fprintf(stderr, "  no column looks like it\n");
    for (uint32_t i = 0; i < guess->n_doubts; i++)
        fprintf(stderr, "  ? %s\n", guess->doubts[i].text);
    fprintf(stderr, "  Enter: %s; a column's name or number; ",
            guess->column >= 0 || guess->constant ? "yes" : "leave it out");
    if (guess->unit)
        fprintf(stderr, "unit=%s; ", guess->unit);
    if (guess->n_forms)
        fprintf(stderr, "dates=%s; ", guess->other_form ? guess->other_form : guess->forms[0]);
    else if (guess->column >= 0 && contract->type.id != TYPE_STRING)
        fprintf(stderr, "decimal=%c; ", guess->decimal_mark);
    if (guess->constant)
        fprintf(stderr, "constant=%s; ", guess->constant);
    fprintf(stderr, "?: all columns; -: none > ");
}

/* "unit=lb" */
static bool take_detail(Onboarding *job, Guess *guess, char *answer)
{
    char *equals = strchr(answer, '=');
    if (!equals || find_choice(job->guesses->sample, answer) >= 0)
        return false;
    Error err;
    error_init(&err);
    *equals = '\0';
    if (guess_say(guess, answer, equals + 1, job->arena, &err) != STATUS_OK)
        fprintf(stderr, "  %s\n", err.message);
    return true;
}

static Status ask_one(Onboarding *job, ShipmentColumnId id, Error *err)
{
    Guess *guess = &job->guesses->of[id];
    for (;;) {
        char answer[MAX_ANSWER];
        TRY(interrupt_check(err));
        print_question(job, guess);
        if (!fgets(answer, sizeof answer, stdin)) {
            error_set(err, STATUS_INTERRUPTED, "the questions were left unanswered; nothing was written");
            return error_hint(err, "--yes takes every guess");
        }
        answer[strcspn(answer, "\r\n")] = '\0';
        if (*answer == '\0') {
            guess_confirm(guess);
            return STATUS_OK;
        }
        if (strcmp(answer, "?") == 0) {
            print_choices(job->guesses);
            continue;
        }
        if (take_detail(job, guess, answer))
            continue;
        int32_t column = strcmp(answer, "-") == 0 ? -1 : find_choice(job->guesses->sample, answer);
        if (column == -2) {
            fprintf(stderr, "  there is no column \"%s\"\n", answer);
            continue;
        }
        guess_take(job->guesses, id, column, job->arena);
        if (!guess_is_low(guess))
            return STATUS_OK;
    }
}

static Status ask(Onboarding *job, Error *err)
{
    if (job->json || arguments_given(job->arguments, "yes") || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return STATUS_OK;
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const Guess *guess = &job->guesses->of[id];
        bool missing =
            guess->column < 0 && mapping_column_is_given(id) && shipment_column(id)->need == SHIPMENT_REQUIRED;
        if (guess_is_low(guess) || missing)
            TRY(ask_one(job, id, err));
    }
    return STATUS_OK;
}

/* ---- The mapping ---- */

static void append_detail(Buffer *text, const Guess *guess)
{
    if (guess->unit)
        buffer_printf(text, ", %s%s", guess->unit, guess->unit_said ? "" : "?");
    for (uint32_t i = 0; i < guess->n_forms; i++)
        buffer_printf(text, "%s%s", i ? " | " : ", ", guess->forms[i]);
    if (guess->decimal_mark == ',')
        buffer_append_text(text, ", decimal comma");
    if (guess->n_values)
        buffer_printf(text, ", %s translated", PLURAL(guess->n_values, "word"));
    if (guess->n_nulls)
        buffer_printf(text, ", %s of no value", PLURAL(guess->n_nulls, "spelling"));
}

static void append_doubts(Buffer *text, const Guess *guess)
{
    for (uint32_t i = 0; i < guess->n_doubts; i++)
        buffer_printf(text, "%29s ? %s\n", "", guess->doubts[i].text);
}

static void append_mapping(Buffer *text, const Onboarding *job)
{
    static const char *const inputs[] = {"CSV", "NDJSON", "Parquet"};
    const Guesses *guesses = job->guesses;
    uint32_t n_low = 0;
    buffer_printf(text, "%s: %s, %s, %s looked at\n\n", job->sample_file, inputs[guesses->sample->input],
                  PLURAL(guesses->sample->n_columns, "column"), PLURAL(guesses->sample->n_records, "record"));
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const Guess *guess = &guesses->of[id];
        const char *name = shipment_column(id)->name;
        if (!mapping_column_is_given(id))
            continue;
        n_low += guess_is_low(guess);
        if (guess->column >= 0) {
            buffer_printf(text, "  %-23s %.2f%s  %s", name, guess->confidence, guess_is_low(guess) ? " ?" : "  ",
                          guesses->sample->columns[guess->column].name);
            append_detail(text, guess);
            buffer_append_byte(text, '\n');
            append_doubts(text, guess);
        } else if (guess->constant) {
            buffer_printf(text, "  %-23s %.2f%s  always %s\n", name, guess->confidence,
                          guess_is_low(guess) ? " ?" : "  ", guess->constant);
            append_doubts(text, guess);
        } else {
            buffer_printf(text, "  %-23s  -      %s\n", name,
                          shipment_column(id)->need == SHIPMENT_REQUIRED ? "nothing found, and it is REQUIRED"
                                                                         : "nothing found");
        }
    }
    for (uint32_t i = 0; i < guesses->sample->n_unread && i < UNREAD_SHOWN; i++) {
        const SampleUnread *column = &guesses->sample->unread[i];
        buffer_printf(text, "%s  \"%s\": %s\n", i ? "" : "\nnot read:\n", column->shown, column->why);
    }
    buffer_printf(text, "\nwritten to %s\n", job->mapping_file);
    if (n_low)
        buffer_printf(text, "look at the %s marked with ?: the file's comments say what to weigh\n",
                      PLURAL(n_low, "guess"));
}

static void record_history(const Onboarding *job, int64_t started_us)
{
    Error err;
    error_init(&err);
    HistoryRecord record = {.kind = "onboard",
                            .client = job->client,
                            .source = job->sample_file,
                            .started_us = started_us,
                            .seconds = (double)(lake_now_us() - started_us) * 1e-6,
                            .peak_memory_bytes = process_peak_memory_bytes(),
                            .rows_read = (int64_t)job->guesses->sample->n_records,
                            .rows_good = -1,
                            .rows_rejected = -1,
                            .outcome = "ok"};
    if (history_write(job->lake, &record, &err) != STATUS_OK)
        LOG(LOG_WARN, "the history record could not be written", LOG_TEXT_FIELD("error", err.message));
}

static Status make_mapping(Onboarding *job, Error *err)
{
    Sample *sample;
    int64_t started_us = lake_now_us();
    TRY(sample_read(job->sample_file, &job->resources.budget, job->arena, &sample, err));
    job->guesses = guess_sample(sample, job->lake->currency, job->arena);
    TRY(ask(job, err));
    Buffer yaml;
    buffer_init(&yaml, 0);
    guess_append_yaml(job->guesses, job->client, &yaml);
    Status status = storage_write_file(job->mapping_file, yaml.data, yaml.size, err);
    buffer_done(&yaml);
    TRY(status);
    record_history(job, started_us);
    if (job->json)
        return STATUS_OK;
    Buffer text;
    buffer_init(&text, 0);
    append_mapping(&text, job);
    status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

/* ---- What would pass ---- */

static void append_report(Buffer *text, const Onboarding *job, const IngestResult *result)
{
    buffer_printf(text, "\n%s: %llu would pass, %llu would be quarantined (%.2f %%)\n",
                  PLURAL(result->records, "record"), (unsigned long long)result->good,
                  (unsigned long long)result->rejected, 100 * result->rejected_share);
    for (uint32_t i = 0; i < result->n_reasons && i < REASONS_SHOWN; i++) {
        const IngestReason *reason = &result->reasons[i];
        buffer_printf(text, "  %10llu  %s%s%s\n              row %lld", (unsigned long long)reason->records,
                      reason->code, *reason->column ? " " : "", reason->column, (long long)reason->example_row);
        if (*reason->example_value) {
            buffer_append_text(text, ": ");
            text_append_json(text, str_view(reason->example_value));
        }
        buffer_printf(text, "  %s\n", reason->example_message);
    }
    if (result->n_reasons > REASONS_SHOWN)
        buffer_printf(text, "  and %s\n", PLURAL(result->n_reasons - REASONS_SHOWN, "more reason"));
    if (result->rejected_share > result->max_rejected_share)
        buffer_printf(text, "ingest would refuse the file: more than %.4g %% rejected (max_rejected_share)\n",
                      100 * result->max_rejected_share);
    if (result->rejected)
        buffer_printf(text,
                      "edit %s and repeat this command until content, then: freightlake --lake %s ingest %s FILE\n",
                      job->mapping_file, job->lake->path, job->client);
    else
        buffer_printf(text, "nothing was ingested; do it with: freightlake --lake %s ingest %s FILE\n", job->lake->path,
                      job->client);
}

static Status say_json(const Onboarding *job, const IngestResult *dry_run, Error *err)
{
    OnboardReport report = {job->client, job->mapping_file, job->guesses, dry_run};
    Buffer json;
    buffer_init(&json, 0);
    onboard_append_json(&json, &report);
    Status status = console_write_buffer(&json, err);
    buffer_done(&json);
    return status;
}

static Status report(Onboarding *job, Error *err)
{
    Mapping *mapping;
    IngestResult result = {.file = job->sample_file};
    TRY(mapping_load(job->lake, job->client, job->arena, &mapping, err));
    IngestOptions options = {.lake = job->lake,
                             .mapping = mapping,
                             .dry_run = true,
                             .pool = job->resources.pool,
                             .budget = &job->resources.budget};
    TRY(ingest_file(&options, job->sample_file, job->arena, &result, err));
    if (job->json)
        return say_json(job, &result, err);
    Buffer text;
    buffer_init(&text, 0);
    if (!job->guesses)
        buffer_printf(&text, "%s is there and was kept (--force makes it anew)\n", job->mapping_file);
    append_report(&text, job, &result);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status say_missing(const Onboarding *job, const char *missing, Error *err)
{
    Buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text,
                  "\nno column of the file looks like %s, which every shipment needs: add it to %s\n"
                  "('%s: COLUMN', or '%s: {constant: VALUE}') and repeat this command\n",
                  missing, job->mapping_file, missing, missing);
    Status status = console_write_buffer(&text, err);
    buffer_done(&text);
    return status;
}

static Status steps(Onboarding *job, Error *err)
{
    StorageFacts facts;
    TRY(storage_stat(job->mapping_file, &facts, err));
    if (!facts.exists || arguments_given(job->arguments, "force"))
        TRY(make_mapping(job, err));
    const char *missing = job->guesses ? guess_missing(job->guesses) : NULL;
    if (!missing)
        return report(job, err);
    return job->json ? say_json(job, NULL, err) : say_missing(job, missing, err);
}

Status command_onboard(const Arguments *arguments, Arena *job_arena, Error *err)
{
    Onboarding job = {.arguments = arguments,
                      .arena = job_arena,
                      .client = arguments->operands[0],
                      .sample_file = arguments_text(arguments, "sample"),
                      .json = arguments_given(arguments, "json")};
    Lake *lake;
    TRY(lake_open(arguments_text(arguments, "lake"), job_arena, &lake, err));
    TRY(lake_check_client(job.client, err));
    job.lake = lake;
    job.mapping_file = arena_printf(job_arena, "%s/%s.yaml", lake->clients, job.client);
    TRY(resources_init(&job.resources, arguments, err));
    Status status = steps(&job, err);
    resources_done(&job.resources);
    return status;
}
