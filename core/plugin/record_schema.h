/* The one record schema: what the sections of a record hold. docs/RECORD.md explains it; a test compares the two. */
#ifndef PLUGIN_RECORD_SCHEMA_H
#define PLUGIN_RECORD_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "switchboard/error.h"

enum record_type {
    RECORD_TEXT,
    RECORD_WHOLE,
    RECORD_NUMBER,
    RECORD_BOOL,
    RECORD_LIST,
    RECORD_OBJECT,
    RECORD_WORD
};

/* One member. */
struct record_field {
    const char *path; /* "call.sid" */
    enum record_type type;
    bool is_required;         /* present and not null whenever its section is there */
    const char *const *words; /* WORD: what it may be, NULL-terminated */
};

/* All of them, in the order of the document; ends with a path of NULL. */
const struct record_field *record_schema(void);

/* Checks the known members of `section` (a name) in `record`; further members and sections are allowed. SB_EINPUT with the
 * path and what would be right. */
int record_check_section(const json_t *record, const char *section, struct sb_error *err) SB_MUST_CHECK;
/* The same for every section of `record`. */
int record_check(const json_t *record, struct sb_error *err) SB_MUST_CHECK;

#endif
