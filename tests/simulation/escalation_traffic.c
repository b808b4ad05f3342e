/* The agents of a seed: who hands which conversation over when, and how an agent behaves that wants its ticket: the same body
 * again until somebody takes it, sometimes twice at once, sometimes once more when it is long done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/credentials.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

enum {
    USERS = 5,
    BODY_MAX = 1024 * 1024,
    LONG_LINES = 480, /* more than a description has room for */
    PAUSE_MS_MOST = 5 * 60 * 1000,
    LATE_HOURS_MAX = 20
};

/* One is a caller of the support line, too; one has nothing but ids. */
static const struct user {
    const char *id, *email, *digits, *crm_id;
} users[USERS] = {
    { "user-0", "user0@example.com", "5550100001", "" },
    { "user-1", "user1@example.com", "5550100091", "7000001" },
    { "user-2", "", "5550100003", "" },
    { "user-3", "user3@example.com", "", "" },
    { "user-4", "", "", "7000004" },
};

uint32_t escalation_count_of(const struct scenario *scenario)
{
    return scenario->has_escalations ? (scenario->records + 2) / 4 : 0;
}

/* ---- who is there already ------------------------------------------------------------------------------ */

static struct truth_contact *add_contact(struct company *company, const char *name, json_t *more)
{
    struct truth_contact *contact = truth_add_contact(&company->truth, 0);

    contact->last_name = sim_copy(name);
    contact->more = more;
    return contact;
}

/* By e-mail, by an id in the custom field, and one that an agent names by its own id. */
static void add_old_contacts(struct company *company)
{
    struct chance chance = chance_stream(company->scenario->seed, "old contacts of escalations");

    if (chance_below(&chance, 3) == 0)
        (void)add_contact(company, "Writes mail", json_pack("{s:s}", "email", "User3@example.com"));
    if (chance_below(&chance, 3) == 0)
        (void)add_contact(company, "Known to sales", json_pack("{s:{s:s}}", "cf", SIM_CRM_FIELD, "7000001"));
    if (chance_below(&chance, 3) == 0)
        (void)add_contact(company, "Known by id", json_pack("{s:s}", "firstName", "Asha"));
}

/* The old contact that the id means, to whoever has it. */
static const struct truth_contact *meant_by(const struct company *company, const char *crm_id)
{
    for (size_t i = 0; i < company->truth.contact_count; i++) {
        const struct truth_contact *contact = company->truth.contacts[i];
        const char *custom =
            json_string_value(json_object_get(json_object_get(contact->more, "cf"), SIM_CRM_FIELD));
        bool is_old = !contact->by_engine && contact->created_ms == 0;
        if (is_old && (strcmp(contact->id, crm_id) == 0 ||
                       (company->scenario->has_crm_field && custom && strcmp(custom, crm_id) == 0)))
            return contact;
    }
    return NULL;
}

/* ---- what is said -------------------------------------------------------------------------------------- */

static void choose_user(struct company *company, struct truth_escalation *escalation, struct chance *chance)
{
    const struct user *user = &users[chance_below(chance, USERS)];

    (void)snprintf(escalation->user_id, sizeof(escalation->user_id), "%s", user->id);
    if (chance_below(chance, 4) > 0)
        (void)snprintf(escalation->email, sizeof(escalation->email), "%s", user->email);
    if (*user->digits && chance_below(chance, 4) > 0) {
        (void)snprintf(escalation->digits, sizeof(escalation->digits), "%s", user->digits);
        (void)snprintf(escalation->phone, sizeof(escalation->phone), "%s%s",
                       chance_below(chance, 2) ? "+91 " : "0", user->digits);
    }
    if (chance_below(chance, 2) == 0)
        (void)snprintf(escalation->crm_id, sizeof(escalation->crm_id), "%s", user->crm_id);
    for (size_t i = 0; strcmp(user->id, "user-4") == 0 && i < company->truth.contact_count; i++)
        if (strcmp(company->truth.contacts[i]->last_name, "Known by id") == 0)
            (void)snprintf(escalation->crm_id, sizeof(escalation->crm_id), "%s",
                           company->truth.contacts[i]->id);
    if (*escalation->crm_id)
        escalation->named = meant_by(company, escalation->crm_id);
}

