/* What was said, as a script: when, who, what. */
#include <inttypes.h>
#include <string.h>

#include "app/show.h"
#include "base/json.h"
#include "base/timefmt.h"

enum { LINE_MAX_BYTES = 256 * 1024, SPEAKER_COLUMNS_MAX = 16 };

static void show_origin(const struct shown *shown, const json_t *transcript)
{
    const char *provider = json_str(transcript, "provider"), *model = json_str(transcript, "model");
    const char *language = json_str(transcript, "language"), *quality = json_str(transcript, "quality");
    double confidence = json_num(transcript, "confidence", -1);
    size_t index;
    json_t *warning;
    AUTO_BUF origin;

    buf_init(&origin, LINE_MAX_BYTES);
    buf_printf(&origin, "%s%s%s", provider ? provider : "nobody", model ? ", " : "", model ? model : "");
    if (language)
        buf_printf(&origin, ", %s", language);
    if (confidence >= 0)
        buf_printf(&origin, ", %.0f %% sure", confidence * 100);
    if (quality && strcmp(quality, "low") == 0)
        buf_str(&origin, ", low quality: many words will be wrong");
    show_pair(shown, "by", origin.data);
    show_pair(shown, "why", json_str(transcript, "why"));
    json_array_foreach (json_object_get(transcript, "warnings"), index, warning)
        show_pair(shown, "warning", json_string_value(warning));
}

static size_t speaker_columns(const json_t *segments)
{
    size_t index, widest = 0;
    json_t *segment;

    json_array_foreach (segments, index, segment) {
        const char *speaker = json_str(segment, "speaker");
        size_t columns = speaker ? screen_columns(speaker, strlen(speaker)) : 0;
        if (columns > widest)
            widest = columns;
    }
    return widest < SPEAKER_COLUMNS_MAX ? widest : SPEAKER_COLUMNS_MAX;
}

/* `text` in lines that fit, from the second on behind `left` blanks. */
static void write_text(const struct shown *shown, const char *text, size_t left)
{
    const struct screen *screen = &shown->screen;
    size_t room = screen->width > left + 20 ? screen->width - left : SIZE_MAX / 2;
    AUTO_BUF clean;

    buf_init(&clean, LINE_MAX_BYTES);
    screen_clean(&clean, text);
    const char *line = clean.data;
    do {
        size_t next = 0, size = screen_break(line, room, &next);
        (void)fprintf(screen->out, "%.*s\n", (int)size, line);
        line += next;
        if (*line)
            (void)fprintf(screen->out, "%*s", (int)left, "");
    } while (*line);
}

static void write_segment(const struct shown *shown, const json_t *segment, size_t columns)
{
    char time[24];
    int64_t seconds = json_int(segment, "start_ms", 0) / 1000;
    const char *speaker = json_str(segment, "speaker"), *text = json_str(segment, "text");
    AUTO_BUF who;

    buf_init(&who, LINE_MAX_BYTES);
    screen_clean(&who, speaker ? speaker : "");
    size_t used = screen_columns(who.data, who.len);
    (void)snprintf(time, sizeof(time), "%" PRId64 ":%02d", seconds / 60, (int)(seconds % 60));
    (void)fprintf(shown->screen.out, "  %6s  %s%s%s%*s  ", time, screen_begin(&shown->screen, SCREEN_BOLD),
                  who.data, screen_end(&shown->screen, SCREEN_BOLD),
                  (int)(used < columns ? columns - used : 0), "");
    write_text(shown, text ? text : "", 2 + 6 + 2 + (used > columns ? used : columns) + 2);
}

/* ---- what was written to an AI agent ---- */

static size_t role_columns(const json_t *messages)
{
    size_t index, widest = 0;
    json_t *message;

    json_array_foreach (messages, index, message) {
        const char *role = json_str(message, "role");
        size_t columns = role ? strlen(role) : 0; /* one of four plain words */
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static void write_message(const struct shown *shown, const json_t *message, size_t columns)
{
    char time[TIME_TEXT_MAX] = "";
    const char *role = json_str(message, "role"), *text = json_str(message, "content"),
               *at = json_str(message, "at");
    int64_t at_ms = at ? time_parse_rfc3339(at) : -1;

    if (at_ms >= 0)
        time_format_wall(at_ms, shown->zone_minutes, time);
    (void)fprintf(shown->screen.out, "  %-19s  %s%s%s%*s  ", time, screen_begin(&shown->screen, SCREEN_BOLD),
                  role ? role : "", screen_end(&shown->screen, SCREEN_BOLD),
                  (int)(columns - (role ? strlen(role) : 0)), "");
    write_text(shown, text ? text : "", 2 + 19 + 2 + columns + 2);
}

static void show_conversation(const struct shown *shown)
{
    const json_t *conversation = json_object_get(shown->record->sections, "conversation");
    const json_t *messages = json_object_get(conversation, "messages");
    size_t index, columns = role_columns(messages);
    json_t *message;

    if (!conversation)
        return;
    show_title(shown, "Conversation");
    json_array_foreach (messages, index, message)
        write_message(shown, message, columns);
    if (json_array_size(messages) == 0)
        show_pair(shown, "messages", "none came with it");
}

void show_transcript(const struct shown *shown)
{
    const json_t *transcript = json_object_get(shown->record->sections, "transcript");
    const json_t *segments = json_object_get(transcript, "segments");
    const char *text = json_str(transcript, "text");
    size_t index;
    json_t *segment;

    show_conversation(shown);
    if (!transcript)
        return;
    show_title(shown, "Transcript");
    show_origin(shown, transcript);
    (void)fputc('\n', shown->screen.out);
    size_t columns = speaker_columns(segments);
    json_array_foreach (segments, index, segment)
        write_segment(shown, segment, columns);
    if (json_array_size(segments) > 0)
        return;
    (void)fputs("  ", shown->screen.out);
    write_text(shown, text && *text ? text : "(nobody was heard)", 2);
}
