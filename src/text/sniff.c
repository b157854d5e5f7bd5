/* text_sniff: how a text file is written, from its beginning.
 *
 * Encoding first: a byte order mark, zeros at every other byte (UTF-16), valid UTF-8, else Windows-1252.  Lines that are
 * JSON objects are NDJSON.  For CSV every pair of delimiter and quote is tried on the first records: the one under which
 * most records have the same number of fields, with few stray quotes and no other delimiter left inside the fields, is
 * taken.  Records above the first with that many fields are titles; a header is a first record that differs from what
 * stands below it.
 *
 * What is plainly no text table (a workbook, an archive, a JSON array) is refused with what to do about it. */
#include "text/encoding.h"
#include "text/text_internal.h"

#define SNIFF_BYTES ((size_t)64 << 10)
#define SNIFF_RECORDS 256
#define SNIFF_CELLS 1024
#define SNIFF_QUOTED_BYTES ((size_t)8 << 10) /* a longer quoted field is a stray quote */

/* ---- Encoding ---- */

static bool looks_utf16(const uint8_t *bytes, size_t size, TextEncoding *ret_encoding)
{
    size_t n = (size < 4096 ? size : 4096) & ~(size_t)1, zeros[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        zeros[i & 1] += bytes[i] == 0;
    if (n < 4)
        return false;
    for (int odd = 0; odd < 2; odd++)
        if (zeros[odd] * 10 >= n * 3 && zeros[!odd] * 20 < n) { /* of n / 2: three fifths, and under a tenth */
            *ret_encoding = odd ? TEXT_UTF16LE : TEXT_UTF16BE;
            return true;
        }
    return false;
}

/* Valid UTF-8, but for a character that the end of the sample cuts. */
static bool looks_utf8(const char *text, size_t size, bool whole)
{
    for (size_t cut = 0; cut <= (whole ? 0u : 3u) && cut <= size; cut++)
        if (text_is_utf8(text, size - cut))
            return true;
    return false;
}

static void sniff_encoding(const uint8_t *bytes, size_t size, bool whole, TextGuess *guess, size_t *ret_mark)
{
    guess->encoding_confidence = 1;
    *ret_mark = encoding_mark(bytes, size, &guess->format.encoding);
    if (*ret_mark > 0)
        return;
    if (looks_utf16(bytes, size, &guess->format.encoding)) {
        guess->encoding_confidence = 0.9;
    } else if (looks_utf8((const char *)bytes, size, whole)) {
        guess->format.encoding = TEXT_UTF8;
        guess->encoding_confidence = text_is_ascii((const char *)bytes, size) ? 0.9 : 0.99;
    } else {
        guess->format.encoding = TEXT_WINDOWS_1252;
        guess->encoding_confidence = 0.7;
    }
}

/* ---- What is no table ---- */

Status text_refuse_others(const char *text, size_t size, Error *err)
{
    static const struct {
        const char *magic, *what, *hint;
    } kinds[] = {
        {"PK\x03\x04", "a zip archive or an Excel workbook", "save the sheet as CSV, or unpack the archive"},
        {"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"},
        {"\x1f\x8b", "compressed with gzip", "unpack it first, with gunzip"},
        {"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first, with unzstd"},
        {"%PDF", "a PDF document", "ask for the table as CSV"},
        {"PAR1", "a Parquet file", "text is expected here"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t n = strlen(kinds[i].magic);
        if (size >= n && memcmp(text, kinds[i].magic, n) == 0) {
            error_set(err, STATUS_UNSUPPORTED, "the file is %s", kinds[i].what);
            return error_hint(err, "%s", kinds[i].hint);
        }
    }
    return STATUS_OK;
}

static Status refuse_json(const char *what, Error *err)
{
    error_set(err, STATUS_UNSUPPORTED, "the file is %s", what);
    return error_hint(err, "write one JSON object a line, for example with: jq -c '.[]' FILE or jq -c . FILE");
}

/* ---- NDJSON ---- */

static size_t skip_white(const char *text, size_t size, size_t at)
{
    while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
        at++;
    return at;
}

/* Is the text lines of JSON objects?  Other JSON is refused. */
static Status sniff_json(const char *text, size_t size, bool whole, bool *ret_ndjson, Error *err)
{
    size_t at = skip_white(text, size, 0), lines = 0, objects = 0;
    *ret_ndjson = false;
    if (at == size || (text[at] != '{' && text[at] != '['))
        return STATUS_OK;
    size_t inner = skip_white(text, size, at + 1);
    char next = inner < size ? text[inner] : '\0';
    if (text[at] == '[')
        return next == '{' || next == ']' ? refuse_json("one JSON array", err) : STATUS_OK;
    if (next != '"' && next != '}')
        return STATUS_OK;
    while (at < size) {
        const char *lf = memchr(text + at, '\n', size - at);
        size_t end = lf ? (size_t)(lf - text) : size, last = end;
        while (last > at && (text[last - 1] == ' ' || text[last - 1] == '\t' || text[last - 1] == '\r'))
            last--;
        if (lf || whole || lines == 0) {
            lines += last > at;
            objects += last > at && text[at] == '{' && (text[last - 1] == '}' || (!lf && !whole));
        }
        at = skip_white(text, size, end + (lf != NULL));
    }
    *ret_ndjson = objects * 2 >= lines;
    return *ret_ndjson ? STATUS_OK : refuse_json("JSON spread over several lines", err);
}

/* ---- Records of CSV ---- */

typedef struct Sample {
    const char *text;
    size_t size;
    bool whole;
    Arena arena;
} Sample;

typedef struct SampleRecord {
    uint32_t n;     /* fields; 0: an empty line */
    uint32_t kept;  /* of them in cells */
    bool flawed;    /* a quote that does not fit */
    bool complete;  /* its line end was seen */
    StrView *cells; /* as they are written; NULL: not wanted */
    size_t next;    /* where the next record starts */
} SampleRecord;

/* The end of the quoted field that opens at `at`: behind its closing quote, or 0. */
static size_t close_quote(const Sample *sample, size_t at, char quote)
{
    size_t limit = sample->size - at < SNIFF_QUOTED_BYTES ? sample->size : at + SNIFF_QUOTED_BYTES;
    for (at++; at < limit; at++) {
        if (sample->text[at] != quote)
            continue;
        if (at + 1 == sample->size || sample->text[at + 1] != quote)
            return at + 1;
        at++;
    }
    return 0;
}

static void read_record(const Sample *sample, size_t at, char delimiter, char quote, SampleRecord *record)
{
    const char *text = sample->text;
    size_t start = at;
    record->n = record->kept = 0;
    record->flawed = record->complete = false;
    for (bool at_start = true;; at++) {
        char c = at < sample->size ? text[at] : '\n';
        if (at_start && quote && c == quote && at < sample->size) {
            size_t end = close_quote(sample, at, quote);
            at = end ? end : at + 1;
            c = at < sample->size ? text[at] : '\n';
            record->flawed |= end == 0 || (c != delimiter && c != '\n' && c != '\r');
        }
        at_start = false;
        if (c != delimiter && c != '\n' && c != '\r')
            continue;
        if (c == delimiter || record->n > 0 || at > start) {
            if (record->cells && record->kept < SNIFF_CELLS)
                record->cells[record->kept++] = (StrView){text + start, (uint32_t)(at - start)};
            record->n++;
        }
        start = at + 1;
        at_start = true;
        if (c == delimiter)
            continue;
        record->complete = at < sample->size;
        record->next = at + (at < sample->size);
        if (c == '\r' && record->next < sample->size && text[record->next] == '\n')
            record->next++;
        return;
    }
}

static StrView trimmed(StrView text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (StrView){text.data + 1, text.size - 1};
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* ---- Delimiter and quote ---- */

typedef struct Trial {
    char delimiter, quote;
    uint32_t fields; /* that most records have */
    double share;    /* of the records that have them */
    double score;
} Trial;

static uint32_t most_common(const uint32_t *counts, uint32_t n, uint32_t *ret_times)
{
    uint32_t best = 1, best_times = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t times = 0;
        for (uint32_t k = 0; k < n; k++)
            times += counts[k] == counts[i];
        if (times > best_times || (times == best_times && counts[i] > best)) {
            best_times = times;
            best = counts[i];
        }
    }
    *ret_times = best_times;
    return best;
}

/* A field that another delimiter would cut: a sign that this one is wrong. */
static bool holds_delimiter(StrView cell, char delimiter, char quote)
{
    if (cell.size == 0 || (quote && cell.data[0] == quote))
        return false;
    for (uint32_t i = 0; i < cell.size; i++) {
        char c = cell.data[i];
        if (c != delimiter && (c == ';' || c == '\t' || c == '|'))
            return true;
    }
    return false;
}

static void try_pair(const Sample *sample, StrView *cells, char delimiter, char quote, Trial *ret_trial)
{
    uint32_t counts[SNIFF_RECORDS], n = 0, flawed = 0, cut = 0, all = 0, quoted = 0, times;
    SampleRecord record = {.cells = cells};
    for (size_t at = 0; at < sample->size && n < SNIFF_RECORDS; at = record.next) {
        read_record(sample, at, delimiter, quote, &record);
        if (record.n == 0 || (!record.complete && !sample->whole && n > 0))
            continue;
        counts[n++] = record.n;
        flawed += record.flawed;
        for (uint32_t i = 0; i < record.kept; i++) {
            all++;
            cut += holds_delimiter(cells[i], delimiter, quote);
            quoted +=
                quote && cells[i].size > 1 && cells[i].data[0] == quote && cells[i].data[cells[i].size - 1] == quote;
        }
    }
    *ret_trial = (Trial){.delimiter = delimiter, .quote = quote, .fields = most_common(counts, n, &times)};
    if (n == 0 || ret_trial->fields < 2 || (quote == '\'' && quoted < 2))
        return;
    ret_trial->share = (double)times / n;
    double score = ret_trial->share * (1 - 0.5 / ret_trial->fields) * (1 - 0.7 * cut / all) * (1 - 0.8 * flawed / n);
    /* The usual ones first when nothing else tells them apart; quotes that are there and fit are a strong sign. */
    score *= delimiter == ',' || delimiter == ';' || delimiter == '\t' || delimiter == '|' ? 1 : 0.6;
    score *= quote == '"' ? 1 : quote == '\'' ? 0.97 : 0.95;
    ret_trial->score = score * (1 + 0.1 * (quoted > 0));
}

static void sniff_delimiter(const Sample *sample, StrView *cells, TextGuess *guess, Trial *ret_best)
{
    static const char delimiters[] = {',', ';', '\t', '|', '^', '~', 0x1f, ':'}, quotes[] = {'"', '\'', '\0'};
    Trial best = {.delimiter = ',', .quote = '"', .fields = 1};
    double second = 0; /* of another delimiter */
    for (size_t d = 0; d < ARRAY_SIZE(delimiters); d++)
        for (size_t q = 0; q < ARRAY_SIZE(quotes); q++) {
            Trial trial;
            if (!memchr(sample->text, delimiters[d], sample->size))
                break;
            try_pair(sample, cells, delimiters[d], quotes[q], &trial);
            double loser = trial.score > best.score ? best.score : trial.score;
            if (trial.delimiter != best.delimiter && loser > second)
                second = loser;
            if (trial.score > best.score)
                best = trial;
        }
    guess->format.delimiter = best.delimiter;
    guess->format.quote = best.quote;
    guess->delimiter_confidence = 0.3; /* one column: any delimiter is as good */
    if (best.fields > 1) {
        double lead = best.score > 0 ? 1 - second / best.score : 0;
        guess->delimiter_confidence = best.share * (0.6 + 0.4 * (lead > 0.5 ? 1 : lead * 2));
    }
    *ret_best = best;
}

/* ---- Titles and header ---- */

static bool record_is_filled(const SampleRecord *record)
{
    uint32_t filled = 0;
    for (uint32_t i = 0; i < record->kept; i++)
        filled += trimmed(record->cells[i]).size > 0;
    return filled > 1 || record->n < 3;
}

/* Digits rather than letters: a number, a date, a code. */
static bool is_numeric(StrView text)
{
    uint32_t digits = 0, letters = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        digits += c >= '0' && c <= '9';
        letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    }
    return digits > 0 && digits >= letters;
}

static uint32_t numeric_cells(const SampleRecord *record)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < record->kept; i++)
        n += is_numeric(record->cells[i]);
    return n;
}

