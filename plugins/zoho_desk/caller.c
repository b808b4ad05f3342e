/* Who called, and which contact that is. */
#include "user.h"

#include <string.h>

/* Words that services write instead of a number that the caller withheld. */
static const char *const withheld[] = { "anonymous",   "private",  "restricted", "unknown",
                                        "unavailable", "withheld", "null" };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether `text`, up to its end or its '@', is `word`. */
static bool is_word(const char *text, const char *word)
{
    size_t i = 0;
    for (; word[i]; i++)
        if (lower(text[i]) != word[i])
            return false;
    return text[i] == '\0' || text[i] == '@';
}

static bool is_withheld(const char *text)
{
    const char *name = strncmp(text, "sip:", 4) == 0 ? text + 4 : text;
    for (size_t i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++)
        if (is_word(name, withheld[i]))
            return true;
    return *name == '\0';
}

/* A SIP address or another id of letters: signs that mean something in a search are not in it. */
static bool is_searchable_id(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:@._+-");
    return text[size] == '\0' && size >= 3 && size <= DESK_PHONE_MAX;
}

static bool is_written_as_number(const char *text)
{
    return text[strspn(text, "0123456789+-.() ")] == '\0';
}

void desk_caller_read(struct sb_exchange *x, struct desk_caller *ret_caller)
{
    const char *text = sb_get_str(x, "call.customer");
    const char *e164 = sb_get_str(x, "call.customer_e164");
    /* The user of an escalation who gave no number has the one that another escalation of the same user gave. */
    if (sb_get(x, "escalation")) {
        text = sb_get_str(x, "user.phone");
        e164 = sb_get_str(x, "user.phone_e164");
        if (!text && !e164)
            text = sb_get_str(x, "matching.number");
    }
    struct desk_caller caller = { .kind = DESK_CALLER_UNKNOWN, .text = text ? text : e164 };
    *ret_caller = caller;
    if (!caller.text || is_withheld(caller.text))
        return;

    bool is_valid = false;
    const char *number = e164 ? e164 : caller.text;
    if (e164 || is_written_as_number(number)) {
        const char *digits = sb_digits(x, number);
        const char *last = sb_last_digits(x, number, DESK_NUMBER_DIGITS);
        if (strlen(digits) < DESK_SHORT_DIGITS_MIN || digits[strspn(digits, "0")] == '\0')
            return;
        caller.kind = DESK_CALLER_NUMBER;
        caller.digits = last ? last : digits;
        caller.e164 =
            e164 ? e164 : (last ? sb_phone_e164(x, number, sb_option_str(x, "region"), &is_valid) : NULL);
    } else if (is_searchable_id(caller.text)) {
        caller.kind = DESK_CALLER_ID;
    }
    *ret_caller = caller;
}

const char *desk_caller_key(struct sb_exchange *x)
{
    struct desk_caller caller;
    if (sb_get_str(x, "ticket.id"))
        return NULL;
    desk_caller_read(x, &caller);
    if (caller.kind == DESK_CALLER_NUMBER)
        return sb_printf(x, "phone:%s", caller.digits);
    return caller.kind == DESK_CALLER_ID ? sb_printf(x, "id:%s", caller.text) : "caller:unknown";
}

void desk_caller_keep(struct sb_exchange *x, const struct desk_caller *caller)
{
    sb_intent_keep(x, "caller_kind", json_integer(caller->kind));
    sb_intent_keep(x, "digits", caller->digits ? json_string(caller->digits) : json_null());
    sb_intent_keep(x, "e164", caller->e164 ? json_string(caller->e164) : json_null());
    sb_intent_keep(x, "text", caller->text ? json_string(caller->text) : json_null());
}

void desk_caller_kept(struct sb_exchange *x, struct desk_caller *ret_caller)
{
    json_int_t kind = json_integer_value(sb_intent_get(x, "caller_kind"));
    *ret_caller = (struct desk_caller){
        .kind = kind == DESK_CALLER_NUMBER ? DESK_CALLER_NUMBER
                : kind == DESK_CALLER_ID   ? DESK_CALLER_ID
                                           : DESK_CALLER_UNKNOWN,
        .digits = sb_intent_str(x, "digits"),
        .e164 = sb_intent_str(x, "e164"),
        .text = sb_intent_str(x, "text"),
    };
}

