/* Masking: what must not leave, in every form in which people say it, and what a ticket needs and must stay. */
#include "plugins/openai_kit.h"

static const struct {
    const char *name, *said, *sent;
} rows[] = {
    /* Telephones. */
    { "a mobile number", "call 9876543210 please", "call [MOBILE_1] please" },
    { "with its country", "call +91 98765 43210", "call +[MOBILE_1]" },
    { "with a trunk zero", "call 09876543210.", "call [MOBILE_1]." },
    { "with dashes", "call 98765-43210", "call [MOBILE_1]" },
    { "a landline", "call 0555 010 0001", "call [NUMBER_1]" },
    { "seven digits", "call 5550100", "call [NUMBER_1]" },
    { "the same one twice", "9876543210 yes 9876543211. it is 9876543210",
      "[NUMBER_1] yes [NUMBER_1]. it is [MOBILE_1]" },
    { "two that are apart", "first 9876543210 or else 9876543211 or again 9876543210",
      "first [MOBILE_1] or else [MOBILE_2] or again [MOBILE_1]" },

    /* Spoken. */
    { "digit by digit", "it is nine eight seven six five four three two one zero", "it is [MOBILE_1]" },
    { "with double and triple", "it is nine double eight seven triple five zero one two",
      "it is [MOBILE_1]" },
    { "with oh", "code nine oh oh one", "code [CODE_1]" },
    { "with fillers", "it is nine eight um seven six okay five four uh three two one zero",
      "it is [MOBILE_1] um [MOBILE_1] okay [MOBILE_1] uh [MOBILE_1]" },
    { "in pairs", "it is ninety eight seventy six fifty four thirty two ten", "it is [MOBILE_1]" },
    { "four digits", "my number ends one two three four", "my number ends [NUMBER_1]" },
    { "three digits stay", "i have one two three things", "i have one two three things" },
    { "single digits apart", "press 1 2 3 4 now", "press [NUMBER_1] now" },
    { "words and figures mixed", "it is nine 8 seven 6", "it is [NUMBER_1]" },
    { "Hindi in Latin letters", "mera number nau aath saat chhe paanch chaar teen do ek shunya hai",
      "mera number [MOBILE_1] hai" },
    { "Hindi", "मेरा नंबर नौ आठ सात छह पांच चार तीन दो एक शून्य है", "मेरा नंबर [MOBILE_1] है" },
    { "Hindi digits", "नंबर ९८७६५४३२१० है", "नंबर [MOBILE_1] है" },
    { "over turns", "customer: nine eight seven six five\nagent: okay\ncustomer: four three two one zero\n",
      "customer: [MOBILE_1]\nagent: okay\ncustomer: [MOBILE_1]\n" },
    { "over turns in figures", "customer: 98765\nagent: yes?\ncustomer: 43210\n",
      "customer: [MOBILE_1]\nagent: yes?\ncustomer: [MOBILE_1]\n" },

    /* Ids. */
    { "Aadhaar", "aadhaar 555010000123", "aadhaar [AADHAAR_1]" },
    { "Aadhaar in groups", "aadhaar 5550 1000 0123 ok", "aadhaar [AADHAAR_1] ok" },
    { "twelve digits with a wrong check are masked all the same", "id 555010000128", "id [NUMBER_1]" },
    { "a card", "card 4111 1111 1111 1111 thanks", "card [CARD_1] thanks" },
    { "a card with a wrong check is masked all the same", "card 4111 1111 1111 1112", "card [NUMBER_1]" },
    { "PAN", "pan ABCPE1234F here", "pan [PAN_1] here" },
    { "PAN in small letters", "pan abcpe1234f", "pan [PAN_1]" },
    { "a PAN with an impossible holder", "ref ABCDE1234F", "ref ABCDE1234F" },
    { "GSTIN", "gst 27ABCPE1234F1Z5.", "gst [GSTIN_1]." },
    { "IFSC", "ifsc DEMO0123456", "ifsc [IFSC_1]" },
    { "voter id", "voter ABC1234567", "voter [VOTER_ID_1]" },
    { "passport", "passport A1234567", "passport [PASSPORT_1]" },
    { "number plate", "car MH12AB1234", "car [VEHICLE_1]" },
    { "many digits in a word", "ref X9876543210Y", "ref X[NUMBER_1]Y" },

    /* Addresses. */
    { "e-mail", "mail asha.k+x@mail.example.com, please", "mail [EMAIL_1], please" },
    { "e-mail at the end of a sentence", "mail asha@example.com.", "mail [EMAIL_1]." },
    { "UPI", "pay asha.k@examplebank now", "pay [UPI_1] now" },
    { "spelled e-mail", "mail asha dot k at the rate example dot com please", "mail [EMAIL_1] please" },
    { "spelled with at alone", "mail asha at example dot co dot in", "mail [EMAIL_1]" },
    { "spelled UPI", "pay asha at the rate examplebank please", "pay [UPI_1] please" },
    { "at is a word too", "look at this problem", "look at this problem" },
    { "an at sign alone", "meet @ noon", "meet @ noon" },

    /* Secrets next to their words. */
    { "OTP", "the otp is 4829", "the otp is [CODE_1]" },
    { "CVV", "cvv 123", "cvv [CODE_1]" },
    { "CVV in the next turn", "agent: your cvv please?\ncustomer: it is 123\n",
      "agent: your cvv please?\ncustomer: it is [CODE_1]\n" },
    { "spoken PIN", "my pin is one two three", "my pin is [CODE_1]" },

    /* What a ticket needs. */
    { "an amount", "charged Rs 1500 twice", "charged Rs 1500 twice" },
    { "an amount with separators", "charged 1,50,000 twice", "charged 1,50,000 twice" },
    { "an amount in rupees", "paid 250000 rupees", "paid 250000 rupees" },
    { "an amount with a sign", "paid ₹ 250000", "paid ₹ 250000" },
    { "a date", "since 21-11-2026", "since 21-11-2026" },
    { "a date the other way", "since 2026-11-21", "since 2026-11-21" },
    { "a time", "at 10:30", "at 10:30" },
    { "a short order number", "order 48291", "order 48291" },
    { "a model name", "the XR200 and a 5G plan", "the XR200 and a 5G plan" },
    { "a year", "bought in 2024", "bought in 2024" },
    { "no digits at all", "it is not working", "it is not working" },
};

