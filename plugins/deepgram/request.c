/* The request: the recording, streamed, and everything that Deepgram is to do with it as query parameters. */
#include <string.h>

#include "deepgram.h"

/* Deepgram takes no more. */
#define FILE_SIZE_MAX (INT64_C(2) * 1024 * 1024 * 1024)

const char *dg_base(const struct sb_exchange *x)
{
    static const struct {
        const char *region, *option;
    } regions[] = { { "eu", "eu_url" }, { "au", "au_url" }, { "in", "in_url" } };
    const char *region = sb_option_str(x, "region");

    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
        if (strcmp(region, regions[i].region) == 0)
            return sb_option_str(x, regions[i].option);
    return sb_option_str(x, "base_url");
}

bool dg_is_multichannel(const struct sb_exchange *x)
{
    const char *option = sb_option_str(x, "multichannel");

    if (strcmp(option, "auto") != 0)
        return strcmp(option, "on") == 0;
    return sb_get_int(x, "recording.channels", 0) == 2;
}

static void add_switch(struct sb_exchange *x, const char *name, bool value)
{
    if (value)
        sb_query(x, name, "true");
}

static void add_each(struct sb_exchange *x, const char *name, const json_t *values)
{
    size_t i;
    const json_t *value;

    json_array_foreach (values, i, value)
        sb_query(x, name, json_string_value(value));
}

/* Detection takes the place of a language; it may be told which ones to choose among. */
static void add_language(struct sb_exchange *x)
{
    const json_t *among = sb_option_list(x, "detect_languages");

    if (json_array_size(among) > 0)
        add_each(x, "detect_language", among);
    else if (sb_option_bool(x, "detect_language"))
        sb_query(x, "detect_language", "true");
    else
        sb_query(x, "language", sb_option_str(x, "language"));
}

static void add_query(struct sb_exchange *x)
{
    const char *diarize_model = sb_option_str(x, "diarize_model");
    bool is_multichannel = dg_is_multichannel(x);

    /* Without a model, Deepgram silently takes an old one. */
    sb_query(x, "model", sb_option_str(x, "model"));
    add_language(x);
    add_switch(x, "smart_format", sb_option_bool(x, "smart_format"));
    add_switch(x, "utterances", sb_option_bool(x, "utterances"));
    add_switch(x, "multichannel", is_multichannel);
    /* Each party has a channel of its own: there is nobody left to tell apart. Never the old 'diarize' beside
     * it. */
    if (!is_multichannel && strcmp(diarize_model, "off") != 0)
        sb_query(x, "diarize_model", diarize_model);
    add_each(x, "keyterm", sb_option_list(x, "keyterms"));
    add_each(x, "redact", sb_option_list(x, "redact"));
    add_each(x, "tag", sb_option_list(x, "tag"));
    add_switch(x, "mip_opt_out", sb_option_bool(x, "mip_opt_out"));
}

static enum sb_verdict without_recording(struct sb_exchange *x, const char *why)
{
    dg_write_none(x, why);
    return sb_skip(x, "nothing to transcribe: %s", why);
}

/* The format is told by the source, from the first bytes. Deepgram looks for itself, too. */
static const char *content_type(const struct sb_exchange *x)
{
    const char *type = sb_get_str(x, "recording.content_type");

    return type && strncmp(type, "audio/", 6) == 0 ? type : "audio/mpeg";
}

enum sb_verdict dg_build(struct sb_exchange *x)
{
    const char *state = sb_get_str(x, "recording.state");
    const char *file = sb_get_str(x, "recording.file");
    const char *why = sb_get_str(x, "recording.why");

    if (!file || !state || strcmp(state, "saved") != 0)
        return without_recording(x, why ? why : "there is no recording");
    int64_t size = sb_file_size(x, file);
    if (size < 0)
        return without_recording(x, "the recording is not stored any more");
    if (size == 0)
        return sb_reject(x, "the recording is empty");
    if (size > FILE_SIZE_MAX)
        return sb_reject(x, "the recording is larger than the 2 GB that Deepgram takes");

    sb_request(x, "POST", dg_base(x));
    sb_paths(x, "/v1/listen");
    add_query(x);
    sb_body_file(x, content_type(x), file);
    return SB_OK;
}
