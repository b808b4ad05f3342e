/* Who may call the routes of a source: bearer tokens by name, signatures, and how often each may call. Secrets are
 * compared in constant time; nothing here says why a call was refused. Loop thread. */
#ifndef PLUGIN_CALLERS_H
#define PLUGIN_CALLERS_H

#include "plugin/instance.h"

enum { CALLERS_MAX = 64, CALLER_NAME_MAX = 40, CALLER_SECRET_MIN = 16 };

/* The tokens and signing keys of one instance, and what each caller has used of its rate. */
struct callers;

/* Checks the form of the secrets that the plugin's `callers` name: SB_ECONFIG with the name of what is wrong, never with
 * its value. Nothing to check is fine. */
int callers_check(const struct sb_instance *instance, struct sb_error *err) SB_MUST_CHECK;
/* Tells `log` every secret in a list, so that none can appear in a line. */
void callers_hide(const struct sb_instance *instance, struct log *log);

/* NULL when out of memory. Borrows `instance`, which must have been opened. */
struct callers *callers_new(const struct sb_instance *instance);
void callers_free(struct callers *callers); /* NULL allowed */

/* Everything is borrowed; NULL: the call does not have it. */
struct caller_proof {
    const char *authorization; /* "Bearer ..." */
    const char *timestamp, *signature;
    const char *body;
    size_t body_size;
};

/* The caller's name, from its token alone; NULL when nobody has such a token, or the plugin names no tokens. Lives as
 * long as `callers`. */
const char *callers_name(const struct callers *callers, const char *authorization);
/* Whether the call is signed as it must be: true when no signing keys are set. `now_ms` is the wall clock. */
bool callers_is_signed(const struct callers *callers, const struct caller_proof *proof, int64_t now_ms);
/* Takes one call from the rate of `name`. Returns 0, or how many ms to wait before the next one. `mono_ms` never goes
 * back. */
int64_t callers_take(struct callers *callers, const char *name, int64_t mono_ms);

#endif
