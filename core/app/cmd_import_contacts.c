/* switchboard import contacts.csv: which contact the users of escalations are. */
#include "app/cmd_import_contacts.h"

#include <stdio.h>
#include <string.h>

#include "app/contacts.h"
#include "app/contacts_csv.h"
#include "app/journal.h"
#include "app/progress.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum { PART_BYTES_MAX = 256 * 1024 };

struct part {
    const json_t *rows, *instances; /* borrowed */
};

static int put_alone(void *ctx, struct store *store, json_t **ret_answer, struct sb_error *err)
{
    const struct part *part = ctx;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < json_array_size(part->instances); i++)
        rc = contacts_put(store, json_string_value(json_array_get(part->instances, i)), part->rows, "import",
                          clock_wall_ms(), err);
    if (rc < 0)
        return rc;
    *ret_answer = json_pack("{s:I}", "contacts", (json_int_t)json_object_size(part->rows));
    return *ret_answer ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
}

static int put_part(struct journal_changer *changer, const json_t *rows, const json_t *instances,
                    struct sb_error *err)
{
    struct part part = { rows, instances };
    AUTO_JSON answer = NULL;
    AUTO_JSON body = json_pack("{s:O, s:O}", "contacts", rows, "instances", instances);
    const struct journal_change change = { "import", body, put_alone, &part };

    return body ? journal_do(changer, &change, &answer, err) : sb_fail(err, SB_ENOMEM, "out of memory");
}

/* How many rows from the `first` on fit into one request. */
static size_t part_size(const json_t *rows, size_t first)
{
    const char *id;
    json_t *pair;
    size_t index = 0, count = 0, bytes = 0;

    json_object_foreach ((json_t *)(uintptr_t)rows, id, pair) {
        if (index++ < first)
            continue;
        bytes += strlen(id) + json_string_length(json_array_get(pair, 0)) +
                 json_string_length(json_array_get(pair, 1)) + 16;
        if (count == CONTACTS_PART || (count && bytes > PART_BYTES_MAX))
            break;
        count++;
    }
    return count;
}

/* A file that was taken in part can be given again as a whole. */
static int put_rows(const struct conf *conf, const json_t *rows, const json_t *instances, bool is_shown,
                    struct sb_error *err)
{
    struct journal_changer *changer = NULL;
    size_t whole = json_object_size(rows);
    int rc = journal_changer_new(conf, &changer, err);

    for (size_t done = 0; rc == 0 && done < whole;) {
        size_t count = part_size(rows, done);
        AUTO_JSON part = contacts_part(rows, done, count);
        rc = part ? put_part(changer, part, instances, err) : sb_fail(err, SB_ENOMEM, "out of memory");
        done += count;
        if (is_shown)
            progress_show("importing", done, whole);
    }
    if (is_shown)
        progress_clear();
    journal_changer_free(changer);
    return rc;
}

static int find_instances(const struct conf *conf, const char *wanted, json_t **ret_instances,
                          struct sb_error *err)
{
    AUTO_JSON names = contacts_instances(conf);
    size_t index;
    json_t *name;

    if (!names)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (json_array_size(names) == 0)
        return sb_fail(err, SB_EINPUT, "'%s' has no zoho_desk block: nothing would read the mapping",
                       conf->path);
    if (!wanted) {
        *ret_instances = TAKE(names);
        return 0;
    }
    json_array_foreach (names, index, name) {
        if (strcmp(json_string_value(name), wanted) == 0) {
            *ret_instances = json_pack("[s]", wanted);
            return *ret_instances ? 0 : sb_fail(err, SB_ENOMEM, "out of memory");
        }
    }
    return sb_fail(err, SB_EINPUT, "'%s' has no zoho_desk block of the name '%s'", conf->path, wanted);
}

static int tell(const struct import_contacts *options, const json_t *rows, const json_t *instances)
{
    if (options->json)
        return command_json(
            json_pack("{s:I, s:O}", "contacts", (json_int_t)json_object_size(rows), "instances", instances));
    (void)printf("%zu users mapped to their contacts", json_object_size(rows));
    for (size_t i = 0; i < json_array_size(instances); i++)
        (void)printf("%s%s", i ? ", " : " for ", json_string_value(json_array_get(instances, i)));
    (void)printf("; what was mapped otherwise before, or learnt, gives way to it\n");
    return command_written();
}

int import_contacts(const struct conf *conf, const struct import_contacts *options, const char *text,
                    size_t size)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON rows = NULL;
    AUTO_JSON mistakes = NULL;
    AUTO_JSON instances = NULL;
    size_t index;
    json_t *line;
    int rc = contacts_csv_read(options->path, text, size, &rows, &mistakes, &err);

    json_array_foreach (mistakes, index, line)
        (void)fprintf(stderr, "%s\n", json_string_value(line));
    if (rc == 0)
        rc = find_instances(conf, options->instance, &instances, &err);
    if (rc == 0)
        rc = put_rows(conf, rows, instances, !options->json, &err);
    return rc < 0 ? command_fail(&err) : tell(options, rows, instances);
}
