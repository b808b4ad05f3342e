/* A body against the table: every mistake with its JSON pointer and what would be right, and the canonical copy. */
#include "ai_agent.h"

#include <string.h>

enum { SHOWN_MAX = 60 };

/* A place in the body, as a chain from the leaf to the root, so that a pointer is only written for a mistake. */
struct place {
    const struct place *up; /* NULL: the root */
    const char *name;       /* NULL: `index` counts */
    size_t index;
};

/* What becomes of an object or a list: what was sent, as long as nothing of it has to change. Most of what agents send is
 * canonical already, and need not be made anew. */
struct made {
    const json_t *from;
    json_t *copy; /* kept by the exchange; NULL: `from` will do */
};

struct check {
    struct sb_exchange *x;
    json_t *errors;
    struct made *root;
    json_t *metadata;   /* the copy of those of the root; NULL: nothing was added to them */
    bool keeps_unknown; /* in the metadata */
    bool needs_id;
    int64_t depth_max;
    size_t attachments;
};

static const json_t *made_value(const struct made *made)
{
    return made->copy ? made->copy : made->from;
}

static json_t *own(const struct check *check, struct made *made)
{
    if (!made->copy)
        made->copy = sb_keep(check->x, json_copy((json_t *)(uintptr_t)made->from));
    return made->copy;
}

static void drop(const struct check *check, struct made *object, const char *name)
{
    (void)json_object_del(own(check, object), name); /* it may have gone before */
}

/* Puts what was made of a member in its place, when that is not what was sent. */
static void put_made(const struct check *check, struct made *object, const char *name, const json_t *sent,
                     const struct made *made)
{
    if (made_value(made) != sent)
        agent_put(check->x, own(check, object), name, json_incref(made->copy));
}

/* ---- mistakes ------------------------------------------------------------------------------------------ */

static const char *pointer_of(struct sb_exchange *x, const struct place *place)
{
    const char *pointer = "";

    for (; place && place->up; place = place->up) {
        if (!place->name) {
            pointer = sb_printf(x, "/%zu%s", place->index, pointer);
            continue;
        }
        char *escaped = sb_alloc(x, strlen(place->name) * 2 + 1), *to = escaped;
        for (const char *from = place->name; *from; from++) {
            *to++ = *from == '/' ? '~' : *from;
            if (*from == '~' || *from == '/')
                *to++ = *from == '~' ? '0' : '1';
        }
        pointer = sb_printf(x, "/%s%s", escaped, pointer);
    }
    return pointer;
}

void agent_complain(struct sb_exchange *x, json_t *errors, const char *pointer, const char *message,
                    const char *expected)
{
    size_t count = json_array_size(errors);

    if (count == AGENT_ERRORS_MAX) {
        agent_append(x, errors,
                     json_pack("{s:s, s:s}", "pointer", "", "message",
                               "there are more mistakes than are listed here"));
        return;
    }
    if (count > AGENT_ERRORS_MAX)
        return;
    json_t *error = json_pack("{s:s, s:s}", "pointer", pointer, "message", message);
    agent_append(x, errors, error);
    if (expected)
        agent_put(x, error, "expected", json_string(expected));
}

static void complain(struct check *check, const struct place *place, const char *message,
                     const char *expected)
{
    if (json_array_size(check->errors) <= AGENT_ERRORS_MAX)
        agent_complain(check->x, check->errors, pointer_of(check->x, place), message, expected);
}

static void complain_kind(struct check *check, const struct place *place, const json_t *value,
                          const char *expected)
{
    complain(check, place, sb_printf(check->x, "is %s", sb_json_kind(value)), expected);
}

/* ---- names that nobody knows --------------------------------------------------------------------------- */

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without case, '_' and '-': "callbackUrl" is meant for "callback_url". */
static bool is_nearly(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "_-");
        b += strspn(b, "_-");
        if (folded(*a) != folded(*b))
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

static const char *known_names(struct sb_exchange *x, const struct agent_field *fields)
{
    const char *names = "";

    for (const struct agent_field *field = fields; field->name; field++)
        names = sb_printf(x, "%s%s%s", names, field == fields ? "one of " : ", ", field->name);
    return names;
}

/* "user.nickname", "conversation.3.model". */
static const char *dotted(struct sb_exchange *x, const struct place *place)
{
    const char *name = "";

    for (; place && place->up; place = place->up)
        name = place->name ? sb_printf(x, "%s%s%s", place->name, *name ? "." : "", name)
                           : sb_printf(x, "%zu.%s", place->index, name);
    return name;
}

static void keep_unknown(struct check *check, const struct place *place, const json_t *value)
{
    const char *name = dotted(check->x, place);

    if (!check->metadata) {
        json_t *given = json_object_get(check->root->from, "metadata"), *root = own(check, check->root);
        check->metadata = json_is_object(given) ? json_copy(given) : json_object();
        agent_put(check->x, root, "metadata", check->metadata);
    }
    if (!json_object_get(check->metadata, name))
        agent_put(check->x, check->metadata, name, json_incref((json_t *)(uintptr_t)value));
}

