/* Asking the engine for it, or the journal, and waiting for the line on the record's timeline that says what came of it. */
#include "app/decision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/command.h"
#include "app/journal.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { WAIT_MS_MAX = 60 * 1000, LOOK_EVERY_MS = 100, TWINS_AFTER_MS = 60 * 1000, TEXT_MAX = 300 };

struct asked {
    const struct decision *decision;
    int64_t id;
};

static int decide_alone(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err)
{
    const struct asked *asked = ctx;
    char text[TEXT_MAX];
    const struct store_decision decision = { .adopt = asked->decision->adopt,
                                             .is_forced = asked->decision->is_forced,
                                             .text = text,
                                             .sweep_ms = TWINS_AFTER_MS };

    (void)snprintf(text, sizeof(text), "an operator says that it is %s",
                   asked->decision->adopt ? asked->decision->adopt : "");
    int rc = store_decide(store, asked->id, &decision, clock_wall_ms(), err);
    if (rc < 0)
        return rc;
    *ret_answer = json_pack("{s:I}", "decided", (json_int_t)asked->id);
    return *ret_answer ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

static int ask(const struct conf *conf, struct asked *asked, bool *ret_alone, json_t **ret_answer,
               struct sb_error *err)
{
    const struct decision *decision = asked->decision;
    AUTO_JSON body = json_pack("{s:I, s:s*, s:b, s:b}", "id", (json_int_t)asked->id, "adopt", decision->adopt,
                               "send_again", decision->adopt == NULL, "force", decision->is_forced);
    const struct journal_change change = { "decide", body, decide_alone, asked };

    if (!body)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    return journal_change_once(conf, &change, ret_alone, ret_answer, err);
}

/* ---- what came of it ----------------------------------------------------------------------------------- */

static bool is_result(const char *verdict)
{
    static const char *const words[] = {
        "adopted", "not adopted", "sent again by an operator", "found", "not found, sending again", NULL
    };

    for (size_t i = 0; verdict && words[i]; i++)
        if (strcmp(words[i], verdict) == 0)
            return true;
    return false;
}

/* Gives the line in *ret_row (a new reference), NULL when there is none yet. */
static int look(const struct conf *conf, int64_t id, int64_t since_ms, json_t **ret_row, struct sb_error *err)
{
    struct store *store = NULL;
    AUTO_JSON timeline = NULL;
    size_t index;
    json_t *row;
    int rc = journal_read(conf, &store, err);

    if (rc == 0)
        rc = store_timeline(store, id, &timeline, err);
    store_close(store);
    json_array_foreach (timeline, index, row)
        if (json_int(row, "at_ms", 0) >= since_ms && is_result(json_str(row, "verdict"))) {
            *ret_row = json_incref(row);
            break;
        }
    return rc;
}

static int wait_for_result(const struct conf *conf, int64_t id, int64_t since_ms, json_t **ret_row,
                           struct sb_error *err)
{
    const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
    int64_t deadline_ms = clock_mono_ms() + WAIT_MS_MAX;
    int rc = look(conf, id, since_ms, ret_row, err);

    while (rc == 0 && !*ret_row && clock_mono_ms() < deadline_ms) {
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
        rc = look(conf, id, since_ms, ret_row, err);
    }
    return rc;
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static bool is_heeded(const struct decision *decision, const char *verdict)
{
    return strcmp(verdict, decision->adopt ? "adopted" : "sent again by an operator") == 0 ||
           (decision->adopt && strcmp(verdict, "found") == 0);
}

static void tell_alone(const struct asked *asked)
{
    if (asked->decision->adopt)
        (void)printf("record %" PRId64 " takes %s when 'switchboard run' is started and has read it\n",
                     asked->id, asked->decision->adopt);
    else
        (void)printf("record %" PRId64 " is sent again when 'switchboard run' is started\n", asked->id);
}

static void tell_result(const struct asked *asked, const json_t *row)
{
    const char *verdict = row ? json_str(row, "verdict") : NULL, *text = row ? json_str(row, "text") : NULL;

    if (!verdict)
        (void)printf("record %" PRId64
                     ": decided, but nothing has come of it within %d s; 'switchboard show %" PRId64
                     "' tells\n",
                     asked->id, WAIT_MS_MAX / 1000, asked->id);
    else
        (void)printf("record %" PRId64 ": %s%s%s\n", asked->id, verdict, text ? ": " : "", text ? text : "");
}

static int tell(const struct asked *asked, bool was_alone, const json_t *row)
{
    const char *verdict = row ? json_str(row, "verdict") : NULL;
    bool is_good = was_alone || (verdict && is_heeded(asked->decision, verdict));
    int code;

    if (asked->decision->json) {
        code = command_json(json_pack("{s:I, s:s, s:s?, s:b}", "record", (json_int_t)asked->id, "result",
                                      verdict ? verdict : "pending", "text",
                                      row ? json_str(row, "text") : NULL, "engine_runs", !was_alone));
    } else {
        if (was_alone)
            tell_alone(asked);
        else
            tell_result(asked, row);
        code = command_written();
    }
    return code == EXIT_OK && !is_good ? EXIT_FAILED : code;
}

int decision_run(const struct conf *conf, const struct decision *decision)
{
    struct sb_error err = SB_ERROR_INIT;
    struct asked asked = { .decision = decision };
    bool was_alone = false;
    AUTO_JSON answer = NULL;
    AUTO_JSON row = NULL;
    int rc = journal_look_up(conf, decision->record, &asked.id, &err);

    if (rc == 0)
        rc = ask(conf, &asked, &was_alone, &answer, &err);
    if (rc == 0 && !was_alone)
        rc = wait_for_result(conf, asked.id, json_int(answer, "since_ms", 0), &row, &err);
    return rc < 0 ? command_fail(&err) : tell(&asked, was_alone, row);
}
