/* A person agrees in the browser. The answer comes to a small server on this machine, or is pasted. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/login.h"
#include "base/parse.h"
#include "base/scope.h"
#include "io/http_server.h"
#include "io/url.h"

enum { STATE_BYTES = 16, LINE_BYTES_MAX = 8192, LINGER_MS = 100 };

struct consent {
    struct login *login;
    struct http_server *server; /* NULL: only pasting */
    struct loop_watch *input;   /* NULL: nobody can paste */
    struct loop_timer *deadline, *linger;
    char state[STATE_BYTES * 2 + 1];
    char *path; /* owned: of the redirect address */
    struct buf line;
    bool is_over;
    int rc;
    struct sb_error err;
};

/* ---- what the answer says ---- */

static bool is_same_server(const char *a, const char *b)
{
    size_t size = strlen(a), other = strlen(b);

    while (size > 0 && a[size - 1] == '/')
        size--;
    while (other > 0 && b[other - 1] == '/')
        other--;
    return size == other && strncmp(a, b, size) == 0;
}

/* The person may live in another data centre than the client. The secret goes there, so it must be one of Zoho's. */
static int follow_centre(struct login *login, const struct login_answer *answer, struct sb_error *err)
{
    const struct login_centre *centre = NULL;

    if (answer->accounts_server && is_same_server(answer->accounts_server, login->accounts))
        return 0;
    if (answer->accounts_server) {
        centre = login_centre_of_accounts(answer->accounts_server);
        if (!centre)
            return sb_fail(err, SB_EINPUT,
                           "'%.100s' is none of Zoho's accounts servers that have Desk; say --dc",
                           answer->accounts_server);
    } else if (answer->location) {
        centre = login_centre_named(answer->location);
        if (!centre)
            return sb_fail(err, SB_EINPUT, "there is no known data centre '%.20s' with Zoho Desk; say --dc",
                           answer->location);
    }
    if (centre && login_centre_of_accounts(login->accounts) != centre) {
        (void)fprintf(stderr, "data centre: %s, as Zoho says\n", centre->location);
        login->accounts = centre->accounts;
        login->desk = centre->desk;
    }
    return 0;
}

int login_take_answer(struct login *login, const struct login_answer *answer, struct sb_error *err)
{
    if (answer->error && strcmp(answer->error, "access_denied") == 0)
        return sb_fail(err, SB_EINPUT, "consent was refused in the browser; begin again to be asked again");
    if (!answer->code)
        return sb_fail(err, SB_EINPUT, "Zoho ended the consent with '%.60s'",
                       answer->error ? answer->error : "nothing");
    login->code = arena_strdup(login->arena, answer->code);
    return login->code ? follow_centre(login, answer, err) : sb_fail(err, SB_ENOMEM, "out of memory");
}

/* Not at once, so that the browser gets its page. */
static void finish(struct consent *consent, const struct login_answer *answer)
{
    consent->is_over = true;
    consent->rc = login_take_answer(consent->login, answer, &consent->err);
    loop_timer_arm(consent->linger, LINGER_MS);
}

/* ---- the browser ---- */

static void reply_page(struct http_call *call, int status, const char *text)
{
    AUTO_BUF page;

    buf_init(&page, LINE_BYTES_MAX);
    buf_printf(
        &page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Switchboard</title></head>"
        "<body style=\"font-family: sans-serif; margin: 4em\"><p>%s</p></body></html>\n",
        text);
    http_call_add_header(call, "Cache-Control", "no-store");
    http_call_reply(call, status, "text/html; charset=utf-8", page.data, page.len);
}

static void on_call(void *ctx, struct http_call *call)
{
    struct consent *consent = ctx;
    const struct login_answer answer = { .code = http_call_query(call, "code"),
                                         .error = http_call_query(call, "error"),
                                         .state = http_call_query(call, "state"),
                                         .location = http_call_query(call, "location"),
                                         .accounts_server = http_call_query(call, "accounts-server") };

    if (strcmp(http_call_path(call), consent->path) != 0 || (!answer.code && !answer.error)) {
        reply_page(call, 404, "There is nothing here: this waits for the answer of Zoho's consent page.");
        return;
    }
    if (!answer.state || strcmp(answer.state, consent->state) != 0) {
        (void)fputs("switchboard: ignored an answer that does not belong to this login (wrong state)\n",
                    stderr);
        reply_page(call, 400,
                   "This answer does not belong to the login that waits here. Open its address again.");
        return;
    }
    if (consent->is_over) {
        reply_page(call, 409, "This login has its answer already.");
        return;
    }
    /* Before the reply, which ends the call and what was read from it. */
    finish(consent, &answer);
    reply_page(call, 200,
               answer.code
                   ? "Switchboard has its answer. You can close this page and go back to the terminal."
                   : "Consent was refused. You can close this page.");
}

