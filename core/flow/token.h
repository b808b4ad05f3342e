/* OAuth 2 access tokens: refreshed once, however many wait; kept in the journal; shared by all instances with
 * the same refresh token. A refused refresh token suspends its instances with one message. */
#ifndef FLOW_TOKEN_H
#define FLOW_TOKEN_H

#include "flow/actor.h"
#include "flow/flow.h"

struct gate;

enum token_state {
    TOKEN_UNREAD = 0, /* the journal was not asked yet */
    TOKEN_READING,
    TOKEN_NONE,
    TOKEN_REFRESHING,
    TOKEN_SAVING,
    TOKEN_VALID,
    TOKEN_FAILED /* until retry_ms */
};

enum { TOKEN_NAME_MAX = 80, TOKEN_EARLY_MS = 5 * 60 * 1000, TOKEN_LIFE_MS = 3600 * 1000 };

struct token {
    struct actor actor;
    char name[TOKEN_NAME_MAX]; /* of the journal: a digest, never the secret */
    struct gate *gate;         /* the first instance that uses it: it speaks for all */
    enum token_state state;
    uint32_t serial;    /* counts the tokens got */
    int64_t expires_ms; /* monotonic */
    int64_t retry_ms;   /* FAILED: not before */
    uint32_t failures;
    bool first_tried;    /* the token given in the options was used */
    char *pending;       /* owned: got, not yet saved */
    struct arena *arena; /* of the request under way */
    struct http_request *request;
    struct actor_queue waiting;
    struct metric *refresh_metric;
};

/* The token of `gate`, made on first use; gate->token is set. 0, or -1 when out of memory. */
int token_join(struct flow *flow, struct gate *gate);
void token_free(struct flow *flow, struct token *token);

/* True: the instance has a valid token now. False: `actor` was queued and gets its turn when there is news.
 */
bool token_ready(struct flow *flow, struct token *token, struct actor *actor);
/* The other side answered 401 to the token of `serial`: it is dropped, unless a newer one was got meanwhile.
 */
void token_refused(struct flow *flow, struct token *token, uint32_t serial);

void token_on_document(struct flow *flow, struct token *token, const char *doc);
void token_on_answered(struct flow *flow, struct token *token, struct http_response *response);
void token_on_committed(struct flow *flow, struct token *token);
extern const struct actor_class token_class;

#endif
