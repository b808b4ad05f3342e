/* Checks the syntax before libconfig sees the text. libconfig stops at the first mistake, often names the line after it,
 * and cannot say whose value is wrong; here every mistake gets its line and the name of its setting. Values are not shown:
 * an unquoted secret must not reach a log. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/scope.h"
#include "conf/inner.h"
#include "conf/token.h"

enum { SCAN_DEPTH_MAX = 32, SCAN_NAMES_MAX = 2000, SHOWN_MAX = 40 };

struct seen_name {
    const char *start;
    size_t size;
    unsigned line;
    unsigned group; /* the number of the group that it is in */
};

struct scanner {
    struct conf *conf;
    struct tokenizer tokenizer;
    struct token token; /* the one that is looked at */
    struct token last;  /* the one before it */
    bool is_good;       /* no mistake that libconfig would stumble over */
    unsigned depth;
    unsigned group, group_count;
    struct seen_name *names; /* SCAN_NAMES_MAX; owned */
    size_t name_count;
};

/* The setting whose value is being read, for messages. */
struct subject {
    const char *start;
    int size;
};

static void scan_value(struct scanner *s, struct subject subject);

static void advance(struct scanner *s)
{
    s->last = s->token;
    s->token = token_next(&s->tokenizer);
}

static const char *file_at(const struct scanner *s, unsigned line, unsigned *ret_line)
{
    const struct conf_inner *inner = s->conf->inner;
    size_t index = line <= inner->line_count ? line : inner->line_count;

    if (index == 0) {
        *ret_line = 1;
        return s->conf->path;
    }
    *ret_line = inner->origins[index - 1].line;
    return inner->files[inner->origins[index - 1].file];
}

#define FAULT(s, at_line, ...)                                                                               \
    do {                                                                                                     \
        unsigned shown_line_ = 0;                                                                            \
        const char *shown_file_ = file_at((s), (at_line), &shown_line_);                                     \
        (s)->is_good = false;                                                                                \
        conf_say((s)->conf, CONF_ERROR, shown_file_, shown_line_, __VA_ARGS__);                              \
    } while (0)

