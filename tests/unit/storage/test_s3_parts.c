/* The pure parts of the S3 driver: names and addresses, the AWS CLI's files, XML answers, dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "storage/s3/s3_internal.h"
#include "storage/s3/xml.h"

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *path, *bucket, *key; /* bucket NULL: refused */
    } cases[] = {
        {"s3://b-1/k", "b-1", "k"},    {"s3://bucket/a//b/../c%20d", "bucket", "a//b/../c%20d"},
        {"s3://bucket", "bucket", ""}, {"s3://bucket/", "bucket", ""},
        {"s3:///key", NULL, NULL},     {"s3://", NULL, NULL},
        {"s3://b?x/key", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        Error err;
        S3Name name;
        arena_init(&arena);
        error_init(&err);
        Status status = s3_name_parse(cases[i].path, &arena, &name, &err);
        if ((status == STATUS_OK) != (cases[i].bucket != NULL))
            fail_msg("%s: %s", cases[i].path, status == STATUS_OK ? "taken" : err.message);
        if (status == STATUS_OK) {
            assert_string_equal(name.bucket, cases[i].bucket);
            assert_string_equal(name.key, cases[i].key);
        }
        arena_done(&arena);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *bucket;
        S3Addressing addressing;
        const char *origin, *host, *path;
    } cases[] = {
        {NULL, "bucket", S3_ADDRESS_AUTO, "https://bucket.s3.eu-west-1.amazonaws.com",
         "bucket.s3.eu-west-1.amazonaws.com", "/a%20b"},
        {NULL, "bucket", S3_ADDRESS_PATH, "https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com",
         "/bucket/a%20b"},
        {"http://127.0.0.1:9000", "bucket", S3_ADDRESS_AUTO, "http://127.0.0.1:9000", "127.0.0.1:9000",
         "/bucket/a%20b"},
        {"https://store.example:9000", "bucket", S3_ADDRESS_VIRTUAL, "https://bucket.store.example:9000",
         "bucket.store.example:9000", "/a%20b"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Arena arena;
        Error err;
        S3Address address;
        arena_init(&arena);
        error_init(&err);
        S3Settings settings = {.endpoint = cases[i].endpoint, .addressing = cases[i].addressing, .region = "eu-west-1"};
        S3Name name = {cases[i].bucket, "a b"};
        assert_int_equal(s3_address(&settings, &name, "eu-west-1", &arena, &address, &err), STATUS_OK);
        assert_string_equal(address.origin, cases[i].origin);
        assert_string_equal(address.host, cases[i].host);
        assert_string_equal(address.path, cases[i].path);
        arena_done(&arena);
    }
}

static void test_config(void **state)
{
    (void)state;
    char config_text[] = "# a comment\n[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n\n"
                         "[profile night]\nregion=us-west-2 \nendpoint_url = http://127.0.0.1:9000\n"
                         "[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:9001\n";
    char credentials_text[] =
        "[default]\naws_access_key_id = A\naws_secret_access_key = S\n[night]\nregion = eu-north-1\n";
    char broken[] = "[default]\nregion\n";
    Error err;
    error_init(&err);
    AwsConfig *config = aws_config_new();
    assert_int_equal(aws_config_parse(config, config_text, "config", false, &err), STATUS_OK);
    assert_int_equal(aws_config_parse(config, credentials_text, "credentials", true, &err), STATUS_OK);
    assert_string_equal(aws_config_get(config, "default", "region"), "eu-west-1");
    assert_string_equal(aws_config_get(config, "default", "s3.addressing_style"), "path");
    assert_string_equal(aws_config_get(config, "default", "aws_access_key_id"), "A");
    assert_string_equal(aws_config_get(config, "night", "region"), "eu-north-1");
    assert_string_equal(aws_config_get(config, "night", "endpoint_url"), "http://127.0.0.1:9000");
    assert_null(aws_config_get(config, "night", "aws_access_key_id"));
    assert_true(aws_config_has_profile(config, "night"));
    assert_false(aws_config_has_profile(config, "day"));
    assert_int_equal(aws_config_parse(config, broken, "config", false, &err), STATUS_CONFIG);
    assert_int_equal(err.row, 2);
    aws_config_free(config);
}

static void test_xml(void **state)
{
    (void)state;
    StrView xml =
        str_view("<?xml version=\"1.0\"?><Error xmlns=\"x\"><Code>NoSuchKey</Code><Key>a&amp;b</Key></Error>");
    Arena arena;
    arena_init(&arena);
    assert_string_equal(xml_find(xml, "Error/Code", &arena), "NoSuchKey");
    assert_string_equal(xml_find(xml, "Error/Key", &arena), "a&b");
    assert_null(xml_find(xml, "Error/Nothing", &arena));
    assert_null(xml_find(str_view("<Error><Code>"), "Error/Message", &arena));
    assert_null(xml_find(str_view("not xml"), "Error/Code", &arena));
    arena_done(&arena);
}

static void test_instants_and_ranges(void **state)
{
    (void)state;
    int64_t ms = 0;
    uint64_t first, total;
    assert_true(instant_from_iso("2013-05-24T00:00:00.250Z", &ms));
    assert_true(ms == 1369353600250);
    assert_true(instant_from_http("Fri, 24 May 2013 00:00:00 GMT", &ms));
    assert_true(ms == 1369353600000);
    assert_false(instant_from_http("yesterday", &ms));
    assert_true(s3_content_range("bytes 100-199/1234", &first, &total));
    assert_true(first == 100 && total == 1234);
    assert_false(s3_content_range("bytes */1234", &first, &total));
    assert_false(s3_content_range("bytes 1-2/", &first, &total));
    assert_false(s3_content_range(NULL, &first, &total));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_addresses),
                                       cmocka_unit_test(test_config), cmocka_unit_test(test_xml),
                                       cmocka_unit_test(test_instants_and_ranges)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("storage/s3_parts", tests, NULL, NULL);
}
