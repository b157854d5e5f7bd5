/* src/text/text_source.c, csv.c, csv_scan.c: small cases in pieces of every size and on several threads, and random text
 * against a plain parser that reads byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "collect.h"

static const TextFormat COMMA = {.delimiter = ',', .quote = '"', .header = true};

static void check_text(const char *text, size_t size, const TextFormat *format, const char *expected)
{
    Buffer out;
    buffer_init(&out, 0);
    Error err;
    error_init(&err);
    for (size_t step = 1; step <= size + 1; step += size < 200 ? 1 : 37) {
        text_source_read_bytes = step;
        for (int threads = 1; threads <= 4; threads += 3) {
            buffer_clear(&out);
            assert_int_equal(collect_text(text, size, format, NULL, 0, threads, &out, &err), STATUS_OK);
            assert_string_equal(buffer_text(&out), expected);
        }
    }
    buffer_done(&out);
    text_source_read_bytes = (size_t)1 << 20;
}

typedef struct Case {
    const char *text, *expected;
    char delimiter, quote;
    bool no_header, trailing;
    uint32_t skip_lines;
    TextEncoding encoding;
    size_t size; /* where it holds zeros */
} Case;

static const Case CASES[] = {
    {"a,b\n1,2\n", "2||1,2|1|2\n"},
    {"a,b\n1,2", "2||1,2|1|2\n"},
    {"a,b\r\n1,2\r\n3,4\r\n", "2||1,2|1|2\n3||3,4|3|4\n"},
    {"a,b\r1,2\r3,4\r", "2||1,2|1|2\n3||3,4|3|4\n"},
    {"a,b\n1,2\r\n3,4\r5,6\n", "2||1,2|1|2\n3||3,4|3|4\n4||5,6|5|6\n"},
    {"a,b\n\n\r\n1,2\n\n", "4||1,2|1|2\n"},
    {"\xef\xbb\xbf"
     "a,b\n1,2\n",
     "2||1,2|1|2\n"},
    {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "2||\"x,y\",\"say \"\"hi\"\"\"|x,y|say \"hi\"\n"},
    {"a,b\n\"x\ny\",2\n3,4\n", "2||\"x\ny\",2|x\ny|2\n4||3,4|3|4\n"},
    {"a,b\n\"x\r\ny\",\"\"\n3,4\n", "2||\"x\r\ny\",\"\"|x\r\ny|\n4||3,4|3|4\n"},
    {"a,b\n1\n1,2,3\n,\n", "2|column_count|1|1|NULL\n3|column_count|1,2,3|1|2\n"},
    {"a,b\n1,2\n , \n,\r\n3,4\n,", "2||1,2|1|2\n5||3,4|3|4\n"},
    {"a,b\n\"x\"y,2\n3,4\n", "2|stray_quote|\"x\"y,2\n3||3,4|3|4\n"},
    {"a,b\n5\" pipe,2\n", "2||5\" pipe,2|5\" pipe|2\n"},
    {"a,b\n\"x,2\n3,4\n5,6", "2|unclosed_quote|\"x,2\n3||3,4|3|4\n4||5,6|5|6\n"},
    {"a,b\n1,\"x\r\n3,4\r\n", "2|unclosed_quote|1,\"x\n3||3,4|3|4\n"},
    {"a,b\n1,\"x\n3,4\n5,6\n7,y\"z\n8,9\n",
     "2|unclosed_quote|1,\"x\n3||3,4|3|4\n4||5,6|5|6\n5||7,y\"z|7|y\"z\n6||8,9|8|9\n"},
    {"a,b\n1,\"x\n3,4\n5,\"y\nz\"\n8,9\n",
     "2|unclosed_quote|1,\"x\n3||3,4|3|4\n4|unclosed_quote|5,\"y\n5|column_count|z\"|z\"|NULL\n6||8,9|8|9\n"},
    {"a,b\n1,\"x\ny\"z\n3,4\n", "2|stray_quote|1,\"x\ny\"z\n4||3,4|3|4\n"},
    {"a,b\n1,\xff\n3,4\n", "2|invalid_encoding|1,\xff\n3||3,4|3|4\n"},
    {"a;b\n1,5;'x;y'\n", "2||1,5;'x;y'|1,5|x;y\n", .delimiter = ';', .quote = '\''},
    {"1,2\n3,4\n", "1||1,2|1|2\n2||3,4|3|4\n", .no_header = true},
    {"Report\n\na,b\n1,2\n", "4||1,2|1|2\n", .skip_lines = 2},
    {"a,b\n1,2,\n3,4\r\n5,6,7\n1,2,,\n\"1\",\"2\",",
     "2||1,2,|1|2\n3||3,4|3|4\n4|column_count|5,6,7|5|6\n5|column_count|1,2,,|1|2\n6||\"1\",\"2\",|1|2\n",
     .trailing = true},
    {"a,b\n1,\"x\n3,4,\n", "2|unclosed_quote|1,\"x\n3||3,4,|3|4\n", .trailing = true},
    {"a,b\n\xc4,\x80\n", "2||\xc3\x84,\xe2\x82\xac|\xc3\x84|\xe2\x82\xac\n", .encoding = TEXT_WINDOWS_1252},
    {"\xff\xfe"
     "a\0,\0b\0\n\0\xac\x20,\0\x3d\xd8\x9a\xde\n\0",
     "2||\xe2\x82\xac,\xf0\x9f\x9a\x9a|\xe2\x82\xac|\xf0\x9f\x9a\x9a\n", .size = 20},
    {"\0a\0,\0b\0\n\0x\0,\xd8\x00\0\n", "2|invalid_encoding|x,\xed\xa0\x80\n", .encoding = TEXT_UTF16BE, .size = 16},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        const Case *c = &CASES[i];
        TextFormat format = {.encoding = c->encoding,
                             .delimiter = c->delimiter ? c->delimiter : ',',
                             .quote = c->quote ? c->quote : '"',
                             .header = !c->no_header,
                             .trailing_delimiter = c->trailing,
                             .skip_lines = c->skip_lines};
        check_text(c->text, c->size ? c->size : strlen(c->text), &format, c->expected);
    }
}

