/* zoho_desk: a sink that makes a Zoho Desk ticket of a call, on the contact of the caller, with the transcription as a
 * private note; or of an escalation, on the contact of the user. This file is its tables: options, credentials, steps. */
#include "escalation.h"

#include <string.h>

static const char *const attach_words[] = { "never", "ask_rules", "always", NULL };

static const struct sb_option options[] = {
    { .name = "base_url",
      .type = SB_OPT_URL,
      .default_text = "https://desk.zoho.com",
      .help = "Zoho Desk of your data centre: https://desk.zoho.com, .eu, .in, .com.au, .jp, .com.cn, .sa, "
              ".sg, .ae, or "
              "https://desk.zohocloud.ca" },
    { .name = "accounts_url",
      .type = SB_OPT_URL,
      .help = "the server that refreshes tokens; follows from base_url when it is one of Zoho's" },
    { .name = "org_id",
      .type = SB_OPT_STRING,
      .required = true,
      .help = "id of the organization (portal): digits" },
    { .name = "department_id",
      .type = SB_OPT_STRING,
      .required = true,
      .help = "id of the department that gets the tickets, unless the mapping script chooses another" },
    { .name = "client_id", .type = SB_OPT_SECRET, .required = true, .help = "OAuth client id" },
    { .name = "client_secret", .type = SB_OPT_SECRET, .required = true, .help = "OAuth client secret" },
    { .name = "refresh_token",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "OAuth refresh token; 'switchboard login zoho' makes one" },
    { .name = "access_token",
      .type = SB_OPT_SECRET,
      .help = "first access token, used until it is refused; never written back" },
    { .name = "mapping",
      .type = SB_OPT_SCRIPT,
      .default_text = "scripts/zoho_ticket.lua",
      .help = "Lua script whose function ticket(record, options) returns the fields of the ticket" },
    { .name = "default_priority",
      .type = SB_OPT_STRING,
      .default_text = "Medium",
      .help = "priority of a ticket to which the mapping script gives none" },
    { .name = "auto_create_contact",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "make a contact for a caller who has none; otherwise such calls go to fallback_contact_id or "
              "wait for you" },
    { .name = "fallback_contact_id",
      .type = SB_OPT_STRING,
      .help = "contact that gets the calls whose caller withheld the number or has no contact and may not be "
              "given one" },
    { .name = "contact_last_name",
      .type = SB_OPT_STRING,
      .default_text = "Caller {number}",
      .help = "last name of a new contact; {number} stands for the caller's number" },
    { .name = "unknown_caller_name",
      .type = SB_OPT_STRING,
      .default_text = "Unknown caller",
      .help = "last name of the one contact for all callers who withheld their number" },
    { .name = "search_written",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "also look for numbers that people wrote with spaces or dashes: two more searches for a new "
              "caller" },
    { .name = "contact_check",
      .type = SB_OPT_DURATION,
      .default_text = "1h",
      .min = 0,
      .max = INT64_C(30) * 24 * 3600 * 1000,
      .help = "how long a caller's contact is used again before asking whether it still exists" },
    { .name = "reference_field",
      .type = SB_OPT_STRING,
      .help = "API name (cf_...) of a custom field for the record's reference, which is at the end of the "
              "subject anyway" },
    { .name = "settle",
      .type = SB_OPT_DURATION,
      .default_text = "15m",
      .min = 0,
      .max = INT64_C(24) * 3600 * 1000,
      .help = "how long Zoho Desk may hide what was created: an unknown outcome is not tried again before" },
    { .name = "note_size_max",
      .type = SB_OPT_INT,
      .default_text = "30000",
      .min = 1000,
      .max = DESK_COMMENT_MAX,
      .help = "characters of one private note; a longer transcription becomes several" },
    { .name = "region",
      .type = SB_OPT_STRING,
      .default_text = "IN",
      .help = "country of numbers that are written without a country code" },
    { .name = "crm_id_field",
      .type = SB_OPT_STRING,
      .help =
          "API name (cf_...) of a custom field of contacts that holds the id of the contact in the CRM, or "
          "the user's canonical id: escalations are matched by it, and new contacts carry it" },
    { .name = "contacts",
      .type = SB_OPT_PATH,
      .help = "mapping file for escalations, a CSV with columns canonical_id, crm_id and contact_id; read "
              "again when it changes" },
    { .name = "attach_to_open",
      .type = SB_OPT_ENUM,
      .default_text = "never",
      .choices = attach_words,
      .help = "whether an escalation is added to an open ticket of the user instead of becoming one: "
              "ask_rules asks same_matter(record, ticket) of the mapping script" },
    { .name = "attach_window",
      .type = SB_OPT_DURATION,
      .default_text = "7d",
      .min = INT64_C(60) * 1000,
      .max = INT64_C(365) * 24 * 3600 * 1000,
      .help = "how long ago the customer may have begun or written to such a ticket" },
    { .name = "attachment_max",
      .type = SB_OPT_SIZE,
      .default_text = "20m",
      .min = 1,
      .max = INT64_C(100) * 1024 * 1024,
      .help = "largest file of an escalation that is attached to its ticket; a note names the others" },
    { .name = "utc_offset",
      .type = SB_OPT_STRING,
      .default_text = "+05:30",
      .help = "the team's zone, for times in the tickets of escalations" },
    { .name = "concurrency",
      .type = SB_OPT_INT,
      .default_text = "4",
      .min = 1,
      .max = 100,
      .help = "requests at once; an organization has 5 to 25 for all its integrations" },
    { .name = NULL },
};