/* ---- the keyboard ---- */

static void take_line(struct consent *consent, const char *text)
{
    struct sb_error err = SB_ERROR_INIT;
    struct login_answer answer;

    if (consent->is_over || strspn(text, " \t\r\n") == strlen(text))
        return;
    int rc = login_read_pasted(text, consent->login->arena, &answer, &err);
    if (rc == 0 && answer.state && strcmp(answer.state, consent->state) != 0)
        rc = sb_fail(&err, SB_EINPUT, "this address belongs to another login: open the address above again");
    if (rc < 0)
        (void)fprintf(stderr, "switchboard: %s\n", err.text);
    else
        finish(consent, &answer);
}

static void take_input(struct consent *consent, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            buf_char(&consent->line, data[i]);
            continue;
        }
        take_line(consent, consent->line.data);
        buf_clear(&consent->line);
    }
}

/* The last line needs no end. Without server and keyboard nothing more can come. */
static void end_input(struct consent *consent)
{
    loop_unwatch(consent->input);
    consent->input = NULL;
    take_line(consent, consent->line.data);
    buf_clear(&consent->line);
    if (consent->is_over || consent->server)
        return;
    consent->is_over = true;
    consent->rc = sb_fail(&consent->err, SB_EINPUT, "no code came: give it with --code, or paste it");
    loop_timer_arm(consent->linger, 0);
}

static void on_input(void *ctx)
{
    struct consent *consent = ctx;
    char piece[1024];
    ssize_t got = read(STDIN_FILENO, piece, sizeof(piece));

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0)
        take_input(consent, piece, (size_t)got);
    else
        end_input(consent);
    explicit_bzero(piece, sizeof(piece));
}

/* Files and /dev/null cannot be watched, and need not be: they are there at once. */
static void open_input(struct consent *consent)
{
    struct stat st;
    struct sb_error err = SB_ERROR_INIT;
    char piece[1024];

    if (fstat(STDIN_FILENO, &st) < 0)
        return;
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO)) {
        consent->input = loop_watch(consent->login->loop, STDIN_FILENO, on_input, consent, &err);
        return;
    }
    for (ssize_t got; (got = read(STDIN_FILENO, piece, sizeof(piece))) > 0;)
        take_input(consent, piece, (size_t)got);
    end_input(consent);
}

/* ---- the redirect address ---- */

