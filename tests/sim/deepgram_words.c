/* Turns a script into timed words. */
#include "deepgram_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

uint64_t dg_next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static double next_unit(uint64_t *state)
{
    return (double)(dg_next_random(state) >> 11) * 0x1.0p-53;
}

/* Lower case without the punctuation around and inside, except what belongs to a word: apostrophe, and the
 * signs of markers and addresses. Bytes above ASCII stay as they are. */
static char *make_plain(const char *text, size_t length)
{
    char *plain = malloc(length + 1);
    if (!plain)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_inner = i > 0 && i + 1 < length && strchr("'@.-_", c) && isalnum((unsigned char)text[i + 1]);
        if (c >= 0x80 || isalnum(c) || is_inner || c == '%')
            plain[used++] = (char)tolower(c);
    }
    plain[used] = '\0';
    return plain;
}

static int add_word(struct dg_words *words, size_t *capacity, const char *text, size_t length)
{
    if (words->count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;
        struct dg_word *grown = reallocarray(words->items, wanted, sizeof(*grown));
        if (!grown)
            return -1;
        words->items = grown;
        *capacity = wanted;
    }
    struct dg_word *word = &words->items[words->count];
    *word = (struct dg_word){ .punctuated = strndup(text, length), .plain = make_plain(text, length) };
    words->count++;
    return word->punctuated && word->plain ? 0 : -1;
}

static int read_role(const json_t *speaker, unsigned *ret_role)
{
    if (json_is_integer(speaker) && json_integer_value(speaker) >= 0 && json_integer_value(speaker) < 20) {
        *ret_role = (unsigned)json_integer_value(speaker);
        return 0;
    }
    const char *name = json_string_value(speaker);
    if (!name || (strcmp(name, "agent") != 0 && strcmp(name, "customer") != 0))
        return -1;
    *ret_role = strcmp(name, "customer") == 0;
    return 0;
}

static int add_turn(struct dg_words *words, size_t *capacity, const char *text, unsigned role, unsigned turn)
{
    size_t first = words->count;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, " \t\r\n");
        if (length > 0 && add_word(words, capacity, at, length) < 0)
            return -1;
        at += length + (at[length] != '\0');
    }
    for (size_t i = first; i < words->count; i++) {
        words->items[i].role = role;
        words->items[i].turn = turn;
    }
    return 0;
}

static int read_script(const json_t *script, struct dg_words *words)
{
    size_t capacity = 0;
    if (json_is_string(script))
        return add_turn(words, &capacity, json_string_value(script), 1, 0);
    if (!json_is_array(script))
        return -1;
    size_t index;
    json_t *turn;
    json_array_foreach (script, index, turn) {
        unsigned role = 0;
        const char *text = json_string_value(json_object_get(turn, "text"));
        if (!text || read_role(json_object_get(turn, "speaker"), &role) < 0 ||
            add_turn(words, &capacity, text, role, (unsigned)index) < 0)
            return -1;
    }
    return 0;
}

enum { PAUSE_TURN_MS = 900, PAUSE_SENTENCE_MS = 350, PAUSE_WORD_MS = 40 };

static double choose_pause(const struct dg_word *before, const struct dg_word *word)
{
    if (before->turn != word->turn)
        return PAUSE_TURN_MS / 1000.0;
    size_t length = strlen(before->punctuated);
    bool ends_sentence = length > 0 && strchr(".?!", before->punctuated[length - 1]) != NULL;
    return (ends_sentence ? PAUSE_SENTENCE_MS : PAUSE_WORD_MS) / 1000.0;
}

/* Natural pace first; then everything is scaled down if it would not end before the recording does. */
static void set_times(struct dg_words *words, double seconds, uint64_t seed)
{
    double at = 0.08;
    for (size_t i = 0; i < words->count; i++) {
        struct dg_word *word = &words->items[i];
        if (i > 0)
            at += choose_pause(word - 1, word);
        word->start = at;
        at += 0.12 + 0.055 * (double)strlen(word->plain) + 0.06 * next_unit(&seed);
        word->end = at;
        word->confidence = 0.9 + 0.0999 * next_unit(&seed);
    }
    double scale = seconds > 0 && at > seconds - 0.05 ? (seconds - 0.05) / at : 1;
    for (size_t i = 0; i < words->count && scale > 0 && scale < 1; i++) {
        words->items[i].start *= scale;
        words->items[i].end *= scale;
    }
}

int dg_words_init(const json_t *script, double seconds, uint64_t seed, struct dg_words *ret_words)
{
    struct dg_words words = { 0 };
    if (read_script(script, &words) < 0) {
        dg_words_done(&words);
        return -1;
    }
    set_times(&words, seconds, seed);
    *ret_words = words;
    return 0;
}

void dg_words_done(struct dg_words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i].punctuated);
        free(words->items[i].plain);
    }
    free(words->items);
    *words = (struct dg_words){ 0 };
}

/* One line of a default script: 'a' agent, 'c' customer, then the text. */
static const char *const default_scripts[][6] = {
    { "a Thank you for calling, how can I help?", "c My last invoice shows a charge that I do not recognise.",
      "a I can see two payments on the same day.", "c Please correct the billing before the end of the week.",
      "a I will send the corrected invoice today.", NULL },
    { "a Good morning, this is support.",
      "c The app is not working since the update, it shows an error on every page.",
      "a Could you tell me the version?", "c It says four point two. I am really frustrated.",
      "a I have noted the problem for our technical team.", NULL },
    { "a Hello, you have reached customer care.", "c I want a refund, the parcel arrived broken.",
      "a I am sorry to hear that.", "c I am quite disappointed, please cancel the second order too.",
      "a Both are cancelled, the refund takes five days.", NULL },
    { "a Support desk, good afternoon.", "c Hello, I have a question about my delivery address.",
      "a Of course, where should it go?", "c To the new office. Thank you, that was great.",
      "a It is changed, have a nice day.", NULL },
    { "a Thank you for holding.", "c This is urgent, our whole shop is down and we cannot take orders.",
      "a I am raising it immediately.", "c Please call me back as soon as you know more.",
      "a You will hear from us within the hour.", NULL },
    { "a Customer care, how may I help?", "c I would like to know the opening hours of the service centre.",
      "a We are open from nine to six.", "c And on Saturday?", "a From ten to two.", NULL },
};

json_t *dg_default_script(uint64_t seed)
{
    enum { SCRIPTS = sizeof(default_scripts) / sizeof(default_scripts[0]) };
    const char *const *lines = default_scripts[dg_next_random(&seed) % SCRIPTS];
    json_t *script = json_array();
    for (size_t i = 0; lines[i]; i++)
        json_array_append_new(script,
                              json_pack("{s:s, s:s}", "speaker", lines[i][0] == 'a' ? "agent" : "customer",
                                        "text", lines[i] + 2));
    return script;
}