static void meet_unknown(struct check *check, const struct agent_field *fields, const struct place *place,
                         const json_t *value)
{
    if (check->keeps_unknown) {
        keep_unknown(check, place, value);
        return;
    }
    for (const struct agent_field *field = fields; field->name; field++) {
        if (is_nearly(field->name, place->name)) {
            complain(check, place, "is not known", field->name);
            return;
        }
    }
    complain(check, place, "is not known", known_names(check->x, fields));
}

static const struct agent_field *find_field(const struct agent_field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static size_t decoded_size(const char *base64, size_t size)
{
    size_t padding = size > 0 && base64[size - 1] == '=' ? (size > 1 && base64[size - 2] == '=' ? 2 : 1) : 0;
    return size / 4 * 3 - padding;
}

/* Whether the text is as the field wants it. */
static bool check_text(struct check *check, const struct agent_field *field, const struct place *place,
                       const json_t *value)
{
    const struct agent_form_rule *rule = agent_form_rule(field->form);
    const char *text = json_string_value(value);
    bool is_content = field->form == AGENT_FORM_BASE64;
    int64_t max = agent_limit(check->x, field);

    if (is_content && decoded_size(text, json_string_length(value)) > (size_t)max) {
        complain(check, place, "is too large",
                 sb_printf(check->x, "at most %lld bytes once decoded", (long long)max));
        return false;
    }
    if (!is_content && json_string_length(value) > (size_t)max && sb_characters(text) > (size_t)max) {
        complain(check, place, sb_printf(check->x, "has %zu characters", sb_characters(text)),
                 sb_printf(check->x, "at most %lld characters", (long long)max));
        return false;
    }
    if (rule && !rule->fits(check->x, text)) {
        complain(check, place, "does not have the right form", rule->expected);
        return false;
    }
    return true;
}

static const char *word_list(struct sb_exchange *x, const struct agent_word *words)
{
    const char *list = "";

    for (const struct agent_word *word = words; word->word; word++)
        list = sb_printf(x, "%s%s%s", list, word == words ? "one of " : ", ", word->word);
    return list;
}

static const char *meaning_of(const struct agent_word *words, const char *text)
{
    for (; words->word; words++) {
        size_t i = 0;
        while (words->word[i] && folded(text[i]) == words->word[i])
            i++;
        if (!words->word[i] && !text[i])
            return words->means;
    }
    return NULL;
}

static void take_word(struct check *check, const struct agent_field *field, const struct place *place,
                      const json_t *value, struct made *to)
{
    const char *text = json_string_value(value), *means = meaning_of(field->words, text);

    if (means && strcmp(means, text) != 0)
        agent_put(check->x, own(check, to), field->name, json_string(means));
    if (!means)
        complain(check, place, sb_printf(check->x, "is '%s'", sb_cut(check->x, text, SHOWN_MAX)),
                 word_list(check->x, field->words));
}

/* ---- objects and lists --------------------------------------------------------------------------------- */

static void take_object(struct check *check, const struct agent_field *fields, const struct place *place,
                        struct made *to);

static void take_list(struct check *check, const struct agent_field *field, const struct place *place,
                      struct made *to)
{
    int64_t max = agent_limit(check->x, field);
    size_t index;
    json_t *item;

    if (json_array_size(to->from) > (size_t)max) {
        complain(check, place, sb_printf(check->x, "has %zu items", json_array_size(to->from)),
                 sb_printf(check->x, "at most %lld items", (long long)max));
        return;
    }
    json_array_foreach (to->from, index, item) {
        const struct place here = { .up = place, .index = index };
        struct made made = { .from = item };
        if (!json_is_object(item)) {
            complain_kind(check, &here, item, "an object");
            continue;
        }
        take_object(check, field->members, &here, &made);
        if (made.copy)
            agent_replace(check->x, own(check, to), index, json_incref(made.copy));
    }
}

/* How deep the value nests, up to one more than `max`. */
static int64_t depth_of(const json_t *value, int64_t max)
{
    int64_t deepest = 0;
    const char *name;
    size_t index;
    json_t *item;

    if (max < 0 || (!json_is_object(value) && !json_is_array(value)))
        return 0;
    json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
        int64_t depth = depth_of(item, max - 1);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach (value, index, item) {
        int64_t depth = depth_of(item, max - 1);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void take_text(struct check *check, const struct agent_field *field, const struct place *place,
                      const json_t *value, struct made *to)
{
    bool is_empty = json_string_length(value) == 0, is_good = false;

    if (field->is_required && !*(json_string_value(value) + strspn(json_string_value(value), " \t\r\n")))
        complain(check, place, "is empty", field->form ? agent_form_rule(field->form)->expected : "a text");
    else if (field->is_required || !is_empty) /* agents send "" for what they do not know */
        is_good = check_text(check, field, place, value);
    if (!is_good)
        drop(check, to, field->name);
}

static void take_members_of(struct check *check, const struct agent_field *field, const struct place *place,
                            const json_t *value, struct made *to)
{
    struct made made = { .from = value };

    if (field->type == AGENT_LIST)
        take_list(check, field, place, &made);
    else
        take_object(check, field->members, place, &made);
    put_made(check, to, field->name, value, &made);
}

static void take_value(struct check *check, const struct agent_field *field, const struct place *place,
                       const json_t *value, struct made *to)
{
    switch (field->type) {
    case AGENT_TEXT:
    case AGENT_WORD:
        if (!json_is_string(value))
            complain_kind(check, place, value, "a text");
        else if (field->type == AGENT_TEXT)
            take_text(check, field, place, value, to);
        else if (field->is_required || json_string_length(value) > 0)
            take_word(check, field, place, value, to);
        else
            drop(check, to, field->name);
        break;
    case AGENT_LIST:
        if (json_is_array(value))
            take_members_of(check, field, place, value, to);
        else
            complain_kind(check, place, value, "a list");
        break;
    case AGENT_OBJECT:
    case AGENT_FREE:
        if (!json_is_object(value))
            complain_kind(check, place, value, "an object");
        else if (field->type == AGENT_OBJECT)
            take_members_of(check, field, place, value, to);
        break;
    }
}

/* Gives the number of members that the table knows. */
static size_t take_members(struct check *check, const struct agent_field *fields, const struct place *place,
                           struct made *to)
{
    size_t count = 0;

    for (const struct agent_field *field = fields; field->name; field++) {
        const struct place here = { .up = place, .name = field->name };
        const json_t *value = json_object_get(to->from, field->name);
        bool is_excused = !check->needs_id && fields == agent_fields() && strcmp(field->name, "id") == 0;
        count += value != NULL;
        if (value && !json_is_null(value)) {
            take_value(check, field, &here, value, to);
            continue;
        }
        /* The metadata may be there by now, with members that nobody knows. */
        if (value && json_is_null(json_object_get(made_value(to), field->name)))
            drop(check, to, field->name);
        if (field->is_required && !is_excused)
            complain(check, &here, "is missing",
                     field->form                 ? agent_form_rule(field->form)->expected
                     : field->type == AGENT_WORD ? word_list(check->x, field->words)
                                                 : field->help);
    }
    return count;
}

/* What no single row can say: one of two members. */
static void check_attachment(struct check *check, const struct agent_field *fields, const struct place *place,
                             const json_t *from, const json_t *to)
{
    bool has_url = json_object_get(to, "url") != NULL, is_allowed = false;

    if (!find_field(fields, "base64"))
        return;
    check->attachments++;
    bool has_either =
        json_is_string(json_object_get(from, "url")) || json_is_string(json_object_get(from, "base64"));
    if (!has_either)
        complain(check, place, "has no content", "either url or base64");
    else if (has_url && json_object_get(to, "base64"))
        complain(check, place, "has both url and base64", "one of the two");
    else if (has_url && sb_url_host(check->x, sb_json_str(to, "url"), &is_allowed) && !is_allowed) {
        const struct place here = { .up = place, .name = "url" };
        complain(check, &here, "is at a host that is not allowed", "a host that attachment_hosts allows");
    }
}

static void take_object(struct check *check, const struct agent_field *fields, const struct place *place,
                        struct made *to)
{
    const char *name;
    json_t *value;

    size_t known = take_members(check, fields, place, to);
    check_attachment(check, fields, place, to->from, made_value(to));
    if (known == json_object_size(to->from))
        return;
    json_object_foreach ((json_t *)(uintptr_t)to->from, name, value) {
        const struct place here = { .up = place, .name = name };
        if (find_field(fields, name))
            continue;
        meet_unknown(check, fields, &here, value);
        drop(check, to, name);
    }
}

void agent_check(struct sb_exchange *x, const json_t *body, bool needs_id, struct agent_checked *ret_checked)
{
    const struct place root = { .up = NULL };
    struct made made = { .from = body };
    struct check check = { .x = x,
                           .errors = sb_keep(x, json_array()),
                           .root = &made,
                           .keeps_unknown = strcmp(sb_option_str(x, "unknown_keys"), "metadata") == 0,
                           .needs_id = needs_id,
                           .depth_max = sb_option_int(x, "depth_max") };

    if (!json_is_object(body))
        complain_kind(&check, &root, body, "an object");
    else if (depth_of(body, check.depth_max) > check.depth_max)
        complain(&check, &root, "nests too deep",
                 sb_printf(x, "at most %lld levels", (long long)check.depth_max));
    else
        take_object(&check, agent_fields(), &root, &made);
    if (check.attachments > (size_t)sb_option_int(x, "attachments_max"))
        agent_complain(x, check.errors, "/conversation",
                       sb_printf(x, "has %zu attachments", check.attachments),
                       sb_printf(x, "at most %lld", (long long)sb_option_int(x, "attachments_max")));
    *ret_checked = (struct agent_checked){ .errors = check.errors };
    if (json_array_size(check.errors) > 0)
        return;
    const char *digest = sb_json_sha256(x, made_value(&made));
    if (!json_object_get(made_value(&made), "id"))
        agent_put(x, own(&check, &made), "id", json_string(sb_printf(x, "auto-%.32s", digest)));
    ret_checked->body = made_value(&made);
    ret_checked->digest = digest;
}
