/* The mapping file that the option `contacts` of zoho_desk names: read at start and whenever it changes. What it says
 * is in the journal before the first record moves. A broken file is refused with its lines, and the mapping stays as it
 * was. */
#ifndef APP_CONTACTS_FILE_H
#define APP_CONTACTS_FILE_H

#include "app/setup.h"
#include "base/buf.h"
#include "store/store.h"

struct contacts_file;
struct engine;

/* Reads the files of all instances into `store`, on the caller's thread. Mistakes in a file are logged; a failure of the
 * journal is one. For the start, before the store's thread has it. */
int contacts_file_load(const struct setup *setup, struct store *store, struct log *log,
                       struct sb_error *err) SB_MUST_CHECK;
/* For `check`: reads the files that the checked blocks of `conf` name, and appends every mistake as a line. Gives the number
 * of files that would be refused. */
size_t contacts_file_check(const struct conf *conf, struct buf *out);
/* Looks at the files every few seconds. */
struct contacts_file *contacts_file_new(struct engine *engine, struct sb_error *err);
void contacts_file_free(struct contacts_file *file); /* NULL allowed */

#endif
