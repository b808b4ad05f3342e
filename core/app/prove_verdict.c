/* From what the journal says to one sentence: what is proven, and what is not. */
#include <inttypes.h>
#include <string.h>

#include "app/prove.h"
#include "base/json.h"
#include "base/timefmt.h"

const char *prove_time(const struct proof *proof, int64_t ms, char ret_text[TIME_TEXT_MAX])
{
    if (ms <= 0)
        return "-";
    time_format_wall(ms, proof->zone_minutes, ret_text);
    return ret_text;
}

/* ---- one record ---------------------------------------------------------------------------------------- */

static size_t faults_of(const struct proof *proof)
{
    size_t index, count = 0;
    json_t *fault;

    json_array_foreach (json_object_get(proof->chain, "faults"), index, fault)
        count += json_int(fault, "record_id", 0) == proof->record->id;
    return count;
}

static const char *word_of(const json_t *row, const char *name)
{
    const char *word = json_str(row, name);

    return word ? word : "";
}

/* How the ticket came about. */
struct creation {
    const json_t *intent; /* the done one of the step that made the ticket, or NULL */
    size_t done;          /* creations of any kind */
    bool was_unknown, was_found, was_sent_again, was_told_to_send, was_adopted, was_looked_at_again;
};

static bool is_of_ticket(const struct proof *proof, const json_t *intent)
{
    const char *made = json_str(intent, "made");
    const json_t *ticket = json_object_get(proof->record->sections, "ticket");
    const char *id = json_str(ticket, "id");

    return made && id && strcmp(made, id) == 0;
}

static struct creation creation_of(const struct proof *proof)
{
    struct creation creation = { .intent = NULL };
    size_t index;
    json_t *row;

    json_array_foreach (proof->timeline, index, row) {
        const char *verdict = word_of(row, "verdict");
        if (strcmp(word_of(row, "kind"), "intent") == 0 && strcmp(word_of(row, "state"), "done") == 0) {
            creation.done++;
            if (is_of_ticket(proof, row))
                creation.intent = row;
        }
        creation.was_unknown |= strcmp(verdict, "unknown") == 0;
        creation.was_found |= strcmp(verdict, "found") == 0;
        creation.was_adopted |= strcmp(verdict, "adopted") == 0;
        creation.was_sent_again |= strncmp(verdict, "not found, sending", 18) == 0;
        creation.was_told_to_send |= strncmp(verdict, "sent again", 10) == 0;
        creation.was_looked_at_again |= strcmp(verdict, "one only") == 0;
    }
    return creation;
}

static void say_how(const struct creation *creation, struct buf *out)
{
    if (creation->was_adopted)
        buf_str(out, "; an operator has said that it is this one");
    else if (creation->was_found)
        buf_str(out, "; its answer was lost, and it was found by looking");
    else if (creation->was_told_to_send)
        buf_str(out, "; an operator has said that an earlier request made nothing");
    else if (creation->was_sent_again)
        buf_str(out, "; an earlier request was looked for and was not there");
    if (creation->was_looked_at_again)
        buf_str(out, "; a later look has found one only");
}

static void say_done(const struct proof *proof, struct buf *out)
{
    const struct creation creation = creation_of(proof);
    const json_t *ticket = json_object_get(proof->record->sections, "ticket");
    const char *number = json_str(ticket, "number"), *id = json_str(ticket, "id");
    char when[TIME_TEXT_MAX];

    if (!id) {
        buf_printf(out, "Proven: this conversation is done; %zu request%s created something for it",
                   creation.done, creation.done == 1 ? " has" : "s have");
        return;
    }
    buf_printf(out, "Proven: this conversation has one ticket, %s%s%s%s", number ? "#" : "",
               number ? number : id, number ? ", id " : "", number ? id : "");
    /* The intent keeps the time of its first request. */
    bool is_first = !creation.was_sent_again && !creation.was_told_to_send;
    if (creation.intent)
        buf_printf(out, ", %s %s", is_first ? "made by the request of" : "first asked for at",
                   prove_time(proof, json_int(creation.intent, "at_ms", 0), when));
    say_how(&creation, out);
}