static void choose_words(const struct company *company, struct truth_escalation *escalation,
                         struct chance *chance)
{
    static const char *const categories[] = { "Billing", "Delivery", "Technical", "other" };
    struct truth_call *said = &escalation->said;
    char code[] = "zexxxxxx";

    for (size_t i = 2; code[i]; i++)
        code[i] = (char)('a' + chance_below(chance, 26));
    (void)snprintf(said->code, sizeof(said->code), "%s", code);
    (void)snprintf(escalation->id, sizeof(escalation->id), "esc-%s", code);
    said->is_urgent = chance_below(chance, 4) == 0;
    said->category = categories[chance_below(chance, 4)];
    bool is_long = chance_below(chance, 8) == 0;
    size_t lines = is_long ? LONG_LINES : 1 + chance_below(chance, 12);
    /* As one note it would be more parts than a test needs. */
    if (is_long && strcmp(company->scenario->attach, "never") != 0)
        lines /= 4;
    speech_write(said, chance, lines);
}

static void choose_files(struct company *company, struct truth_escalation *escalation, struct chance *chance)
{
    escalation->file_count = chance_below(chance, 3) ? 0 : 1 + chance_below(chance, TRUTH_FILES_MAX);
    for (size_t i = 0; i < escalation->file_count; i++) {
        struct truth_attachment *file = &escalation->files[i];
        file->by_address = chance_below(chance, 2) == 0;
        (void)snprintf(file->name, sizeof(file->name), "%s", i == 1 ? "photo.png" : "photo-of-lamp.png");
        (void)snprintf(file->content, sizeof(file->content), "content of file %zu of %s", i,
                       escalation->said.code);
        file->is_missing = file->by_address && company_fault(company, FAULT_FILE_MISSING);
    }
}

static json_t *file_json(const struct truth_escalation *escalation, size_t index)
{
    const struct truth_attachment *file = &escalation->files[index];
    json_t *json = json_pack("{s:s, s:s}", "name", file->name, "content_type", "image/png");
    AUTO_BUF text;

    buf_init(&text, BODY_MAX);
    if (file->by_address)
        buf_printf(&text, "https://" SIM_HOST_FILES "/%s/%zu", escalation->said.code, index);
    else
        digest_base64(file->content, strlen(file->content), &text);
    json_object_set_new(json, file->by_address ? "url" : "base64", json_string(text.data));
    return json;
}

static void set_text(json_t *json, const char *key, const char *text)
{
    if (*text)
        json_object_set_new(json, key, json_string(text));
}

static json_t *messages_json(const struct truth_escalation *escalation)
{
    json_t *messages = json_array();

    for (size_t i = 0; i < escalation->said.line_count; i++) {
        json_t *message = json_pack("{s:s, s:s}", "role", i % 2 ? "agent" : "user", "content",
                                    escalation->said.lines[i].text);
        json_array_append_new(messages, message);
        if (i > 0)
            continue;
        json_t *files = json_array();
        for (size_t k = 0; k < escalation->file_count; k++)
            json_array_append_new(files, file_json(escalation, k));
        json_object_set_new(message, "attachments", files);
    }
    return messages;
}