static void test_columns(void **state)
{
    (void)state;
    const char *text = " id ,x,,x,x_2,x\n";
    const char *names[] = {"id", "x", "column_3", "x_2", "x_2_2", "x_3"};
    TextSource *source;
    Error err;
    uint32_t n;
    error_init(&err);
    assert_int_equal(text_source_memory(text, strlen(text), &COMMA, 1, &source, &err), STATUS_OK);
    const StrView *columns = text_source_columns(source, &n);
    assert_int_equal(n, ARRAY_SIZE(names));
    for (uint32_t i = 0; i < n; i++)
        assert_true(str_equal(columns[i], str_view(names[i])));
    TextReader *reader;
    const char *wanted[] = {"idd"};
    assert_int_equal(text_reader_new(source, wanted, 1, &reader, &err), STATUS_DATA);
    assert_non_null(strstr(err.hint, "\"id\""));
    text_source_close(source);
    assert_int_equal(text_source_memory("", 0, &COMMA, 1, &source, &err), STATUS_DATA);
}

/* ---- Records past the limit ---- */

static void test_long_records(void **state)
{
    (void)state;
    static const char quotes[] = {'\0', '"'};
    for (size_t q = 0; q < ARRAY_SIZE(quotes); q++)
        for (size_t over = 1; over < (size_t)5 << 20; over = over * 16 + 7) {
            size_t size = TEXT_MAX_RECORD_BYTES + over;
            Buffer text, out;
            buffer_init(&text, 0);
            buffer_init(&out, 0);
            buffer_append_text(&text, "a,b\n1,2\n");
            memset(buffer_reserve(&text, size), 'x', size);
            if (quotes[q])
                text.data[text.size] = (uint8_t)quotes[q];
            text.size += size;
            buffer_append_text(&text, "\r\n3,4\n");
            Error err;
            error_init(&err);
            assert_int_equal(collect_text((const char *)text.data, text.size, &COMMA, NULL, 0, 1, &out, &err),
                             STATUS_OK);
            assert_int_equal(out.size, strlen("2||1,2|1|2\n3|record_too_long|\n4||3,4|3|4\n") + TEXT_MAX_RECORD_BYTES);
            assert_string_equal(buffer_text(&out) + out.size - 11, "4||3,4|3|4\n");
            buffer_done(&text);
            buffer_done(&out);
        }
}

