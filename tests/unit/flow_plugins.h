/* Plugins for flow tests: a source that lists calls, a processor that transcribes, one that only says no, and a helpdesk
 * that makes a contact, a ticket and its notes. */
#ifndef TESTS_UNIT_FLOW_PLUGINS_H
#define TESTS_UNIT_FLOW_PLUGINS_H

#include "flow/flow.h"
#include "switchboard/look.h"
#include "unit/check.h"

/* ---- the source ----------------------------------------------------------------------------------------- */

static const char *const base_hosts[] = { "base_url", NULL };

static enum sb_verdict build_list(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/calls");
    return SB_OK;
}

static enum sb_verdict fold_list(struct sb_exchange *x)
{
    size_t index;
    json_t *call;

    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    if (!sb_http_json(x))
        return sb_retry(x, "the answer is no JSON");
    json_array_foreach (json_object_get(sb_http_json(x), "calls"), index, call)
        sb_emit(x, "acmedemo1", json_string_value(call),
                json_pack("{s:{s:s}, s:{s:s}}", "source", "plugin", "calls", "call", "sid",
                          json_string_value(call)));
    sb_set_int(x, "seen", (int64_t)index);
    return SB_OK;
}

static const struct sb_option source_options[] = {
    { .name = "base_url", .type = SB_OPT_URL, .required = true }, { .name = NULL }
};
static const struct sb_step list_steps[] = {
    { .name = "list", .effect = SB_READ, .build = build_list, .fold = fold_list }, { .name = NULL }
};
static const struct sb_auth plain_auth = { .kind = SB_AUTH_NONE, .hosts = base_hosts };
static const struct sb_plugin calls_plugin = { .abi = SB_ABI,
                                               .size = sizeof(struct sb_plugin),
                                               .kind = SB_SOURCE,
                                               .name = "calls",
                                               .options = source_options,
                                               .auth = &plain_auth,
                                               .poll = list_steps };

/* ---- the processors ------------------------------------------------------------------------------------- */

static enum sb_verdict build_think(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_paths(x, "/think");
    return SB_OK;
}

static enum sb_verdict fold_think(struct sb_exchange *x)
{
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    sb_set_str(x, "transcript.text", sb_json_str(sb_http_json(x), "text"));
    return SB_OK;
}

static const struct sb_step think_steps[] = {
    { .name = "think", .effect = SB_IDEMPOTENT, .build = build_think, .fold = fold_think }, { .name = NULL }
};
static const struct sb_plugin think_plugin = { .abi = SB_ABI,
                                               .size = sizeof(struct sb_plugin),
                                               .kind = SB_PROCESSOR,
                                               .name = "think",
                                               .options = source_options,
                                               .auth = &plain_auth,
                                               .steps = think_steps };

/* A second processor that only says no. */
static enum sb_verdict build_no(struct sb_exchange *x)
{
    return sb_reject(x, "this one never can");
}

static const struct sb_step no_steps[] = { { .name = "refuse", .effect = SB_READ, .build = build_no },
                                           { .name = NULL } };
static const struct sb_plugin no_plugin = { .abi = SB_ABI,
                                            .size = sizeof(struct sb_plugin),
                                            .kind = SB_PROCESSOR,
                                            .name = "no",
                                            .options = source_options,
                                            .auth = &plain_auth,
                                            .steps = no_steps };

/* ---- the sink ------------------------------------------------------------------------------------------- */

/* Find or create the contact under its key, create the ticket, add two notes. */
static const char *caller_key(struct sb_exchange *x)
{
    return sb_printf(x, "caller:%s", "same");
}

static enum sb_verdict find(struct sb_exchange *x, const char *what, const char *word)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_path(x, what);
    sb_path(x, word);
    return SB_OK;
}

/* Ids are text in records; the shop counts. */
static int number_at(const struct sb_exchange *x, const char *path)
{
    const char *text = sb_get_str(x, path);
    return text ? (int)strtol(text, NULL, 10) : 0;
}

