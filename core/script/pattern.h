/* The matcher behind the pattern functions. Every function may raise a Lua error. */
#ifndef SCRIPT_PATTERN_H
#define SCRIPT_PATTERN_H

#include "script/inner.h"

enum { CAPTURES_MAX = 32 };
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct matcher {
    lua_State *L;
    struct script *script;
    const unsigned char *subject, *subject_end;
    const unsigned char *pattern_end;
    int nesting;
    int capture_count;
    struct {
        const unsigned char *start;
        ptrdiff_t length; /* or CAPTURE_OPEN, CAPTURE_POSITION */
    } captures[CAPTURES_MAX];
};

/* Borrows both texts while it is used. */
void matcher_init(struct matcher *m, lua_State *L, const char *subject, size_t size, const char *pattern,
                  size_t pattern_size);
/* The end of the match of the pattern from `p` at exactly `s`, with the captures set; NULL when there is none. */
const unsigned char *matcher_try(struct matcher *m, const unsigned char *s, const unsigned char *p);

#endif
