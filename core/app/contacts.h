/* Who is which contact, as mapping files say it: into the journal, from where zoho_desk reads it under the key
 * "mapped:<canonical id>" of its instance. Only what is here writes those keys. */
#ifndef APP_CONTACTS_H
#define APP_CONTACTS_H

#include <jansson.h>

#include "store/store.h"

struct conf;

/* Rows for one instance, in one synced transaction: at most a few thousand, so that nobody waits long. `rows`: canonical id
 * -> [CRM id, contact id], or null to forget the id. What stood there is replaced: the newer word counts. `from` is "file" or
 * "import", for people. Store's thread. */
int contacts_put(struct store *store, const char *instance, const json_t *rows, const char *from,
                 int64_t now_ms, struct sb_error *err) SB_MUST_CHECK;
/* At most `count` members of `rows` from the `first` on, as a new object. NULL when out of memory. */
json_t *contacts_part(const json_t *rows, size_t first, size_t count);
/* Whether `rows` is what contacts_csv_read gives. */
bool contacts_are_rows(const json_t *rows);
/* Names of the zoho_desk blocks of `conf`: a new array of texts. NULL when out of memory. */
json_t *contacts_instances(const struct conf *conf);

enum { CONTACTS_PART = 2000 };

#endif
