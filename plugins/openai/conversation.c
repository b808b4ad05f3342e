/* From what was said or written to the text that is sent. */
#include "openai.h"

#include <string.h>

enum { HEAD_PERCENT = 60 };

void openai_add_n(struct sb_exchange *x, struct openai_text *text, const char *more, size_t size)
{
    if (text->size + size + 1 > text->room) {
        size_t room = text->room ? text->room * 2 : 4096;
        while (room < text->size + size + 1)
            room *= 2;
        char *at = sb_alloc(x, room);
        if (text->size)
            memcpy(at, text->at, text->size);
        text->at = at;
        text->room = room;
    }
    if (size)
        memcpy(text->at + text->size, more, size);
    text->size += size;
    text->at[text->size] = '\0';
}

void openai_add(struct sb_exchange *x, struct openai_text *text, const char *more)
{
    openai_add_n(x, text, more, strlen(more));
}

/* ---- words and speakers -------------------------------------------------------------------------------- */

static void add_segment(struct sb_exchange *x, struct openai_text *text, const json_t *segment)
{
    const char *words = sb_json_str(segment, "text");
    const json_t *speaker = json_object_get(segment, "speaker");
    if (!words || !*words)
        return;
    if (json_is_string(speaker) && *json_string_value(speaker))
        openai_add(x, text, sb_printf(x, "%s: ", json_string_value(speaker)));
    else if (json_is_integer(speaker))
        openai_add(x, text,
                   sb_printf(x, "speaker %" JSON_INTEGER_FORMAT ": ", json_integer_value(speaker) + 1));
    openai_add(x, text, words);
    openai_add(x, text, "\n");
}

/* With speakers when the segments hold (nearly) all that the text holds. */
static const char *spoken_text(struct sb_exchange *x)
{
    const char *whole = sb_get_str(x, "transcript.text");
    const json_t *segments = sb_get(x, "transcript.segments");
    struct openai_text text = { 0 };
    openai_add(x, &text, "");
    for (size_t i = 0; i < json_array_size(segments); i++)
        add_segment(x, &text, json_array_get(segments, i));
    size_t whole_size = whole ? strlen(whole) : 0;
    return text.size * 20 >= whole_size * 19 ? text.at : whole;
}

/* What the user and the AI agent wrote before it handed over, behind its own summary. What tools answered and what the
 * agent was told is not the conversation's, and stays here. */
static const char *written_text(struct sb_exchange *x)
{
    const json_t *messages = sb_get(x, "conversation.messages"), *message = NULL;
    const char *summary = sb_get_str(x, "escalation.summary"), *reason = sb_get_str(x, "escalation.reason");
    struct openai_text text = { 0 };
    size_t i = 0;

    openai_add(x, &text, "");
    if (summary)
        openai_add(x, &text, sb_printf(x, "summary of the AI agent: %s\n", summary));
    if (reason)
        openai_add(x, &text, sb_printf(x, "why it hands over: %s\n", reason));
    json_array_foreach (messages, i, message) {
        const char *role = sb_json_str(message, "role"), *content = sb_json_str(message, "content");
        bool is_user = role && strcmp(role, "user") == 0;
        if (!content || !*content || (!is_user && (!role || strcmp(role, "agent") != 0)))
            continue;
        openai_add(x, &text, is_user ? "customer: " : "agent: ");
        openai_add(x, &text, content);
        openai_add(x, &text, "\n");
    }
    return text.at;
}

/* ---- what does not belong into what people say --------------------------------------------------------- */

/* Marks by which chat formats tell roles apart, and the signs of our own markers. Each becomes a space, so
 * that what is left of it cannot join into another. */
static const char *const marks[] = {
    "<|",       "|>",        "<<<",         ">>>",          "[inst]",          "[/inst]",
    "<<sys>>",  "<</sys>>",  "<s>",         "</s>",         "<start_of_turn>", "<end_of_turn>",
    "<system>", "</system>", "<assistant>", "</assistant>", "<user>",          "</user>"
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins_with(const char *text, const char *lower_word)
{
    for (size_t i = 0; lower_word[i]; i++)
        if (lower(text[i]) != lower_word[i])
            return false;
    return true;
}

static size_t mark_size(const char *text)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (begins_with(text, marks[i]))
            return strlen(marks[i]);
    return 0;
}

static const char *without_marks(struct sb_exchange *x, const char *text)
{
    const char *reference = sb_reference(x);
    size_t reference_size = reference ? strlen(reference) : 0;
    struct openai_text clean = { 0 };
    openai_add(x, &clean, "");
    for (const char *p = text; *p;) {
        size_t size = mark_size(p);
        if (!size && reference_size && strncmp(p, reference, reference_size) == 0)
            size = reference_size;
        if (size)
            openai_add(x, &clean, " ");
        else
            openai_add_n(x, &clean, p, size = 1);
        p += size;
    }
    return clean.at;
}

