/* The answer's speech as segments in time order. */
#include <string.h>

#include "deepgram.h"

enum { SEGMENTS_MAX = 200000, TIME_MAX_S = 1000000 };

/* Where words are put together here, a segment ends at the first of these: another speaker; a long pause (Deepgram's own
 * utterances use the same); the end of a sentence with a breath after it; the end of a sentence in a long segment. */
#define PAUSE_MS  800
#define BREATH_MS 350
#define LONG_SIZE 240

int64_t dg_ms(double seconds)
{
    return seconds > 0 && seconds < TIME_MAX_S ? (int64_t)(seconds * 1000 + 0.5) : 0;
}

static struct dg_segments room_for(struct sb_exchange *x, size_t count)
{
    if (count > SEGMENTS_MAX)
        count = SEGMENTS_MAX;
    return (struct dg_segments){ .items = sb_alloc(x, (count + 1) * sizeof(struct dg_segment)) };
}

static struct dg_segments from_utterances(struct sb_exchange *x, const json_t *utterances)
{
    struct dg_segments segments = room_for(x, json_array_size(utterances));
    size_t i;
    const json_t *item;

    json_array_foreach (utterances, i, item) {
        const char *text = sb_json_str(item, "transcript");
        if (i == SEGMENTS_MAX)
            break;
        if (!text || !text[0])
            continue;
        segments.items[segments.count++] = (struct dg_segment){
            .start_ms = dg_ms(sb_json_number(item, "start", 0)),
            .end_ms = dg_ms(sb_json_number(item, "end", 0)),
            .channel = sb_json_int(item, "channel", 0),
            .speaker = sb_json_int(item, "speaker", -1),
            .confidence = sb_json_number(item, "confidence", -1),
            .text = text,
        };
    }
    return segments;
}

/* ---- from words ---------------------------------------------------------------------------------------- */

/* What is being put together: the text is written in one buffer that has room for all words of the channel.
 */
struct builder {
    struct dg_segments *segments;
    struct dg_segment *open; /* NULL: none yet */
    char *out;
    double confidence_sum;
    size_t word_count;
};

static const char *word_text(const json_t *word)
{
    const char *text = sb_json_str(word, "punctuated_word");

    return text ? text : sb_json_str(word, "word");
}

static void close_segment(struct builder *builder)
{
    if (!builder->open)
        return;
    *builder->out++ = '\0';
    builder->open->confidence = builder->confidence_sum / (double)builder->word_count;
    builder->open = NULL;
}

/* The last word before `end` closes a sentence, in any script that nova knows. */
static bool ends_sentence(const char *begin, const char *end)
{
    static const char *const marks[] = { ".", "?", "!", "\xe0\xa5\xa4" /* danda */,
                                         "\xe3\x80\x82" /* CJK full stop */ };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t size = strlen(marks[i]);
        if ((size_t)(end - begin) >= size && memcmp(end - size, marks[i], size) == 0)
            return true;
    }
    return false;
}

static bool is_over(const struct builder *builder, int64_t speaker, int64_t start_ms)
{
    const struct dg_segment *open = builder->open;
    int64_t pause_ms = start_ms - open->end_ms;

    if (open->speaker != speaker || pause_ms >= PAUSE_MS)
        return true;
    return (pause_ms >= BREATH_MS || builder->out - open->text >= LONG_SIZE) &&
           ends_sentence(open->text, builder->out);
}

static void add_word(struct builder *builder, const json_t *word, int64_t channel)
{
    const char *text = word_text(word);
    int64_t start_ms = dg_ms(sb_json_number(word, "start", 0));
    int64_t speaker = sb_json_int(word, "speaker", -1);

    if (builder->open && is_over(builder, speaker, start_ms))
        close_segment(builder);
    struct dg_segment *open = builder->open;
    if (!open) {
        if (builder->segments->count == SEGMENTS_MAX)
            return;
        open = builder->open = &builder->segments->items[builder->segments->count++];
        *open = (struct dg_segment){
            .start_ms = start_ms, .channel = channel, .speaker = speaker, .text = builder->out
        };
        builder->confidence_sum = 0;
        builder->word_count = 0;
    } else {
        *builder->out++ = ' ';
    }
    size_t size = strlen(text);
    memcpy(builder->out, text, size);
    builder->out += size;
    open->end_ms = dg_ms(sb_json_number(word, "end", 0));
    builder->confidence_sum += sb_json_number(word, "confidence", 0);
    builder->word_count++;
}

static void add_channel(struct sb_exchange *x, const json_t *words, int64_t channel,
                        struct dg_segments *segments)
{
    size_t i, size = 1;
    const json_t *word;

    json_array_foreach (words, i, word) {
        const char *text = word_text(word);
        size += text ? strlen(text) + 1 : 0;
    }
    struct builder builder = { .segments = segments, .out = sb_alloc(x, size) };
    json_array_foreach (words, i, word) {
        if (word_text(word))
            add_word(&builder, word, channel);
    }
    close_segment(&builder);
}

static struct dg_segments from_words(struct sb_exchange *x, const json_t *channels)
{
    size_t i, count = 0;
    const json_t *channel;

    json_array_foreach (channels, i, channel)
        count += json_array_size(sb_json_at(channel, "alternatives.0.words"));
    struct dg_segments segments = room_for(x, count);
    json_array_foreach (channels, i, channel)
        add_channel(x, sb_json_at(channel, "alternatives.0.words"), (int64_t)i, &segments);
    return segments;
}

/* ---- order --------------------------------------------------------------------------------------------- */

static bool comes_before(const struct dg_segment *a, const struct dg_segment *b)
{
    return a->start_ms != b->start_ms ? a->start_ms < b->start_ms : a->channel < b->channel;
}

/* Merges the two sorted halves [begin, middle) and [middle, end) by way of `spare`. */
static void merge(struct dg_segment *items, struct dg_segment *spare, size_t begin, size_t middle, size_t end)
{
    size_t left = begin, right = middle;

    memcpy(spare + begin, items + begin, (end - begin) * sizeof(*items));
    for (size_t at = begin; at < end; at++) {
        bool take_right = left == middle || (right < end && comes_before(&spare[right], &spare[left]));
        items[at] = take_right ? spare[right++] : spare[left++];
    }
}

/* Two channels come one after the other, each in time order. Stable, so that equal times keep their order. */
static void sort(struct sb_exchange *x, struct dg_segments *segments)
{
    struct dg_segment *spare = sb_alloc(x, (segments->count + 1) * sizeof(*spare));

    for (size_t width = 1; width < segments->count; width *= 2) {
        for (size_t begin = 0; begin + width < segments->count; begin += 2 * width) {
            size_t end = begin + 2 * width < segments->count ? begin + 2 * width : segments->count;
            merge(segments->items, spare, begin, begin + width, end);
        }
    }
}

struct dg_segments dg_read_segments(struct sb_exchange *x, const json_t *results)
{
    const json_t *utterances = json_object_get(results, "utterances");
    struct dg_segments segments = json_array_size(utterances) > 0
                                      ? from_utterances(x, utterances)
                                      : from_words(x, json_object_get(results, "channels"));

    sort(x, &segments);
    return segments;
}
