/* The scripts of a harness. */
#include "plugins/harness_script.h"

#include "script/script.h"

int harness_script_load(struct sb_instance *instance, void **ret_script, struct sb_error *err)
{
    for (size_t i = 0; i < instance->value_count; i++) {
        const struct instance_value *value = &instance->values[i];
        if (value->option->type != SB_OPT_SCRIPT || !value->text || *ret_script)
            continue;
        struct script *script = NULL;
        int rc = script_load(value->text, TEST_SOURCE_DIR "/scripts/lib", NULL, NULL, &script, err);
        if (rc < 0)
            return rc;
        *ret_script = script;
        instance->script_host = &script_host;
        instance->scripts[instance->script_count++] =
            (struct instance_script){ .option = value->option->name, .script = script };
    }
    return 0;
}

void harness_script_free(void *script)
{
    script_free(script);
}
