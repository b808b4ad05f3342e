/* The part of `switchboard import` that is about the mapping file of contacts. */
#ifndef APP_CMD_IMPORT_CONTACTS_H
#define APP_CMD_IMPORT_CONTACTS_H

#include "app/command.h"
#include "conf/conf.h"

struct import_contacts {
    const char *path;     /* of the file, for people */
    const char *instance; /* only this block; NULL: every zoho_desk block */
    bool json;
};

/* Takes over all of the text, or nothing of it: every mistake is said with its line. Gives an exit code. */
int import_contacts(const struct conf *conf, const struct import_contacts *options, const char *text,
                    size_t size);

#endif
