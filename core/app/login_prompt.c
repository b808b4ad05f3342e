/* Client id and secret: from options, from the environment, or from the keyboard. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/login.h"
#include "base/scope.h"

enum { LINE_BYTES = 512 };

/* Without the line's end and blanks around; NULL when nothing is left. */
static const char *keep_trimmed(struct login *login, char *line)
{
    size_t begin = strspn(line, " \t\r\n"), size = strlen(line);

    while (size > begin && strchr(" \t\r\n", line[size - 1]))
        size--;
    return size > begin ? arena_strndup(login->arena, line + begin, size - begin) : NULL;
}

static const char *read_line(struct login *login)
{
    char line[LINE_BYTES];
    const char *kept = NULL;

    if (fgets(line, sizeof(line), stdin))
        kept = keep_trimmed(login, line);
    explicit_bzero(line, sizeof(line));
    return kept;
}

static const char *ask(struct login *login, const char *question)
{
    (void)fprintf(stderr, "%s: ", question);
    return read_line(login);
}

/* Echo comes back whatever was typed; an interrupt in between ends the process with echo off, which shells mend. */
static const char *ask_secretly(struct login *login, const char *question)
{
    struct termios before, silent;

    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return ask(login, question);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "%s (is not shown): ", question);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
        return NULL; /* better no secret than one on the screen */
    const char *line = read_line(login);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before); /* nothing is left to be done when this fails */
    (void)fputc('\n', stderr);
    return line;
}

static bool has_keyboard(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int login_ask_client(struct login *login, struct sb_error *err)
{
    const struct login_options *options = login->options;

    login->client_id = options->client_id ? options->client_id : login_variable(login, "ZOHO_DESK_CLIENT_ID");
    login->client_secret =
        options->client_secret ? options->client_secret : login_variable(login, "ZOHO_DESK_CLIENT_SECRET");
    bool is_missing = !login->client_id || !login->client_secret;
    if (is_missing && has_keyboard())
        (void)fputs("A client is registered once, at https://api-console.zoho.com (or .in, .eu of your data "
                    "centre):\n\"Server-based application\", or \"Self client\" for use with --code.\n\n",
                    stderr);
    if (!login->client_id && has_keyboard())
        login->client_id = ask(login, "client id");
    if (!login->client_id)
        return sb_fail(
            err, SB_ECONFIG,
            "there is no client id: give --client-id, or set ZOHO_DESK_CLIENT_ID; clients are registered at "
            "https://api-console.zoho.com");
    if (!login->client_secret && has_keyboard())
        login->client_secret = ask_secretly(login, "client secret");
    if (!login->client_secret)
        return sb_fail(
            err, SB_ECONFIG,
            "there is no client secret: set ZOHO_DESK_CLIENT_SECRET, or give --client-secret, which others "
            "on this machine can see");
    return 0;
}
