/* The Deepgram processor: the recording of a conversation to a transcript with speakers. Its options and its
 * step. */
#include <string.h>

#include "deepgram.h"

static const char *const region_words[] = { "global", "eu", "au", "in", NULL };
static const char *const multichannel_words[] = { "auto", "on", "off", NULL };

enum { KEYTERM_TOKENS_MAX = 500 };

static const struct sb_option options[] = {
    { .name = "api_key",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "The key of the Deepgram project." },
    { .name = "model",
      .type = SB_OPT_STRING,
      .default_text = "nova-3",
      .help = "The model; a name that the project may not use is refused with 403." },
    { .name = "language",
      .type = SB_OPT_STRING,
      .default_text = "en-IN",
      .help = "The language spoken, such as en-IN or hi, or multi for several in one call." },
    { .name = "detect_language",
      .type = SB_OPT_BOOL,
      .default_text = "false",
      .help = "Whether Deepgram finds out the language; 'language' does not count then." },
    { .name = "detect_languages",
      .type = SB_OPT_LIST,
      .help = "Languages that detection chooses among; turns detection on." },
    { .name = "diarize_model",
      .type = SB_OPT_STRING,
      .default_text = "latest",
      .help = "How speakers of a mono recording are told apart: latest, v1, v2, or off." },
    { .name = "utterances",
      .type = SB_OPT_BOOL,
      .default_text = "false",
      .help = "Whether Deepgram cuts the text into utterances, which makes its answer twice as long; "
              "otherwise its "
              "words are put together here, by speaker, sentence and pause." },
    { .name = "multichannel",
      .type = SB_OPT_ENUM,
      .default_text = "auto",
      .choices = multichannel_words,
      .help = "Whether each channel is transcribed by itself (and paid for by itself): auto does so for "
              "recordings that "
              "are known to be stereo." },
    { .name = "smart_format",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "Punctuation, numbers and dates as people write them." },
    { .name = "keyterms",
      .type = SB_OPT_LIST,
      .help = "Names and words of your business to listen for; nova-3 only, 500 tokens in all." },
    { .name = "redact",
      .type = SB_OPT_LIST,
      .help = "What is replaced by marks in the text: pci, pii, numbers, or names of entities such as "
              "credit_card." },
    { .name = "mip_opt_out",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "Whether Deepgram may not keep the audio to improve its models; may change the price." },
    { .name = "tag", .type = SB_OPT_LIST, .help = "Marks for Deepgram's usage reports." },
    { .name = "region",
      .type = SB_OPT_ENUM,
      .default_text = "global",
      .choices = region_words,
      .help = "Where the audio is worked on: global, eu, au or in (India); the key is the same." },
    { .name = "base_url",
      .type = SB_OPT_URL,
      .default_text = DG_BASE_URL,
      .help = "The API's address; your own for a self-hosted Deepgram." },
    { .name = "eu_url",
      .type = SB_OPT_URL,
      .default_text = "https://api.eu.deepgram.com",
      .help = "The API's address for the region eu." },
    { .name = "au_url",
      .type = SB_OPT_URL,
      .default_text = "https://api.au.deepgram.com",
      .help = "The API's address for the region au." },
    { .name = "in_url",
      .type = SB_OPT_URL,
      .default_text = "https://api.in.deepgram.com",
      .help = "The API's address for the region in." },
    { .name = "concurrency",
      .type = SB_OPT_INT,
      .default_text = "50",
      .min = 1,
      .max = 1000,
      .help = "Recordings at once; Deepgram allows 100 a project on its smallest plan." },
    { .name = "timeout",
      .type = SB_OPT_DURATION,
      .default_text = "10m",
      .min = 1000,
      .max = 1800000,
      .help = "The longest that one recording may take; Deepgram gives up after 10 minutes." },
    { .name = NULL },
};

static const char *const hosts[] = { "base_url", "eu_url", "au_url", "in_url", NULL };