static const char *const credential_hosts[] = { "base_url", NULL };
static const char *const revoked[] = { "invalid_code", "invalid_client", "invalid_client_secret", NULL };

static const char *token_base(const struct sb_instance *instance)
{
    const char *given = sb_instance_str(instance, "accounts_url");
    return given && *given ? given : desk_accounts_url(sb_instance_str(instance, "base_url"));
}

static const struct sb_auth auth = {
    .kind = SB_AUTH_OAUTH2,
    .hosts = credential_hosts,
    .header = "Authorization",
    .prefix = "Zoho-oauthtoken ",
    .client_id = "client_id",
    .client_secret = "client_secret",
    .refresh_token = "refresh_token",
    .access_token = "access_token",
    .token_base = token_base,
    .token_path = "/oauth/v2/token",
    .revoked = revoked,
    .throttled_ms =
        15 * 60 * 1000, /* ten tokens in ten minutes are the limit; asking on prolongs the block */
};

enum { SETTLE_MS = 15 * 60 * 1000 };

static const struct sb_step reconcile_contact = {
    .name = "reconcile_contact",
    .effect = SB_READ,
    .build = desk_reconcile_contact_build,
    .fold = desk_reconcile_contact_fold,
};

static const struct sb_step reconcile_ticket = {
    .name = "reconcile_ticket",
    .effect = SB_READ,
    .build = desk_reconcile_ticket_build,
    .fold = desk_reconcile_ticket_fold,
};

static const struct sb_step reconcile_note = {
    .name = "reconcile_note",
    .effect = SB_READ,
    .build = desk_reconcile_note_build,
    .fold = desk_reconcile_note_fold,
};

static const struct sb_step reconcile_attach = {
    .name = "reconcile_attach",
    .effect = SB_READ,
    .build = desk_reconcile_note_build,
    .fold = desk_reconcile_attach_fold,
};

static const struct sb_step reconcile_upload = {
    .name = "reconcile_upload",
    .effect = SB_READ,
    .build = desk_reconcile_upload_build,
    .fold = desk_reconcile_upload_fold,
};

static const struct sb_step reconcile_remark = {
    .name = "reconcile_remark",
    .effect = SB_READ,
    .build = desk_reconcile_note_build,
    .fold = desk_reconcile_remark_fold,
};

/* Each step says for itself whether it has something to do: those of escalations skip calls. Spans with one key function
 * hold one lock (user_lock.c says which and why): two calls of one caller, or two escalations of one user, must not both
 * find nothing. */
