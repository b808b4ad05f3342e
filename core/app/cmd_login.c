/* switchboard login zoho: from a registered client to the lines for .env. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/login.h"
#include "base/parse.h"
#include "base/scope.h"

enum { PORT_DEFAULT = 8765, ARENA_BYTES_MAX = 4 * 1024 * 1024, WAIT_MS = 10 * 60 * 1000 };

/* ---- life ---- */

static int open_all(struct login *login, struct sb_error *err)
{
    const struct http_client_options options = { .ca_file =
                                                     login->conf ? login->conf->settings.ca_file : NULL,
                                                 .user_agent = "switchboard/" SB_VERSION };

    login->log = command_log();
    login->arena = arena_new(ARENA_BYTES_MAX);
    login->organizations = json_array();
    login->departments = json_array();
    login->loop = loop_new(err);
    if (!login->log || !login->arena || !login->organizations || !login->departments || !login->loop)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    login->client = http_client_new(login->loop, &options, login->log, err);
    return login->client ? 0 : err->status;
}

static void close_all(struct login *login)
{
    http_client_free(login->client);
    loop_free(login->loop);
    json_decref(login->organizations);
    json_decref(login->departments);
    arena_wipe(login->arena);
    arena_free(login->arena);
    log_free(login->log);
}

static int sign_in(const struct login_options *options, const struct conf *conf)
{
    struct sb_error err = SB_ERROR_INIT;
    struct login login = { .options = options, .conf = conf };
    int rc = http_client_global_init(&err);

    if (rc < 0)
        return command_fail(&err);
    rc = open_all(&login, &err);
    int code = rc < 0 ? command_fail(&err) : login_zoho(&login);
    close_all(&login);
    http_client_global_done();
    return code;
}

/* ---- options ---- */

static int read_port(const struct command *command, struct login_options *options)
{
    int64_t port = 0;

    if (parse_int(optarg, &port, NULL) < 0 || port < 0 || port > UINT16_MAX)
        return command_usage(command, "'%s' is not a port: 0 to %d", optarg, UINT16_MAX);
    options->port = (uint16_t)port;
    return -1;
}

static int read_wait(const struct command *command, struct login_options *options)
{
    struct sb_error err = SB_ERROR_INIT;

    if (parse_duration(optarg, &options->wait_ms, &err) < 0 || options->wait_ms <= 0)
        return command_usage(command, "%s", err.text[0] ? err.text : "--wait must be longer than nothing");
    return -1;
}

enum { OPTION_ID = 256, OPTION_SECRET, OPTION_SCOPE, OPTION_DC, OPTION_URI, OPTION_ORG, OPTION_DEPARTMENT };

static int read_option(const struct command *command, struct login_options *options, int letter, char **argv)
{
    const char **const texts[] = { &options->client_id, &options->client_secret, &options->scope,
                                   &options->centre,    &options->redirect_uri,  &options->org,
                                   &options->department };

    if (letter >= OPTION_ID && letter <= OPTION_DEPARTMENT) {
        if (!*optarg)
            return command_usage(command, "'%s' is empty", argv[optind - 1]);
        *texts[letter - OPTION_ID] = optarg;
        return -1;
    }
    switch (letter) {
    case 'C':
        options->code = optarg;
        return -1;
    case 'p':
        return read_port(command, options);
    case 'w':
        return read_wait(command, options);
    default:
        return command_common(command, &options->common, letter, argv);
    }
}

/* Without engine.conf a login works too: then there is no .env to look at. */
static int load_conf(const struct login_options *options, bool is_given, struct conf **ret_conf)
{
    if (!is_given && access(options->common.conf_path, F_OK) < 0 && errno == ENOENT)
        return EXIT_OK;
    return command_conf(options->common.conf_path, ret_conf);
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option longs[] = { COMMAND_LONG,
                                           { "client-id", required_argument, NULL, OPTION_ID },
                                           { "client-secret", required_argument, NULL, OPTION_SECRET },
                                           { "scope", required_argument, NULL, OPTION_SCOPE },
                                           { "code", required_argument, NULL, 'C' },
                                           { "dc", required_argument, NULL, OPTION_DC },
                                           { "redirect-uri", required_argument, NULL, OPTION_URI },
                                           { "org", required_argument, NULL, OPTION_ORG },
                                           { "department", required_argument, NULL, OPTION_DEPARTMENT },
                                           { "port", required_argument, NULL, 'p' },
                                           { "wait", required_argument, NULL, 'w' },
                                           { NULL, 0, NULL, 0 } };
    struct login_options options = {
        .common = COMMAND_OPTIONS_INIT, .scope = LOGIN_SCOPES, .port = PORT_DEFAULT, .wait_ms = WAIT_MS
    };
    struct conf *conf = NULL;
    bool is_given = false;

    for (int c; (c = getopt_long(argc, argv, COMMAND_SHORT "p:", longs, NULL)) != -1;) {
        int code = read_option(command, &options, c, argv);
        if (code >= 0)
            return code;
        is_given = is_given || c == 'c';
    }
    if (optind >= argc)
        return command_usage(command, "where? 'login zoho' is known");
    if (strcmp(argv[optind], "zoho") != 0)
        return command_usage(command, "cannot log in at '%s': only 'zoho' is known", argv[optind]);
    if (optind + 1 < argc)
        return command_usage(command, "unexpected argument '%s'", argv[optind + 1]);
    int code = load_conf(&options, is_given, &conf);
    if (code == EXIT_OK)
        code = sign_in(&options, conf);
    conf_free(conf);
    return code;
}

const struct command command_login = {
    .name = "login",
    .summary = "sign in at Zoho and print the lines for .env",
    .usage = "login zoho [OPTIONS]\n\n"
             "Prints the address of Zoho's consent page, waits for its answer on a port of this machine (or "
             "takes what\n"
             "you paste), turns it into a refresh token, looks up organization and department, and prints "
             "the lines for\n"
             ".env on stdout. The file itself is never written. What is not given here is taken from the "
             "environment or\n"
             ".env (ZOHO_DESK_CLIENT_ID, ZOHO_DESK_CLIENT_SECRET, ZOHO_DESK_API_DOMAIN), or asked for.\n\n"
             "      --client-id ID        the client, registered at https://api-console.zoho.com\n"
             "      --client-secret TEXT  its secret; others on this machine can see it here, so better not\n"
             "      --dc NAME             data centre of the client: us, eu, in, au, jp, ca, cn, sa, sg, ae "
             "(default: of\n"
             "                            ZOHO_DESK_API_DOMAIN, else us); Zoho's answer may name another\n"
             "      --code TEXT           a code of a self client, or the address that an earlier consent "
             "ended at\n"
             "      --redirect-uri URL    as registered for the client (default: http://127.0.0.1:PORT/)\n"
             "  -p, --port PORT           where the answer is waited for (default: 8765; 0: any)\n"
             "      --org ID              the organization, when the account has several\n"
             "      --department ID       the department that gets the tickets, when there are several\n"
             "      --scope LIST          other scopes than those that the engine needs, which are\n"
             "                            Desk.tickets.CREATE,Desk.tickets.READ,Desk.tickets.UPDATE,\n"
             "                            "
             "Desk.contacts.CREATE,Desk.contacts.READ,Desk.search.READ,Desk.basic.READ\n"
             "      --wait DURATION       how long to wait for the consent (default: 10m)\n"
             "  -c, --config FILE         for its env_file (default: engine.conf, if it is there)\n"
             "      --json                everything as one JSON object\n\n"
             "Example:\n"
             "  switchboard login zoho --dc in >> .env",
    .run = run,
};
