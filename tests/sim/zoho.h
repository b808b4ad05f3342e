/* Zoho: what the accounts service and the Desk service share. One portal, one data centre. */
#ifndef SIM_ZOHO_H
#define SIM_ZOHO_H

#include "service.h"

enum desk_knob {
    DESK_INDEX_LAG_MS,
    DESK_CONTACT_TICKETS_LAG_MS,
    DESK_SUBJECT_MAX,
    DESK_MANDATORY_CF,
    DESK_PICKLISTS,
    DESK_BLUEPRINT,
    DESK_LANGUAGE,
    DESK_UNIQUE,
    DESK_MERGED,
    DESK_ATTACHMENT_MAX_BYTES,
    DESK_UPLOAD_SHAPE,
    DESK_LIST_BASE,
    DESK_CONCURRENCY_MAX,
    DESK_CONCURRENCY_RETRY_AFTER_S,
    DESK_CREDITS_PER_DAY,
    DESK_DAY_OFFSET_MINUTES,
    DESK_TRANSFER,
    DESK_GZIP,
    DESK_EMPTY_STATUS,
    DESK_EMPTY_HAS_TYPE,
    DESK_ERROR_TEXT,
    DESK_EXTRA_FIELDS,
    DESK_REORDER_KEYS,
    DESK_WEBHOOKS_MAX,
    DESK_WEBHOOK_VALIDATION,
    DESK_WEBHOOK_SIGNATURE,
    DESK_WEBHOOK_TIMEOUT_MS,
    DESK_WEBHOOK_RETRIES,
    DESK_WEBHOOK_RETRY_MS,
    DESK_WEBHOOK_COPIES,
    DESK_WEBHOOK_DELAY_MS,
    DESK_WEBHOOK_JITTER_MS,
    DESK_KNOBS
};

enum accounts_knob {
    ACCOUNTS_DENIED_STATUS,
    ACCOUNTS_REQUESTS_MAX,
    ACCOUNTS_WINDOW_MS,
    ACCOUNTS_LIVE_MAX,
    ACCOUNTS_REFRESH_MAX,
    ACCOUNTS_CODES_MAX,
    ACCOUNTS_EXPIRES_IN_S,
    ACCOUNTS_EXPIRES_KEY,
    ACCOUNTS_CODE_LIFE_MS,
    ACCOUNTS_CONTACTS_ALL,
    ACCOUNTS_KNOBS
};

/* An array of pointers that grows. */
struct zoho_list {
    void **items;
    size_t count, room;
};

void zoho_list_add(struct zoho_list *list, void *item);

/* What may be set in an object, and since when. The search index shows an older one for a while. */
struct zoho_version {
    int64_t at_ms;
    json_t *fields;
};

enum zoho_kind { ZOHO_TICKET, ZOHO_CONTACT, ZOHO_COMMENT, ZOHO_UPLOAD, ZOHO_WEBHOOK };

/* The head of every object that has an id. Times are simulated milliseconds. */
struct zoho_object {
    enum zoho_kind kind;
    uint64_t number; /* the id as a number */
    char id[24];
    int64_t created_ms, modified_ms;
    struct zoho_version *versions; /* oldest first; the last one is the truth */
    size_t version_count;
};

struct zoho_contact {
    struct zoho_object object;
    struct zoho_list tickets; /* oldest first */
    bool is_trashed;
    json_t *crm;                      /* zohoCRMContact, or NULL */
    char *department_id;              /* the only one whose tickets it may have; NULL: any */
    struct zoho_contact *merged_into; /* NULL: it stands for itself */
};

struct zoho_ticket {
    struct zoho_object object;
    char number[16];
    struct zoho_contact *contact;
    struct zoho_list comments, attachments;
    json_t *tags;
    bool is_trashed, is_spam;
};

struct zoho_comment {
    struct zoho_object object;
    struct zoho_ticket *ticket;
    struct zoho_list attachments;
    size_t characters;
};

/* A file, of a ticket or only uploaded. */
struct zoho_file {
    struct zoho_object object;
    struct zoho_ticket *ticket; /* NULL for an upload that nothing uses */
    struct sim_blob *data;
    char *name, *type;
    bool is_public, is_deleted;
};

/* Who is told of what happens: its fields are what it was created with. Until its URL has been tried, its creation waits
 * for an answer. */
struct zoho_webhook {
    struct zoho_object object;
    bool is_valid, is_deleted;
    struct sim_request *req; /* the creation that waits, or NULL */
    struct sim_response *res;
};

/* An access token, a refresh token or an authorization code. */
struct zoho_token {
    char *text;
    char *scope; /* separated by spaces */
    char *client_id, *redirect_uri, *org_id;
    struct zoho_token *refresh; /* of an access token; NULL when there is none */
    int64_t expires_ms, window_ms;
    int64_t requests; /* of a refresh token within its window */
    bool is_offline, is_dead;
};

