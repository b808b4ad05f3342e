/* The lines for .env on stdout, and nothing else there: `switchboard login zoho >> .env` works. */
#include <stdio.h>
#include <string.h>

#include "app/login.h"
#include "app/screen.h"
#include "base/json.h"
#include "base/scope.h"

enum { NAME_BYTES_MAX = 4096 };

static bool is_plain(const char *value)
{
    return *value &&
           strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-:/+=~@") ==
               strlen(value);
}

/* Quoted where .env readers could stumble. */
static void write_line(const char *name, const char *value)
{
    if (is_plain(value)) {
        (void)printf("%s=%s\n", name, value);
        return;
    }
    (void)printf("%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\' || *c == '$' || *c == '`')
            (void)putchar('\\');
        if ((unsigned char)*c >= 0x20 && *c != 0x7f)
            (void)putchar(*c);
    }
    (void)puts("\"");
}

/* The ones that were not chosen, for those who want another. */
static void write_others(const json_t *list, const char *variable, const char *chosen)
{
    size_t index;
    json_t *item;

    json_array_foreach (list, index, item) {
        AUTO_BUF name;
        const char *id = json_str(item, "id");
        buf_init(&name, NAME_BYTES_MAX);
        screen_clean(&name, json_str(item, "name"));
        if (chosen && strcmp(chosen, id) == 0)
            (void)printf("# %s is \"%s\"\n", variable, name.data);
        else
            (void)printf("# %s=%s would be \"%s\"\n", variable, id, name.data);
    }
}

static void write_choice(const char *variable, const char *chosen, const json_t *list)
{
    write_others(list, variable, chosen);
    if (chosen)
        write_line(variable, chosen);
    else
        (void)printf("# %s=\n", variable);
}

static void write_env(const struct login *login)
{
    const struct login_centre *centre = login_centre_of_accounts(login->accounts);

    (void)puts("ZOHO_DESK_ENABLED=true");
    write_line("ZOHO_DESK_API_DOMAIN", login->desk);
    if (!centre) /* otherwise it follows from the line before */
        write_line("ZOHO_ACCOUNTS_URL", login->accounts);
    write_choice("ZOHO_DESK_ORG_ID", login->org_id, login->organizations);
    write_choice("ZOHO_DESK_DEPARTMENT_ID", login->department_id, login->departments);
    write_line("ZOHO_DESK_CLIENT_ID", login->client_id);
    write_line("ZOHO_DESK_CLIENT_SECRET", login->client_secret);
    write_line("ZOHO_DESK_REFRESH_TOKEN", login->refresh_token);
}

static int write_json(const struct login *login)
{
    const struct login_centre *centre = login_centre_of_accounts(login->accounts);
    json_t *env = json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s*, s:s, s:s, s:s}", "ZOHO_DESK_ENABLED", "true", "ZOHO_DESK_API_DOMAIN",
        login->desk, "ZOHO_ACCOUNTS_URL", centre ? NULL : login->accounts, "ZOHO_DESK_ORG_ID", login->org_id,
        "ZOHO_DESK_DEPARTMENT_ID", login->department_id, "ZOHO_DESK_CLIENT_ID", login->client_id,
        "ZOHO_DESK_CLIENT_SECRET", login->client_secret, "ZOHO_DESK_REFRESH_TOKEN", login->refresh_token);

    return command_json(json_pack("{s:s?, s:o, s:O, s:O, s:s?}", "data_centre",
                                  centre ? centre->location : NULL, "env", env, "organizations",
                                  login->organizations, "departments", login->departments, "missing_scopes",
                                  login->missing_scopes));
}

int login_print(const struct login *login)
{
    if (login->options->common.json)
        return write_json(login);
    write_env(login);
    return command_written();
}