static enum sb_verdict build_find_contact(struct sb_exchange *x)
{
    if (sb_key_get(x, "id")) {
        sb_set_str(x, "contact.id", json_string_value(sb_key_get(x, "id")));
        return SB_SKIP;
    }
    return find(x, "contacts", "same");
}

static enum sb_verdict fold_contact(struct sb_exchange *x)
{
    if (sb_http_status(x) == 204)
        return SB_SKIP;
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    int64_t id = sb_json_int(sb_http_json(x), "id", 0);
    if (!id)
        return sb_retry(x, "the answer has no id");
    sb_set_str(x, "contact.id", sb_printf(x, "%d", (int)id));
    sb_key_set(x, "id", json_string(sb_get_str(x, "contact.id")));
    return SB_OK;
}

static enum sb_verdict build_create_contact(struct sb_exchange *x)
{
    if (sb_get(x, "contact.id"))
        return SB_SKIP;
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_paths(x, "/contacts");
    sb_body_json(x, json_pack("{s:s}", "name", "same"));
    return SB_OK;
}

static enum sb_verdict build_look_contact(struct sb_exchange *x)
{
    return find(x, "contacts", "same");
}

static enum sb_verdict build_ticket(struct sb_exchange *x)
{
    if (sb_get(x, "ticket.id"))
        return SB_SKIP;
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_paths(x, "/tickets");
    sb_body_json(x, json_pack("{s:s, s:I}", "reference", sb_reference(x), "contact",
                              (json_int_t)number_at(x, "contact.id")));
    sb_intent_keep(x, "reference", json_string(sb_reference(x)));
    return SB_OK;
}

static enum sb_verdict fold_ticket(struct sb_exchange *x)
{
    if (sb_http_status(x) == 204)
        return SB_SKIP;
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    int64_t id = sb_json_int(sb_http_json(x), "id", 0);
    if (!id)
        return sb_retry(x, "the answer has no id");
    sb_set_str(x, "ticket.id", sb_printf(x, "%d", (int)id));
    sb_found(x, sb_get_str(x, "ticket.id"));
    sb_note(x, "created ticket #%d", (int)id);
    return SB_OK;
}

/* For create_ticket: goes on with another round when it is refused, as a step does that knows another way. */
static inline enum sb_verdict fold_ticket_or_go_on(struct sb_exchange *x)
{
    return sb_http_status(x) == 422 ? sb_again(x, 0) : fold_ticket(x);
}

static enum sb_verdict build_look_ticket(struct sb_exchange *x)
{
    return sb_look_id(x) ? find(x, "ticket", sb_look_id(x))
                         : find(x, "tickets", sb_intent_str(x, "reference"));
}

static enum sb_verdict fold_look_ticket(struct sb_exchange *x)
{
    const json_t *ids = json_object_get(sb_http_json(x), "ids");
    const char *reference = sb_json_str(sb_http_json(x), "reference");

    if (sb_look_id(x)) {
        if (sb_http_status(x) != 200 && !sb_look_is_forced(x))
            return sb_default_verdict(x);
        if (!sb_look_is_forced(x) && strcmp(reference, sb_intent_str(x, "reference")) != 0)
            return sb_reject(x, "this ticket carries another reference");
        sb_set_str(x, "ticket.id", sb_look_id(x));
        sb_found(x, sb_look_id(x));
        return SB_OK;
    }
    if (sb_look_all(x)) {
        for (size_t i = 0; i < json_array_size(ids); i++)
            sb_found(x, json_string_value(json_array_get(ids, i)));
        return sb_http_status(x) <= 204 ? SB_SKIP : sb_default_verdict(x);
    }
    return fold_ticket(x);
}

enum { PARTS = 2 };