/* Every line leaves a quote open: no row is lost, and it ends soon. */
static void test_many_unclosed(void **state)
{
    (void)state;
    Buffer text, out;
    buffer_init(&text, 0);
    buffer_init(&out, 0);
    buffer_append_text(&text, "a,b\n");
    for (int i = 0; i < 400000; i++)
        buffer_append_text(&text, "a\",\"\"\"x\n");
    Error err;
    error_init(&err);
    assert_int_equal(collect_text((const char *)text.data, text.size, &COMMA, NULL, 0, 1, &out, &err), STATUS_OK);
    size_t n = 0;
    const char *at = buffer_text(&out), *end = at + out.size;
    for (const char *next; at < end; at = next + 1) {
        next = memchr(at, '\n', (size_t)(end - at));
        assert_non_null(next);
        n += memcmp(memchr(at, '|', (size_t)(next - at)), "|unclosed_quote|", 16) == 0;
    }
    assert_int_equal(n, 400000);
    buffer_done(&text);
    buffer_done(&out);
}

/* ---- A plain parser ---- */

static void plain_field(const TextFormat *format, StrView field, Buffer *out, const char **flaw)
{
    buffer_append_byte(out, '|');
    if (!format->quote || field.size == 0 || field.data[0] != format->quote) {
        buffer_append(out, field.data, field.size);
        return;
    }
    uint32_t i = 1;
    for (; i < field.size; i++) {
        if (field.data[i] == format->quote) {
            if (i + 1 == field.size || field.data[i + 1] != format->quote)
                break;
            i++;
        }
        buffer_append_byte(out, (uint8_t)field.data[i]);
    }
    if (i + 1 != field.size && !**flaw)
        *flaw = i < field.size ? "stray_quote" : "unclosed_quote";
}

/* The end of the field that starts at `at`, or SIZE_MAX when its quote stays open to the end of the text. */
static size_t plain_field_end(const TextFormat *format, const char *text, size_t size, size_t at, bool one_line)
{
    if (format->quote && at < size && text[at] == format->quote) {
        for (at++;; at++) {
            if (at == size)
                return one_line ? at : SIZE_MAX;
            if (one_line && (text[at] == '\n' || text[at] == '\r'))
                return at;
            if (text[at] != format->quote)
                continue;
            at++;
            if (at == size || text[at] != format->quote)
                break;
        }
    }
    while (at < size && text[at] != format->delimiter && text[at] != '\n' && text[at] != '\r')
        at++;
    return at;
}

static bool plain_fits(const TextFormat *format, const char *text, size_t end, uint32_t n, uint32_t n_columns)
{
    return n == n_columns || (format->trailing_delimiter && n == n_columns + 1 && text[end - 1] == format->delimiter);
}

/* One record from `at`; returns its end (its line end not included), or SIZE_MAX when a quote stays open. */
static size_t plain_record(const TextFormat *format, const char *text, size_t size, size_t at, bool one_line,
                           uint32_t n_columns, Buffer *fields, const char **flaw)
{
    uint32_t n = 0;
    for (*flaw = "";; n++) {
        size_t end = plain_field_end(format, text, size, at, one_line);
        if (end == SIZE_MAX)
            return SIZE_MAX;
        if (n < n_columns)
            plain_field(format, (StrView){text + at, (uint32_t)(end - at)}, fields, flaw);
        at = end + 1;
        if (end < size && text[end] == format->delimiter)
            continue;
        for (uint32_t i = n + 1; i < n_columns; i++)
            buffer_append_text(fields, "|NULL");
        if (!plain_fits(format, text, end, n + 1, n_columns) && !**flaw)
            *flaw = "column_count";
        return end;
    }
}

/* Where in the damaged record a line stands that is a whole record by itself; 0: nowhere. */
static size_t plain_split(const TextFormat *format, const char *text, size_t at, size_t end, uint32_t n_columns)
{
    for (size_t line = at; line < end;) {
        size_t stop = line;
        while (stop < end && text[stop] != '\n' && text[stop] != '\r')
            stop++;
        uint32_t n = 0;
        size_t field = line;
        for (; field <= stop && field != SIZE_MAX; n++) {
            field = plain_field_end(format, text, stop, field, false);
            field += field != SIZE_MAX;
        }
        if (line > at && stop > line && field != SIZE_MAX && plain_fits(format, text, stop, n, n_columns))
            return line;
        line = stop + 1 + (stop + 1 < end && text[stop] == '\r' && text[stop + 1] == '\n');
    }
    return 0;
}

