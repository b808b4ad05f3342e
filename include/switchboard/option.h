/* The typed option table of a plugin. One row drives parsing, checking, `switchboard plugins NAME`, the reference in
 * docs/, and what is never printed. */
#ifndef SWITCHBOARD_OPTION_H
#define SWITCHBOARD_OPTION_H

#include <stdbool.h>
#include <stdint.h>

enum sb_option_type {
    SB_OPT_STRING,
    SB_OPT_SECRET, /* never printed; the plugin gets a placeholder that only the network layer resolves */
    SB_OPT_BOOL,   /* true or false, bare or as a string */
    SB_OPT_INT,    /* a whole number; range min..max when they differ */
    SB_OPT_DURATION, /* "250ms", "30s", "15m", "2h", "7d"; read as milliseconds; range min..max ms when they differ */
    SB_OPT_SIZE, /* "512", "64k", "25m", "2g" (1024 based); read as bytes; range as above */
    SB_OPT_RATE, /* "200/min", "5/s", "1000/h", or "unlimited" */
    SB_OPT_LIST, /* a list of strings: [ "a", "b" ], or one string with commas */
    SB_OPT_PATH, /* a file or folder, relative to the folder of engine.conf */
    SB_OPT_URL,  /* https://host[:port][/path]; plain http only to a loopback address */
    SB_OPT_ENUM, /* one of `choices` */
    SB_OPT_JSON_FILE, /* a path; the core reads the file and the plugin sees the document; absent is allowed unless required */
    SB_OPT_SCRIPT, /* a path to a Lua script that the core loads; called with sb_script_call() */
    SB_OPT_SECRETS /* a list of secrets, or one text with commas; the core uses them, the plugin sees none */
};

/* One row. Tables end with a row whose name is NULL. All text is borrowed for the life of the plugin. */
struct sb_option {
    const char *name;
    enum sb_option_type type;
    const char *default_text; /* as it would be written in engine.conf; NULL: no value */
    bool required;            /* no value and no default is an error (or switches an optional instance off) */
    int64_t min, max;         /* INT, DURATION (ms), SIZE (bytes); min == max means no range */
    const char *const *choices; /* ENUM: the words, NULL-terminated */
    const char *help;           /* one sentence, shown to people */
};

#endif