static enum sb_verdict build_note(struct sb_exchange *x)
{
    if (sb_round(x) >= PARTS)
        return SB_SKIP;
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_paths(x, "/notes");
    sb_body_json(x, json_pack("{s:I, s:i}", "ticket", (json_int_t)number_at(x, "ticket.id"), "part",
                              (int)sb_round(x)));
    sb_intent_keep(x, "word", json_string(sb_printf(x, "%d-%u", number_at(x, "ticket.id"), sb_round(x))));
    sb_intent_keep(x, "part", json_integer((json_int_t)sb_round(x)));
    return SB_OK;
}

static enum sb_verdict fold_note(struct sb_exchange *x)
{
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    if (!sb_http_json(x))
        return sb_retry(x, "the answer is no JSON");
    return sb_round(x) + 1 < PARTS ? sb_again(x, 0) : SB_OK;
}

static enum sb_verdict build_look_note(struct sb_exchange *x)
{
    return find(x, "notes", sb_intent_str(x, "word"));
}

static enum sb_verdict fold_look_note(struct sb_exchange *x)
{
    if (sb_http_status(x) == 204)
        return SB_SKIP;
    if (sb_http_status(x) != 200)
        return sb_default_verdict(x);
    if (json_integer_value(sb_intent_get(x, "part")) + 1 < PARTS)
        sb_more(x);
    return SB_OK;
}

static const struct sb_step look_contact = {
    .name = "look_contact", .effect = SB_READ, .build = build_look_contact, .fold = fold_contact
};
static const struct sb_step look_ticket = {
    .name = "look_ticket", .effect = SB_READ, .build = build_look_ticket, .fold = fold_look_ticket
};
static const struct sb_step look_note = {
    .name = "look_note", .effect = SB_READ, .build = build_look_note, .fold = fold_look_note
};
/* The places of the desk's steps, for tests that run it with a step of their own. */
enum { DESK_FIND_CONTACT, DESK_CREATE_CONTACT, DESK_CREATE_TICKET, DESK_ADD_NOTE };

static const struct sb_step desk_steps[] = {
    [DESK_FIND_CONTACT] = { .name = "find_contact",
                            .effect = SB_READ,
                            .build = build_find_contact,
                            .fold = fold_contact,
                            .key = caller_key },
    [DESK_CREATE_CONTACT] = { .name = "create_contact",
                              .build = build_create_contact,
                              .fold = fold_contact,
                              .key = caller_key,
                              .reconcile = &look_contact },
    [DESK_CREATE_TICKET] = { .name = "create_ticket",
                             .build = build_ticket,
                             .fold = fold_ticket,
                             .reconcile = &look_ticket },
    [DESK_ADD_NOTE] = { .name = "add_note", .build = build_note, .fold = fold_note, .reconcile = &look_note },
    [DESK_ADD_NOTE + 1] = { .name = NULL }
};

static const char *desk_token_base(const struct sb_instance *instance)
{
    return sb_instance_str(instance, "base_url");
}
static const char *const revoked_words[] = { "invalid_code", NULL };
static const struct sb_auth desk_auth = { .kind = SB_AUTH_OAUTH2,
                                          .hosts = base_hosts,
                                          .header = "Authorization",
                                          .prefix = "Desk ",
                                          .client_id = "client_id",
                                          .client_secret = "client_secret",
                                          .refresh_token = "refresh_token",
                                          .token_base = desk_token_base,
                                          .token_path = "/token",
                                          .revoked = revoked_words,
                                          .throttled_ms = 60 * 1000 };
static const struct sb_option desk_options[] = { { .name = "base_url", .type = SB_OPT_URL, .required = true },
                                                 { .name = "client_id", .type = SB_OPT_SECRET },
                                                 { .name = "client_secret", .type = SB_OPT_SECRET },
                                                 { .name = "refresh_token", .type = SB_OPT_SECRET },
                                                 { .name = "settle", .type = SB_OPT_DURATION },
                                                 { .name = NULL } };
static const struct sb_plugin desk_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_SINK,
                                              .name = "desk",
                                              .options = desk_options,
                                              .auth = &desk_auth,
                                              .steps = desk_steps };

#endif
