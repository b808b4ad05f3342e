/* The order of a login. */
#include "app/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "base/scope.h"

enum { NAMES_BYTES_MAX = 200 };

const char *login_variable(const struct login *login, const char *name)
{
    const char *value = getenv(name);

    if (!value && login->conf)
        value = conf_env_value(login->conf, name);
    return value && *value ? value : NULL;
}

static void use_centre(struct login *login, const struct login_centre *centre)
{
    login->accounts = centre->accounts;
    login->desk = centre->desk;
}

static int fail_centre(const char *word, struct sb_error *err)
{
    AUTO_BUF names;

    buf_init(&names, NAMES_BYTES_MAX);
    login_centre_names(&names);
    return sb_fail(err, SB_ECONFIG, "there is no data centre '%.40s': %s are known", word, names.data);
}

/* Servers of one's own (tests, proxies) are named by the same variables that the engine reads. */
static int use_variables(struct login *login, struct sb_error *err)
{
    const char *accounts = login_variable(login, "ZOHO_ACCOUNTS_URL");
    const char *desk = login_variable(login, "ZOHO_DESK_API_DOMAIN");
    const struct login_centre *centre = desk ? login_centre_of_desk(desk) : NULL;

    if (accounts && !centre)
        centre = login_centre_of_accounts(accounts);
    if (centre)
        use_centre(login, centre);
    if (accounts)
        login->accounts = accounts;
    if (desk)
        login->desk = desk;
    if (accounts && !login->desk)
        return sb_fail(
            err, SB_ECONFIG,
            "ZOHO_ACCOUNTS_URL '%s' is none of Zoho's: set ZOHO_DESK_API_DOMAIN to the Zoho Desk that goes "
            "with it",
            accounts);
    if (desk && !login->accounts)
        return sb_fail(err, SB_ECONFIG,
                       "ZOHO_DESK_API_DOMAIN '%s' is none of Zoho's: set ZOHO_ACCOUNTS_URL, or say --dc",
                       desk);
    return 0;
}

/* Where the consent begins. Zoho sends people on to their own data centre, and says so in its answer. */
static int choose_centre(struct login *login, struct sb_error *err)
{
    const char *word = login->options->centre;
    const struct login_centre *centre = word ? login_centre_named(word) : NULL;

    if (word && !centre)
        return fail_centre(word, err);
    if (centre) {
        use_centre(login, centre);
        return 0;
    }
    int rc = use_variables(login, err);
    if (rc == 0 && !login->accounts) {
        use_centre(login, login_centre_named("us"));
        (void)fputs(
            "data centre: us, unless Zoho's answer says another; --dc in (eu, au, ...) begins elsewhere\n",
            stderr);
    }
    return rc;
}

static int get_code(struct login *login, struct sb_error *err)
{
    struct login_answer answer;

    if (!login->options->code)
        return login_consent(login, err);
    /* A self client's code belongs to no redirect address. */
    login->redirect_uri = login->options->redirect_uri;
    int rc = login_read_pasted(login->options->code, login->arena, &answer, err);
    return rc == 0 ? login_take_answer(login, &answer, err) : rc;
}

static int get_tokens(struct login *login, struct sb_error *err)
{
    int rc = choose_centre(login, err);

    if (rc == 0)
        rc = login_ask_client(login, err);
    if (rc == 0)
        rc = get_code(login, err);
    return rc == 0 ? login_exchange(login, err) : rc;
}

/* From here on there is a refresh token, which must not be lost whatever else fails. */
static int finish(struct login *login)
{
    struct sb_error err = SB_ERROR_INIT;
    int rc = login_look(login, &err);

    if (rc < 0)
        (void)fprintf(stderr, "switchboard: %s\n", err.text);
    if (login->missing_scopes)
        (void)fprintf(stderr, "switchboard: the consent lacks scopes that the engine needs: %s\n",
                      login->missing_scopes);
    if (!login->options->common.json)
        (void)fputs(
            "\nThese lines belong into .env, which nobody else should be able to read (chmod 600 .env):\n\n",
            stderr);
    int code = login_print(login);
    return rc < 0 || login->missing_scopes ? EXIT_FAILED : code;
}

int login_zoho(struct login *login)
{
    struct sb_error err = SB_ERROR_INIT;
    int rc = get_tokens(login, &err);

    if (rc == SB_ECONFIG) {
        (void)command_fail(&err);
        return EXIT_USAGE;
    }
    return rc < 0 ? command_fail(&err) : finish(login);
}