static void personal_data_is_replaced(void **state)
{
    size_t failures = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("row: %s\n", rows[i].name);
        struct harness *h = kit_new(NULL, rows[i].said);
        char *sent = kit_sent(h);
        if (strcmp(sent, rows[i].sent) != 0) {
            print_error("'%s' became '%s', not '%s'\n", rows[i].said, sent, rows[i].sent);
            failures++;
        }
        free(sent);
        harness_free(h);
    }
    assert_int_equal(failures, 0);
}

static void masking_can_be_switched_off(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"mask_personal_data\": false", "call 9876543210");
    char *sent = kit_sent(h);
    assert_string_equal(sent, "call 9876543210");
    free(sent);
    harness_free(h);
}

/* Hours of recited numbers: time and memory stay bounded. */
static void many_numbers_are_masked_in_time(void **state)
{
    (void)state;
    enum { COUNT = 20000, LINE = 40 };
    char *said = calloc(COUNT, LINE);
    assert_non_null(said);
    for (size_t i = 0, at = 0; i < COUNT; i++)
        at += (size_t)snprintf(said + at, LINE, "a%zu@example.com call 98%08zu word\n", i, i);
    struct harness *h = kit_new("\"transcript_budget\": 20000", said);
    char *sent = kit_sent(h);
    assert_null(strstr(sent, "@example"));
    assert_null(strstr(sent, "9800"));
    assert_non_null(strstr(sent, "[EMAIL_1] call [MOBILE_1] word\n[EMAIL_2] call [MOBILE_2] word\n"));
    assert_non_null(strstr(sent, "[EMAIL] call [MOBILE] word\n"));
    free(sent);
    free(said);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(personal_data_is_replaced),
        cmocka_unit_test(masking_can_be_switched_off),
        cmocka_unit_test(many_numbers_are_masked_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
