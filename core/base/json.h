/* Dotted paths into jansson documents, and lenient readers for answers. Not thread-safe per document. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "switchboard/error.h"

/* "a.b.0.c": members by name, array items by number. Borrowed, NULL when absent. */
json_t *json_at(const json_t *value, const char *path);
/* Puts `value` (taken; NULL removes) at `path` of object `root`, making objects on the way. -1: no memory, or
 * a non-object in the way. */
int json_put(json_t *root, const char *path, json_t *value);

const char *json_str(const json_t *object, const char *name);                /* NULL unless a string */
int64_t json_int(const json_t *object, const char *name, int64_t otherwise); /* also "17", 17.0 */
double json_num(const json_t *object, const char *name, double otherwise);   /* also "12.5" */
/* What a value is, for sentences: "an object", "a list", "a text", "a number", "true or false", "null"; "nothing"
 * for NULL. */
const char *json_kind(const json_t *value);

/* Parses `size` bytes, nesting bounded by jansson, duplicates rejected. NULL with `err` (SB_EINPUT,
 * "line:column: ..."). */
json_t *json_parse(const char *text, size_t size, struct sb_error *err);
/* From now on a document that finds no memory ends the process, with a sentence on standard error: what jansson leaves out
 * in silence instead (a member that is not there) would be taken for what was meant. The journal goes on from there at the
 * next start. For programs; once, before the first document. */
void json_end_without_memory(void);
/* Compact text, object keys in insertion order; NULL when out of memory. free() it. */
char *json_text(const json_t *value);

#endif
