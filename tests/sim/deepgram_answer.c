/* The "results" of a transcription, from timed words. */
#include "deepgram.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The maker of one answer. */
struct maker {
    const struct sim_request *req;
    const struct dg_settings *settings;
    const struct dg_words *words;
    const char *language;
    uint64_t random;
    unsigned channels;
    bool is_diarized, is_punctuated;
    int speakers[20]; /* role -> speaker, in the order in which they first spoke; -1: not heard yet */
};

void dg_write_uuid(uint64_t *state, char text[37])
{
    uint64_t high = dg_next_random(state), low = dg_next_random(state);
    (void)snprintf(text, 37, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffffu, (unsigned)high & 0xfffu,
                   ((unsigned)(low >> 48) & 0x3fffu) | 0x8000u, low & 0xffffffffffffu);
}

static bool is_on_channel(const struct maker *maker, const struct dg_word *word, unsigned channel)
{
    return maker->channels == 1 || word->role == channel;
}

static int speaker_of(const struct maker *maker, const struct dg_word *word)
{
    return maker->channels > 1 ? 0 : maker->speakers[word->role];
}

static json_t *word_json(struct maker *maker, const struct dg_word *word)
{
    json_t *json = json_pack("{s:s, s:f, s:f, s:f}", "word", word->plain, "start", word->start, "end",
                             word->end, "confidence", word->confidence);
    if (maker->is_diarized) {
        json_object_set_new(json, "speaker", json_integer(speaker_of(maker, word)));
        json_object_set_new(json, "speaker_confidence", json_real(0.5 + word->confidence / 3));
    }
    if (strcmp(maker->settings->language, "multi") == 0)
        json_object_set_new(json, "language", json_string(maker->language));
    if (maker->is_punctuated)
        json_object_set_new(json, "punctuated_word", json_string(word->punctuated));
    return json;
}

/* ---- text ---- */

/* A run of words of one channel, by their positions. */
struct run {
    size_t first, end;
    unsigned channel;
};

/* Joins the words of a run with single spaces. Gives a new reference. */
static json_t *run_text(const struct maker *maker, struct run run, const char *before)
{
    size_t room = strlen(before) + 1;
    for (size_t i = run.first; i < run.end; i++)
        room += strlen(maker->words->items[i].punctuated) + strlen(maker->words->items[i].plain) + 1;
    char *text = sim_malloc(room), *at = stpcpy(text, before);
    for (size_t i = run.first; i < run.end; i++) {
        const struct dg_word *word = &maker->words->items[i];
        if (!is_on_channel(maker, word, run.channel))
            continue;
        if (at > text && at[-1] != '\n')
            *at++ = ' ';
        at = stpcpy(at, maker->is_punctuated ? word->punctuated : word->plain);
    }
    json_t *json = json_stringn(text, (size_t)(at - text));
    free(text);
    return json;
}

static double run_confidence(const struct maker *maker, struct run run)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = run.first; i < run.end; i++) {
        if (!is_on_channel(maker, &maker->words->items[i], run.channel))
            continue;
        sum += maker->words->items[i].confidence;
        count++;
    }
    return count ? sum / (double)count : 0;
}

static json_t *run_words(struct maker *maker, struct run run)
{
    json_t *list = json_array();
    for (size_t i = run.first; i < run.end; i++)
        if (is_on_channel(maker, &maker->words->items[i], run.channel))
            json_array_append_new(list, word_json(maker, &maker->words->items[i]));
    return list;
}

/* ---- paragraphs and utterances: both are runs, cut by different rules ---- */

/* The next run of the channel from `at` on: one turn, cut also where the pause is at least `pause` seconds.
 */
static bool next_run(const struct maker *maker, unsigned channel, double pause, size_t at,
                     struct run *ret_run)
{
    const struct dg_words *words = maker->words;
    while (at < words->count && !is_on_channel(maker, &words->items[at], channel))
        at++;
    if (at == words->count)
        return false;
    size_t end = at + 1;
    while (end < words->count && words->items[end].turn == words->items[at].turn &&
           words->items[end].start - words->items[end - 1].end < pause)
        end++;
    *ret_run = (struct run){ .first = at, .end = end, .channel = channel };
    return true;
}

static bool ends_sentence(const struct dg_word *word)
{
    size_t length = strlen(word->punctuated);
    return length > 0 && strchr(".?!", word->punctuated[length - 1]);
}