struct zoho_client {
    char *id, *secret, *redirect_uri; /* redirect_uri NULL: loopback addresses only */
    bool is_elsewhere;                /* registered in another data centre */
};

struct zoho_department {
    char *id, *name;
};

struct zoho_phone_entry {
    struct zoho_phone_entry *next;
    struct zoho_contact *contact;
    uint64_t hash;
};

enum { ZOHO_PHONE_BUCKETS = 8192 };

struct zoho {
    struct sim_service *desk, *accounts; /* accounts is set when that service starts */

    char *org_id, *portal, *tld, *location; /* "in", "in" */
    struct zoho_list departments;

    struct zoho_list tickets, contacts, comments, files, webhooks; /* oldest first */
    struct zoho_object **by_id;                                    /* open addressing */
    size_t by_id_room, by_id_count;
    struct zoho_phone_entry *phones[ZOHO_PHONE_BUCKETS];
    uint64_t next_id;
    unsigned next_ticket;
    unsigned contacts_by_tickets; /* inline contacts created */

    struct zoho_jwt *jwt; /* owned; NULL until something is signed */

    int64_t credits_day;
    int64_t credits_used, credits_total;

    struct zoho_list clients, access, refresh, codes;
    int64_t refreshes, grants, denied, token_errors;
    int64_t codes_window_ms, codes_in_window;
};

struct zoho *zoho_of(const struct sim_request *req);

/* zoho_objects.c */
void zoho_portal_start(struct zoho *zoho);
void zoho_portal_reset(struct zoho *zoho);
void zoho_portal_free(struct zoho *zoho);
/* Gives `object` its id and its first version. Takes `fields`. The object stays the caller's. */
void zoho_object_open(struct zoho *zoho, struct zoho_object *object, enum zoho_kind kind, int64_t now_ms,
                      json_t *fields);
struct zoho_object *zoho_find(struct zoho *zoho, enum zoho_kind kind, const char *id);
/* The fields as they are now, and as the index shows them (NULL: not yet). Borrowed. */
json_t *zoho_fields(const struct zoho_object *object);
json_t *zoho_indexed(const struct zoho_object *object, int64_t now_ms, int64_t lag_ms);
/* Begins a new version and gives its fields, to be changed. Borrowed. */
json_t *zoho_edit(struct zoho_object *object, int64_t now_ms);
/* Makes the contact findable by the end of its numbers. Call after each change. */
void zoho_index_phones(struct zoho *zoho, struct zoho_contact *contact);
/* Contacts that may have a number with this end (10 characters or more), newest first; check each. */
struct zoho_phone_entry *zoho_phones_ending(struct zoho *zoho, const char *end);
bool zoho_entry_fits(const struct zoho_phone_entry *entry, const char *end);
struct zoho_department *zoho_department(struct zoho *zoho, const char *id);

/* zoho_answer.c: answers and refusals of Desk, with its headers. */
enum zoho_error {
    ZOHO_UNAUTHORIZED,
    ZOHO_INVALID_OAUTH,
    ZOHO_SCOPE_MISMATCH,
    ZOHO_ORG_MISMATCH,
    ZOHO_FORBIDDEN,
    ZOHO_NOT_FOUND,
    ZOHO_METHOD,
    ZOHO_TOO_LARGE,
    ZOHO_MEDIA_TYPE,
    ZOHO_EMPTY_PAYLOAD,
    ZOHO_TOO_MANY,
    ZOHO_THRESHOLD,
    ZOHO_ERRORS
};
void zoho_answer(struct sim_request *req, struct sim_response *res, json_t *body); /* 200; takes */
void zoho_answer_list(struct sim_request *req, struct sim_response *res, json_t *rows,
                      int64_t count); /* 204 if empty */
void zoho_answer_empty(struct sim_request *req, struct sim_response *res, unsigned status);
void zoho_refuse(struct sim_request *req, struct sim_response *res, enum zoho_error error);
/* 422 UNPROCESSABLE_ENTITY with the message. */
void zoho_refuse_text(struct sim_request *req, struct sim_response *res, const char *format, ...)
    SIM_PRINTF(3, 4);
/* 422 INVALID_DATA with errors[]; takes. `by_portal`: a rule of this portal, not a fault of the client. */
void zoho_refuse_data(struct sim_request *req, struct sim_response *res, json_t *errors, bool by_portal);
void zoho_add_error(json_t *errors, const char *field, const char *type);
char *zoho_time(int64_t now_ms, char text[40]);
void zoho_headers(struct sim_request *req, struct sim_response *res, int64_t remaining, int weight);
void zoho_ticket_headers(struct sim_response *res);
void zoho_finish(struct sim_request *req, struct sim_response *res); /* transfer form, gzip */