/* ---- budget -------------------------------------------------------------------------------------------- */

static bool is_character_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* Bytes of the first `count` characters. */
static size_t bytes_of(const char *text, size_t count)
{
    size_t at = 0;
    for (; text[at]; at++)
        if (is_character_start(text[at]) && count-- == 0)
            break;
    return at;
}

/* The beginning, where people say what they want, and the end, where it is settled. */
static const char *within_budget(struct sb_exchange *x, const char *text, size_t budget)
{
    size_t count = sb_characters(text);
    if (count <= budget)
        return text;
    size_t head = budget * HEAD_PERCENT / 100;
    size_t tail = budget - head;
    size_t tail_at = bytes_of(text, count - tail);
    return sb_printf(x, "%s\n[... %zu characters are left out here ...]\n%s",
                     sb_strndup(x, text, bytes_of(text, head)), count - budget, text + tail_at);
}

const char *openai_conversation(struct sb_exchange *x)
{
    const char *text = sb_get(x, "escalation") ? written_text(x) : spoken_text(x);
    if (!text || text[strspn(text, " \t\r\n")] == '\0')
        return NULL;

    text = without_marks(x, sb_utf8(x, text));
    if (sb_option_bool(x, "mask_personal_data"))
        text = openai_mask(x, text);
    uint32_t halvings = sb_round(x) < OPENAI_SHORTER_MAX ? sb_round(x) : OPENAI_SHORTER_MAX;
    return within_budget(x, text, (size_t)sb_option_int(x, "transcript_budget") >> halvings);
}

/* ---- people who talk to the model ---------------------------------------------------------------------- */

/* After folding. A hit only asks a person to look, so a few false ones do no harm. */
static const char *const attacks[] = {
    "ignore previous",
    "ignore all previous",
    "ignore the previous",
    "ignore your instruction",
    "ignore all instruction",
    "ignore the above",
    "ignore the instruction",
    "ignore any instruction",
    "disregard previous",
    "disregard all",
    "disregard the above",
    "disregard your",
    "disregard the instruction",
    "forget your instruction",
    "forget previous",
    "forget all previous",
    "forget the instruction",
    "override your",
    "override the instruction",
    "new instructions",
    "system prompt",
    "system message",
    "developer message",
    "developer mode",
    "you are now",
    "pretend you are",
    "pretend to be",
    "jailbreak",
    "language model",
    "as an ai",
    "prompt injection",
    "reveal your",
    "mark this as urgent",
    "mark it as urgent",
    "mark as urgent",
    "mark this call as",
    "mark this ticket as",
    "set the priority",
    "set priority",
    "priority to urgent",
    "priority to high",
    "classify this as",
    "classify this call",
    "output json",
    "respond with json",
    "injection_suspected",
    "pichle nirdesh",
    "पिछले निर्देश",
};

const char *openai_folded(struct sb_exchange *x, const char *text)
{
    static const struct {
        const char *from;
        char to;
    } signs[] = { { "‘", '\'' }, { "’", '\'' }, { "“", '"' }, { "”", '"' } };
    struct openai_text folded = { 0 };
    openai_add(x, &folded, "");
    for (const char *p = text; *p;) {
        size_t size = strspn(p, " \t\r\n");
        char c = size ? ' ' : lower(*p);
        bool is_repeated = size && (folded.size == 0 || folded.at[folded.size - 1] == ' ');
        for (size_t i = 0; !size && i < sizeof(signs) / sizeof(signs[0]); i++) {
            if (strncmp(p, signs[i].from, strlen(signs[i].from)) == 0) {
                size = strlen(signs[i].from);
                c = signs[i].to;
            }
        }
        if (!is_repeated)
            openai_add_n(x, &folded, &c, 1);
        p += size ? size : 1;
    }
    if (folded.size && folded.at[folded.size - 1] == ' ')
        folded.at[folded.size - 1] = '\0';
    return folded.at;
}

/* Letters and single spaces only, so that commas and pauses hide nothing. */
static const char *words_only(struct sb_exchange *x, const char *text)
{
    char *words = sb_strdup(x, text);
    size_t size = 0;
    for (const char *p = text; *p; p++) {
        bool is_gap = strchr(" .,;:!?-\"'()", *p) != NULL;
        if (!is_gap)
            words[size++] = *p;
        else if (size && words[size - 1] != ' ')
            words[size++] = ' ';
    }
    words[size] = '\0';
    return words;
}

bool openai_is_suspicious(struct sb_exchange *x, const char *conversation)
{
    const char *words = words_only(x, openai_folded(x, conversation));
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
        if (strstr(words, attacks[i]))
            return true;
    return false;
}
