/* The text of the private note: every word that was said, by whom and when, cut into parts that the service
 * takes. */
#include "desk.h"

#include <string.h>

enum {
    SECONDS_PER_HOUR = 3600,
    HEADER_UNITS_MAX = 400 /* what note.c puts in front of a part stays below this */
};

static const char *clock_text(struct sb_exchange *x, int64_t ms)
{
    int64_t seconds = ms > 0 ? ms / 1000 : 0;
    if (seconds >= SECONDS_PER_HOUR)
        return sb_printf(x, "%d:%02d:%02d", (int)(seconds / SECONDS_PER_HOUR), (int)(seconds / 60 % 60),
                         (int)(seconds % 60));
    return sb_printf(x, "%02d:%02d", (int)(seconds / 60), (int)(seconds % 60));
}

/* "agent" becomes "Agent"; a segment without a speaker has none. */
static const char *speaker_text(struct sb_exchange *x, const json_t *segment)
{
    const json_t *speaker = json_object_get(segment, "speaker");
    if (json_is_integer(speaker))
        return sb_printf(x, "Speaker %" JSON_INTEGER_FORMAT, json_integer_value(speaker) + 1);
    const char *word = json_string_value(speaker);
    if (!word || !*word)
        return NULL;
    char *text = sb_strdup(x, desk_one_line(x, word));
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    return text;
}

static void add_segment(struct sb_exchange *x, struct desk_text *note, const json_t *segment)
{
    const char *words = sb_json_str(segment, "text");
    if (!words || !*words)
        return;
    const char *speaker = speaker_text(x, segment);
    desk_add(x, note, sb_printf(x, "[%s] ", clock_text(x, sb_json_int(segment, "start_ms", 0))));
    if (speaker)
        desk_add(x, note, sb_printf(x, "%s: ", speaker));
    desk_add(x, note, sb_utf8(x, words));
    desk_add(x, note, "\n");
}

static size_t count_letters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (unsigned char)*text > ' ';
    return count;
}

/* Segments are shown only when they hold what the text holds: a provider may give words outside of any of
 * them. */
static bool has_whole_segments(struct sb_exchange *x, const char *text)
{
    const json_t *segments = sb_get(x, "transcript.segments");
    size_t letters = 0;
    for (size_t i = 0; i < json_array_size(segments); i++) {
        const char *words = sb_json_str(json_array_get(segments, i), "text");
        letters += words ? count_letters(words) : 0;
    }
    return letters > 0 && letters * 20 >= count_letters(text) * 19;
}

static void add_facts(struct sb_exchange *x, struct desk_text *note)
{
    const char *language = sb_get_str(x, "transcript.language");
    const char *quality = sb_get_str(x, "transcript.quality");
    if (language && *language)
        desk_add(x, note, sb_printf(x, "Language: %s\n", desk_one_line(x, language)));
    if (quality && strcmp(quality, "low") == 0)
        desk_add(x, note, "Low quality: made by a simple recogniser, many words will be wrong.\n");
    desk_add(x, note, "\n");
}

const char *desk_note_text(struct sb_exchange *x)
{
    const char *text = sb_get_str(x, "transcript.text");
    const json_t *segments = sb_get(x, "transcript.segments");
    if (!text)
        text = "";
    bool has_segments = has_whole_segments(x, text);
    if (!has_segments && count_letters(text) == 0)
        return NULL;

    struct desk_text note = { 0 };
    add_facts(x, &note);
    if (!has_segments)
        desk_add(x, &note, sb_utf8(x, text));
    for (size_t i = 0; has_segments && i < json_array_size(segments); i++)
        add_segment(x, &note, json_array_get(segments, i));
    return note.at;
}

/* Where the part that starts at `text` ends: at a line, else at a word, else at a character. */
static size_t part_size(const char *text, size_t units_max)
{
    size_t size = desk_prefix(text, units_max);
    if (!text[size])
        return size;
    for (size_t i = size; i > size / 2; i--)
        if (text[i - 1] == '\n')
            return i;
    for (size_t i = size; i > size / 2; i--)
        if (text[i - 1] == ' ')
            return i;
    return size;
}

size_t desk_note_parts(const char *text, size_t units_max)
{
    size_t count = 0;
    do {
        text += part_size(text, units_max - HEADER_UNITS_MAX);
        count++;
    } while (*text);
    return count;
}

const char *desk_note_part(struct sb_exchange *x, const char *text, size_t units_max, size_t index)
{
    for (size_t i = 0; i < index; i++)
        text += part_size(text, units_max - HEADER_UNITS_MAX);
    return sb_strndup(x, text, part_size(text, units_max - HEADER_UNITS_MAX));
}
