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
        text_append_json(json, str_view(guess->doubts[i]));
    }
    buffer_append_byte(json, ']');
}

static void append_marks(Buffer *json, const Guess *guess)
{
    char decimal[2] = {guess->decimal_mark, 0}, thousands[2] = {guess->thousands_mark, 0};
    append_text(json, "decimal", decimal);
    append_text(json, "thousands", *thousands ? thousands : NULL);
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
    buffer_append_text(json, "},\"nulls\":[");
    for (uint32_t i = 0; i < guess->n_nulls; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
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
    if (guess->n_values || guess->n_nulls)
        append_values(json, guess);
    buffer_append_byte(json, '}');
}

static void append_guesses(Buffer *json, const Guesses *guesses)
{
    static const char *const inputs[] = {"csv", "ndjson", "parquet"};
    bool first = true;
    buffer_printf(json, ",\"input\":\"%s\",\"records_looked_at\":%llu,\"columns\":[", inputs[guesses->sample->input],
                  (unsigned long long)guesses->sample->n_records);
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        if (!mapping_column_is_given(id))
            continue;
        if (!first)
            buffer_append_byte(json, ',');
        first = false;
        append_guess(json, guesses, &guesses->of[id]);
    }
    buffer_append_byte(json, ']');
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
