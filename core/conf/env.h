/* The `.env` file: KEY=value lines. Read once, never written. Pure; any thread. */
#ifndef CONF_ENV_H
#define CONF_ENV_H

#include <stdbool.h>
#include <stddef.h>

enum { ENV_ENTRIES_MAX = 1000 };

struct env_entry {
    const char *name, *value; /* point into the text that was parsed */
    unsigned line;
};

struct env {
    struct env_entry entries[ENV_ENTRIES_MAX];
    size_t count;
};

/* Hears of a line that is wrong. `text` never shows a value. */
typedef void (*env_fault_fn)(void *ctx, unsigned line, bool is_error, const char *text);

/* Parses `text` in place: names and values are cut out of it and stay valid as long as it does. Lines that are wrong are
 * told to `fault` and left out. A name that comes twice has its last value, as in a shell. */
void env_parse(struct env *env, char *text, env_fault_fn fault, void *ctx);
/* The value of `name`, or NULL. */
const char *env_find(const struct env *env, const char *name);

#endif