static const struct sb_step steps[] = {
    { .name = "map", .effect = SB_READ, .work = desk_map },

    /* Escalations: the user's contact by ids and e-mail. */
    { .name = "read_mapping", .effect = SB_READ, .build = desk_read_mapping_build, .key = desk_mapping_key },
    { .name = "recall_contact", .effect = SB_READ, .build = desk_recall_contact_build, .key = desk_user_key },
    { .name = "check_given_contact",
      .effect = SB_READ,
      .build = desk_check_given_build,
      .fold = desk_check_given_fold,
      .key = desk_user_key },
    { .name = "find_crm_id",
      .effect = SB_READ,
      .build = desk_find_crm_id_build,
      .fold = desk_find_crm_id_fold,
      .key = desk_user_key },
    { .name = "check_mapped_contact",
      .effect = SB_READ,
      .build = desk_check_mapped_build,
      .fold = desk_check_mapped_fold,
      .key = desk_user_key },
    { .name = "find_mapped_crm_id",
      .effect = SB_READ,
      .build = desk_find_mapped_crm_id_build,
      .fold = desk_find_mapped_crm_id_fold,
      .key = desk_user_key },
    { .name = "check_learnt_contact",
      .effect = SB_READ,
      .build = desk_check_learnt_build,
      .fold = desk_check_learnt_fold,
      .key = desk_user_key },
    { .name = "find_user_id",
      .effect = SB_READ,
      .build = desk_find_user_id_build,
      .fold = desk_find_user_id_fold,
      .key = desk_user_key },
    { .name = "find_email",
      .effect = SB_READ,
      .build = desk_find_email_build,
      .fold = desk_find_email_fold,
      .key = desk_user_key },
    { .name = "choose_lock", .effect = SB_READ, .build = desk_choose_lock_build, .key = desk_user_key },

    /* Both: the contact by number, or a new one. */
    { .name = "check_contact",
      .effect = SB_READ,
      .build = desk_check_contact_build,
      .fold = desk_check_contact_fold,
      .key = desk_contact_key },
    { .name = "find_contact_phone",
      .effect = SB_READ,
      .build = desk_find_phone_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_contact_mobile",
      .effect = SB_READ,
      .build = desk_find_mobile_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_written_phone",
      .effect = SB_READ,
      .build = desk_find_written_phone_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_written_mobile",
      .effect = SB_READ,
      .build = desk_find_written_mobile_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "create_contact",
      .effect = SB_CREATE,
      .build = desk_create_contact_build,
      .fold = desk_create_contact_fold,
      .key = desk_contact_key,
      .reconcile = &reconcile_contact,
      .settle_ms = SETTLE_MS },
    { .name = "await_contact",
      .effect = SB_READ,
      .build = desk_await_contact_build,
      .fold = desk_await_contact_fold,
      .key = desk_contact_key },

    /* Escalations: an open ticket about the same matter, or both: a ticket. */
    { .name = "find_noted_ticket",
      .effect = SB_READ,
      .build = desk_find_noted_build,
      .fold = desk_find_noted_fold,
      .key = desk_open_key },
    { .name = "find_own_ticket",
      .effect = SB_READ,
      .build = desk_find_own_build,
      .fold = desk_find_own_fold,
      .key = desk_open_key },
    { .name = "find_open_ticket",
      .effect = SB_READ,
      .build = desk_find_open_build,
      .fold = desk_find_open_fold,
      .key = desk_open_key },
    { .name = "attach_note",
      .effect = SB_CREATE,
      .build = desk_attach_build,
      .fold = desk_attach_fold,
      .key = desk_open_key,
      .reconcile = &reconcile_attach,
      .settle_ms = SETTLE_MS },
    { .name = "raise_priority",
      .effect = SB_IDEMPOTENT,
      .build = desk_raise_build,
      .fold = desk_raise_fold,
      .key = desk_open_key },

    { .name = "create_ticket",
      .effect = SB_CREATE,
      .build = desk_create_ticket_build,
      .fold = desk_create_ticket_fold,
      .key = desk_open_key,
      .reconcile = &reconcile_ticket,
      .settle_ms = SETTLE_MS },

    /* Calls whose contact was refused for the ticket: it was deleted since it was checked, or is of another department. */
    { .name = "check_contact_anew",
      .effect = SB_READ,
      .build = desk_check_contact_build,
      .fold = desk_check_contact_fold,
      .key = desk_contact_key },
    { .name = "find_contact_phone_anew",
      .effect = SB_READ,
      .build = desk_find_phone_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_contact_mobile_anew",
      .effect = SB_READ,
      .build = desk_find_mobile_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_written_phone_anew",
      .effect = SB_READ,
      .build = desk_find_written_phone_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "find_written_mobile_anew",
      .effect = SB_READ,
      .build = desk_find_written_mobile_build,
      .fold = desk_find_fold,
      .key = desk_contact_key },
    { .name = "create_contact_anew",
      .effect = SB_CREATE,
      .build = desk_create_contact_build,
      .fold = desk_create_contact_fold,
      .key = desk_contact_key,
      .reconcile = &reconcile_contact,
      .settle_ms = SETTLE_MS },
    { .name = "await_contact_anew",
      .effect = SB_READ,
      .build = desk_await_contact_build,
      .fold = desk_await_contact_fold,
      .key = desk_contact_key },
    { .name = "create_ticket_anew",
      .effect = SB_CREATE,
      .build = desk_create_ticket_anew_build,
      .fold = desk_create_ticket_fold,
      .reconcile = &reconcile_ticket,
      .settle_ms = SETTLE_MS },

    /* Escalations: what the agent waits for comes before what takes long. */
    { .name = "write_message", .effect = SB_READ, .build = desk_message_build },
    { .name = "learn_contact", .effect = SB_READ, .build = desk_learn_contact_build, .key = desk_learn_key },

    { .name = "add_note",
      .effect = SB_CREATE,
      .build = desk_add_note_build,
      .fold = desk_add_note_fold,
      .reconcile = &reconcile_note,
      .settle_ms = SETTLE_MS },

    /* Escalations: files and remarks. */
    { .name = "upload_attachment",
      .effect = SB_CREATE,
      .build = desk_upload_build,
      .fold = desk_upload_fold,
      .reconcile = &reconcile_upload,
      .settle_ms = SETTLE_MS },
    { .name = "add_remark",
      .effect = SB_CREATE,
      .build = desk_remark_build,
      .fold = desk_remark_fold,
      .reconcile = &reconcile_remark,
      .settle_ms = SETTLE_MS },
    { .name = NULL },
};

