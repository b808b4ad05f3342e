/* Which models there are, and which languages they speak. */
#include "deepgram.h"

#include <stdio.h>
#include <string.h>

static const char english[] = " en en-US en-AU en-GB en-IN en-NZ ";
static const char english_only[] = " en en-US ";
static const char nova_3[] =
    " en en-US en-AU en-GB en-IN en-NZ multi ar be bn bs bg ca cs da da-DK de de-CH el es "
    "es-419 et fa fi fr fr-CA gu he hi hr hu id it ja kn ko ko-KR lt lv mk mr ms nl nl-BE no "
    "pa pl pt pt-BR pt-PT ro ru sk sl sr sv sv-SE ta te th tl tr uk ur vi zh ";
static const char nova_2[] =
    " en en-US en-AU en-GB en-IN en-NZ multi bg ca zh zh-CN zh-TW cs da da-DK nl nl-BE et fi "
    "fr fr-CA de de-CH el hi hu id it ja ko ko-KR lv lt ms no pl pt pt-BR pt-PT ro ru sk es "
    "es-419 sv sv-SE th th-TH tr uk vi ";
static const char older[] =
    " en en-US en-AU en-GB en-IN en-NZ da nl fr fr-CA de hi hi-Latn id it ja ko no pl pt pt-BR "
    "es es-419 sv ta tr uk zh ";

static const struct {
    const char *name, *languages;
} models[] = {
    { "nova-3", nova_3 },
    { "nova-3-general", nova_3 },
    { "nova-3-medical", english },
    { "nova-3-pharma", english },
    { "nova-2", nova_2 },
    { "nova-2-general", nova_2 },
    { "nova-2-meeting", english_only },
    { "nova-2-phonecall", english_only },
    { "nova-2-finance", english_only },
    { "nova-2-conversationalai", english_only },
    { "nova-2-voicemail", english_only },
    { "nova-2-video", english_only },
    { "nova-2-medical", english_only },
    { "nova-2-drivethru", english_only },
    { "nova-2-automotive", english_only },
    { "nova-2-atc", english_only },
    { "nova", older },
    { "nova-general", older },
    { "nova-phonecall", english_only },
    { "nova-medical", english_only },
    { "enhanced", older },
    { "enhanced-general", older },
    { "enhanced-meeting", english },
    { "enhanced-phonecall", english },
    { "enhanced-finance", english },
    { "base", older },
    { "base-general", older },
    { "base-meeting", english },
    { "base-phonecall", english },
    { "base-finance", english },
    { "base-conversationalai", english },
    { "base-voicemail", english },
    { "base-video", english },
    { "whisper", NULL },
    { "whisper-tiny", NULL },
    { "whisper-base", NULL },
    { "whisper-small", NULL },
    { "whisper-medium", NULL },
    { "whisper-large", NULL },
};

bool dg_has_model(const char *model)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strcmp(models[i].name, model) == 0)
            return true;
    return false;
}

bool dg_speaks(const char *model, const char *language)
{
    char word[24];
    if (strlen(language) < 2 || strlen(language) > 16)
        return false;
    (void)snprintf(word, sizeof(word), " %s ", language);
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (strcmp(models[i].name, model) == 0)
            return !models[i].languages || strstr(models[i].languages, word);
    return false;
}

void dg_name_model(const char *model, char *arch, char *name, size_t size)
{
    size_t length =
        strncmp(model, "nova-", 5) == 0 && (model[5] == '2' || model[5] == '3') ? 6 : strcspn(model, "-");
    const char *variant = model[length] == '-' ? model + length + 1 : "general";
    (void)snprintf(arch, size, "%.*s", (int)length, model);
    (void)snprintf(name, size, "%s-%.*s", variant, (int)length, model);
}
