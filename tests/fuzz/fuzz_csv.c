/* Any bytes as a CSV file: sniffed, and read as what the first bytes say and as what was sniffed. */
#include "fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', ';', '\t', '|'}, quotes[] = {'"', '\'', '\0', '"'};
    static const char *const wanted[] = {"column_2", "column_1"};
    if (size < 4)
        return 0;
    TextFormat format = {.encoding = (TextEncoding)(data[0] & 3),
                         .delimiter = delimiters[data[0] >> 2 & 3],
                         .quote = quotes[data[0] >> 4 & 3],
                         .header = data[0] >> 6 & 1,
                         .skip_lines = data[0] >> 7};
    text_source_head_bytes = 1u + data[1];
    text_source_read_bytes = 1u + data[2];
    const char *text = (const char *)data + 3;
    fuzz_text(text, size - 3, &format, wanted, ARRAY_SIZE(wanted));
    TextGuess guess;
    Error err;
    error_init(&err);
    if (text_sniff(text, size - 3, true, &guess, &err) == STATUS_OK)
        fuzz_text(text, size - 3, &guess.format, wanted, guess.format.kind == TEXT_CSV ? 1 : 2);
    else
        CHECK(err.message[0]);
    return 0;
}