static json_t *paragraph_json(struct maker *maker, struct run run)
{
    const struct dg_word *items = maker->words->items;
    json_t *sentences = json_array();
    struct run sentence = { .first = run.first, .channel = run.channel };
    for (size_t i = run.first; i < run.end; i++) {
        if (!ends_sentence(&items[i]) && i + 1 < run.end)
            continue;
        sentence.end = i + 1;
        json_array_append_new(sentences,
                              json_pack("{s:o, s:f, s:f}", "text", run_text(maker, sentence, ""), "start",
                                        items[sentence.first].start, "end", items[i].end));
        sentence.first = i + 1;
    }
    json_t *json = json_pack("{s:o, s:I, s:f, s:f}", "sentences", sentences, "num_words",
                             (json_int_t)(run.end - run.first), "start", items[run.first].start, "end",
                             items[run.end - 1].end);
    if (maker->is_diarized)
        json_object_set_new(json, "speaker", json_integer(speaker_of(maker, &items[run.first])));
    return json;
}

static json_t *paragraphs_json(struct maker *maker, unsigned channel)
{
    enum { NO_PAUSE_S = 1000000 };
    json_t *list = json_array();
    struct run run = { 0 };
    while (next_run(maker, channel, NO_PAUSE_S, run.end, &run))
        json_array_append_new(list, paragraph_json(maker, run));
    struct run all = { .end = maker->words->count, .channel = channel };
    return json_pack("{s:o, s:o}", "transcript", run_text(maker, all, "\n"), "paragraphs", list);
}

/* All utterances of the first channel, then all of the second: the service does not merge them by time. */
static json_t *utterances_json(struct maker *maker)
{
    json_t *list = json_array();
    for (unsigned channel = 0; channel < maker->channels; channel++) {
        struct run run = { 0 };
        while (next_run(maker, channel, maker->settings->utt_split, run.end, &run)) {
            const struct dg_word *items = maker->words->items;
            char id[37];
            dg_write_uuid(&maker->random, id);
            json_t *json = json_pack("{s:f, s:f, s:f, s:i, s:o, s:o}", "start", items[run.first].start, "end",
                                     items[run.end - 1].end, "confidence", run_confidence(maker, run),
                                     "channel", (int)channel, "transcript", run_text(maker, run, ""), "words",
                                     run_words(maker, run));
            if (maker->is_diarized)
                json_object_set_new(json, "speaker", json_integer(speaker_of(maker, &items[run.first])));
            json_object_set_new(json, "id", json_string(id));
            json_array_append_new(list, json);
        }
    }
    return list;
}

/* ---- channels ---- */

static json_t *search_json(const struct maker *maker, unsigned channel)
{
    json_t *list = json_array();
    for (size_t i = 0; i < maker->req->query_count; i++) {
        if (strcmp(maker->req->query[i].name, "search") != 0)
            continue;
        const char *query = maker->req->query[i].value;
        json_t *hits = json_array();
        for (size_t at = 0; at < maker->words->count; at++) {
            const struct dg_word *word = &maker->words->items[at];
            if (is_on_channel(maker, word, channel) && strcasecmp(word->plain, query) == 0)
                json_array_append_new(hits, json_pack("{s:f, s:f, s:f, s:s}", "confidence", word->confidence,
                                                      "start", word->start, "end", word->end, "snippet",
                                                      word->plain));
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "query", query, "hits", hits));
    }
    return list;
}

static json_t *alternative_json(struct maker *maker, unsigned channel)
{
    const struct dg_settings *settings = maker->settings;
    struct run all = { .end = maker->words->count, .channel = channel };
    json_t *json = json_pack("{s:o, s:f, s:o}", "transcript", run_text(maker, all, ""), "confidence",
                             run_confidence(maker, all), "words", run_words(maker, all));
    if (settings->smart_format || settings->paragraphs)
        json_object_set_new(json, "paragraphs", paragraphs_json(maker, channel));
    if (settings->detect_entities)
        json_object_set_new(json, "entities", json_array());
    if (strcmp(settings->language, "multi") == 0)
        json_object_set_new(json, "languages", json_pack("[s]", maker->language));
    return json;
}

static json_t *channel_json(struct maker *maker, unsigned channel)
{
    json_t *json = json_object();
    if (sim_query(maker->req, "search"))
        json_object_set_new(json, "search", search_json(maker, channel));
    json_object_set_new(json, "alternatives", json_pack("[o]", alternative_json(maker, channel)));
    if (maker->settings->detect_language) {
        json_object_set_new(json, "detected_language", json_string(maker->language));
        json_object_set_new(json, "language_confidence", json_real(0.98723));
    }
    return json;
}