/* Whether a token that is no value may be shown: short, and of plain letters or a number with a unit. */
static bool may_be_shown(const struct token *token)
{
    size_t digits = 0;

    if (token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE)
        return true;
    if (token->size > 3 && token->start[0] == '$')
        return strspn(token->start + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == token->size - 3;
    while (digits < token->size && isdigit((unsigned char)token->start[digits]))
        digits++;
    return token->kind != TOKEN_TEXT && digits > 0 && digits <= 9 && token->size - digits <= 3;
}

/* Goes on at the next line, where a new setting most likely begins. Brackets that open on the way are followed to their
 * end; one that closes something around it is never skipped over. */
static void skip_line(struct scanner *s)
{
    unsigned line = s->token.line, open = 0;

    while (s->token.kind != TOKEN_END && (s->token.line == line || open > 0)) {
        if (s->token.kind == TOKEN_OPEN)
            open++;
        else if (s->token.kind == TOKEN_CLOSE && open > 0)
            open--;
        else if (s->token.kind == TOKEN_CLOSE && *s->token.start == '}')
            return;
        line = s->token.line;
        advance(s);
    }
}

static struct subject subject_of(const struct token *name)
{
    return (struct subject){ name->start, (int)(name->size < SHOWN_MAX ? name->size : SHOWN_MAX) };
}

static bool is_one_of(const struct token *token, const char *const *words)
{
    for (; *words; words++)
        if (token->size == strlen(*words) && strncasecmp(token->start, *words, token->size) == 0)
            return true;
    return false;
}

/* The value is a token that cannot be one: says what it should have been. */
static void complain_about_value(struct scanner *s, struct subject subject)
{
    static const char *const truths[] = { "yes", "no", "on", "off", NULL };
    const struct token *token = &s->token;
    unsigned char c = (unsigned char)*token->start;

    if (token->kind == TOKEN_OPEN_TEXT)
        FAULT(s, token->line, "the value of '%.*s' has an opening \" and no closing one on its line",
              subject.size, subject.start);
    else if (token->kind == TOKEN_OVERFLOW)
        FAULT(s, token->line, "the number of '%.*s' is too large; an id is written in quotes", subject.size,
              subject.start);
    else if (c == '\'')
        FAULT(s, token->line, "the value of '%.*s' must be in double quotes, not in single ones",
              subject.size, subject.start);
    else if (c == 0xE2 || c == 0xC2)
        FAULT(s, token->line, "the value of '%.*s' must be in straight quotes (\"), not in typographic ones",
              subject.size, subject.start);
    else if (is_one_of(token, truths))
        FAULT(s, token->line, "the value of '%.*s' must be true or false", subject.size, subject.start);
    else if (may_be_shown(token))
        FAULT(s, token->line, "the value of '%.*s' must be in quotes: \"%.*s\"", subject.size, subject.start,
              (int)token->size, token->start);
    else
        FAULT(s, token->line, "the value of '%.*s' must be in quotes", subject.size, subject.start);
}

static char closing_of(char open)
{
    return open == '{' ? '}' : open == '[' ? ']' : ')';
}

static bool is_scalar(enum token_kind kind)
{
    return kind == TOKEN_TEXT || kind == TOKEN_BOOL || kind == TOKEN_INT || kind == TOKEN_BIG_INT ||
           kind == TOKEN_FLOAT;
}

/* One element of [ ] or ( ). Returns false when the bracket cannot be followed any further. */
static bool scan_element(struct scanner *s, struct subject subject, char open, enum token_kind *kind)
{
    if (open == '[' && s->token.kind == TOKEN_OPEN) {
        FAULT(s, s->token.line, "'%.*s' holds plain values; a '%c' cannot be inside [ ]", subject.size,
              subject.start, *s->token.start);
        return false;
    }
    if (open == '[' && is_scalar(s->token.kind)) {
        if (*kind != TOKEN_END && *kind != s->token.kind)
            FAULT(s, s->token.line, "all values of '%.*s' must be of one kind", subject.size, subject.start);
        *kind = s->token.kind;
    }
    bool is_text = s->token.kind == TOKEN_TEXT;
    if (s->token.kind == TOKEN_OPEN_TEXT) {
        complain_about_value(s, subject);
        return false; /* whether the list ends in that text, nobody can tell */
    }
    if (!is_scalar(s->token.kind) && s->token.kind != TOKEN_OPEN) {
        complain_about_value(s, subject);
        advance(s);
        return true;
    }
    if (s->token.kind == TOKEN_OPEN)
        scan_value(s, subject);
    else
        advance(s);
    if (is_text && s->token.kind == TOKEN_TEXT) {
        FAULT(s, s->token.line, "'%.*s' needs a comma between its values", subject.size, subject.start);
        return true;
    }
    return true;
}

/* [ ... ] or ( ... ), from its opening bracket. */
static void scan_list(struct scanner *s, struct subject subject)
{
    char open = *s->token.start;
    unsigned open_line = s->token.line;
    enum token_kind kind = TOKEN_END;

    advance(s);
    while (s->token.kind != TOKEN_CLOSE) {
        if (s->token.kind == TOKEN_END || s->token.kind == TOKEN_EQUALS) {
            FAULT(s, open_line, "the '%c' of '%.*s' is never closed", open, subject.size, subject.start);
            skip_line(s);
            return;
        }
        if (s->token.kind == TOKEN_COMMA || s->token.kind == TOKEN_SEPARATOR) {
            FAULT(s, s->token.line, "'%.*s' has a '%c' too many", subject.size, subject.start,
                  *s->token.start);
            advance(s);
            continue;
        }
        if (!scan_element(s, subject, open, &kind)) {
            skip_line(s);
            return;
        }
        if (s->token.kind == TOKEN_COMMA) {
            unsigned line = s->token.line;
            advance(s);
            if (s->token.kind == TOKEN_CLOSE)
                FAULT(s, line, "'%.*s' has a ',' too many before its '%c'", subject.size, subject.start,
                      *s->token.start);
        } else if (s->token.kind != TOKEN_CLOSE && s->token.kind != TOKEN_TEXT &&
                   s->token.kind != TOKEN_END && s->token.kind != TOKEN_EQUALS) {
            bool is_name = s->token.kind == TOKEN_NAME && s->token.line != s->last.line;
            if (is_name) {
                FAULT(s, open_line, "the '%c' of '%.*s' is never closed", open, subject.size, subject.start);
                return;
            }
            FAULT(s, s->token.line, "'%.*s' needs a comma between its values", subject.size, subject.start);
        }
    }
    if (*s->token.start != closing_of(open)) {
        FAULT(s, s->token.line, "the '%c' of '%.*s' must be closed with '%c', not with '%c'", open,
              subject.size, subject.start, closing_of(open), *s->token.start);
        if (*s->token.start == '}' && s->token.line != open_line)
            return; /* more likely the end of the group around it */
    }
    advance(s);
}

/* Remembers the name, or reports and blanks out what libconfig would refuse as a whole. Returns whether it is new. */
static bool note_name(struct scanner *s, const struct token *name)
{
    for (size_t i = 0; i < s->name_count; i++) {
        const struct seen_name *seen = &s->names[i];
        if (seen->group != s->group || seen->size != name->size ||
            strncmp(seen->start, name->start, name->size) != 0)
            continue;
        unsigned first_line = 0, line = 0;
        const char *first_file = file_at(s, seen->line, &first_line);
        const char *file = file_at(s, name->line, &line);
        struct subject subject = subject_of(name);
        if (strcmp(file, first_file) == 0)
            conf_say(s->conf, CONF_ERROR, file, line, "'%.*s' is there already, in line %u", subject.size,
                     subject.start, first_line);
        else
            conf_say(s->conf, CONF_ERROR, file, line, "'%.*s' is there already, in %s:%u", subject.size,
                     subject.start, first_file, first_line);
        return false;
    }
    if (s->name_count == SCAN_NAMES_MAX) {
        FAULT(s, name->line, "there are too many settings; %d is the limit", SCAN_NAMES_MAX);
        return true;
    }
    s->names[s->name_count++] = (struct seen_name){ name->start, name->size, name->line, s->group };
    return true;
}

/* Overwrites a piece of the text with blanks; its lines stay. */
static void blank_out(const char *start, const char *end)
{
    for (char *p = (char *)(uintptr_t)start; p < end; p++)
        if (*p != '\n')
            *p = ' ';
}

/* A token where a setting should begin. */
static void complain_about_start(struct scanner *s)
{
    const struct token *token = &s->token;

    if (token->kind == TOKEN_OPEN_COMMENT)
        FAULT(s, token->line, "this comment is never closed with */");
    else if (token->kind == TOKEN_OPEN)
        FAULT(s, token->line, "a name and '=' must stand before '%c'", *token->start);
    else if (token->kind == TOKEN_EQUALS)
        FAULT(s, token->line, "a name must stand before '%c'", *token->start);
    else if (token->size >= 8 && strncmp(token->start, "@include", 8) == 0)
        FAULT(s, token->line, "'@include' must be the first word of its line");
    else if (token->kind == TOKEN_TEXT || token->kind == TOKEN_OPEN_TEXT)
        FAULT(s, token->line, "a text in quotes where a setting's name should be; names have no quotes");
    else if (token->kind == TOKEN_COMMA || token->kind == TOKEN_SEPARATOR)
        FAULT(s, token->line, "a '%c' too many", *token->start);
    else
        FAULT(s, token->line,
              "a setting must begin here: a name of letters, digits, '_' and '-' (a letter first), then '=' "
              "and a value");
    skip_line(s);
}

/* Whether the name on the next line is the value that was forgotten on this one. */
static bool is_next_setting(const struct scanner *s, unsigned line)
{
    return s->token.kind == TOKEN_END || s->token.kind == TOKEN_CLOSE || s->token.kind == TOKEN_SEPARATOR ||
           s->token.kind == TOKEN_COMMA || (s->token.kind == TOKEN_NAME && s->token.line != line);
}

/* name = value, from its name. */
static void scan_setting(struct scanner *s)
{
    struct token name = s->token;
    struct subject subject = subject_of(&name);
    bool is_new = note_name(s, &name);

    advance(s);
    if (s->token.kind == TOKEN_EQUALS) {
        advance(s);
    } else if (s->token.kind == TOKEN_OPEN) {
        FAULT(s, s->token.line, "'%.*s' needs '=' before '%c'", subject.size, subject.start, *s->token.start);
    } else {
        FAULT(s, name.line, "'%.*s' needs '=' and a value behind it", subject.size, subject.start);
        if (s->token.line == name.line)
            skip_line(s);
        return;
    }
    if (is_next_setting(s, s->last.line)) {
        FAULT(s, name.line, "'%.*s' has no value", subject.size, subject.start);
        return;
    }
    scan_value(s, subject);
    if (s->token.kind == TOKEN_SEPARATOR || s->token.kind == TOKEN_COMMA)
        advance(s);
    if (!is_new && s->is_good)
        blank_out(name.start, s->last.start + s->last.size);
}

/* Settings up to the bracket that closes them, or to the end at depth 0. */
static void scan_group(struct scanner *s, struct subject subject, unsigned open_line)
{
    unsigned outer = s->group;

    s->group = ++s->group_count;
    while (s->token.kind != TOKEN_END) {
        if (s->token.kind == TOKEN_NAME) {
            scan_setting(s);
        } else if (s->token.kind != TOKEN_CLOSE) {
            complain_about_start(s);
        } else if (s->depth > 0 && *s->token.start == '}') {
            break;
        } else {
            FAULT(s, s->token.line, "'%c' closes nothing", *s->token.start);
            advance(s);
        }
    }
    if (s->depth > 0 && s->token.kind == TOKEN_END)
        FAULT(s, open_line, "the '{' of '%.*s' is never closed", subject.size, subject.start);
    s->group = outer;
}

static void scan_value(struct scanner *s, struct subject subject)
{
    if (s->token.kind == TOKEN_OPEN && s->depth == SCAN_DEPTH_MAX) {
        FAULT(s, s->token.line, "groups are nested too deep; %d is the limit", SCAN_DEPTH_MAX);
        skip_line(s);
        return;
    }
    if (s->token.kind == TOKEN_OPEN) {
        s->depth++;
        if (*s->token.start == '{') {
            unsigned line = s->token.line;
            advance(s);
            scan_group(s, subject, line);
            advance(s);
        } else {
            scan_list(s, subject);
        }
        s->depth--;
        return;
    }
    if (!is_scalar(s->token.kind)) {
        complain_about_value(s, subject);
        skip_line(s);
        return;
    }
    do
        advance(s);
    while (s->last.kind == TOKEN_TEXT && s->token.kind == TOKEN_TEXT); /* two texts side by side are one */
    bool is_new_line = s->token.line != s->last.line;
    bool is_odd = !is_new_line && s->token.kind != TOKEN_SEPARATOR && s->token.kind != TOKEN_COMMA &&
                  s->token.kind != TOKEN_CLOSE && s->token.kind != TOKEN_NAME && s->token.kind != TOKEN_END;
    if (is_odd && strncmp(s->token.start, "@include", 8) == 0) {
        FAULT(s, s->token.line, "'@include' must be the first word of its line");
        skip_line(s);
    } else if (is_odd) {
        FAULT(s, s->token.line, "there is something behind the value of '%.*s'", subject.size, subject.start);
        skip_line(s);
    }
}

bool conf_scan(struct conf *conf)
{
    struct scanner scanner = { .conf = conf, .is_good = true };

    scanner.names = calloc(SCAN_NAMES_MAX, sizeof(*scanner.names));
    if (!scanner.names) {
        conf->inner->is_out_of_memory = true;
        return false;
    }
    scanner.tokenizer = (struct tokenizer){ conf->inner->text.data, 1 };
    advance(&scanner);
    scan_group(&scanner, (struct subject){ "", 0 }, 1);
    free(scanner.names);
    return scanner.is_good;
}
