/* Any bytes as lines of JSON. */
#include "fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const wanted[] = {"a", "b.c", "b", "b.c.d", "a"};
    if (size < 2)
        return 0;
    TextFormat format = {.kind = TEXT_NDJSON, .encoding = (TextEncoding)(data[0] & 3)};
    text_source_head_bytes = text_source_read_bytes = 1u + (data[0] >> 2);
    fuzz_text((const char *)data + 1, size - 1, &format, wanted, ARRAY_SIZE(wanted));
    return 0;
}