/* zoho_validate.c: bodies and queries, strictly. */
enum zoho_type {
    ZOHO_TEXT,
    ZOHO_ID,
    ZOHO_PHONE,
    ZOHO_EMAIL,
    ZOHO_TIME,
    ZOHO_FLAG,
    ZOHO_CF,
    ZOHO_OBJECT,
    ZOHO_IDS,
    ZOHO_TEAM,
    ZOHO_NULL_TEXT,
    ZOHO_REFERENCE,
    ZOHO_SHARED,
    ZOHO_WORDS,
    ZOHO_PICKLIST
};
struct zoho_field {
    const char *name;
    enum zoho_type type;
    size_t max;        /* characters, or members of a list */
    const char *words; /* "a|b" */
    bool may_be_null, may_be_empty;
};
/* Reads a JSON object with these keys only. Gives it with ids as strings, and the faults of its values in
 * *ret_errors; or returns -1 after answering. Both are new references. */
int zoho_read_body(struct sim_request *req, struct sim_response *res, const struct zoho_field *fields,
                   size_t count, json_t **ret_body, json_t **ret_errors);
void zoho_check_fields(struct sim_request *req, json_t *body, const char *prefix,
                       const struct zoho_field *fields, size_t count, json_t *errors);
/* The first key of `body` that is not in the table, or NULL. */
const char *zoho_extra_key(const json_t *body, const struct zoho_field *fields, size_t count);
bool zoho_is_id(const char *text);
bool zoho_is_time(const char *text);
bool zoho_is_email(const char *text);
size_t zoho_characters(const char *text);
/* `allowed` is "limit|from|sortBy"; orgId always is. False after answering 422. */
bool zoho_query_known(struct sim_request *req, struct sim_response *res, const char *allowed);
/* A whole number in its range, or the default. False after answering 422. */
bool zoho_query_number(struct sim_request *req, struct sim_response *res, const char *name, int64_t min,
                       int64_t max, int64_t initial, int64_t *ret_value);
/* One of the words, with or without '-' in front when `may_be_down`. False after answering 422. */
bool zoho_query_sort(struct sim_request *req, struct sim_response *res, const char *words,
                     const char *initial, const char **ret_word, bool *ret_is_down);
bool zoho_query_flag(struct sim_request *req, struct sim_response *res, const char *name, int *ret_value);
bool zoho_query_words(struct sim_request *req, struct sim_response *res, const char *name, const char *words);
bool zoho_query_invalid(struct sim_request *req, struct sim_response *res,
                        const char *name); /* answers; false */
bool zoho_word_in(const char *words, const char *wanted, size_t size);

/* zoho_search.c: does a value fit what a search asks for? */
bool zoho_fits_list(const char *wanted, const char *value, bool may_lead, bool is_exact);
bool zoho_fits_text(const char *wanted, const char *value);
bool zoho_fits_range(const char *wanted, int64_t value_ms);
bool zoho_check_list(struct sim_request *req, struct sim_response *res, const char *name, size_t values_max);
bool zoho_check_range(struct sim_request *req, struct sim_response *res, const char *name);
bool zoho_check_custom(struct sim_request *req, struct sim_response *res);
bool zoho_check_length(struct sim_request *req, struct sim_response *res, const char *name, size_t min,
                       size_t max);
bool zoho_fits_custom(const struct sim_request *req, const json_t *fields);
const char *zoho_text_of(const json_t *fields, const char *key); /* NULL when it is not a text */

/* Views. Each gives a new object. */
enum zoho_view { VIEW_CREATE, VIEW_GET, VIEW_LIST, VIEW_SEARCH };
json_t *zoho_ticket_view(struct zoho *zoho, const struct zoho_ticket *ticket, const json_t *fields,
                         enum zoho_view view);
json_t *zoho_contact_view(struct zoho *zoho, const struct zoho_contact *contact, const json_t *fields,
                          enum zoho_view view);
json_t *zoho_comment_view(struct zoho *zoho, const struct zoho_comment *comment);
json_t *zoho_file_view(struct zoho *zoho, const struct zoho_file *file);
json_t *zoho_agent_view(struct zoho *zoho);
const char *zoho_agent_id(void);

/* Creating, for handlers and scenarios alike. Each takes `fields`, which have been checked. */
struct zoho_contact *zoho_contact_new(struct zoho *zoho, int64_t now_ms, json_t *fields);
struct zoho_ticket *zoho_ticket_new(struct zoho *zoho, int64_t now_ms, struct zoho_contact *contact,
                                    json_t *fields);
