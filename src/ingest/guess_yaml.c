/* guess_append_yaml: guesses as the mapping's file, for a person to read, correct and keep. */

#include "ingest/guess.h"
#include "text/yaml.h"

#define MAX_UNMAPPED 200
#define EXAMPLES 3u
#define COMMENT_BYTES 60u

/* The beginning of a text, in a comment; texts of a sample have no control characters. */
static void append_comment_text(Buffer *yaml, StrView text)
{
    uint32_t size = text.size < COMMENT_BYTES ? text.size : COMMENT_BYTES;
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    buffer_append(yaml, text.data, size);
}

static void append_text(Buffer *yaml, const char *text)
{
    yaml_append_scalar(yaml, str_view(text));
}

static void append_list(Buffer *yaml, const char *key, const NullText *texts, uint32_t n, bool pattern)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (texts[i].pattern != pattern)
            continue;
        if (found++ == 0)
            buffer_printf(yaml, "    %s:\n", key);
        buffer_append_text(yaml, "      - ");
        yaml_append_scalar(yaml, texts[i].text);
        buffer_printf(yaml, "  # %s\n", PLURAL(texts[i].records, "record"));
    }
}

static void append_values(Buffer *yaml, const Guess *guess)
{
    if (guess->n_values == 0)
        return;
    buffer_append_text(yaml, "    values:\n");
    for (uint32_t i = 0; i < guess->n_values; i++) {
        const GuessValue *value = &guess->values[i];
        buffer_append_text(yaml, "      ");
        text_append_json(yaml, value->from);
        buffer_append_text(yaml, ": ");
        if (value->to)
            append_text(yaml, value->to);
        else
            buffer_append_text(yaml, "~");
        buffer_printf(yaml, "  # %s%s\n", PLURAL(value->records, "record"),
                      value->to ? "" : ", not a known word: no value until you say what it means");
    }
}

static void append_others(Buffer *yaml, const Guesses *guesses, const Guess *guess)
{
    for (uint32_t i = 0; i < guess->n_others; i++) {
        buffer_append_text(yaml, i ? ", " : guess->column >= 0 ? "    # it could also be: " : "  #   it could be: ");
        append_comment_text(yaml, str_view(guesses->sample->columns[guess->others[i]].name));
    }
    if (guess->n_others)
        buffer_append_byte(yaml, '\n');
}

static void append_examples(Buffer *yaml, const SampleColumn *column)
{
    uint32_t n = column->n_values < EXAMPLES ? column->n_values : EXAMPLES;
    for (uint32_t i = 0; i < n; i++) {
        buffer_append_text(yaml, i ? ", " : "");
        append_comment_text(yaml, column->values[i].text);
    }
    if (n == 0)
        buffer_append_text(yaml, "always empty");
    else if (column->n_values > n)
        buffer_append_text(yaml, ", ...");
}

static void append_numbers(Buffer *yaml, const Guess *guess)
{
    if (guess->unit)
        buffer_printf(yaml, "    unit: %s\n", guess->unit);
    if (guess->decimal_mark == ',')
        buffer_append_text(yaml, "    decimal: \",\"\n");
    if (guess->thousands_mark)
        buffer_printf(yaml, "    thousands: \"%c\"\n", guess->thousands_mark);
}

static void append_dates(Buffer *yaml, const Guess *guess)
{
    for (uint32_t i = 0; i < guess->n_forms; i++) {
        buffer_append_text(yaml, i ? ", " : "    dates: [");
        text_append_json(yaml, str_view(guess->forms[i]));
    }
    if (guess->n_forms)
        buffer_append_text(yaml, "]\n");
    for (uint32_t i = 0; i < guess->n_forms; i++)
        if (strstr(guess->forms[i], "yy") && !strstr(guess->forms[i], "yyyy")) {
            buffer_append_text(yaml, "    # years of two digits are 1970 to 2069\n");
            break;
        }
}

static void append_doubts(Buffer *yaml, const Guess *guess)
{
    for (uint32_t i = 0; i < guess->n_doubts; i++)
        buffer_printf(yaml, "    # ? %s\n", guess->doubts[i].text);
    if (guess->reason)
        buffer_printf(yaml, "    # %s\n", guess->reason);
}

static void append_column(Buffer *yaml, const Guesses *guesses, const Guess *guess)
{
    const SampleColumn *column = &guesses->sample->columns[guess->column];
    buffer_printf(yaml, "  %s:\n    from: ", shipment_column(guess->id)->name);
    append_text(yaml, column->name);
    buffer_printf(yaml, "  # confidence %.2f%s; ", guess->confidence, guess_is_low(guess) ? ", LOOK AT THIS" : "");
    append_examples(yaml, column);
    buffer_append_byte(yaml, '\n');
    append_doubts(yaml, guess);
    append_others(yaml, guesses, guess);
    append_numbers(yaml, guess);
    append_dates(yaml, guess);
    append_values(yaml, guess);
    append_list(yaml, "nulls", guess->nulls, guess->n_nulls, false);
    append_list(yaml, "null_patterns", guess->nulls, guess->n_nulls, true);
    if (guess->n_unread) {
        buffer_printf(yaml,
                      "    # %s cannot be read and will be rejected, such as: ", PLURAL(guess->n_unread, "record"));
        append_comment_text(yaml, guess->unread_example);
        buffer_append_byte(yaml, '\n');
    }
}

