/* Signing in at Zoho once, so that the engine can refresh its token for ever after. The parts of `login zoho`.
 *
 *     consent     a person agrees in the browser; the answer comes to a loopback server, or is pasted
 *     exchange    the code becomes a refresh token
 *     look        which organizations and departments the token sees
 *     print       the lines for .env: never written by us */
#ifndef APP_LOGIN_H
#define APP_LOGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/command.h"
#include "base/arena.h"
#include "conf/conf.h"
#include "io/http_client.h"

struct login_options {
    struct command_options common;
    const char *client_id, *client_secret; /* NULL: not given */
    const char *scope;                     /* with commas */
    const char *code;             /* or the address that the browser ended at; NULL: ask for consent */
    const char *centre;           /* "in"; NULL: not given */
    const char *redirect_uri;     /* NULL: http://127.0.0.1:PORT/ */
    const char *org, *department; /* ids; NULL: the default one */
    uint16_t port;
    int64_t wait_ms; /* for the consent */
};

/* ---- data centres (login_centre.c) ---- */

struct login_centre {
    const char *location;        /* "in", as Zoho's callback says it */
    const char *accounts, *desk; /* addresses */
};
const struct login_centre *login_centre_named(const char *location); /* NULL: there is none */
const struct login_centre *login_centre_of_accounts(const char *url);
const struct login_centre *login_centre_of_desk(const char *url);
void login_centre_names(struct buf *out); /* "us, eu, in" */

/* ---- the whole (login.c) ---- */

struct login {
    const struct login_options *options;
    const struct conf *conf; /* NULL: there is no engine.conf */
    struct log *log;
    struct arena *arena; /* wiped at the end: it holds secrets */
    struct loop *loop;
    struct http_client *client;
    const char *client_id, *client_secret;
    const char *accounts, *desk; /* addresses; may change with the answer of the consent */
    const char *redirect_uri;    /* as sent with the consent; NULL: none */
    const char *code;

    const char *access_token, *refresh_token;
    json_t *organizations, *departments; /* owned arrays of {id, name, is_default} */
    const char *org_id, *department_id;  /* NULL: could not be found out */
    const char *missing_scopes;          /* NULL: none */
};

/* The value of an environment variable as the engine sees it: environment, then env_file. NULL: not set, or empty. */
const char *login_variable(const struct login *login, const char *name);
/* Does all of it. Gives an exit code. */
int login_zoho(struct login *login);

/* What the engine's sink needs, and this verb itself. */
#define LOGIN_SCOPES                                                                                         \
    "Desk.tickets.CREATE,Desk.tickets.READ,Desk.tickets.UPDATE,Desk.contacts.CREATE,Desk.contacts.READ,"     \
    "Desk.search.READ,Desk.basic.READ"

/* ---- the parts ---- */

/* Asks for what is missing, on a terminal without echo where it is secret (login_prompt.c). SB_ECONFIG when it is missing
 * and there is no terminal. */
int login_ask_client(struct login *login, struct sb_error *err) SB_MUST_CHECK;

/* What the end of a consent says: the query of the address that the browser was sent to. */
struct login_answer {
    const char *code, *error; /* one of both */
    const char *state, *location, *accounts_server;
};
/* Takes such an address, its query, or a bare code apart (login_paste.c). Texts are in `arena`. */
int login_read_pasted(const char *text, struct arena *arena, struct login_answer *ret_answer,
                      struct sb_error *err) SB_MUST_CHECK;
/* Takes the answer's code, and what it says about the data centre, which must be Zoho's (login_consent.c). */
int login_take_answer(struct login *login, const struct login_answer *answer,
                      struct sb_error *err) SB_MUST_CHECK;
/* Shows the address, waits for the answer (login_consent.c). */
int login_consent(struct login *login, struct sb_error *err) SB_MUST_CHECK;

/* One request, waited for. `request` is borrowed. Gives an answer with a status (login_web.c). */
int login_send(struct login *login, const struct http_request *request, struct http_response **ret_response,
               struct sb_error *err) SB_MUST_CHECK;
/* Turns the loop for a while. */
int login_pause(struct login *login, uint64_t ms, struct sb_error *err) SB_MUST_CHECK;

int login_exchange(struct login *login, struct sb_error *err) SB_MUST_CHECK; /* login_exchange.c */
int login_look(struct login *login, struct sb_error *err) SB_MUST_CHECK;     /* login_look.c */
int login_print(const struct login *login);                                  /* login_print.c; an exit code */

#endif