static void write_body(struct truth_escalation *escalation)
{
    json_t *user = json_pack("{s:s, s:s}", "id", escalation->user_id, "name", "Asha <Rao> & sons");
    json_t *body = json_pack("{s:s, s:o, s:o, s:o}", "id", escalation->id, "user", user, "summary",
                             json_sprintf("Wants help with order %s.", escalation->said.code), "conversation",
                             messages_json(escalation));

    set_text(user, "email", escalation->email);
    set_text(user, "phone", escalation->phone);
    set_text(user, "crm_contact_id", escalation->crm_id);
    if (escalation->has_callback)
        json_object_set_new(
            body, "callback_url",
            json_sprintf("https://" SIM_HOST_AGENT "/%s/%s", escalation->agent, escalation->id));
    escalation->body = json_dumps(body, JSON_COMPACT);
    json_decref(body);
}

/* ---- posting ------------------------------------------------------------------------------------------- */

struct post {
    struct company *company;
    struct truth_escalation *escalation;
    int64_t pause_ms;
};

static void do_post(void *ctx, struct world *world);

static void again(struct post *post, struct world *world)
{
    struct chance *chance = &post->escalation->chance;

    post->pause_ms = post->pause_ms * 2 < PAUSE_MS_MOST ? post->pause_ms * 2 : PAUSE_MS_MOST;
    world_at(world, world_now(world) + chance_between(chance, post->pause_ms / 2, post->pause_ms), do_post,
             post);
}

/* What was told once stays true, unless the engine's memory was taken back. */
void escalation_hear(struct company *company, struct truth_escalation *escalation, int status,
                     const char *text)
{
    struct truth *truth = &company->truth;
    bool was_restored = company->world && world_totals(company->world)->restores > 0;
    AUTO_JSON body = json_loads(text ? text : "", 0, NULL);
    const char *id = json_string_value(json_object_get(body, "id"));
    const char *number = json_string_value(json_object_get(json_object_get(body, "ticket"), "number"));

    if (!id || strcmp(id, escalation->id) != 0)
        truth_breach(truth, "same-answer", "escalation %s was answered with the id '%s'", escalation->id,
                     id ? id : "none");
    if (status == 201 && !number)
        truth_breach(truth, "same-answer", "escalation %s was answered 201 without a ticket", escalation->id);
    if (*escalation->number && !was_restored && (!number || strcmp(number, escalation->number) != 0))
        truth_breach(truth, "same-answer", "escalation %s of %s was told of ticket #%s, and later of %s%s",
                     escalation->id, escalation->agent, escalation->number, number ? "#" : "none",
                     number ? number : "");
    if (number)
        (void)snprintf(escalation->number, sizeof(escalation->number), "%s", number);
}

static void on_answer(void *ctx, struct world *world, int status, const char *body)
{
    struct post *post = ctx;
    struct truth_escalation *escalation = post->escalation;

    if (status == 0 || status == 429 || status == 503 || (status == 401 && credentials_may_be_off(world))) {
        again(post, world);
        return;
    }
    if (status < 200 || status > 299) {
        truth_breach(&post->company->truth, "agents-are-served",
                     "escalation %s of %s was answered %d: %.200s", escalation->id, escalation->agent, status,
                     body ? body : "");
    } else {
        if (!escalation->taken_ms)
            escalation->taken_ms = world_now(world);
        escalation_hear(post->company, escalation, status, body);
    }
    escalation->pending--;
    free(post);
}

static void do_post(void *ctx, struct world *world)
{
    struct post *post = ctx;
    struct truth_escalation *escalation = post->escalation;
    bool waits = chance_below(&escalation->chance, 3) == 0;
    struct credentials credentials;

    escalation->posts++;
    credentials_of(post->company, escalation->agent, escalation->body, &credentials);
    credentials_post(world, &credentials, waits, escalation->body, on_answer, post);
    strangers_overhear(post->company, escalation, &credentials);
}

static void plan_post(struct company *company, struct truth_escalation *escalation, int64_t at_ms)
{
    struct post *post = sim_new(sizeof(*post));

    *post = (struct post){ .company = company, .escalation = escalation, .pause_ms = SECOND_MS };
    escalation->pending++;
    if (company->world)
        world_at(company->world, at_ms, do_post, post);
    else
        free(post);
}