static void append_missing(Buffer *yaml, const Guesses *guesses, const Guess *guess)
{
    const ShipmentColumn *contract = shipment_column(guess->id);
    buffer_printf(yaml, "  # %s: no column of the file looks like it (%s)\n", contract->name, contract->meaning);
    append_others(yaml, guesses, guess);
    if (contract->need == SHIPMENT_REQUIRED)
        buffer_printf(yaml, "  # REQUIRED: write '%s: COLUMN', or '%s: {constant: VALUE}' when all have the same\n",
                      contract->name, contract->name);
}

static void append_columns(Buffer *yaml, const Guesses *guesses)
{
    buffer_append_text(yaml, "columns:\n");
    for (ShipmentColumnId id = 0; id < SHIPMENT_COLUMN_COUNT; id++) {
        const Guess *guess = &guesses->of[id];
        if (!mapping_column_is_given(id))
            continue;
        if (guess->column >= 0)
            append_column(yaml, guesses, guess);
        else if (guess->constant)
            buffer_printf(yaml, "  %s: {constant: %s}  # confidence %.2f%s: %s\n", shipment_column(id)->name,
                          guess->constant, guess->confidence, guess_is_low(guess) ? ", LOOK AT THIS" : "",
                          guess->n_doubts          ? guess->doubts[0].text
                          : guess->confidence >= 1 ? "as answered"
                                                   : "said by the amounts");
        else
            append_missing(yaml, guesses, guess);
    }
}

static void append_unmapped(Buffer *yaml, const Guesses *guesses)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < guesses->sample->n_columns && n < MAX_UNMAPPED; c++) {
        if (guess_is_read(guesses, c))
            continue;
        if (n++ == 0)
            buffer_append_text(yaml, "\n# Columns of the file that nothing reads:\n");
        buffer_append_text(yaml, "#   ");
        append_comment_text(yaml, str_view(guesses->sample->columns[c].name));
        buffer_append_text(yaml, ": ");
        append_examples(yaml, &guesses->sample->columns[c]);
        buffer_append_byte(yaml, '\n');
    }
}

static void append_unread(Buffer *yaml, const Sample *sample)
{
    for (uint32_t i = 0; i < sample->n_unread && i < MAX_UNMAPPED; i++) {
        buffer_append_text(yaml, i ? "#   " : "\n# Columns of the file that no mapping can read:\n#   ");
        buffer_printf(yaml, "\"%s\": %s\n", sample->unread[i].shown, sample->unread[i].why);
    }
}

static void append_character(Buffer *yaml, const char *key, char c, const char *word, char of_word)
{
    char text[2] = {c, 0};
    buffer_printf(yaml, "  %s: ", key);
    if (c == of_word)
        buffer_append_text(yaml, word);
    else
        text_append_json(yaml, str_view(text));
}

static void append_format(Buffer *yaml, const Sample *sample)
{
    static const char *const inputs[] = {"csv", "ndjson", "parquet"};
    const TextFormat *format = &sample->guess.format;
    buffer_printf(yaml, "input: %s\n", inputs[sample->input]);
    if (sample->input == INPUT_PARQUET)
        return;
    buffer_printf(yaml, "format:\n  encoding: %s  # confidence %.2f\n", text_encoding_name(format->encoding),
                  sample->guess.encoding_confidence);
    if (sample->input == INPUT_NDJSON)
        return;
    append_character(yaml, "delimiter", format->delimiter, "tab", '\t');
    buffer_printf(yaml, "  # confidence %.2f\n", sample->guess.delimiter_confidence);
    append_character(yaml, "quote", format->quote, "none", '\0');
    buffer_printf(yaml, "\n  header: %s  # confidence %.2f\n", format->header ? "true" : "false",
                  sample->guess.header_confidence);
    if (format->trailing_delimiter)
        buffer_append_text(yaml, "  trailing_delimiter: true  # records end with one delimiter more than the header\n");
    if (format->skip_lines)
        buffer_printf(yaml, "  skip_lines: %u  # lines above the header\n", format->skip_lines);
}

void guess_append_yaml(const Guesses *guesses, const char *client, Buffer *yaml)
{
    const Sample *sample = guesses->sample;
    const char *slash = strrchr(sample->file, '/');
    buffer_append_text(yaml, "# How the files of this client become shipments, guessed from ");
    text_append_json(yaml, str_view(slash ? slash + 1 : sample->file));
    buffer_printf(yaml, " (%s%s).\n", sample->whole ? "" : "its first ", PLURAL(sample->n_records, "record"));
    buffer_append_text(
        yaml, "# Every guess says how sure it is, from 0 to 1.  Correct what is wrong, then see what would pass:\n");
    buffer_printf(yaml, "#   freightlake ingest %s FILE --dry-run\n", client);
    buffer_append_text(yaml, "client: ");
    append_text(yaml, client);
    buffer_append_byte(yaml, '\n');
    append_format(yaml, sample);
    buffer_append_text(
        yaml, "zone: UTC  # where instants without one of their own are, and where the day of one in UTC is taken\n"
              "duplicates: keep  # or reject, or latest: what happens when a shipment_id comes again\n"
              "# max_rejected_share: 0.05  # of a file; the lake's where it is not given\n");
    append_columns(yaml, guesses);
    append_unmapped(yaml, guesses);
    append_unread(yaml, sample);
    buffer_append_text(yaml, "\n# Rules of your own; what breaks one is quarantined:\n"
                             "# rules:\n"
                             "#   - {column: shipment_weight_kg, max: 40000, code: too_heavy}\n"
                             "#   - {expression: promised_delivery_date >= shipment_date}\n");
}