static const struct sb_auth auth = {
    .kind = SB_AUTH_HEADER,
    .hosts = hosts,
    .header = "Authorization",
    .prefix = "Token ",
    .secret = "api_key",
};

static enum sb_verdict fold(struct sb_exchange *x)
{
    int status = sb_http_status(x);

    sb_meter(x, "requests", 1);
    if (status < 200 || status > 299)
        return dg_failure(x);
    if (!sb_http_json(x))
        return sb_retry(x, "Deepgram's answer is no JSON, or was cut off");
    if (!dg_write_transcript(x, sb_http_json(x)))
        return sb_retry(x, "Deepgram's answer has no transcript in it: check 'base_url'");
    return SB_OK;
}

static const struct sb_step steps[] = {
    /* Costs money when it is repeated, but makes nothing that stays: the answer is the only copy. */
    { .name = "transcribe", .effect = SB_IDEMPOTENT, .build = dg_build, .fold = fold },
    { .name = NULL },
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Words, which are no more than their tokens: enough to refuse what is certainly too much. */
static size_t count_words(const json_t *list)
{
    size_t i, count = 0;
    const json_t *item;

    json_array_foreach (list, i, item) {
        const char *at = json_string_value(item);
        for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
            at += strcspn(at, " ");
            count++;
        }
    }
    return count;
}

static void check_keyterms(struct sb_instance *instance, struct sb_error *err)
{
    const json_t *keyterms = sb_instance_list(instance, "keyterms");
    const char *model = sb_instance_str(instance, "model");

    if (json_array_size(keyterms) > 0 && !begins_with(model, "nova-3"))
        (void)sb_instance_mistake(instance, err, "'keyterms' need a model of nova-3, and 'model' is '%s'",
                                  model);
    if (count_words(keyterms) > KEYTERM_TOKENS_MAX)
        (void)sb_instance_mistake(
            instance, err, "'keyterms' hold more than the %d tokens that Deepgram takes", KEYTERM_TOKENS_MAX);
}

static void check_redact(struct sb_instance *instance, struct sb_error *err)
{
    size_t i;
    const json_t *item;

    json_array_foreach (sb_instance_list(instance, "redact"), i, item) {
        const char *word = json_string_value(item);
        if (strcmp(word, "ssn") == 0 || strcmp(word, "aggressive_numbers") == 0)
            (void)sb_instance_mistake(
                instance, err, "'redact' has '%s', which works on live audio only: pci, pii and numbers do",
                word);
    }
}

static void check_model(struct sb_instance *instance, struct sb_error *err)
{
    const char *model = sb_instance_str(instance, "model");

    if (!model[0])
        (void)sb_instance_mistake(instance, err, "'model' is empty: write one such as nova-3");
    if (begins_with(model, "flux"))
        (void)sb_instance_mistake(instance, err,
                                  "'model' is '%s', which works on live audio only: write one such as nova-3",
                                  model);
}

static void check_region(struct sb_instance *instance, struct sb_error *err)
{
    const char *region = sb_instance_str(instance, "region");
    const char *base_url = sb_instance_str(instance, "base_url");

    if (strcmp(region, "global") != 0 && strcmp(base_url, DG_BASE_URL) != 0)
        (void)sb_instance_mistake(instance, err, "'region' is '%s' and 'base_url' is '%s': set one of them",
                                  region, base_url);
}

static int open_instance(struct sb_instance *instance, struct sb_error *err)
{
    check_model(instance, err);
    check_region(instance, err);
    check_keyterms(instance, err);
    check_redact(instance, err);
    return err->status; /* of the first mistake, or 0 */
}

const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_PROCESSOR,
    .name = "deepgram",
    .summary = "Transcribes recordings with Deepgram, speakers told apart",
    .version = "1.0",
    .options = options,
    .auth = &auth,
    .steps = steps,
    .open = open_instance,
};
