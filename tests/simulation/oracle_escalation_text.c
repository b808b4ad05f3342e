/* Whether all that was said is on the ticket, once and in order, and each file, or a note why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "simulation/oracle_escalation.h"

enum { PARTS_MAX = 256, TEXT_SIZE_MAX = 4 * 1024 * 1024 };

/* ---- from HTML ----------------------------------------------------------------------------------------- */

/* Appends what a browser shows of `html`. False: there is markup that is no line break. */
static bool add_shown(struct buf *text, const char *html)
{
    static const struct {
        const char *written, *shown;
    } signs[] = { { "<br>", "\n" }, { "<br/>", "\n" },  { "<br />", "\n" }, { "&lt;", "<" },  { "&gt;", ">" },
                  { "&amp;", "&" }, { "&quot;", "\"" }, { "&#39;", "'" },   { "&nbsp;", " " } };

    while (*html) {
        size_t i = 0;
        while (i < COUNT_OF(signs) && strncmp(html, signs[i].written, strlen(signs[i].written)) != 0)
            i++;
        if (i == COUNT_OF(signs) && (*html == '<' || *html == '>'))
            return false;
        if (i < COUNT_OF(signs))
            buf_str(text, signs[i].shown);
        else
            buf_add(text, html, 1);
        html += i < COUNT_OF(signs) ? strlen(signs[i].written) : 1;
    }
    return true;
}

/* ---- the parts ----------------------------------------------------------------------------------------- */

/* The notes with `mark` and a number, in the order of their numbers: what follows their line. */
static void add_parts(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                      const struct oracle_place *place, const char *mark, struct buf *text)
{
    const char *parts[PARTS_MAX] = { NULL };
    size_t last = 0;

    for (size_t i = 0; i < facts->truth->comment_count; i++) {
        const struct truth_comment *comment = facts->truth->comments[i];
        const char *at = comment->ticket == place->ticket ? strstr(comment->content, mark) : NULL;
        size_t number = at ? strtoul(at + strlen(mark), NULL, 10) : 0;
        if (number == 0 || number > PARTS_MAX)
            continue;
        if (comment->is_public)
            oracle_say(facts, "whole-escalation", "escalation %s: a note at ticket #%s is not private",
                       escalation->id, place->ticket->number);
        if (parts[number - 1])
            oracle_say(facts, "whole-escalation", "escalation %s: part %zu is twice at ticket #%s",
                       escalation->id, number, place->ticket->number);
        parts[number - 1] = strchr(at, '\n');
        last = number > last ? number : last;
    }
    for (size_t i = 0; i < last; i++)
        buf_str(text, parts[i] ? parts[i] + 1 : "");
}

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

void oracle_check_words(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                        const struct oracle_place *place)
{
    char mark[REFERENCE_SIZE + 8];
    AUTO_BUF text;

    buf_init(&text, TEXT_SIZE_MAX);
    (void)snprintf(mark, sizeof(mark), "[SB-%s/%s", place->reference, place->own ? "" : "A");
    if (place->own && !add_shown(&text, oracle_field(place->ticket, "description")))
        oracle_say(facts, "whole-escalation", "escalation %s: the description of ticket #%s is not escaped",
                   escalation->id, place->ticket->number);
    add_parts(facts, escalation, place, mark, &text);
    const char *at = text.data ? text.data : "";
    for (size_t i = 0; i < escalation->said.line_count; i++) {
        const char *said = escalation->said.lines[i].text;
        size_t count = count_of(text.data ? text.data : "", said);
        const char *found = strstr(at, said);
        if (count != 1 || !found) {
            oracle_say(facts, "whole-escalation",
                       "escalation %s: message %zu of %zu ('%s') is %zu times at ticket #%s%s",
                       escalation->id, i + 1, escalation->said.line_count, said, count, place->ticket->number,
                       count == 1 ? ", in the wrong place" : "");
            return;
        }
        at = found;
    }
}

/* ---- files --------------------------------------------------------------------------------------------- */

static bool is_in_remark(const struct oracle_facts *facts, const struct oracle_place *place, const char *name)
{
    char mark[REFERENCE_SIZE + 8];

    (void)snprintf(mark, sizeof(mark), "[SB-%s/R]", place->reference);
    for (size_t i = 0; i < facts->truth->comment_count; i++) {
        const struct truth_comment *comment = facts->truth->comments[i];
        if (comment->ticket == place->ticket && strstr(comment->content, mark) &&
            strstr(comment->content, name))
            return true;
    }
    return false;
}

/* A gateway that says 200 in the name of the files' host cannot be told from it, nor what it sends from the file. */
static bool may_be_other(const struct oracle_facts *facts, const struct truth_attachment *attachment)
{
    return attachment->by_address &&
           (facts->faults[FAULT_HTML_200] > 0 || facts->faults[FAULT_TRUNCATED] > 0 ||
            facts->faults[FAULT_MALFORMED] > 0);
}

static void check_file(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place, size_t index)
{
    const struct truth_attachment *attachment = &escalation->files[index];
    char name[REFERENCE_SIZE + TRUTH_NAME_SIZE + 16];
    size_t count = 0;
    bool is_right = true;

    (void)snprintf(name, sizeof(name), "%s-%zu-%s", place->reference, index + 1, attachment->name);
    for (size_t i = 0; i < facts->truth->file_count; i++) {
        const struct truth_file *file = facts->truth->files[i];
        if (strcmp(file->name, name) != 0)
            continue;
        count++;
        bool is_same = file->size == strlen(attachment->content) &&
                       memcmp(file->content, attachment->content, file->size) == 0;
        is_right = is_right && file->ticket == place->ticket && !file->is_public &&
                   (is_same || may_be_other(facts, attachment));
    }
    if (count > 1)
        oracle_say(facts, "each-file", "escalation %s: file '%s' is %zu times at ticket #%s", escalation->id,
                   name, count, place->ticket->number);
    if (!is_right)
        oracle_say(facts, "each-file",
                   "escalation %s: file '%s' is not private, elsewhere, or not what was given",
                   escalation->id, name);
    if (count == 0 && !is_in_remark(facts, place, attachment->name))
        oracle_say(facts, "each-file", "escalation %s: file '%s' is not at ticket #%s, and no note says why",
                   escalation->id, name, place->ticket->number);
    if (count == 0 && !attachment->by_address && facts->fault_count == 0)
        oracle_say(facts, "each-file", "escalation %s: file '%s' came along, and is not at ticket #%s",
                   escalation->id, name, place->ticket->number);
}

void oracle_check_files(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                        const struct oracle_place *place)
{
    for (size_t i = 0; i < escalation->file_count; i++)
        check_file(facts, escalation, place, i);
}