const char *desk_caller_name(struct sb_exchange *x, const struct desk_caller *caller)
{
    if (caller->kind == DESK_CALLER_UNKNOWN)
        return sb_option_str(x, "unknown_caller_name");
    const char *customer = sb_get_str(x, "call.customer_name");
    if (customer && *desk_one_line(x, customer))
        return desk_cut(x, desk_one_line(x, customer), DESK_LAST_NAME_MAX);

    static const char place[] = "{number}";
    const char *template = sb_option_str(x, "contact_last_name");
    const char *number = caller->e164 ? caller->e164 : desk_one_line(x, caller->text);
    const char *at = strstr(template, place);
    if (!at)
        return desk_cut(x, desk_one_line(x, template), DESK_LAST_NAME_MAX);
    const char *before = sb_strndup(x, template, (size_t)(at - template));
    return desk_cut(x, desk_one_line(x, sb_printf(x, "%s%s%s", before, number, at + sizeof(place) - 1)),
                    DESK_LAST_NAME_MAX);
}

/* How well one number of a contact fits: 0 not, 1 the same last digits, 2 the same number written in full. */
static int rank_number(struct sb_exchange *x, const struct desk_caller *caller, const char *text)
{
    const char *digits = sb_digits(x, text);
    bool is_full = strlen(caller->digits) >= DESK_NUMBER_DIGITS;
    const char *last = is_full ? sb_last_digits(x, text, DESK_NUMBER_DIGITS) : digits;
    if (!last || strcmp(last, caller->digits) != 0)
        return 0;
    if (!caller->e164)
        return strlen(digits) == strlen(caller->digits) ? 2 : 1;

    bool is_valid = false;
    const char *e164 = sb_phone_e164(x, text, sb_option_str(x, "region"), &is_valid);
    if (e164 && strcmp(e164, caller->e164) == 0)
        return 2;
    /* Ten equal digits behind another country's code are another person. Only a number that exists is trusted
     * to say so: people write country codes in many wrong ways. */
    return text[0] == '+' && e164 && is_valid ? 0 : 1;
}

int desk_caller_rank(struct sb_exchange *x, const struct desk_caller *caller, const json_t *contact)
{
    static const char *const numbers[] = { "phone", "mobile" };
    if (json_is_true(json_object_get(contact, "isTrashed")) ||
        json_is_true(json_object_get(contact, "isDeleted")))
        return 0;
    if (caller->kind == DESK_CALLER_UNKNOWN) {
        const char *name = sb_json_str(contact, "lastName");
        return name && strcmp(name, sb_option_str(x, "unknown_caller_name")) == 0 ? 1 : 0;
    }

    int rank = 0;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const char *text = sb_json_str(contact, numbers[i]);
        int one = 0;
        if (!text)
            continue;
        if (caller->kind == DESK_CALLER_ID)
            one = strcmp(text, caller->text) == 0 ? 2 : 0;
        else
            one = rank_number(x, caller, text);
        if (one > rank)
            rank = one;
    }
    return rank;
}

bool desk_caller_is(struct sb_exchange *x, const struct desk_caller *caller, const json_t *contact)
{
    return desk_caller_rank(x, caller, contact) > 0;
}

/* Ids are numbers of different length written as text. */
static int compare_ids(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return strcmp(a, b);
}

bool desk_is_older(const json_t *a, const json_t *b)
{
    const char *a_time = sb_json_str(a, "createdTime");
    const char *b_time = sb_json_str(b, "createdTime");
    int64_t a_ms = a_time ? sb_parse_rfc3339(a_time) : -1;
    int64_t b_ms = b_time ? sb_parse_rfc3339(b_time) : -1;
    if (a_ms >= 0 && b_ms >= 0 && a_ms != b_ms)
        return a_ms < b_ms;
    return compare_ids(sb_json_str(a, "id"), sb_json_str(b, "id")) < 0;
}

const json_t *desk_caller_pick(struct sb_exchange *x, const struct desk_caller *caller, const json_t *items,
                               size_t *ret_count)
{
    const json_t *best = NULL;
    int best_rank = 0;
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *id = sb_json_str(item, "id");
        int rank = desk_is_id(id) && !desk_is_gone(x, id) ? desk_caller_rank(x, caller, item) : 0;
        if (rank == 0)
            continue;
        count++;
        if (rank > best_rank || (rank == best_rank && desk_is_older(item, best))) {
            best = item;
            best_rank = rank;
        }
    }
    *ret_count = count;
    return best;
}