/* ---- the plan ------------------------------------------------------------------------------------------ */

static void plan_posts(struct company *company, struct truth_escalation *escalation)
{
    const struct scenario *scenario = company->scenario;
    int64_t at_ms = escalation->planned_ms;

    plan_post(company, escalation, at_ms);
    if (company_fault(company, FAULT_ESCALATION_TWICE))
        plan_post(company, escalation,
                  at_ms + company_fault_between(company, FAULT_ESCALATION_TWICE, 0, 10) * 100);
    if (!company_fault(company, FAULT_ESCALATION_LATE))
        return;
    bool is_days_later = company_fault_between(company, FAULT_ESCALATION_LATE, 0, 9) == 0;
    int64_t later_ms =
        is_days_later ? company_fault_between(company, FAULT_ESCALATION_LATE, 2, LATE_HOURS_MAX) * HOUR_MS
                      : company_fault_between(company, FAULT_ESCALATION_LATE, 1, 100) * MINUTE_MS;
    int64_t latest_ms = scenario->quiet_ms + LATE_HOURS_MAX * HOUR_MS;
    plan_post(company, escalation, at_ms + later_ms < latest_ms ? at_ms + later_ms : latest_ms);
}

static struct truth_escalation *add(struct company *company, struct chance *chance, int64_t at_ms)
{
    struct truth_escalation *escalation = truth_add_escalation(&company->truth);

    escalation->agent = chance_below(chance, 2) ? "web" : "app";
    escalation->planned_ms = at_ms;
    escalation->chance = (struct chance){ .state = chance_next(chance) };
    choose_user(company, escalation, chance);
    choose_words(company, escalation, chance);
    choose_files(company, escalation, chance);
    escalation->has_callback = chance_below(chance, 4) > 0;
    return escalation;
}

/* The same user once more, in the same moment, with another matter. */
static void copy_user(struct truth_escalation *escalation, const struct truth_escalation *from)
{
    memcpy(escalation->user_id, from->user_id, sizeof(from->user_id));
    memcpy(escalation->email, from->email, sizeof(from->email));
    memcpy(escalation->phone, from->phone, sizeof(from->phone));
    memcpy(escalation->digits, from->digits, sizeof(from->digits));
    memcpy(escalation->crm_id, from->crm_id, sizeof(from->crm_id));
    escalation->named = from->named;
}

/* Another agent has the same id for something else. */
static void copy_id(struct truth_escalation *escalation, const struct truth_escalation *from)
{
    memcpy(escalation->id, from->id, sizeof(from->id));
    escalation->agent = strcmp(from->agent, "web") == 0 ? "app" : "web";
}

void escalations_plan(struct company *company)
{
    const struct scenario *scenario = company->scenario;
    struct chance chance = chance_stream(scenario->seed, "escalations");

    if (scenario->has_escalations)
        add_old_contacts(company);
    for (uint32_t i = 0; i < escalation_count_of(scenario); i++) {
        struct chance own = { .state = chance_next(&chance) };
        int64_t at_ms = chance_between(&own, scenario->start_ms + SECOND_MS, scenario->quiet_ms);
        struct truth_escalation *one = add(company, &own, at_ms), *other = NULL;
        uint64_t how = chance_below(&own, 6);
        if (how < 3)
            other = add(company, &own, at_ms + chance_between(&own, 0, how == 0 ? 10 * MINUTE_MS : 2000));
        if (other && how < 2)
            copy_user(other, one);
        else if (other)
            copy_id(other, one);
        write_body(one);
        plan_posts(company, one);
        strangers_plan(company, one);
        if (!other)
            continue;
        write_body(other);
        plan_posts(company, other);
    }
}

bool escalations_are_over(const struct company *company)
{
    for (size_t i = 0; i < company->truth.escalation_count; i++)
        if (company->truth.escalations[i]->pending > 0)
            return false;
    return true;
}