/* Lines above the table: before the first record with as many fields as most, more than one of them filled; a line of names
 * above it may have one more or less. */
static size_t sniff_titles(const Sample *sample, StrView *cells, const Trial *trial, TextGuess *guess)
{
    SampleRecord record = {.cells = cells};
    size_t near = SIZE_MAX; /* where the line above starts, when it has nearly as many */
    if (trial->fields < 2)
        return 0;
    for (size_t at = 0, seen = 0; at < sample->size && seen < SNIFF_RECORDS / 2; at = record.next, seen++) {
        read_record(sample, at, trial->delimiter, trial->quote, &record);
        if (record.n == trial->fields && record_is_filled(&record)) {
            size_t start = near < at && numeric_cells(&record) > 0 ? near : at;
            guess->format.skip_lines = (uint32_t)text_count_line_ends(sample->text, start);
            return start;
        }
        bool is_near = record.n > 1 && record.n + 1 >= trial->fields && record.n <= trial->fields + 1;
        if (record.n > 0)
            near = is_near && record_is_filled(&record) && numeric_cells(&record) == 0 ? at : SIZE_MAX;
    }
    return 0;
}

typedef struct ColumnFacts {
    StrView first; /* what would be its name */
    uint32_t filled, numeric, same;
} ColumnFacts;

