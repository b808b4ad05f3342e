/* From the code to a refresh token, and what Zoho's token server says when it will not. */
#include <string.h>

#include "app/login.h"
#include "base/json.h"
#include "base/scope.h"
#include "io/url.h"

enum { FORM_BYTES_MAX = 16 * 1024, TRIES_MAX = 3, TRY_AGAIN_MS = 2000 };

static int fail_word(const struct login *login, const char *word, struct sb_error *err)
{
    if (strcmp(word, "invalid_code") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "Zoho refuses the code: it was used before, is older than two minutes, or was made for another "
            "client; begin again with 'switchboard login zoho'");
    if (strcmp(word, "invalid_client") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "'%s' does not know this client id: look at it again, and at the data centre: a client is known "
            "where it was registered; --dc chooses another one",
            login->accounts);
    if (strcmp(word, "invalid_client_secret") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "the client secret is wrong at '%s': copy it again from the API console; a client of several "
            "data centres has a secret of its own for each",
            login->accounts);
    if (strcmp(word, "invalid_redirect_uri") == 0 || strcmp(word, "redirect_uri_mismatch") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "Zoho does not accept the redirect address '%s': register exactly this one for the client, or "
            "say another with --redirect-uri",
            login->redirect_uri ? login->redirect_uri : "none");
    if (strcmp(word, "general_error") == 0)
        return sb_fail(err, SB_EREMOTE,
                       "Zoho's token server has a fault of its own just now: try again in a minute");
    return sb_fail(
        err, SB_EREMOTE,
        "Zoho gives no token ('%.60s'): after too many requests it stays so for 15 to 30 minutes; wait that "
        "long, then begin again",
        word);
}

/* Whether asking once more with the same code makes sense. */
static bool is_passing(const struct http_response *response, const json_t *answer)
{
    const char *word = json_str(answer, "error");

    return response->status >= 500 || (word && strcmp(word, "general_error") == 0);
}

static int take_tokens(struct login *login, const json_t *answer, struct sb_error *err)
{
    const char *access = json_str(answer, "access_token"), *refresh = json_str(answer, "refresh_token");

    if (!refresh || !*refresh)
        return sb_fail(
            err, SB_EINPUT,
            "Zoho gave an access token but no refresh token: the code was not made for offline access; "
            "begin again without --code");
    login->access_token = arena_strdup(login->arena, access);
    login->refresh_token = arena_strdup(login->arena, refresh);
    return login->access_token && login->refresh_token ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

/* "Desk.tickets.READ" is granted by itself and by "Desk.tickets.ALL". */
static bool is_granted(const char *granted, const char *scope, size_t size)
{
    for (const char *at = granted; *at;) {
        size_t length = strcspn(at, " ,");
        bool is_all = length > 4 && strncmp(at + length - 4, ".ALL", 4) == 0 && size >= length - 3 &&
                      strncasecmp(at, scope, length - 3) == 0;
        if (is_all || (length == size && strncasecmp(at, scope, size) == 0))
            return true;
        at += length;
        at += strspn(at, " ,");
    }
    return false;
}

/* A person can leave boxes unticked; then the engine would fail much later. */
static void note_missing_scopes(struct login *login, const json_t *answer)
{
    const char *granted = json_str(answer, "scope");

    if (!granted)
        return; /* not every answer says */
    AUTO_BUF missing;

    buf_init(&missing, FORM_BYTES_MAX);
    for (const char *at = LOGIN_SCOPES; *at;) {
        size_t size = strcspn(at, ",");
        if (!is_granted(granted, at, size))
            buf_printf(&missing, "%s%.*s", missing.len ? "," : "", (int)size, at);
        at += size + (at[size] == ',');
    }
    if (missing.len)
        login->missing_scopes = arena_strdup(login->arena, missing.data);
}

static int write_form(const struct login *login, struct buf *form, struct sb_error *err)
{
    url_add_pair(form, "grant_type", "authorization_code");
    url_add_pair(form, "client_id", login->client_id);
    url_add_pair(form, "client_secret", login->client_secret);
    if (login->redirect_uri)
        url_add_pair(form, "redirect_uri", login->redirect_uri);
    url_add_pair(form, "code", login->code);
    return form->failed ? sb_fail(err, SB_EINPUT, "client id, secret or code are too long") : 0;
}

static int read_answer(struct login *login, const struct http_response *response, bool *ret_again,
                       struct sb_error *err)
{
    AUTO_JSON answer = json_parse(response->body, response->body_size, NULL);
    const char *word = json_str(answer, "error");

    *ret_again = is_passing(response, answer);
    if (json_str(answer, "access_token")) {
        note_missing_scopes(login, answer);
        return take_tokens(login, answer, err);
    }
    if (word)
        return fail_word(login, word, err);
    return sb_fail(
        err, SB_EREMOTE,
        "'%s' answers with status %d and no token: is it Zoho's accounts server? If so, try again later",
        login->accounts, response->status);
}

static int try_exchange(struct login *login, const struct http_request *request, bool *ret_again,
                        struct sb_error *err)
{
    struct http_response *response = NULL;
    int rc = login_send(login, request, &response, err);

    *ret_again = false;
    if (rc == 0) {
        rc = read_answer(login, response, ret_again, err);
        explicit_bzero(response->body, response->body_size);
    }
    http_response_free(response);
    return rc;
}

/* A fault of Zoho's own passes; the code is good for a minute or two. */
static int exchange_patiently(struct login *login, const struct http_request *request, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;
    bool again = false;
    int rc = try_exchange(login, request, &again, &why);

    for (int tries = 1; rc < 0 && again && tries < TRIES_MAX; tries++) {
        why = (struct sb_error)SB_ERROR_INIT;
        rc = login_pause(login, TRY_AGAIN_MS, &why);
        if (rc == 0)
            rc = try_exchange(login, request, &again, &why);
    }
    return rc < 0 ? sb_fail(err, (enum sb_status)rc, "%s", why.text) : 0;
}

int login_exchange(struct login *login, struct sb_error *err)
{
    AUTO_BUF form;
    AUTO_BUF url;

    buf_init(&form, FORM_BYTES_MAX);
    buf_init(&url, URL_SIZE_MAX);
    int rc = url_build(login->accounts, "/oauth/v2/token", "", &url, err);
    if (rc == 0)
        rc = write_form(login, &form, err);
    if (rc < 0)
        return rc;
    const struct http_request request = {
        .method = "POST",
        .url = url.data,
        .headers = { { "Content-Type", "application/x-www-form-urlencoded" } },
        .header_count = 1,
        .body_kind = HTTP_BODY_BYTES,
        .body = form.data,
        .body_size = form.len,
        .never_resend = true, /* a code can be used once */
    };
    rc = exchange_patiently(login, &request, err);
    explicit_bzero(form.data, form.len);
    return rc;
}
