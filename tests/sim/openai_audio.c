/* Reading an upload to /v1/audio/transcriptions: the form, its fields, and what each model takes (OA.1 to OA.5). */
#include "openai_audio.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the whole request may have, with its multipart framing; and how long a call may be. */
enum { BODY_MAX = 26214400, GPT_4O_SECONDS_MAX = 1400, DIARIZE_WHOLE_SECONDS = 30, TOKENS_PER_SECOND = 10 };

static bool is_model(const struct oa_upload *upload, const char *name)
{
    return strcmp(upload->model->name, name) == 0;
}

static bool is_mini(const struct oa_upload *upload)
{
    return strncmp(upload->model->name, "gpt-4o-mini-transcribe", 22) == 0;
}

/* gpt-4o-transcribe and the mini, not the one that tells speakers apart. */
static bool is_gpt_4o(const struct oa_upload *upload)
{
    return is_model(upload, "gpt-4o-transcribe") || is_mini(upload);
}

static bool refuse(struct sim_request *req, struct sim_response *res, const char *param, const char *code,
                   const char *message)
{
    oa_refuse_audio(req, res, 400, param, code, false, message);
    return false;
}

/* ---- fields ---- */

/* How the value of the field is read; false when it has answered. */
typedef bool read_field(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *value, struct oa_upload *upload);

static bool read_language(struct sim_request *req, struct sim_response *res, const char *name,
                          const char *value, struct oa_upload *upload)
{
    if (!oa_language_name(value))
        return refuse(req, res, name, "invalid_language_format",
                      sim_text(req,
                               "Invalid language '%s'. Language parameter must be specified in ISO-639-1 "
                               "format.",
                               value));
    upload->language = upload->language ? upload->language : value;
    return true;
}

static bool read_languages(struct sim_request *req, struct sim_response *res, const char *name,
                           const char *value, struct oa_upload *upload)
{
    if (!is_model(upload, "gpt-transcribe"))
        return refuse(req, res, name, "unsupported_value",
                      sim_text(req, "'%s' is not compatible with model '%s'.", name, upload->model->name));
    return strcmp(name, "languages") != 0 || read_language(req, res, name, value, upload);
}

static bool read_prompt(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *value, struct oa_upload *upload)
{
    upload->prompt = value;
    if (!is_model(upload, "gpt-4o-transcribe-diarize"))
        return true;
    return refuse(req, res, name, "unsupported_value",
                  sim_text(req, "'prompt' is not compatible with model '%s'.", upload->model->name));
}

static bool read_format(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *value, struct oa_upload *upload)
{
    static const char formats[] = "'json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'";
    upload->format = value;
    return oa_lists_word(req, formats, value) ||
           refuse(req, res, name, "invalid_value",
                  sim_text(req, "Invalid value: '%s'. Supported values are: %s.", value, formats));
}

static bool read_temperature(struct sim_request *req, struct sim_response *res, const char *name,
                             const char *value, struct oa_upload *upload)
{
    char *end;
    upload->temperature = strtod(value, &end);
    if (end != value && *end == '\0' && upload->temperature >= 0 && upload->temperature <= 1)
        return true;
    return refuse(
        req, res, name, "invalid_value",
        sim_text(req, "Invalid 'temperature': expected a number from 0 to 1, but got '%s'.", value));
}

static bool read_include(struct sim_request *req, struct sim_response *res, const char *name,
                         const char *value, struct oa_upload *upload)
{
    upload->has_logprobs = true;
    return strcmp(value, "logprobs") == 0 ||
           refuse(req, res, name, "invalid_value",
                  sim_text(req, "Invalid value: '%s'. Supported values are: 'logprobs'.", value));
}

static bool read_granularity(struct sim_request *req, struct sim_response *res, const char *name,
                             const char *value, struct oa_upload *upload)
{
    upload->has_words |= strcmp(value, "word") == 0;
    upload->has_segments |= strcmp(value, "segment") == 0;
    return oa_lists_word(req, "'word', 'segment'", value) ||
           refuse(req, res, name, "invalid_value",
                  sim_text(req, "Invalid value: '%s'. Supported values are: 'word', 'segment'.", value));
}

