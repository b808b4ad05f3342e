/* Reads `.env` lines the way the tools that write them do: `export `, both quotes, comments behind a value. */
#include "conf/env.h"

#include <ctype.h>
#include <string.h>

struct line_reader {
    struct env *env;
    env_fault_fn fault;
    void *ctx;
    unsigned line;
};

static char *skip_blanks(char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

static bool is_name_char(char c, bool is_first)
{
    return isalpha((unsigned char)c) || c == '_' || (!is_first && isdigit((unsigned char)c));
}

static void complain(struct line_reader *reader, const char *text)
{
    reader->fault(reader->ctx, reader->line, /* is_error= */ true, text);
}

/* Whether nothing but a comment follows a value in quotes. */
static bool is_line_end(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return *p == '\0' || *p == '#';
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* Cuts a value in quotes out of `p`, which is at the first quote. Returns NULL after a complaint. */
static const char *cut_quoted(struct line_reader *reader, char *p)
{
    char quote = *p++;
    char *value = p, *out = p;

    for (; *p && *p != quote; p++) {
        if (quote == '"' && *p == '\\' && p[1])
            *out++ = unescape(*++p);
        else
            *out++ = *p;
    }
    if (!*p) {
        complain(reader, quote == '"' ? "the value's \" is not closed on its line"
                                      : "the value's ' is not closed on its line");
        return NULL;
    }
    if (!is_line_end(p + 1)) {
        complain(reader, "there is something behind the value's closing quote; put a # before a comment");
        return NULL;
    }
    *out = '\0';
    return value;
}

/* Cuts a bare value: up to a # with a blank before it, without blanks at the end. */
static const char *cut_bare(char *p, bool has_blank_before)
{
    char *end = p;

    for (char *q = p; *q; q++) {
        bool is_after_blank = q == p ? has_blank_before : q[-1] == ' ' || q[-1] == '\t';
        if (*q == '#' && is_after_blank)
            break;
        if (*q != ' ' && *q != '\t' && *q != '\r')
            end = q + 1;
    }
    *end = '\0';
    return p;
}

static void add_entry(struct line_reader *reader, const char *name, const char *value)
{
    struct env *env = reader->env;

    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->entries[i].name, name) == 0) {
            reader->fault(reader->ctx, reader->line, /* is_error= */ false, name);
            env->entries[i].value = value;
            env->entries[i].line = reader->line;
            return;
        }
    if (env->count == ENV_ENTRIES_MAX) {
        complain(reader, "there are too many lines; 1000 names is the limit");
        return;
    }
    env->entries[env->count++] = (struct env_entry){ name, value, reader->line };
}

static void read_line(struct line_reader *reader, char *p)
{
    p = skip_blanks(p);
    if (*p == '\0' || *p == '#')
        return;
    if (strncmp(p, "export", 6) == 0 && (p[6] == ' ' || p[6] == '\t'))
        p = skip_blanks(p + 6);

    char *name = p;
    while (is_name_char(*p, p == name))
        p++;
    char *name_end = p;
    p = skip_blanks(p);
    if (name_end == name || *p != '=') {
        complain(reader, "a line must be NAME=value, or a comment that starts with #");
        return;
    }
    char *after = p + 1;
    char *start = skip_blanks(after);
    const char *value =
        *start == '"' || *start == '\'' ? cut_quoted(reader, start) : cut_bare(start, start != after);
    *name_end = '\0';
    if (value)
        add_entry(reader, name, value);
}

void env_parse(struct env *env, char *text, env_fault_fn fault, void *ctx)
{
    struct line_reader reader = { .env = env, .fault = fault, .ctx = ctx };

    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3; /* the mark that some editors put first */
    env->count = 0;
    while (text) {
        char *end = strchr(text, '\n');
        if (end)
            *end = '\0';
        reader.line++;
        read_line(&reader, text);
        text = end ? end + 1 : NULL;
    }
}

const char *env_find(const struct env *env, const char *name)
{
    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->entries[i].name, name) == 0)
            return env->entries[i].value;
    return NULL;
}
