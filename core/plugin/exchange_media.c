/* Audio samples and scripts, which a plugin may use but not reach by itself. */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "plugin/exchange_inner.h"

int sb_audio_decode(struct sb_exchange *x, const char *file, uint32_t rate, const struct sb_audio **ret_audio,
                    struct sb_error *err)
{
    struct exchange_private *own = x->private_;

    exchange_only_in(x, PHASE_WORK, "sb_audio_decode");
    if (own->audio_count == EXCHANGE_AUDIOS_MAX)
        return sb_fail(err, SB_EINPUT, "a step may decode at most %d files", EXCHANGE_AUDIOS_MAX);
    const char *path = exchange_file_path(x, file);
    if (!path)
        return sb_fail(err, SB_EINTERNAL, "'%s' is not a file of this record", file ? file : "");
    struct sb_audio *audio = exchange_alloc(x, sizeof(*audio));
    int16_t **samples = exchange_alloc(x, COUNT_OF(own->audios[0].samples) * sizeof(*samples));

    struct helper_audio *loaded = &own->audios[own->audio_count];
    *loaded = (struct helper_audio){ .rate = 0 };
    int rc = helper_audio(path, rate, loaded, err);
    if (rc < 0)
        return rc;
    own->audio_count++;
    memcpy(samples, loaded->samples, sizeof(loaded->samples));
    *audio = (struct sb_audio){
        .rate = loaded->rate, .channels = loaded->channels, .frames = loaded->frames, .samples = samples
    };
    *ret_audio = audio;
    return 0;
}

static const struct instance_script *find_script(const struct sb_instance *instance, const char *option)
{
    for (size_t i = 0; i < instance->script_count; i++)
        if (strcmp(instance->scripts[i].option, option) == 0)
            return &instance->scripts[i];
    return NULL;
}

int sb_script_call(struct sb_exchange *x, const char *option, const char *function, const json_t *argument,
                   json_t **ret_result, struct sb_error *err)
{
    const struct sb_instance *instance = x->in.instance;

    exchange_only_in(x, PHASE_BUILD | PHASE_FOLD | PHASE_WORK | PHASE_ROUTE, "sb_script_call");
    const struct instance_value *value = option ? instance_value(instance, option) : NULL;
    if (!value || value->option->type != SB_OPT_SCRIPT || !function) {
        exchange_defect(x, "'%s' is not a script option of the plugin", option ? option : "");
        return sb_fail(err, SB_EINTERNAL, "'%s' is not a script option", option ? option : "");
    }
    const struct instance_script *script = find_script(instance, option);
    if (!script || !instance->script_host)
        return sb_fail(err, SB_ECONFIG, "no script is set for '%s' of '%s'", option, instance->name);
    /* A route has no record yet: its script reads the body that was sent. */
    const struct exchange_private *own = x->private_;
    const json_t *document = own->route && own->in_json ? own->in_json : x->document;
    return instance->script_host->call(script->script, function, document, argument, x->in.seed, x->in.now_ms,
                                       ret_result, err);
}

bool sb_script_has(const struct sb_exchange *x, const char *option, const char *function)
{
    const struct sb_instance *instance = x->in.instance;
    const struct instance_script *script = option ? find_script(instance, option) : NULL;

    if (!script || !instance->script_host || !function)
        return false;
    return !instance->script_host->has || instance->script_host->has(script->script, function);
}

enum sb_verdict sb_script_failed(struct sb_exchange *x, const struct sb_error *err)
{
    exchange_say(x, "script: %s", err->text[0] ? err->text : "failed without saying why");
    x->is_defect = true;
    return SB_REJECT;
}