static bool read_stream(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *value, struct oa_upload *upload)
{
    if (!oa_lists_word(req, "'true', 'false'", value))
        return refuse(req, res, name, "invalid_type", "Invalid type for 'stream': expected a boolean.");
    if (strcmp(value, "false") == 0 || is_model(upload, "whisper-1"))
        return true;
    return refuse(req, res, name, "unsupported_value", "Streaming is not played by the local services.");
}

static bool is_vad(const json_t *json)
{
    const char *name, *type = json_string_value(json_object_get(json, "type"));
    json_t *value;
    if (!type || strcmp(type, "server_vad") != 0)
        return false;
    json_object_foreach ((json_t *)json, name, value) {
        bool is_number = strcmp(name, "prefix_padding_ms") == 0 || strcmp(name, "silence_duration_ms") == 0 ||
                         strcmp(name, "threshold") == 0;
        if (strcmp(name, "type") != 0 && (!is_number || !json_is_number(value)))
            return false;
    }
    return true;
}

static bool read_chunking(struct sim_request *req, struct sim_response *res, const char *name,
                          const char *value, struct oa_upload *upload)
{
    json_error_t error;
    json_t *json = json_loads(value, 0, &error);
    upload->has_chunking = strcmp(value, "auto") == 0 || is_vad(json);
    json_decref(json);
    return upload->has_chunking ||
           refuse(req, res, name, "invalid_value",
                  "Invalid 'chunking_strategy': expected 'auto' or an object of type 'server_vad'.");
}

static bool read_speaker(struct sim_request *req, struct sim_response *res, const char *name,
                         const char *value, struct oa_upload *upload)
{
    if (upload->speaker_count == OA_SPEAKERS_MAX)
        return refuse(
            req, res, name, "array_above_max_length",
            "Invalid 'known_speaker_names': array too long. Expected an array with maximum length 4.");
    upload->speakers[upload->speaker_count++] = value;
    return true;
}

/* A data URL with 2 to 10 seconds of audio. */
static bool is_reference(struct sim_request *req, const char *url)
{
    const char *coded = strncmp(url, "data:", 5) == 0 ? strstr(url, ";base64,") : NULL;
    size_t length = coded ? strlen(coded + 8) : 0;
    struct dg_audio audio;
    if (length == 0 || length % 4 != 0 || length > BODY_MAX)
        return false;
    unsigned char *plain = sim_alloc(req, length / 4 * 3 + 1);
    int size = EVP_DecodeBlock(plain, (const unsigned char *)coded + 8, (int)length);
    return size > 0 && dg_audio_read(plain, (size_t)size, &audio) == 0 && audio.seconds >= 2 &&
           audio.seconds <= 10;
}

static bool read_reference(struct sim_request *req, struct sim_response *res, const char *name,
                           const char *value, struct oa_upload *upload)
{
    if (upload->reference_count++ < OA_SPEAKERS_MAX && is_reference(req, value))
        return true;
    return refuse(
        req, res, name, "invalid_value",
        "Invalid 'known_speaker_references': expected at most 4 data URLs of 2 to 10 seconds of audio.");
}

static bool pass_over(struct sim_request *req, struct sim_response *res, const char *name, const char *value,
                      struct oa_upload *upload)
{
    (void)req, (void)res, (void)name, (void)value, (void)upload; /* read before the others */
    return true;
}

/* Lists are sent with or without "[]" behind the name. */
static const struct {
    const char *name;
    bool is_list;
    read_field *read;
} fields[] = {
    { "file", false, pass_over },
    { "model", false, pass_over },
    { "language", false, read_language },
    { "languages", true, read_languages },
    { "keywords", true, read_languages },
    { "prompt", false, read_prompt },
    { "response_format", false, read_format },
    { "temperature", false, read_temperature },
    { "include", true, read_include },
    { "timestamp_granularities", true, read_granularity },
    { "stream", false, read_stream },
    { "chunking_strategy", false, read_chunking },
    { "known_speaker_names", true, read_speaker },
    { "known_speaker_references", true, read_reference },
};