static void plain_parse(const TextFormat *format, const char *text, size_t size, size_t at, int64_t line,
                        uint32_t n_columns, int depth, Buffer *out)
{
    Buffer fields;
    buffer_init(&fields, 0);
    int unclosed = 0;
    while (at < size) {
        const char *flaw = "";
        size_t end, split = 0;
        size_t blank = at;
        while (blank < size && (text[blank] == format->delimiter || text[blank] == ' '))
            blank++;
        if (blank == size || text[blank] == '\n' || text[blank] == '\r') {
            end = blank;
        } else {
            buffer_clear(&fields);
            end = plain_record(format, text, size, at, unclosed > 4, n_columns, &fields, &flaw);
            if (end == SIZE_MAX) {
                unclosed++;
                buffer_clear(&fields);
                end = plain_record(format, text, size, at, true, n_columns, &fields, &flaw);
            }
            if (*flaw && depth < 3)
                split = plain_split(format, text, at, end, n_columns);
            size_t shown = split ? split - 1 - (text[split - 1] == '\n' && text[split - 2] == '\r') : end;
            flaw = split ? "unclosed_quote" : flaw;
            if (!text_is_utf8(text + at, shown - at))
                flaw = "invalid_encoding";
            buffer_printf(out, "%lld|%s|", (long long)line, flaw);
            buffer_append(out, text + at, shown - at);
            if (!*flaw || strcmp(flaw, "column_count") == 0)
                buffer_append(out, fields.data, fields.size);
            buffer_append_byte(out, '\n');
        }
        if (end < size)
            end += 1 + (text[end] == '\r' && end + 1 < size && text[end + 1] == '\n');
        if (split) /* what is behind is a text of its own */
            plain_parse(format, text, end, split, line + (int64_t)text_count_line_ends(text + at, split - at),
                        n_columns, depth + 1, out);
        line += (int64_t)text_count_line_ends(text + at, end - at);
        at = end;
    }
    buffer_done(&fields);
}

static void test_random(void **state)
{
    (void)state;
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    static const char *const pieces[] = {"a",   "bc",  ",",   ",",    "\n", "\"",       "\"", "\"\"", "\r\n", "\r",
                                         "x\n", ",\"", "\",", "\"\n", " ",  "\xc3\xa9", ";",  "'",    "12.5,"};
    Buffer text, expected, out;
    buffer_init(&text, 0);
    buffer_init(&expected, 0);
    buffer_init(&out, 0);
    Error err;
    error_init(&err);
    for (int round = 0; round < 4000; round++) {
        TextFormat format = {.delimiter = rand_r(&seed) % 4 ? ',' : ';', .header = true};
        format.trailing_delimiter = rand_r(&seed) % 4 == 0;
        format.quote = "\"\"\"'"[rand_r(&seed) % 4];
        if (rand_r(&seed) % 8 == 0)
            format.quote = '\0';
        buffer_clear(&text);
        buffer_printf(&text, "a%cb%cc\n", format.delimiter, format.delimiter);
        size_t head = text.size;
        for (uint32_t n = (uint32_t)rand_r(&seed) % 120; n-- > 0;)
            buffer_append_text(&text,
                               rand_r(&seed) % 200 ? pieces[(size_t)rand_r(&seed) % ARRAY_SIZE(pieces)] : "\xff");
        buffer_clear(&expected);
        plain_parse(&format, (const char *)text.data, text.size, head, 2, 3, 0, &expected);
        text_source_head_bytes = head + 2 + (size_t)rand_r(&seed) % 100;
        text_source_read_bytes = 1 + (size_t)rand_r(&seed) % 150;
        buffer_clear(&out);
        int threads = round % 8 ? 1 : 3;
        assert_int_equal(collect_text((const char *)text.data, text.size, &format, NULL, 0, threads, &out, &err), 0);
        if (strcmp(buffer_text(&out), buffer_text(&expected)) != 0)
            print_message("round %d, delimiter %c, quote %d, text:\n%s\n", round, format.delimiter, format.quote,
                          buffer_text(&text));
        assert_string_equal(buffer_text(&out), buffer_text(&expected));
    }
    text_source_head_bytes = TEXT_MAX_RECORD_BYTES;
    text_source_read_bytes = (size_t)1 << 20;
    buffer_done(&text);
    buffer_done(&expected);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_columns), cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_many_unclosed), cmocka_unit_test(test_random),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