/* ---- intelligence ---- */

/* Counts words of a mood; a rough score is all that a test can expect. */
static double score_mood(const struct dg_words *words)
{
    static const char *const bad[] = { "frustrated", "angry",   "disappointed", "upset",
                                       "broken",     "problem", "error" };
    static const char *const good[] = { "thank", "great", "happy", "excellent", "satisfied" };
    int score = 0;
    for (size_t i = 0; i < words->count; i++) {
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
            score -= strcmp(words->items[i].plain, bad[k]) == 0;
        for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++)
            score += strcmp(words->items[i].plain, good[k]) == 0;
    }
    double scaled = score * 0.3125;
    return scaled > 1 ? 1 : scaled < -1 ? -1 : scaled;
}

static void add_sentiments(struct maker *maker, json_t *results)
{
    double score = score_mood(maker->words);
    const char *word = score > 0.333 ? "positive" : score < -0.333 ? "negative" : "neutral";
    struct run all = { .end = maker->words->count };
    json_t *segment =
        json_pack("{s:o, s:i, s:I, s:s, s:f}", "text", run_text(maker, all, ""), "start_word", 0, "end_word",
                  (json_int_t)(all.end ? all.end - 1 : 0), "sentiment", word, "sentiment_score", score);
    json_object_set_new(results, "sentiments",
                        json_pack("{s:[o], s:{s:s, s:f}}", "segments", segment, "average", "sentiment", word,
                                  "sentiment_score", score));
}

/* Topics and intents, in the place that the documentation shows or the one that the OpenAPI has. */
static void add_subjects(struct maker *maker, const char *name, const char *label, bool is_nested,
                         json_t *results)
{
    struct run all = { .end = maker->words->count };
    json_t *subject = json_pack("{s:s, s:f}", label, "customer support", "confidence_score", 0.8125);
    json_t *segments =
        json_pack("{s:[{s:o, s:i, s:I, s:[o]}]}", "segments", "text", run_text(maker, all, ""), "start_word",
                  0, "end_word", (json_int_t)(all.end ? all.end - 1 : 0), name, subject);
    json_object_set_new(results, name,
                        is_nested ? json_pack("{s:{s:o}}", "results", name, segments) : segments);
}

static void add_intelligence(struct maker *maker, bool has_nested_topics, json_t *results)
{
    const struct dg_settings *settings = maker->settings;
    struct run all = { .end = maker->words->count };
    if (settings->summarize)
        json_object_set_new(results, "summary",
                            json_pack("{s:s, s:o}", "result", "success", "short", run_text(maker, all, "")));
    if (settings->sentiment)
        add_sentiments(maker, results);
    if (settings->topics)
        add_subjects(maker, "topics", "topic", has_nested_topics, results);
    if (settings->intents)
        add_subjects(maker, "intents", "intent", has_nested_topics, results);
}

/* ---- the whole ---- */

static void number_speakers(struct maker *maker)
{
    int next = 0;
    for (size_t role = 0; role < sizeof(maker->speakers) / sizeof(maker->speakers[0]); role++)
        maker->speakers[role] = -1;
    for (size_t i = 0; i < maker->words->count; i++) {
        unsigned role = maker->words->items[i].role;
        if (maker->speakers[role] < 0)
            maker->speakers[role] = next++;
    }
}

json_t *dg_make_results(const struct sim_request *req, const struct dg_settings *settings,
                        const struct dg_audio *audio, struct dg_words *words, const char *language,
                        uint64_t seed, bool has_nested_topics)
{
    for (size_t i = 0; i < req->query_count; i++)
        if (strcmp(req->query[i].name, "redact") == 0)
            dg_words_redact(words, req->query[i].value);
    struct maker maker = { .req = req,
                           .settings = settings,
                           .words = words,
                           .language = language,
                           .random = seed,
                           .channels = settings->multichannel && audio->channels > 1 ? audio->channels : 1,
                           .is_diarized = settings->diarize || settings->has_diarize_model,
                           .is_punctuated = settings->smart_format || settings->punctuate };
    number_speakers(&maker);
    json_t *channels = json_array(), *results = json_object();
    for (unsigned channel = 0; channel < maker.channels; channel++)
        json_array_append_new(channels, channel_json(&maker, channel));
    json_object_set_new(results, "channels", channels);
    if (settings->utterances)
        json_object_set_new(results, "utterances", utterances_json(&maker));
    add_intelligence(&maker, has_nested_topics, results);
    return results;
}