static StrView plain_cell(Sample *sample, const TextFormat *format, StrView cell)
{
    bool good;
    return trimmed(csv_unquote(format, cell, &sample->arena, &good));
}

static double header_votes(const ColumnFacts *facts, uint32_t n)
{
    double votes = 0;
    for (uint32_t i = 0; i < n; i++) {
        const ColumnFacts *column = &facts[i];
        bool below_numeric = column->filled > 0 && column->numeric * 10 >= column->filled * 7;
        if (column->first.size == 0)
            votes -= 0.5;
        else if (is_numeric(column->first))
            votes -= below_numeric ? 1.5 : 0.5;
        else if (column->same > 0)
            votes -= 1;
        else
            votes += below_numeric ? 1 : column->filled > 0 ? 0.15 : 0.05;
        for (uint32_t k = 0; k < i && column->first.size > 0; k++)
            if (str_equal(facts[k].first, column->first)) {
                votes -= 0.7;
                break;
            }
    }
    return votes;
}

static void sniff_header(Sample *sample, StrView *cells, size_t at, TextGuess *guess)
{
    const TextFormat *format = &guess->format;
    SampleRecord record = {.cells = cells};
    do {
        read_record(sample, at, format->delimiter, format->quote, &record);
        at = record.next;
    } while (record.n == 0 && at < sample->size);
    uint32_t n = record.kept, rows = 0, trailing = 0;
    ColumnFacts *facts = ARENA_ARRAY(&sample->arena, ColumnFacts, n + 1);
    for (uint32_t i = 0; i < n; i++)
        facts[i].first = plain_cell(sample, format, cells[i]);
    for (; at < sample->size && rows < SNIFF_RECORDS; at = record.next) {
        read_record(sample, at, format->delimiter, format->quote, &record);
        if (record.n == 0 || (!record.complete && !sample->whole))
            continue;
        rows++;
        trailing += record.n == n + 1 && record.kept == record.n && cells[n].size == 0;
        for (uint32_t i = 0; i < n && i < record.kept; i++) {
            StrView cell = plain_cell(sample, format, cells[i]);
            facts[i].filled += cell.size > 0;
            facts[i].numeric += is_numeric(cell);
            facts[i].same += cell.size > 0 && str_equal(cell, facts[i].first);
        }
    }
    double votes = header_votes(facts, n), sure = (votes < 0 ? -votes : votes) / (n ? n : 1);
    guess->format.header = votes > 0;
    guess->format.trailing_delimiter = votes > 0 && trailing * 2 > rows;
    guess->header_confidence = 0.5 + (sure > 0.5 ? 0.49 : sure * 0.98);
}

