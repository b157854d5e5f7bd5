/* See onboard_json.h. */
#include "cmd/onboard_json.h"

#include "cmd/ingest_json.h"
#include "ingest/mapping.h"

static void append_text(Buffer *json, const char *name, const char *text)
{
    buffer_printf(json, ",\"%s\":", name);
    if (text)
        text_append_json(json, str_view(text));
    else
        buffer_append_text(json, "null");
}

static void append_doubts(Buffer *json, const Guess *guess)
{
    buffer_append_text(json, ",\"doubts\":[");
    for (uint32_t i = 0; i < guess->n_doubts; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
        buffer_printf(json, "{\"about\":\"%s\"", guess->doubts[i].about);
        append_text(json, "text", guess->doubts[i].text);
        buffer_append_byte(json, '}');
    }
    buffer_append_byte(json, ']');
}

static void append_marks(Buffer *json, const Guess *guess)
{
    char decimal[2] = {guess->decimal_mark, 0}, thousands[2] = {guess->thousands_mark, 0};
    append_text(json, "decimal", decimal);
    append_text(json, "thousands", *thousands ? thousands : NULL);
    append_text(json, "decimal_because", guess->reason);
}

static void append_forms(Buffer *json, const Guess *guess)
{
    buffer_append_text(json, ",\"dates\":[");
    for (uint32_t i = 0; i < guess->n_forms; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
        text_append_json(json, str_view(guess->forms[i]));
    }
    buffer_append_byte(json, ']');
    append_text(json, "undecided_date", guess->other_form);
}

static void append_values(Buffer *json, const Guess *guess)
{
    buffer_append_text(json, ",\"values\":{");
    for (uint32_t i = 0; i < guess->n_values; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
        text_append_json(json, guess->values[i].from);
        buffer_append_byte(json, ':');
        if (guess->values[i].to)
            text_append_json(json, str_view(guess->values[i].to));
        else
            buffer_append_text(json, "null");
    }
    buffer_append_byte(json, '}');
}

static void append_nulls(Buffer *json, const Guess *guess, bool patterns)
{
    uint32_t n = 0;
    buffer_append_text(json, patterns ? ",\"null_patterns\":[" : ",\"nulls\":[");
    for (uint32_t i = 0; i < guess->n_nulls; i++)
        if (guess->nulls[i].pattern == patterns) {
            buffer_append_text(json, n++ ? "," : "");
            text_append_json(json, guess->nulls[i].text);
        }
    buffer_append_byte(json, ']');
}

static void append_guess(Buffer *json, const Guesses *guesses, const Guess *guess)
{
    const char *from = guess->column >= 0 ? guesses->sample->columns[guess->column].name : NULL;
    buffer_append_text(json, "{\"column\":");
    text_append_json(json, str_view(shipment_column(guess->id)->name));
    buffer_printf(json, ",\"required\":%s", shipment_column(guess->id)->need == SHIPMENT_REQUIRED ? "true" : "false");
    append_text(json, "from", from);
    append_text(json, "constant", guess->constant);
    if (from || guess->constant)
        buffer_printf(json, ",\"confidence\":%.2f,\"look_at_this\":%s", guess->confidence,
                      guess_is_low(guess) ? "true" : "false");
    if (guess->n_doubts)
        append_doubts(json, guess);
    if (shipment_column(guess->id)->type.id != TYPE_STRING && from && !guess->n_forms)
        append_marks(json, guess);
    if (guess->unit)
        buffer_printf(json, ",\"unit\":\"%s\",\"unit_said\":%s", guess->unit, guess->unit_said ? "true" : "false");
    if (guess->n_forms)
        append_forms(json, guess);
    if (guess->n_values)
        append_values(json, guess);
    if (from) {
        append_nulls(json, guess, false);
        append_nulls(json, guess, true);
        buffer_printf(json, ",\"unreadable_records\":%llu", (unsigned long long)guess->n_unread);
    }
    buffer_append_byte(json, '}');
}

static void append_format(Buffer *json, const Sample *sample)
{
    const TextFormat *format = &sample->guess.format;
    buffer_append_text(json, ",\"format\":");
    if (sample->input == INPUT_PARQUET) {
        buffer_append_text(json, "null");
        return;
    }
    buffer_printf(json, "{\"encoding\":\"%s\"", text_encoding_name(format->encoding));
    if (sample->input == INPUT_CSV) {
        char delimiter[2] = {format->delimiter, 0}, quote[2] = {format->quote, 0};
        append_text(json, "delimiter", delimiter);
        append_text(json, "quote", *quote ? quote : NULL);
        buffer_printf(json, ",\"header\":%s,\"trailing_delimiter\":%s,\"skip_lines\":%u",
                      format->header ? "true" : "false", format->trailing_delimiter ? "true" : "false",
                      format->skip_lines);
    }
    buffer_append_byte(json, '}');
}

/* The file's columns that nothing reads, and those that nothing could read. */
static void append_rest(Buffer *json, const Guesses *guesses)
{
    const Sample *sample = guesses->sample;
    uint32_t n = 0;
    buffer_append_text(json, ",\"unmapped\":[");
    for (uint32_t c = 0; c < sample->n_columns; c++)
        if (!guess_is_read(guesses, c)) {
            buffer_append_text(json, n++ ? "," : "");
            text_append_json(json, str_view(sample->columns[c].name));
        }
    buffer_append_text(json, "],\"unreadable\":[");
    for (uint32_t i = 0; i < sample->n_unread; i++) {
        buffer_append_text(json, i ? ",{\"name\":" : "{\"name\":");
        text_append_json(json, str_view(sample->unread[i].name));
        append_text(json, "why", sample->unread[i].why);
        buffer_append_byte(json, '}');
    }
    buffer_append_byte(json, ']');
}

static void append_guesses(Buffer *json, const Guesses *guesses)
{
    static const char *const inputs[] = {"csv", "ndjson", "parquet"};
    bool first = true;
    buffer_printf(json, ",\"input\":\"%s\",\"records_looked_at\":%llu", inputs[guesses->sample->input],
                  (unsigned long long)guesses->sample->n_records);
    append_format(json, guesses->sample);
    buffer_append_text(json, ",\"columns\":[");
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        if (!mapping_column_is_given(id))
            continue;
        if (!first)
            buffer_append_byte(json, ',');
        first = false;
        append_guess(json, guesses, &guesses->of[id]);
    }
    buffer_append_byte(json, ']');
    append_rest(json, guesses);
    append_text(json, "missing", guess_missing(guesses));
}

void onboard_append_json(Buffer *json, const OnboardReport *report)
{
    buffer_append_text(json, "{\"client\":");
    text_append_json(json, str_view(report->client));
    append_text(json, "mapping", report->mapping_file);
    buffer_printf(json, ",\"written\":%s", report->guesses ? "true" : "false");
    if (report->guesses)
        append_guesses(json, report->guesses);
    buffer_append_text(json, ",\"dry_run\":");
    if (report->dry_run)
        ingest_append_json(json, report->dry_run);
    else
        buffer_append_text(json, "null");
    buffer_append_text(json, "}\n");
}
