/* The words of the configuration language, for the checker of syntax alone (scan.c). Pure. */
#ifndef CONF_TOKEN_H
#define CONF_TOKEN_H

#include <stddef.h>

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_EQUALS,    /* = or : */
    TOKEN_SEPARATOR, /* ; */
    TOKEN_COMMA,
    TOKEN_OPEN,  /* { [ ( */
    TOKEN_CLOSE, /* } ] ) */
    TOKEN_TEXT,  /* "..." */
    TOKEN_BOOL,
    TOKEN_INT,
    TOKEN_BIG_INT, /* does not fit into 32 bits, and says so with an L */
    TOKEN_FLOAT,
    TOKEN_OPEN_TEXT,    /* a " that is not closed on its line */
    TOKEN_OPEN_COMMENT, /* a comment that is not closed at all */
    TOKEN_OVERFLOW,     /* a whole number that would silently become another one */
    TOKEN_JUNK          /* anything else, up to the next blank */
};

struct token {
    enum token_kind kind;
    const char *start; /* in the text */
    size_t size;
    unsigned line; /* where it starts, from 1 */
};

struct tokenizer {
    const char *at;
    unsigned line;
};

/* The next token; blanks and comments are skipped. At the end it gives TOKEN_END again and again. */
struct token token_next(struct tokenizer *tokenizer);

#endif