/* ---- All of it ---- */

static Status sniff_text(Sample *sample, TextGuess *guess, Error *err)
{
    bool ndjson;
    if (skip_white(sample->text, sample->size, 0) == sample->size) {
        error_set(err, STATUS_DATA, "the file is empty");
        return error_hint(err, "a sample needs a header and some records");
    }
    TRY(sniff_json(sample->text, sample->size, sample->whole, &ndjson, err));
    if (ndjson) {
        guess->format.kind = TEXT_NDJSON;
        guess->kind_confidence = 0.99;
        guess->delimiter_confidence = guess->header_confidence = 1;
        return STATUS_OK;
    }
    StrView *cells = ARENA_ARRAY(&sample->arena, StrView, SNIFF_CELLS);
    Trial best;
    guess->format.kind = TEXT_CSV;
    sniff_delimiter(sample, cells, guess, &best);
    guess->kind_confidence = best.fields > 1 ? 0.6 + 0.39 * best.share : 0.4;
    sniff_header(sample, cells, sniff_titles(sample, cells, &best, guess), guess);
    return STATUS_OK;
}

Status text_sniff(const void *bytes, size_t size, bool whole, TextGuess *ret_guess, Error *err)
{
    TextGuess guess = {.format = {.delimiter = ',', .quote = '"'}};
    size_t mark, taken;
    TRY(text_refuse_others(bytes, size, err));
    if (size > SNIFF_BYTES) {
        size = SNIFF_BYTES;
        whole = false;
    }
    sniff_encoding(bytes, size, whole, &guess, &mark);
    Sample sample = {.whole = whole};
    arena_init(&sample.arena);
    char *text = arena_alloc(&sample.arena, encoding_max_utf8(guess.format.encoding, size) + CSV_PADDING + 8);
    sample.size =
        encoding_to_utf8(guess.format.encoding, (const uint8_t *)bytes + mark, size - mark, whole, text, &taken);
    sample.text = text;
    Status status = sniff_text(&sample, &guess, err);
    arena_done(&sample.arena);
    if (status == STATUS_OK)
        *ret_guess = guess;
    return status;
}
