/* What the new token sees: organizations, then the departments of one. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/login.h"
#include "base/json.h"
#include "base/scope.h"
#include "io/url.h"

enum { PAGE = 100, PAGES_MAX = 20 };

static int fail_desk(const struct login *login, const struct http_response *response, const char *what,
                     struct sb_error *err)
{
    AUTO_JSON answer = json_parse(response->body, response->body_size, NULL);
    const char *code = json_str(answer, "errorCode");

    if (code && strcmp(code, "SCOPE_MISMATCH") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "cannot list %s: the consent lacks the scope Desk.basic.READ; begin again with all scopes that "
            "'switchboard login zoho --help' names, or fill the ids in yourself",
            what);
    if (code && strcmp(code, "OAUTH_ORG_MISMATCH") == 0)
        return sb_fail(
            err, SB_EINPUT,
            "cannot list %s: the consent was given for another organization than '%s'; give it for this "
            "one",
            what, login->org_id ? login->org_id : "?");
    if (response->status == 401)
        return sb_fail(
            err, SB_EINPUT,
            "cannot list %s: '%s' does not accept the new token; is Zoho Desk in another data centre? --dc "
            "chooses it",
            what, login->desk);
    return sb_fail(err, SB_EREMOTE, "cannot list %s: '%s' answers with status %d%s%s", what, login->desk,
                   response->status, code ? ", " : "", code ? code : "");
}

/* An id in either of its forms: text, or a number. */
static json_t *id_of(const json_t *item)
{
    const json_t *id = json_object_get(item, "id");
    char text[24];

    if (json_is_string(id) && json_string_length(id) > 0 &&
        strspn(json_string_value(id), "0123456789") == json_string_length(id))
        return json_string(json_string_value(id));
    if (!json_is_integer(id))
        return NULL;
    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(id));
    return json_string(text);
}

static int take_items(const json_t *data, const char *const *names, json_t *list, struct sb_error *err)
{
    size_t index;
    json_t *item;

    json_array_foreach (data, index, item) {
        const char *name = NULL;
        json_t *id = id_of(item);
        if (!id)
            continue;
        for (size_t i = 0; names[i] && !name; i++)
            name = json_str(item, names[i]);
        json_t *row = json_pack("{s:o, s:s, s:b}", "id", id, "name", name ? name : "", "is_default",
                                json_is_true(json_object_get(item, "isDefault")));
        if (json_array_append_new(list, row) < 0)
            return sb_fail(err, SB_ENOMEM, "out of memory");
    }
    return 0;
}

static int get(struct login *login, const char *path, const char *query, struct http_response **ret_response,
               struct sb_error *err)
{
    AUTO_BUF url;
    const char *token = arena_printf(login->arena, "Zoho-oauthtoken %s", login->access_token);

    buf_init(&url, URL_SIZE_MAX);
    int rc = url_build(login->desk, path, query, &url, err);
    if (rc < 0)
        return rc;
    if (!token)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    const struct http_request request = {
        .method = "GET",
        .url = url.data,
        .headers = { { "Authorization", token }, { "orgId", login->org_id } },
        .header_count = login->org_id ? 2 : 1,
    };
    return login_send(login, &request, ret_response, err);
}

/* One page. Gives the number of its items; 204 is an empty one. */
static int read_page(struct login *login, const char *path, const char *query, const char *what,
                     const char *const *names, json_t *list, size_t *ret_count, struct sb_error *err)
{
    struct http_response *response = NULL;
    int rc = get(login, path, query, &response, err);

    if (rc < 0)
        return rc;
    assert(response);
    *ret_count = 0;
    if (response->status == 200) {
        AUTO_JSON answer = json_parse(response->body, response->body_size, NULL);
        const json_t *data = json_object_get(answer, "data");
        *ret_count = json_array_size(data);
        rc = json_is_array(data)
                 ? take_items(data, names, list, err)
                 : sb_fail(err, SB_EREMOTE, "cannot list %s: '%s' answers with no list", what, login->desk);
    } else if (response->status != 204) {
        rc = fail_desk(login, response, what, err);
    }
    http_response_free(response);
    return rc;
}

/* The one that was asked for, else the default, else the first. NULL: it is not there. */
static const json_t *choose(const json_t *list, const char *wanted)
{
    size_t index;
    json_t *item;

    json_array_foreach (list, index, item) {
        if (wanted ? strcmp(json_str(item, "id"), wanted) == 0
                   : json_is_true(json_object_get(item, "is_default")))
            return item;
    }
    return wanted ? NULL : json_array_get(list, 0);
}

static int choose_one(const json_t *list, const char *wanted, const char *what, const char **ret_id,
                      struct sb_error *err)
{
    const json_t *chosen = choose(list, wanted);

    if (chosen) {
        *ret_id = json_str(chosen, "id");
        return 0;
    }
    if (!wanted)
        return sb_fail(err, SB_EINPUT, "the token sees no %s: has this person access to Zoho Desk?", what);
    return sb_fail(err, SB_EINPUT, "the token sees no %s '%s'; the lines below name those that it sees", what,
                   wanted);
}

int login_look(struct login *login, struct sb_error *err)
{
    static const char *const org_names[] = { "companyName", "portalName", NULL };
    static const char *const department_names[] = { "name", NULL };
    size_t count = PAGE;
    int rc = read_page(login, "/api/v1/organizations", "", "organizations", org_names, login->organizations,
                       &count, err);

    if (rc == 0)
        rc = choose_one(login->organizations, login->options->org, "organization", &login->org_id, err);
    count = PAGE;
    for (int page = 0; rc == 0 && count == PAGE && page < PAGES_MAX; page++) {
        char query[64];
        (void)snprintf(query, sizeof(query), "isEnabled=true&from=%d&limit=%d", page * PAGE, PAGE);
        rc = read_page(login, "/api/v1/departments", query, "departments", department_names,
                       login->departments, &count, err);
    }
    if (rc == 0)
        rc = choose_one(login->departments, login->options->department, "department", &login->department_id,
                        err);
    return rc;
}
