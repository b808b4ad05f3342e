/* Known answers, and a reference that depends on both halves of an identity. */
#include "base/digest.h"
#include "check.h"

static void sha256_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        char hex[DIGEST_HEX_SIZE];
        digest_sha256_hex(rows[i].text, strlen(rows[i].text), hex);
        CHECK_STR(rows[i].text, rows[i].want, hex);
    }
}

static void running_digest_equals_the_whole(void **state)
{
    (void)state;
    struct digest *digest = digest_new();
    char hex[DIGEST_HEX_SIZE];
    assert_non_null(digest);

    digest_add(digest, "a", 1);
    digest_add(digest, "", 0);
    digest_add(digest, "bc", 2);
    digest_hex(digest, hex);
    CHECK_STR("abc in pieces", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex);
    digest_free(digest);
    digest_free(NULL);
}

static void hmac_known_answer(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE];

    digest_hmac_hex("Jefe", 4, "what do ya want for nothing?", 28, hex); /* RFC 4231, case 2 */
    CHECK_STR("rfc 4231", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", hex);
}

static void equality(void **state)
{
    (void)state;
    assert_true(digest_equal("abc", "abc"));
    assert_true(digest_equal("", ""));
    assert_false(digest_equal("abc", "abd"));
    assert_false(digest_equal("abc", "abcd"));
    assert_false(digest_equal("", "a"));
}

static void base64_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_BUF out;
        buf_init(&out, 100);
        digest_base64(rows[i].text, strlen(rows[i].text), &out);
        CHECK_STR(rows[i].text, rows[i].want, out.data);
    }
    char zeros[100] = { 0 };
    AUTO_BUF out;
    buf_init(&out, 200);
    digest_base64(zeros, sizeof(zeros), &out);
    CHECK_INT("length over several chunks", 136, out.len);
    CHECK_STR("padding only at the end", "AA==", out.data + 132);
}

static void reference_is_stable_and_readable(void **state)
{
    (void)state;
    char first[REFERENCE_SIZE], again[REFERENCE_SIZE], other[REFERENCE_SIZE];

    digest_reference("acmedemo1", "examplecall000000000000000000001", first);
    digest_reference("acmedemo1", "examplecall000000000000000000001", again);
    CHECK_STR("same identity", first, again);
    CHECK_INT("length", 13, strlen(first));
    CHECK_INT("alphabet", 13, strspn(first, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"));

    digest_reference("acmedemo1", "examplecall000000000000000000002", other);
    assert_string_not_equal(first, other);
    digest_reference("ab", "c", first);
    digest_reference("a", "bc", other);
    assert_string_not_equal(first, other);
}

static void reference_is_the_first_65_bits(void **state)
{
    (void)state;
    unsigned char digest[DIGEST_SIZE];
    char text[REFERENCE_SIZE], want[REFERENCE_SIZE] = { 0 };

    /* Bit by bit, the slow and obvious way. A record's reference must never change between versions. */
    digest_sha256("acme\0call-1", 11, digest);
    for (size_t i = 0; i < 13; i++) {
        unsigned value = 0;
        for (size_t bit = i * 5; bit < i * 5 + 5; bit++)
            value = value << 1 | ((unsigned)digest[bit / 8] >> (7 - bit % 8) & 1U);
        want[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value];
    }
    digest_reference("acme", "call-1", text);
    CHECK_STR("bits", want, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(running_digest_equals_the_whole),
        cmocka_unit_test(hmac_known_answer),
        cmocka_unit_test(equality),
        cmocka_unit_test(base64_known_answers),
        cmocka_unit_test(reference_is_stable_and_readable),
        cmocka_unit_test(reference_is_the_first_65_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
