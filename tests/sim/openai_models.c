/* Which models there are, and until when (LC.8, LM.1, OA.8). */
#include "openai.h"

#include <string.h>

static const struct oa_model models[] = {
    { "gpt-6-luna", NULL, true, true, true },
    { "gpt-6-terra", NULL, false, true, true },
    { "gpt-5", "2026-12-11", false, true, true },
    { "gpt-5-mini", "2026-12-11", false, true, true },
    { "gpt-5-nano", "2026-12-11", false, true, true },
    { "gpt-4.1", "2027-01-14", false, false, true },
    { "gpt-4.1-mini", "2027-01-14", false, false, true },
    { "gpt-4o", "2027-01-14", false, false, true },
    { "gpt-4o-mini", "2027-01-14", false, false, true },
    { "gpt-transcribe", NULL, true, false, false },
    { "gpt-4o-transcribe", "2027-02-26", false, false, false },
    { "gpt-4o-mini-transcribe", "2027-02-26", false, false, false },
    { "gpt-4o-mini-transcribe-2025-12-15", "2027-02-26", false, false, false },
    { "gpt-4o-transcribe-diarize", "2027-02-26", false, false, false },
    { "whisper-1", "2027-02-26", false, false, false },
};

static bool is_over(const struct oa_model *model, int64_t now_ms)
{
    char today[16];
    sim_time_text(now_ms, 0, "%Y-%m-%d", today, sizeof(today));
    return model->shutdown && strcmp(today, model->shutdown) >= 0;
}

const struct oa_model *oa_find_model(const struct sim_service *service, const char *name, int64_t now_ms)
{
    static const struct oa_model other = { "other", NULL, false, false, true };
    const struct openai *openai = service->state;
    /* What these serve was loaded into them, under any name and for as long as somebody likes. */
    if (sim_knob_is(service, OA_PROFILE, "ollama") || sim_knob_is(service, OA_PROFILE, "llamacpp") ||
        sim_knob_is(service, OA_PROFILE, "vllm"))
        return &other;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strcmp(models[i].name, name) == 0)
            return models[i].is_chat && !is_over(&models[i], now_ms) ? &models[i] : NULL;
    /* Deployments have names of their own. */
    if (!sim_knob_is(service, OA_PROFILE, "openai") || json_object_get(openai->models, name))
        return &other;
    return NULL;
}

const struct oa_model *oa_find_audio_model(const char *name, int64_t now_ms)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strcmp(models[i].name, name) == 0)
            return !models[i].is_chat && !is_over(&models[i], now_ms) ? &models[i] : NULL;
    return NULL;
}

void oa_handle_models(struct sim_request *req, struct sim_response *res)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        const struct oa_model *model = &models[i];
        if (is_over(model, req->now_ms))
            continue;
        json_t *json = json_pack("{s:s, s:s, s:i, s:s}", "id", model->name, "object", "model", "created",
                                 1780000000, "owned_by", "system");
        if (model->shutdown)
            json_object_set_new(json, "shutdown_date", json_string(model->shutdown));
        else if (model->has_null_shutdown)
            json_object_set_new(json, "shutdown_date", json_null());
        json_array_append_new(list, json);
    }
    sim_respond_json(res, 200, json_pack("{s:s, s:o}", "object", "list", "data", list));
    oa_add_headers(req, res);
}
