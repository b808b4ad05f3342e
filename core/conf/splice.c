/* engine.conf and the files that it includes as one text, with the origin of every line. libconfig could include by
 * itself, but ends the process when a folder is named, looks for every file in one place only, and names no file in its
 * message when there is none. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "conf/inner.h"

/* What the end of a line leaves open. */
enum mode { MODE_PLAIN, MODE_COMMENT };

struct splicer {
    struct conf *conf;
    const char *open[CONF_INCLUDE_DEPTH_MAX + 1]; /* the files that are being read, the main one first */
    enum mode mode;                               /* survives the borders of files, as it does in libconfig */
    bool has_room;
};

static void splice_text(struct splicer *splicer, const char *path, const char *shown, char *text,
                        unsigned depth);

/* Follows comments and quotes through one line. */
static enum mode mode_after(enum mode mode, const char *line)
{
    bool in_quotes = false;

    for (const char *p = line; *p; p++) {
        if (mode == MODE_COMMENT) {
            if (p[0] == '*' && p[1] == '/') {
                mode = MODE_PLAIN;
                p++;
            }
        } else if (in_quotes) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == '"')
                in_quotes = false;
        } else if (*p == '"') {
            in_quotes = true;
        } else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
            return mode;
        } else if (p[0] == '/' && p[1] == '*') {
            mode = MODE_COMMENT;
            p++;
        }
    }
    return mode;
}

static void add_line(struct splicer *splicer, const char *line, size_t file, unsigned number)
{
    struct conf_inner *inner = splicer->conf->inner;

    if (inner->line_count == CONF_LINES_MAX) {
        if (splicer->has_room)
            conf_say(splicer->conf, CONF_ERROR, inner->files[file], number,
                     "there are too many lines; %d is the limit", CONF_LINES_MAX);
        splicer->has_room = false;
        return;
    }
    inner->origins[inner->line_count++] = (struct conf_origin){ file, number };
    buf_str(&inner->text, line);
    buf_char(&inner->text, '\n');
}

/* The name in `@include "name"`, cut out of `line`; NULL after a complaint. */
static char *included_name(struct splicer *splicer, char *line, size_t file, unsigned number)
{
    char *p = line + strspn(line, " \t") + strlen("@include");
    p += strspn(p, " \t");
    char *end = *p == '"' ? strchr(p + 1, '"') : NULL;

    if (!end || end == p + 1) {
        conf_say(splicer->conf, CONF_ERROR, splicer->conf->inner->files[file], number,
                 "'@include' needs the name of a file in quotes: @include \"extra.conf\"");
        return NULL;
    }
    const char *rest = end + 1 + strspn(end + 1, " \t;");
    if (*rest && *rest != '#' && strncmp(rest, "//", 2) != 0) {
        conf_say(splicer->conf, CONF_ERROR, splicer->conf->inner->files[file], number,
                 "there is something behind the name of the file in '@include'");
        return NULL;
    }
    *end = '\0';
    return p + 1;
}

/* `name` beside the file `beside`; without "./", so that messages show what people typed. */
static char *path_beside(const char *beside, const char *name)
{
    const char *slash = strrchr(beside, '/');
    int length = slash && *name != '/' ? (int)(slash - beside + 1) : 0;
    AUTO_BUF path;

    buf_init(&path, CONF_FILE_BYTES_MAX);
    buf_printf(&path, "%.*s%s", length, beside, name);
    return buf_take(&path, NULL);
}

/* Whether `target` may be read now: not while it is being read, and not too deep. */
static bool may_include(const struct splicer *splicer, const char *target, size_t file, unsigned number,
                        unsigned depth)
{
    const char *shown = splicer->conf->inner->files[file];

    for (unsigned i = 0; i <= depth; i++)
        if (strcmp(splicer->open[i], target) == 0) {
            conf_say(splicer->conf, CONF_ERROR, shown, number, "'@include': '%s' would include itself",
                     target);
            return false;
        }
    if (depth == CONF_INCLUDE_DEPTH_MAX)
        conf_say(splicer->conf, CONF_ERROR, shown, number,
                 "'@include': files are nested too deep; %d is the limit", CONF_INCLUDE_DEPTH_MAX);
    return depth < CONF_INCLUDE_DEPTH_MAX;
}

