/* Signatures against the vectors that AWS publishes: the examples of the S3 API reference ("Signature Calculations for the
 * Authorization Header") and of the general test suite; digests against theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "storage/s3/sigv4.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void expect_signature(const SigRequest *request, const char *secret, const char *access, const char *date,
                             const char *service, const char *signature)
{
    SigKey key;
    Buffer authorization;
    buffer_init(&authorization, 0);
    sig_key_init(&key);
    SigScope scope = {.access_key = access,
                      .secret_key = secret,
                      .region = "us-east-1",
                      .service = service,
                      .date = date,
                      .key = &key};
    for (int i = 0; i < 2; i++) { /* the second time with the key of the first */
        buffer_clear(&authorization);
        sigv4_sign(request, &scope, &authorization);
        const char *got = strstr(buffer_text(&authorization), "Signature=");
        assert_non_null(got);
        assert_string_equal(got + 10, signature);
    }
    sig_key_done(&key);
    buffer_done(&authorization);
}

static void expect_s3(const char *method, const char *path, const NameValue *query, size_t n_query,
                      const NameValue *headers, size_t n_headers, const char *payload_hash, const char *signature)
{
    Buffer encoded, text;
    buffer_init(&encoded, 0);
    buffer_init(&text, 0);
    sigv4_append_encoded(&encoded, path, true);
    sigv4_append_query(&text, query, n_query);
    SigRequest request = {method, buffer_text(&encoded), buffer_text(&text), headers, n_headers, payload_hash};
    expect_signature(&request, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE", "20130524T000000Z",
                     "s3", signature);
    buffer_done(&encoded);
    buffer_done(&text);
}

#define HOST                                                                                                           \
    {                                                                                                                  \
        "host", "examplebucket.s3.amazonaws.com"                                                                       \
    }
#define DATE                                                                                                           \
    {                                                                                                                  \
        "x-amz-date", "20130524T000000Z"                                                                               \
    }

static void test_s3_examples(void **state)
{
    (void)state;
    const NameValue get[] = {HOST, {"range", "bytes=0-9"}, {"x-amz-content-sha256", EMPTY_HASH}, DATE};
    expect_s3("GET", "/test.txt", NULL, 0, get, 4, EMPTY_HASH,
              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    const char *body = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const NameValue put[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                             HOST,
                             {"x-amz-content-sha256", body},
                             DATE,
                             {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    expect_s3("PUT", "/test$file.text", NULL, 0, put, 5, body,
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    const NameValue plain[] = {HOST, {"x-amz-content-sha256", EMPTY_HASH}, DATE};
    const NameValue lifecycle = {"lifecycle", ""};
    expect_s3("GET", "/", &lifecycle, 1, plain, 3, EMPTY_HASH,
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    const NameValue list[] = {{"prefix", "J"}, {"max-keys", "2"}};
    expect_s3("GET", "/", list, 2, plain, 3, EMPTY_HASH,
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void test_general_suite(void **state)
{
    (void)state;
    const NameValue headers[] = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}};
    const NameValue pairs[] = {{"Param2", "value2"}, {"Param1", "value1"}};
    Buffer query;
    buffer_init(&query, 0);
    sigv4_append_query(&query, pairs, 2);
    const struct {
        const char *method, *query, *signature;
    } cases[] = {
        {"GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"GET", buffer_text(&query), "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        SigRequest request = {cases[i].method, "/", cases[i].query, headers, 2, EMPTY_HASH};
        expect_signature(&request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AKIDEXAMPLE", "20150830T123600Z",
                         "service", cases[i].signature);
    }
    buffer_done(&query);
}

static void test_encoding(void **state)
{
    (void)state;
    Buffer text;
    buffer_init(&text, 0);
    sigv4_append_encoded(&text, "/a b+c/%41/\xc3\xa9~-_.=&", true);
    assert_string_equal(buffer_text(&text), "/a%20b%2Bc/%2541/%C3%A9~-_.%3D%26");
    buffer_clear(&text);
    sigv4_append_encoded(&text, "a/b", false);
    assert_string_equal(buffer_text(&text), "a%2Fb");
    char date[SIGV4_DATE_SIZE];
    sigv4_format_date(1369353600, date);
    assert_string_equal(date, "20130524T000000Z");
    buffer_done(&text);
}

/* RFC 4231 (HMAC), RFC 3720 (CRC-32C of 32 zeros: 8a9136aa). */
static void test_digests(void **state)
{
    (void)state;
    char text[SHA256_TEXT_SIZE], crc[CRC32C_TEXT_SIZE], md5[MD5_TEXT_SIZE];
    uint8_t mac[SHA256_BYTES];
    static const uint8_t zeros[32] = {0};
    digest_sha256_text("", 0, text);
    assert_string_equal(text, EMPTY_HASH);
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    digest_hex(mac, sizeof mac, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(digest_crc32c(zeros, sizeof zeros), 0x8a9136aa);
    digest_crc32c_text(zeros, sizeof zeros, crc);
    assert_string_equal(crc, "ipE2qg==");
    digest_md5_text("abc", 3, md5);
    assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_s3_examples), cmocka_unit_test(test_general_suite),
                                       cmocka_unit_test(test_encoding), cmocka_unit_test(test_digests)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("storage/sigv4", tests, NULL, NULL);
}