/* The part of `uri` from the path on, without query. */
static char *path_of(const char *uri)
{
    const char *host = strstr(uri, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;

    return path ? strndup(path, strcspn(path, "?#")) : strdup("/");
}

static int read_port(const char *host, uint16_t *ret_port)
{
    int64_t port = 0;
    const char *colon = strrchr(host, ':');

    if (!colon || parse_int(colon + 1, &port, NULL) < 0 || port < 1 || port > UINT16_MAX)
        return -1;
    *ret_port = (uint16_t)port;
    return 0;
}

/* Where to listen; false: the address leads elsewhere, and the answer must be pasted. */
static int find_listener(struct consent *consent, bool *ret_listens, uint16_t *ret_port, struct sb_error *err)
{
    const char *given = consent->login->options->redirect_uri;
    struct url_place place;

    *ret_listens = true;
    *ret_port = consent->login->options->port;
    consent->path = given ? path_of(given) : strdup("/");
    if (!consent->path)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (!given)
        return 0;
    int rc = url_place(given, &place, err);
    if (rc < 0)
        return rc;
    *ret_listens = place.is_loopback && !place.is_https && read_port(place.host, ret_port) == 0;
    return 0;
}

static int open_server(struct consent *consent, struct sb_error *err)
{
    struct login *login = consent->login;
    struct sb_error why = SB_ERROR_INIT;
    struct http_server_options options = { .host = "127.0.0.1" };
    bool listens = false;
    int rc = find_listener(consent, &listens, &options.port, err);

    if (rc < 0)
        return rc;
    if (listens)
        consent->server = http_server_new(login->loop, &options, on_call, consent, login->log, &why);
    if (listens && !consent->server)
        (void)fprintf(stderr, "switchboard: %s: the answer must be pasted, or --port names a free one\n",
                      why.text);
    login->redirect_uri = login->options->redirect_uri;
    if (!login->redirect_uri)
        login->redirect_uri = arena_printf(login->arena, "http://127.0.0.1:%u/",
                                           consent->server ? (unsigned)http_server_port(consent->server)
                                                           : (unsigned)options.port);
    return login->redirect_uri ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

/* ---- the whole ---- */

static int make_state(struct consent *consent, struct sb_error *err)
{
    unsigned char bytes[STATE_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return sb_fail(err, SB_EINTERNAL, "there are no random numbers: %s", strerror(errno));
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(consent->state + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int show_address(const struct consent *consent, struct sb_error *err)
{
    const struct login *login = consent->login;
    AUTO_BUF query;
    AUTO_BUF url;

    buf_init(&query, URL_SIZE_MAX);
    buf_init(&url, URL_SIZE_MAX);
    url_add_pair(&query, "response_type", "code");
    url_add_pair(&query, "client_id", login->client_id);
    url_add_pair(&query, "scope", login->options->scope);
    url_add_pair(&query, "redirect_uri", login->redirect_uri);
    url_add_pair(&query, "access_type", "offline");
    url_add_pair(&query, "prompt", "consent");
    url_add_pair(&query, "state", consent->state);
    int rc = query.failed ? sb_fail(err, SB_EINPUT, "client id, scopes or redirect address are too long")
                          : url_build(login->accounts, "/oauth/v2/auth", query.data, &url, err);
    if (rc < 0)
        return rc;
    (void)fprintf(stderr,
                  "\nThe client must have this redirect address, exactly: %s\n\n"
                  "Open this address in a browser, sign in, and agree:\n\n  %s\n\n",
                  login->redirect_uri, url.data);
    if (consent->server)
        (void)fputs(
            "Waiting for the answer. If the browser runs on another machine, its last page cannot be shown;\n"
            "then paste the address that it ended at here.\n",
            stderr);
    else
        (void)fputs("Then paste the address that the browser ended at here.\n", stderr);
    return 0;
}

static void on_deadline(void *ctx)
{
    struct consent *consent = ctx;
    char text[24];

    if (consent->is_over)
        return;
    format_duration(consent->login->options->wait_ms, text);
    consent->is_over = true;
    consent->rc = sb_fail(&consent->err, SB_EREMOTE, "no answer came within %s; begin again", text);
    loop_stop(consent->login->loop);
}

static void on_linger_over(void *ctx)
{
    loop_stop(ctx);
}

static int wait_for_answer(struct consent *consent, struct sb_error *err)
{
    struct loop *loop = consent->login->loop;

    consent->deadline = loop_timer_new(loop, on_deadline, consent);
    consent->linger = loop_timer_new(loop, on_linger_over, loop);
    if (!consent->deadline || !consent->linger)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    loop_timer_arm(consent->deadline, (uint64_t)consent->login->options->wait_ms);
    open_input(consent);
    int rc = loop_run(loop, err);
    if (rc == 0 && consent->rc < 0)
        rc = sb_fail(err, (enum sb_status)consent->rc, "%s", consent->err.text);
    return rc;
}

static void close_consent(struct consent *consent)
{
    loop_unwatch(consent->input);
    http_server_free(consent->server);
    loop_timer_free(consent->deadline);
    loop_timer_free(consent->linger);
    free(consent->path);
    if (consent->line.cap > 0)
        explicit_bzero(consent->line.data, consent->line.cap);
    buf_done(&consent->line);
}

int login_consent(struct login *login, struct sb_error *err)
{
    struct consent consent = { .login = login, .err = SB_ERROR_INIT };

    buf_init(&consent.line, LINE_BYTES_MAX);
    int rc = make_state(&consent, err);
    if (rc == 0)
        rc = open_server(&consent, err);
    if (rc == 0)
        rc = show_address(&consent, err);
    if (rc == 0)
        rc = wait_for_answer(&consent, err);
    close_consent(&consent);
    return rc;
}
