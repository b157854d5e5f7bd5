/* src/base/sha256.c: the standard's examples; parts of any size, through a lane or not, give one hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/sha256.h"

#define BYTES 5000u

static void expect_hash(const char *text, size_t times, const char *expected)
{
    Sha256 sha;
    char hex[SHA256_HEX_SIZE];
    sha256_init(&sha);
    for (size_t i = 0; i < times; i++)
        sha256_update(&sha, text, strlen(text));
    sha256_end(&sha, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-2, appendix B, and the hash of nothing. */
static void examples_of_the_standard(void **state)
{
    (void)state;
    expect_hash("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hash("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_hash("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

SHA256_LANE_TARGET static void take_blocks(Sha256 *sha, const uint8_t *bytes, size_t n_blocks)
{
    Sha256Lane lane = sha256_lane_begin(sha);
    for (size_t i = 0; i < n_blocks; i++)
        sha256_lane_block(&lane, bytes + i * SHA256_BLOCK_BYTES);
    sha256_lane_end(sha, &lane, n_blocks);
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    static uint8_t bytes[BYTES];
    if (!sha256_lane_is_there())
        print_message("# this processor has no SHA-256 instructions: lanes are not tested\n");
    for (int round = 0; round < 300; round++) {
        size_t size = (size_t)rand() % BYTES, at = 0;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)rand();
        Sha256 whole, parts;
        char expected[SHA256_HEX_SIZE], hex[SHA256_HEX_SIZE];
        sha256_init(&whole);
        sha256_update(&whole, bytes, size);
        sha256_end(&whole, expected);
        sha256_init(&parts);
        while (at < size) {
            size_t part = 1 + (size_t)rand() % 300, blocks = (size - at) / SHA256_BLOCK_BYTES;
            if (sha256_lane_is_there() && parts.bytes % SHA256_BLOCK_BYTES == 0 && blocks > 0) {
                blocks = 1 + (size_t)rand() % blocks;
                take_blocks(&parts, bytes + at, blocks);
                at += blocks * SHA256_BLOCK_BYTES;
            }
            part = part < size - at ? part : size - at;
            sha256_update(&parts, bytes + at, part);
            at += part;
        }
        assert_int_equal(parts.bytes, size);
        sha256_end(&parts, hex);
        assert_string_equal(hex, expected);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const char *given = getenv("FREIGHTLAKE_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    srand(seed);
    printf("# seed %u\n", seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
