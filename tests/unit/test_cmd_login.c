/* Parts of the sign-in: what is pasted, which data centre, and whose word is taken for it. */
#include "check.h"

#include "app/login.h"
#include "base/scope.h"

enum { ARENA_MAX = 1 << 20 };

static int setup(void **state)
{
    *state = arena_new(ARENA_MAX);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static void a_code_is_found_in_whatever_is_pasted(void **state)
{
    static const struct {
        const char *text, *code, *from_state, *location, *server;
    } cases[] = {
        { "http://127.0.0.1:8765/"
          "?state=ab12&code=1000.a.b&location=in&accounts-server=https%3A%2F%2Faccounts.zoho.in",
          "1000.a.b", "ab12", "in", "https://accounts.zoho.in" },
        { "  \"http://x/?code=1000.a.b\" \r\n", "1000.a.b", NULL, NULL, NULL },
        { "code=1000.a.b&state=s#top", "1000.a.b", "s", NULL, NULL },
        { "?code=a%2Eb+c%zz%4", "a.b c%zz%4", NULL, NULL, NULL },
        { "http://x/?xcode=no&code=yes", "yes", NULL, NULL, NULL },
        { "1000.a-b_c.d", "1000.a-b_c.d", NULL, NULL, NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct login_answer answer = { .code = "untouched" };
        CHECK_INT(cases[i].text, 0, login_read_pasted(cases[i].text, *state, &answer, &err));
        CHECK_STR(cases[i].text, cases[i].code, answer.code);
        CHECK_STR(cases[i].text, cases[i].from_state, answer.state);
        CHECK_STR(cases[i].text, cases[i].location, answer.location);
        CHECK_STR(cases[i].text, cases[i].server, answer.accounts_server);
        CHECK_STR(cases[i].text, NULL, answer.error);
    }
}

static void a_refusal_is_found_too(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct login_answer answer;

    assert_int_equal(0, login_read_pasted("http://x/?error=access_denied&state=s", *state, &answer, &err));
    assert_null(answer.code);
    assert_string_equal("access_denied", answer.error);
}

static void what_holds_no_code_is_refused(void **state)
{
    static const char *const cases[] = { "",
                                         "  \n",
                                         "http://127.0.0.1:8765/",
                                         "two words",
                                         "a;b",
                                         "http://x/?kode=1",
                                         "http://x/?code=",
                                         "http://x/#code=1000.a.b" };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct login_answer answer = { .code = "untouched" };
        CHECK_INT(cases[i], SB_EINPUT, login_read_pasted(cases[i], *state, &answer, &err));
        CHECK_STR(cases[i], "untouched", answer.code);
        assert_non_null(strstr(err.text, "there is no code in what was pasted"));
    }
}

static void a_flood_is_refused(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct login_answer answer;
    char text[5000];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(SB_EINPUT, login_read_pasted(text, *state, &answer, &err));
    assert_non_null(strstr(err.text, "too long"));
}

static void every_data_centre_is_found_by_each_of_its_names(void **state)
{
    static const char *const locations[] = { "us", "eu", "in", "au", "jp", "ca", "cn", "sa", "sg", "ae" };
    AUTO_BUF names;

    (void)state;
    buf_init(&names, 200);
    login_centre_names(&names);
    CHECK_STR("names", "us, eu, in, au, jp, ca, cn, sa, sg, ae", names.data);
    for (size_t i = 0; i < COUNT_OF(locations); i++) {
        const struct login_centre *centre = login_centre_named(locations[i]);
        assert_non_null(centre);
        assert_ptr_equal(centre, login_centre_of_accounts(centre->accounts));
        assert_ptr_equal(centre, login_centre_of_desk(centre->desk));
    }
    assert_string_equal("https://desk.zohocloud.ca", login_centre_named("CA")->desk);
    assert_ptr_equal(login_centre_named("in"), login_centre_of_accounts("https://Accounts.Zoho.in/"));
}

static void what_only_looks_like_zoho_is_not(void **state)
{
    static const char *const cases[] = { "https://accounts.zoho.in.example.com",
                                         "http://accounts.zoho.in",
                                         "https://accounts.zoho.in@example.com",
                                         "https://accounts.zoho.in:444",
                                         "https://accounts.zoho.ca",
                                         "accounts.zoho.in",
                                         "" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (login_centre_of_accounts(cases[i]))
            fail_msg("'%s' was taken for one of Zoho's", cases[i]);
    assert_null(login_centre_named("xx"));
    assert_null(login_centre_of_desk("https://desk.zoho.in.example.com"));
}

/* ---- whose word is taken ---- */

static void the_answer_may_move_the_login_to_another_data_centre_of_zoho(void **state)
{
    static const struct {
        const char *row, *accounts, *server, *location, *want_accounts, *want_desk;
    } cases[] = {
        { "server", "https://accounts.zoho.com", "https://accounts.zoho.in", "in", "https://accounts.zoho.in",
          "https://desk.zoho.in" },
        { "server wins", "https://accounts.zoho.com", "https://accounts.zoho.eu/", "in",
          "https://accounts.zoho.eu", "https://desk.zoho.eu" },
        { "location alone", "https://accounts.zoho.com", NULL, "ca", "https://accounts.zohocloud.ca",
          "https://desk.zohocloud.ca" },
        { "nothing said", "https://accounts.zoho.com", NULL, NULL, "https://accounts.zoho.com",
          "first desk" },
        { "same server", "http://127.0.0.1:4000", "http://127.0.0.1:4000/", "in", "http://127.0.0.1:4000",
          "first desk" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct login login = { .arena = *state, .accounts = cases[i].accounts, .desk = "first desk" };
        const struct login_answer answer = { .code = "1000.a.b",
                                             .accounts_server = cases[i].server,
                                             .location = cases[i].location };
        CHECK_INT(cases[i].row, 0, login_take_answer(&login, &answer, &err));
        CHECK_STR(cases[i].row, "1000.a.b", login.code);
        CHECK_STR(cases[i].row, cases[i].want_accounts, login.accounts);
        CHECK_STR(cases[i].row, cases[i].want_desk, login.desk);
    }
}

static void the_answer_moves_the_login_nowhere_else(void **state)
{
    static const struct {
        const char *server, *location, *want;
    } cases[] = {
        { "https://accounts.zoho.in.example.com", "in", "none of Zoho's accounts servers" },
        { "https://example.com/", NULL, "none of Zoho's accounts servers" },
        { "http://127.0.0.1:9", NULL, "none of Zoho's accounts servers" },
        { NULL, "uk", "no known data centre 'uk'" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct login login = { .arena = *state,
                               .accounts = "https://accounts.zoho.com",
                               .desk = "first desk" };
        const struct login_answer answer = { .code = "1000.a.b",
                                             .accounts_server = cases[i].server,
                                             .location = cases[i].location };
        CHECK_INT(cases[i].want, SB_EINPUT, login_take_answer(&login, &answer, &err));
        CHECK_STR(cases[i].want, "https://accounts.zoho.com", login.accounts);
        if (!strstr(err.text, cases[i].want))
            fail_msg("'%s' is missing in: %s", cases[i].want, err.text);
    }
}

static void an_answer_without_a_code_says_why(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct login login = { .arena = *state, .accounts = "https://accounts.zoho.com" };

    assert_int_equal(SB_EINPUT,
                     login_take_answer(&login, &(struct login_answer){ .error = "access_denied" }, &err));
    assert_non_null(strstr(err.text, "consent was refused"));
    err = (struct sb_error)SB_ERROR_INIT;
    assert_int_equal(SB_EINPUT,
                     login_take_answer(&login, &(struct login_answer){ .error = "server_error" }, &err));
    assert_non_null(strstr(err.text, "'server_error'"));
    assert_null(login.code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_code_is_found_in_whatever_is_pasted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_is_found_too, setup, teardown),
        cmocka_unit_test_setup_teardown(what_holds_no_code_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_refused, setup, teardown),
        cmocka_unit_test(every_data_centre_is_found_by_each_of_its_names),
        cmocka_unit_test(what_only_looks_like_zoho_is_not),
        cmocka_unit_test_setup_teardown(the_answer_may_move_the_login_to_another_data_centre_of_zoho, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_answer_moves_the_login_nowhere_else, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_without_a_code_says_why, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
