/* The decoder: PocketSphinx over Debian's acoustic model and our language model of support calls. */
#include <pocketsphinx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recogniser.h"

enum { PATH_SIZE = 1024 };

struct ps_hearing {
    cmd_ln_t *config;
    ps_decoder_t *decoder;
};

static bool join(char *out, const char *dir, const char *name)
{
    return snprintf(out, PATH_SIZE, "%s/%s", dir, name) < PATH_SIZE;
}

/* -remove_silence no: otherwise the times of words leave out the pauses before them. */
static bool try_dir(struct ps_hearing *hearing, const char *acoustic, const char *dir)
{
    char model[PATH_SIZE], dictionary[PATH_SIZE];

    if (!join(model, dir, "support.lm") || !join(dictionary, dir, "support.dict"))
        return false;
    hearing->config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", acoustic, "-dict", dictionary, "-lm", model,
                                  "-remove_silence", "no", "-logfn", "/dev/null", NULL);
    if (!hearing->config)
        return false;
    hearing->decoder = ps_init(hearing->config);
    if (hearing->decoder)
        return true;
    cmd_ln_free_r(hearing->config);
    hearing->config = NULL;
    return false;
}

struct ps_hearing *ps_open(struct sb_exchange *x, const char **ret_why)
{
    const char *const dirs[] = { sb_option_str(x, "language_dir"), LANGUAGE_DIR_BUILT };
    struct ps_hearing *hearing = sb_alloc(x, sizeof(*hearing));

    for (size_t i = sb_option_is_set(x, "language_dir") ? 0 : 1; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (try_dir(hearing, sb_option_str(x, "acoustic_model"), dirs[i]))
            return hearing;
    *ret_why = "its models cannot be read: install the package pocketsphinx-en-us, and build the language "
               "model or set "
               "'language_dir'";
    return NULL;
}

void ps_close(struct ps_hearing *hearing)
{
    if (!hearing)
        return;
    (void)ps_free(hearing->decoder);
    (void)cmd_ln_free_r(hearing->config);
}

static bool is_filler(const char *word)
{
    return word[0] == '<' || word[0] == '[' || word[0] == '+';
}

/* "for(2)" is "for" in its second pronunciation. */
static size_t plain_length(const char *word)
{
    const char *mark = strchr(word, '(');
    return mark && mark != word ? (size_t)(mark - word) : strlen(word);
}

static void add_word(struct sb_exchange *x, const char **text, const char *word)
{
    const char *plain = sb_strndup(x, word, plain_length(word));
    *text = **text ? sb_printf(x, "%s %s", *text, plain) : plain;
}

bool ps_hear(struct sb_exchange *x, struct ps_hearing *hearing, const int16_t *samples,
             const struct ps_piece *piece, struct ps_heard *ret_heard)
{
    ps_decoder_t *decoder = hearing->decoder;
    const char *text = "";
    double sum = 0;
    int words = 0;

    if (ps_start_stream(decoder) < 0 || ps_start_utt(decoder) < 0)
        return false;
    /* The whole piece in one call: fed in chunks, a fresh decoder loses most of its first utterance. */
    if (ps_process_raw(decoder, samples + piece->start, piece->count, FALSE, TRUE) < 0 ||
        ps_end_utt(decoder) < 0)
        return false;
    for (ps_seg_t *segment = ps_seg_iter(decoder); segment; segment = ps_seg_next(segment)) {
        int32 acoustic = 0, language = 0, backoff = 0;
        if (is_filler(ps_seg_word(segment)))
            continue;
        double posterior =
            logmath_exp(ps_get_logmath(decoder), ps_seg_prob(segment, &acoustic, &language, &backoff));
        sum += posterior > 1 ? 1 : posterior;
        words++;
        add_word(x, &text, ps_seg_word(segment));
    }
    ret_heard->text = text;
    ret_heard->confidence = words ? sum / words : -1;
    return true;
}