static bool read_part(struct sim_request *req, struct sim_response *res, const struct sim_part *part,
                      struct oa_upload *upload)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t length = strlen(fields[i].name);
        if (strncmp(part->name, fields[i].name, length) != 0)
            continue;
        if (part->name[length] != '\0' && !(fields[i].is_list && strcmp(part->name + length, "[]") == 0))
            continue;
        if (fields[i].read == pass_over)
            return true;
        return fields[i].read(req, res, fields[i].name, sim_text(req, "%.*s", (int)part->size, part->data),
                              upload);
    }
    return oa_takes_unknown(req) || refuse(req, res, part->name, "unknown_parameter",
                                           sim_text(req, "Unknown parameter: '%s'.", part->name));
}

static const struct sim_part *find_part(const struct sim_part *parts, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

/* ---- model and file ---- */

static bool read_model(struct sim_request *req, struct sim_response *res, const struct sim_part *part,
                       struct oa_upload *upload)
{
    const char *name = part ? sim_text(req, "%.*s", (int)part->size, part->data) : "";
    upload->model = oa_find_audio_model(name, req->now_ms);
    if (upload->model)
        return true;
    oa_refuse_audio(req, res, 404, NULL, "model_not_found", false,
                    sim_text(req, "The model `%s` does not exist or you do not have access to it.", name));
    return false;
}

/* The format is told from the name of the file alone. */
static bool check_extension(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload)
{
    static const char *const known[] = { "flac", "m4a", "mp3", "mp4", "mpeg",
                                         "mpga", "oga", "ogg", "wav", "webm" };
    const char *dot = strrchr(upload->file->file_name, '.');
    for (size_t i = 0; dot && i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(dot + 1, known[i]) == 0)
            return true;
    if (is_model(upload, "whisper-1")) {
        oa_refuse_audio(
            req, res, 400, NULL, NULL, true,
            "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', "
            "'oga', 'ogg', 'wav', 'webm']");
        return false;
    }
    return refuse(req, res, "file", "unsupported_value",
                  sim_text(req, "Unsupported file format %s", dot ? dot + 1 : ""));
}

static bool read_file(struct sim_request *req, struct sim_response *res, struct oa_upload *upload)
{
    if (!upload->file || !upload->file->file_name)
        return refuse(req, res, "file", "missing_required_parameter", "Missing required parameter: 'file'.");
    if (!check_extension(req, res, upload))
        return false;
    return dg_audio_read((const uint8_t *)upload->file->data, upload->file->size, &upload->audio) == 0 ||
           refuse(req, res, "file", "invalid_value", "Audio file might be corrupted or unsupported");
}

/* ---- what goes together ---- */

static bool check_format(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload)
{
    const char *good = is_model(upload, "whisper-1")        ? "'json', 'text', 'srt', 'verbose_json', 'vtt'"
                       : is_gpt_4o(upload)                  ? "'json' or 'text'"
                       : is_model(upload, "gpt-transcribe") ? "'json'"
                                                            : "'json', 'text' or 'diarized_json'";
    if (oa_lists_word(req, good, upload->format))
        return true;
    /* Errors name the model behind the model, as far as that was seen. */
    const char *inner = is_mini(upload) ? "gpt-4o-mini-transcribe-api-ev3" : upload->model->name;
    return refuse(req, res, "response_format", "unsupported_value",
                  sim_text(req, "response_format '%s' is not compatible with model '%s'. Use %s instead.",
                           upload->format, inner, good));
}

static bool check_extras(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload)
{
    bool is_verbose = strcmp(upload->format, "verbose_json") == 0;
    if (upload->has_logprobs && !(is_gpt_4o(upload) && strcmp(upload->format, "json") == 0))
        return refuse(req, res, "include", "unsupported_value",
                      "'logprobs' needs response_format 'json' and one of the gpt-4o transcription models.");
    if ((upload->has_words || upload->has_segments) && !is_verbose)
        return refuse(req, res, "timestamp_granularities", "unsupported_value",
                      "'timestamp_granularities' needs response_format 'verbose_json'.");
    if ((upload->speaker_count > 0 || upload->reference_count > 0) &&
        !is_model(upload, "gpt-4o-transcribe-diarize"))
        return refuse(
            req, res, "known_speaker_names", "unsupported_value",
            sim_text(req, "Known speakers are not compatible with model '%s'.", upload->model->name));
    return upload->speaker_count == upload->reference_count ||
           refuse(req, res, "known_speaker_names", "invalid_value",
                  "'known_speaker_names' and 'known_speaker_references' need the same length.");
}

static bool check_length(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload)
{
    double seconds = upload->audio.seconds;
    double tokens = seconds * TOKENS_PER_SECOND + (double)oa_count_tokens(upload->prompt);
    bool is_diarize = is_model(upload, "gpt-4o-transcribe-diarize");
    if ((is_gpt_4o(upload) || is_diarize) && seconds > GPT_4O_SECONDS_MAX)
        return refuse(
            req, res, NULL, "invalid_value",
            sim_text(req,
                     "audio duration %.1f seconds is longer than %d seconds which is the maximum for "
                     "this model",
                     seconds, GPT_4O_SECONDS_MAX));
    if (is_mini(upload) && tokens > (double)sim_knob_int(req->service, OA_MINI_TOKENS))
        return refuse(req, res, NULL, "input_too_large",
                      "Total number of tokens in instructions + audio is too large for this model");
    if (is_diarize && seconds > DIARIZE_WHOLE_SECONDS && !upload->has_chunking)
        return refuse(req, res, "chunking_strategy", NULL,
                      "chunking_strategy is required for diarization models");
    return true;
}

/* ---- the whole ---- */

static bool check_size(struct sim_request *req, struct sim_response *res)
{
    if (req->body_size <= BODY_MAX)
        return true;
    oa_refuse_audio(req, res, 413, NULL, NULL, true,
                    sim_text(req, "%sMaximum content size limit (%d) exceeded (%zu bytes read)",
                             sim_knob_is(req->service, OA_TOO_LARGE, "with_status") ? "413: " : "", BODY_MAX,
                             req->body_size));
    return false;
}

bool oa_read_upload(struct sim_request *req, struct sim_response *res, struct oa_upload *ret_upload)
{
    const struct sim_part *parts = NULL;
    struct oa_upload upload = { .format = "json", .prompt = "" };
    if (!check_size(req, res))
        return false;
    int count = sim_multipart(req, &parts);
    if (count < 0)
        return refuse(req, res, NULL, NULL, "Could not parse multipart form");
    upload.file = find_part(parts, count, "file");
    if (!read_model(req, res, find_part(parts, count, "model"), &upload) || !read_file(req, res, &upload))
        return false;
    for (int i = 0; i < count; i++)
        if (!read_part(req, res, &parts[i], &upload))
            return false;
    if (!check_format(req, res, &upload) || !check_extras(req, res, &upload) ||
        !check_length(req, res, &upload) || !oa_take_budget(req, res, upload.model->name, 0))
        return false;
    *ret_upload = upload;
    return true;
}

/* ---- languages ---- */

static const struct {
    const char *code, *name;
} languages[] = {
    { "ar", "arabic" },     { "as", "assamese" },   { "bn", "bengali" },   { "cs", "czech" },
    { "da", "danish" },     { "de", "german" },     { "el", "greek" },     { "en", "english" },
    { "es", "spanish" },    { "fa", "persian" },    { "fi", "finnish" },   { "fr", "french" },
    { "gu", "gujarati" },   { "he", "hebrew" },     { "hi", "hindi" },     { "hu", "hungarian" },
    { "id", "indonesian" }, { "it", "italian" },    { "ja", "japanese" },  { "kn", "kannada" },
    { "ko", "korean" },     { "ml", "malayalam" },  { "mr", "marathi" },   { "ms", "malay" },
    { "ne", "nepali" },     { "nl", "dutch" },      { "no", "norwegian" }, { "pa", "punjabi" },
    { "pl", "polish" },     { "pt", "portuguese" }, { "ro", "romanian" },  { "ru", "russian" },
    { "sa", "sanskrit" },   { "sd", "sindhi" },     { "si", "sinhala" },   { "sv", "swedish" },
    { "sw", "swahili" },    { "ta", "tamil" },      { "te", "telugu" },    { "th", "thai" },
    { "tr", "turkish" },    { "uk", "ukrainian" },  { "ur", "urdu" },      { "vi", "vietnamese" },
    { "zh", "chinese" },
};

const char *oa_language_name(const char *code)
{
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
        if (strcmp(languages[i].code, code) == 0)
            return languages[i].name;
    return NULL;
}