static void check_id(struct sb_instance *instance, const char *name, bool may_be_empty, struct sb_error *err)
{
    const char *id = sb_instance_str(instance, name);

    if (!(may_be_empty && (!id || !*id)) && !desk_is_id(id))
        (void)sb_instance_mistake(
            instance, err, "'%s' is not an id for %s, which is digits such as 600000001", id ? id : "", name);
}

static void check_field(struct sb_instance *instance, const char *name, struct sb_error *err)
{
    const char *field = sb_instance_str(instance, name);

    if (field && *field && strncmp(field, "cf_", 3) != 0)
        (void)sb_instance_mistake(
            instance, err, "%s '%s' is no API name of a custom field, which begins with 'cf_'", name, field);
}

static void check_servers(struct sb_instance *instance, struct sb_error *err)
{
    const char *base = sb_instance_str(instance, "base_url");
    const char *meant = desk_meant_url(base);

    if (meant)
        (void)sb_instance_mistake(instance, err, "base_url '%s' does not serve Zoho Desk; use '%s'", base,
                                  meant);
    else if (!token_base(instance))
        (void)sb_instance_mistake(
            instance, err,
            "cannot tell the accounts server of base_url '%s', which is none of Zoho's data centres; set "
            "accounts_url (ZOHO_ACCOUNTS_URL)",
            base);
}

static void check_place(struct sb_instance *instance, struct sb_error *err)
{
    const char *offset = sb_instance_str(instance, "utc_offset");
    const char *region = sb_instance_str(instance, "region");
    int minutes = 0;

    if (!desk_parse_offset(offset, &minutes))
        (void)sb_instance_mistake(instance, err, "'utc_offset' is '%s': write it as +05:30",
                                  offset ? offset : "");
    if (!region || strlen(region) != 2)
        (void)sb_instance_mistake(instance, err,
                                  "region '%s' is not a country code of two letters such as IN",
                                  region ? region : "");
}

static int open_instance(struct sb_instance *instance, struct sb_error *err)
{
    check_servers(instance, err);
    check_id(instance, "org_id", false, err);
    check_id(instance, "department_id", false, err);
    check_id(instance, "fallback_contact_id", true, err);
    check_field(instance, "reference_field", err);
    check_field(instance, "crm_id_field", err);
    check_place(instance, err);
    if (!sb_instance_bool(instance, "auto_create_contact") &&
        !sb_instance_is_set(instance, "fallback_contact_id"))
        sb_instance_notice(instance,
                           "calls of people who are no contacts in Zoho Desk will end in the dead letters: "
                           "auto_create_contact is off and fallback_contact_id is not set");
    return err->status; /* of the first mistake, or 0 */
}

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_SINK,
    .name = "zoho_desk",
    .summary = "makes a Zoho Desk ticket, with the transcription as a private note",
    .version = "1.0.0",
    .options = options,
    .auth = &auth,
    .steps = steps,
    .open = open_instance,
};