/* Gives the uploads of these ids to the ticket. Adds to `errors` what does not exist. */
bool zoho_uploads_exist(struct zoho *zoho, const json_t *ids);
void zoho_uploads_use(struct zoho *zoho, const json_t *ids, struct zoho_ticket *ticket,
                      struct zoho_list *list);
/* Whether it is there for everybody: not merged into another. */
bool zoho_contact_stands(const struct zoho_contact *contact);
/* Whether a ticket of this department may be on it. */
bool zoho_contact_serves(const struct zoho_contact *contact, const char *department_id);
/* Merges `contact` into `survivor`, with its tickets. */
void zoho_contact_merge(struct zoho_contact *contact, struct zoho_contact *survivor);
int zoho_check_contact_body(struct sim_request *req, json_t *body, json_t *errors);

/* zoho_hooks.c: webhooks (ZG.1). */

/* What happened. Borrows everything. */
struct zoho_event {
    const char *type;          /* "Ticket_Update" */
    const char *department_id; /* of a ticket, or NULL */
    json_t *payload, *before;  /* the object as it is, and as it was (NULL: it is new) */
    const json_t *changed;     /* what was sent to change it, or NULL */
};
/* Whether anybody wants to be told of anything. */
bool zoho_is_watched(const struct zoho *zoho);
/* Tells those who subscribed to it. */
void zoho_tell(struct sim_request *req, const struct zoho_event *event);
void zoho_tell_ticket(struct sim_request *req, const char *type, const struct zoho_ticket *ticket,
                      json_t *before, const json_t *changed);
void zoho_tell_contact(struct sim_request *req, const char *type, const struct zoho_contact *contact,
                       json_t *before, const json_t *changed);
/* A comment or a file of a ticket; takes `view`. */
void zoho_tell_part(struct sim_request *req, const char *type, const struct zoho_ticket *ticket,
                    json_t *view);
/* Answers creations that still wait. */
void zoho_hooks_reset(struct zoho *zoho);
/* Sends one message to the webhook. Borrows `body`, which may be NULL. */
void zoho_hook_send(struct zoho *zoho, const struct zoho_webhook *webhook, const char *what,
                    const char *method, const char *body,
                    bool (*heard)(struct sim_service *, const char *, unsigned));

/* zoho_jwt.c */

/* A token of this webhook, as the knob webhook_signature wants it; NULL: none. Gives memory for free(). */
char *zoho_jwt_make(struct zoho *zoho, const char *webhook_id);
json_t *zoho_jwt_keys(struct zoho *zoho); /* the JWKS */
void zoho_jwt_free(struct zoho_jwt *jwt); /* NULL is allowed */

/* zoho_tokens.c */
void zoho_tokens_reset(struct zoho *zoho);
void zoho_tokens_free(struct zoho *zoho);
struct zoho_token *zoho_token_find(const struct zoho_list *list, const char *text);
struct zoho_token *zoho_token_new(struct zoho *zoho, struct zoho_list *list, const char *scope,
                                  const char *client_id, const char *org_id);
/* The newest access token of a refresh token, after the oldest have died for it. */
struct zoho_token *zoho_token_issue(struct zoho *zoho, struct zoho_token *refresh, const char *scope,
                                    const char *client_id, const char *org_id, int64_t now_ms);
bool zoho_token_allows(const struct zoho_token *token, const char *scope);
bool zoho_scope_known(const struct zoho *zoho, const char *scope, size_t size);

/* zoho_load.c: the scenario's sections. */
int zoho_load_desk(struct sim_service *service, const json_t *section, struct sim_error *err);
int zoho_load_accounts(struct sim_service *service, const json_t *section, struct sim_error *err);
/* The client and the refresh token that are there without a scenario. */
void zoho_default_client(struct zoho *zoho);

/* zoho_report.c */
json_t *zoho_report_desk(struct sim_service *service);
json_t *zoho_report_accounts(struct sim_service *service);
json_t *zoho_report_tickets(struct zoho *zoho);
json_t *zoho_report_contacts(struct zoho *zoho);

/* Handlers of Desk. */
sim_handler zoho_ticket_create, zoho_ticket_get, zoho_ticket_patch, zoho_ticket_list, zoho_ticket_search,
    zoho_ticket_tag, zoho_ticket_trash, zoho_contact_create, zoho_contact_get, zoho_contact_patch,
    zoho_contact_list, zoho_contact_search, zoho_contact_tickets, zoho_comment_create, zoho_comment_get,
    zoho_comment_list, zoho_attachment_create, zoho_attachment_list, zoho_attachment_patch,
    zoho_attachment_delete, zoho_attachment_content, zoho_upload_create, zoho_organization_list,
    zoho_organization_get, zoho_department_list, zoho_department_get, zoho_agent_list, zoho_webhook_create,
    zoho_webhook_list, zoho_webhook_get, zoho_webhook_patch, zoho_webhook_delete;

#endif