static void say_unknown(const struct proof *proof, struct buf *out)
{
    const json_t *evidence = json_array_get(proof->unknown, 0);
    char next[TIME_TEXT_MAX], certain[TIME_TEXT_MAX];

    buf_printf(out,
               "Not known yet: whether %s.%s has created something is being found out; nothing is sent again "
               "before that",
               proof->record->intent.instance, proof->record->intent.step);
    if (json_int(evidence, "next_ms", 0) > 0)
        buf_printf(out, " (looked for next at %s; 'not there' is believed from %s on)",
                   prove_time(proof, json_int(evidence, "next_ms", 0), next),
                   prove_time(proof, json_int(evidence, "certain_ms", 0), certain));
    else
        buf_str(out, " (an engine has to run for that)");
}

static void say_state(const struct proof *proof, struct buf *out)
{
    const struct store_record *record = proof->record;
    const char *reason = record->reason ? record->reason : "no reason was noted";

    if (record->has_intent && (record->state == STORE_ACTIVE || record->state == STORE_DEAD)) {
        say_unknown(proof, out);
        return;
    }
    switch (record->state) {
    case STORE_DONE:
        say_done(proof, out);
        break;
    case STORE_DROPPED:
        buf_printf(out, "Proven: this conversation has no ticket, with a reason: %s", reason);
        break;
    case STORE_DISABLED:
        buf_printf(out, "Proven: this conversation has no ticket, its sinks are switched off: %s", reason);
        break;
    case STORE_DEAD:
        buf_printf(out, "A person must look: this conversation is in the dead letters: %s", reason);
        break;
    case STORE_ACTIVE:
        buf_str(out, "On its way: this conversation has not ended yet");
        break;
    case STORE_STATE_COUNT:
    case STORE_STATE_INVALID:
        break;
    }
}

static bool record_verdict(const struct proof *proof, struct buf *out)
{
    size_t faults = faults_of(proof), doubled = json_array_size(json_object_get(proof->found, "doubled"));

    if (faults > 0) {
        buf_printf(
            out,
            "Not proven: %zu row%s of this record %s changed, removed or inserted after they were written.",
            faults, faults == 1 ? "" : "s", faults == 1 ? "was" : "were");
        return false;
    }
    if (doubled > 0) {
        buf_str(out,
                "Not proven: something was created twice for this conversation; see below, and merge them.");
        return false;
    }
    say_state(proof, out);
    buf_char(out, '.');
    return true;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static void say_open(const struct proof *proof, struct buf *out)
{
    const json_t *records = json_object_get(proof->totals, "records");
    int64_t unknown = json_int(records, "unknown", 0), dead = json_int(records, "dead", 0);
    int64_t active = json_int(records, "active", 0);

    if (active > 0)
        buf_printf(out, " %" PRId64 " %s on %s way.", active, active == 1 ? "is" : "are",
                   active == 1 ? "its" : "their");
    if (unknown > 0)
        buf_printf(
            out, " Of %" PRId64 " it is not known yet what was created: nothing is sent again before it is.",
            unknown);
    if (dead > 0)
        buf_printf(out, " %" PRId64 " dead letter%s for a person.", dead, dead == 1 ? " waits" : "s wait");
}

static bool all_verdict(const struct proof *proof, struct buf *out)
{
    int64_t faults = json_int(proof->chain, "fault_count", 0);
    size_t doubled = json_array_size(json_object_get(proof->found, "doubled"));
    int64_t done = json_int(json_object_get(proof->totals, "records"), "done", 0);
    int64_t missing = json_int(proof->report, "missing", 0), twins = json_int(proof->report, "doubled", 0);

    if (faults > 0)
        buf_printf(out, "Not proven: the journal does not fit its hash chain in %" PRId64 " place%s.", faults,
                   faults == 1 ? "" : "s");
    if (doubled > 0)
        buf_printf(out, "%sNot proven: %zu thing%s created twice.", faults > 0 ? " " : "", doubled,
                   doubled == 1 ? " was" : "s were");
    if (missing > 0 || twins > 0)
        buf_printf(out,
                   "%sNot proven: the last comparison found %" PRId64 " missing and %" PRId64
                   " doubled conversations ('switchboard reconcile' compares anew).",
                   out->len ? " " : "", missing, twins);
    if (out->len == 0)
        buf_printf(out,
                   "Proven: each of %" PRId64
                   " conversation%s that are done was delivered once, as far as the "
                   "helpdesk shows what it has; the journal is as it was written.",
                   done, done == 1 ? "" : "s");
    say_open(proof, out);
    return faults == 0 && doubled == 0 && missing == 0 && twins == 0;
}

bool prove_verdict(const struct proof *proof, struct buf *out)
{
    return proof->record ? record_verdict(proof, out) : all_verdict(proof, out);
}