static void splice_include(struct splicer *splicer, char *line, const char *path, size_t file,
                           unsigned number, unsigned depth)
{
    struct conf *conf = splicer->conf;
    const char *shown = conf->inner->files[file];
    char *name = included_name(splicer, line, file, number);
    if (!name)
        return;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR target = path_beside(path, name);
    AUTO_STR text = NULL;
    size_t size = 0;
    if (!target) {
        conf->inner->is_out_of_memory = true;
        return;
    }
    if (!may_include(splicer, target, file, number, depth))
        return;
    if (file_read(target, CONF_FILE_BYTES_MAX, &text, &size, &err) < 0) {
        conf_say(conf, CONF_ERROR, shown, number, "'@include': %s", err.text);
        return;
    }
    if (strlen(text) != size) {
        conf_say(conf, CONF_ERROR, shown, number, "cannot include '%s': it is not a text file", name);
        return;
    }
    splice_text(splicer, target, target, text, depth + 1);
    explicit_bzero(text, size);
}

static bool has_control(const char *line)
{
    for (; *line; line++)
        if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7F)
            return true;
    return false;
}

static void splice_line(struct splicer *splicer, char *line, const char *path, size_t file, unsigned number,
                        unsigned depth)
{
    const char *word = line + strspn(line, " \t");
    bool is_include = splicer->mode == MODE_PLAIN && strncmp(word, "@include", 8) == 0;

    const char *fault = !utf8_is_valid(line, strlen(line)) ? "this line is not UTF-8; save the file as UTF-8"
                        : has_control(line)                ? "this line has a control character in it"
                                                           : NULL;
    if (fault) {
        conf_say(splicer->conf, CONF_ERROR, splicer->conf->inner->files[file], number, "%s", fault);
        add_line(splicer, "", file, number);
        return;
    }
    if (!is_include) {
        splicer->mode = mode_after(splicer->mode, line);
        add_line(splicer, line, file, number);
        return;
    }
    add_line(splicer, "", file, number);
    splice_include(splicer, line, path, file, number, depth);
}

static void splice_text(struct splicer *splicer, const char *path, const char *shown, char *text,
                        unsigned depth)
{
    size_t file = conf_add_file(splicer->conf, shown);
    unsigned number = 0;

    if (file == CONF_FILES_MAX) {
        conf_say(splicer->conf, CONF_ERROR, shown, 0, "there are too many files; %d is the limit",
                 CONF_FILES_MAX);
        return;
    }
    splicer->open[depth] = path;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3; /* the mark that some editors put first */
    while (text && *text && splicer->has_room) {
        char *end = strchr(text, '\n');
        if (end)
            *end = '\0';
        size_t length = strlen(text);
        if (length > 0 && text[length - 1] == '\r')
            text[length - 1] = '\0';
        splice_line(splicer, text, path, file, ++number, depth);
        text = end ? end + 1 : NULL;
    }
}

int conf_splice(struct conf *conf, const char *path, struct sb_error *err)
{
    struct splicer splicer = { .conf = conf, .has_room = true };
    AUTO_STR text = NULL;
    size_t size = 0;
    int rc = file_read(path, CONF_FILE_BYTES_MAX, &text, &size, err);
    if (rc < 0)
        return rc;
    if (strlen(text) != size)
        return sb_fail(err, SB_ECONFIG, "cannot read '%s': it is not a text file", path);

    conf->inner->origins = calloc(CONF_LINES_MAX, sizeof(*conf->inner->origins));
    if (!conf->inner->origins)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    splice_text(&splicer, path, path, text, 0);
    explicit_bzero(text, size); /* it may hold secrets that somebody wrote into it */
    if (conf->inner->text.failed)
        return sb_fail(err, SB_ENOMEM, "cannot read '%s': out of memory", path);
    return 0;
}
