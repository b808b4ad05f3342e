/* The request as a step writes it: a draft that is checked and made ready once build has said SB_OK. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "io/url.h"
#include "plugin/exchange_inner.h"

enum { FILE_NAME_MAX = 100, FOLDER_RECORDS = 1000 };

/* ---- starting ------------------------------------------------------------------------------------------ */

void exchange_drop_request(struct sb_exchange *x)
{
    struct request_draft *draft = &((struct exchange_private *)x->private_)->draft;

    buf_done(&draft->path);
    buf_done(&draft->query);
    buf_done(&draft->form);
    json_decref(draft->body_json);
    free(draft->body_text);
    *draft = (struct request_draft){ .path = draft->path, .query = draft->query, .form = draft->form };
    x->request = (struct http_request){ .method = NULL };
    x->has_request = false;
}

static bool is_method(const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; method && i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static struct request_draft *begin(struct sb_exchange *x, const char *method, const char *base)
{
    struct request_draft *draft = &((struct exchange_private *)x->private_)->draft;

    exchange_only_in(x, PHASE_BUILD, "sb_request");
    exchange_drop_request(x);
    if (!is_method(method))
        exchange_defect(x, "'%s' is not a method such as GET", method ? method : "");
    draft->method = sb_strdup(x, method);
    draft->base = sb_strdup(x, base);
    draft->has_begun = true;
    return draft;
}

void sb_request(struct sb_exchange *x, const char *method, const char *base)
{
    if (!base)
        exchange_defect(x, "sb_request was called without a base address");
    (void)begin(x, method, base);
}

bool sb_request_url(struct sb_exchange *x, const char *method, const char *url)
{
    struct url_place place;

    if (!url)
        return false;
    int rc = url_place(url, &place, NULL);
    if (rc == SB_ENOMEM)
        exchange_run_out(x);
    if (rc < 0 || place.has_secret || place.has_user)
        return false;
    if (!place.is_https && !place.is_loopback)
        return false;
    if (!instance_host_is_allowed(x->in.instance, place.host))
        return false;
    (void)begin(x, method, url);
    return true;
}

/* The draft that a function adds to; a defect when there is none. */
static struct request_draft *draft_of(struct sb_exchange *x, const char *what)
{
    struct request_draft *draft = &((struct exchange_private *)x->private_)->draft;

    if (!draft->has_begun)
        exchange_defect(x, "%s was called before sb_request", what);
    return draft;
}

/* ---- the address --------------------------------------------------------------------------------------- */

static void refuse_secret(struct sb_exchange *x, const char *text, const char *where)
{
    if (!text)
        exchange_defect(x, "a name that is missing was put into %s", where);
    else if (strchr(text, INSTANCE_SECRET_BEGIN))
        exchange_defect(x, "a secret, or a control character, was put into %s", where);
}

void sb_path(struct sb_exchange *x, const char *segment)
{
    struct request_draft *draft = draft_of(x, "sb_path");

    /* "." and ".." would climb, escaped or not; an empty segment is a value that is missing. */
    if (!segment || !*segment || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
        exchange_defect(x, "'%s' cannot be a segment of a path", segment ? segment : "");
        return;
    }
    refuse_secret(x, segment, "the address");
    url_add_segment(&draft->path, segment);
}

void sb_paths(struct sb_exchange *x, const char *constant)
{
    struct request_draft *draft = draft_of(x, "sb_paths");

    if (!constant || *constant != '/' || strpbrk(constant, "?#\\ ") || strstr(constant, "/../")) {
        exchange_defect(x, "sb_paths needs a constant path that begins with '/'");
        return;
    }
    refuse_secret(x, constant, "the address");
    buf_str(&draft->path, constant);
}

void sb_query(struct sb_exchange *x, const char *name, const char *value)
{
    struct request_draft *draft = draft_of(x, "sb_query");

    if (!value)
        return;
    refuse_secret(x, name, "the address");
    refuse_secret(x, value, "the address");
    if (name)
        url_add_pair(&draft->query, name, value);
}

void sb_query_int(struct sb_exchange *x, const char *name, int64_t value)
{
    sb_query(x, name, sb_printf(x, "%lld", (long long)value));
}

void sb_anonymous(struct sb_exchange *x)
{
    draft_of(x, "sb_anonymous")->is_anonymous = true;
}

void sb_public_only(struct sb_exchange *x)
{
    (void)draft_of(x, "sb_public_only");
    x->request.public_only = true;
}

/* ---- headers ------------------------------------------------------------------------------------------- */

static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    return true;
}

/* Headers that the client writes itself: two of them would let a request be read in two ways. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = { "Host",       "Content-Length",      "Transfer-Encoding",
                                         "Connection", "Proxy-Authorization", "Expect" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_header_value(const char *value)
{
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        bool is_mark = *c == INSTANCE_SECRET_BEGIN || *c == INSTANCE_SECRET_END;
        if ((*c < 0x20 && *c != '\t' && !is_mark) || *c == 0x7f)
            return false;
    }
    return true;
}

void sb_header(struct sb_exchange *x, const char *name, const char *value)
{
    (void)draft_of(x, "sb_header");
    if (!value)
        return;
    if (!name || !is_token(name) || is_reserved(name)) {
        exchange_defect(x, "'%s' is not a header that a plugin may set", name ? name : "");
        return;
    }
    if (!is_header_value(value)) {
        exchange_defect(x, "the value of the header '%s' holds a line break or another control character",
                        name);
        return;
    }
    if (x->request.header_count == HTTP_HEADERS_MAX) {
        exchange_defect(x, "a request may have at most %d headers", HTTP_HEADERS_MAX);
        return;
    }
    const char *name_copy = sb_strdup(x, name);
    x->request.headers[x->request.header_count++] =
        (struct http_header){ .name = name_copy, .value = sb_strdup(x, value) };
}

/* ---- the body ------------------------------------------------------------------------------------------ */

static struct request_draft *set_form(struct sb_exchange *x, enum body_form form, const char *what)
{
    struct request_draft *draft = draft_of(x, what);

    bool may_repeat = form == BODY_FORM || form == BODY_PARTS;
    if (draft->body_form != BODY_NONE && !(may_repeat && draft->body_form == form))
        exchange_defect(x, "%s: the request has a body already", what);
    draft->body_form = form;
    return draft;
}

void sb_body_json(struct sb_exchange *x, json_t *value)
{
    (void)sb_keep(x, value);
    if (!value)
        exchange_defect(x, "sb_body_json was called without a value");
    struct request_draft *draft = set_form(x, BODY_JSON, "sb_body_json");
    draft->body_json = json_incref(value);
}

void sb_body_text(struct sb_exchange *x, const char *content_type, const char *text, size_t size)
{
    (void)set_form(x, BODY_TEXT, "sb_body_text");
    if (size > EXCHANGE_BODY_MAX || (!text && size > 0)) {
        exchange_defect(x, "sb_body_text: no text, or more than %d bytes", EXCHANGE_BODY_MAX);
        return;
    }
    char *copy = exchange_alloc(x, size + 1);
    if (size > 0)
        memcpy(copy, text, size);
    sb_header(x, "Content-Type", content_type);
    x->request.body_kind = HTTP_BODY_BYTES;
    x->request.body = copy;
    x->request.body_size = size;
}

void sb_body_file(struct sb_exchange *x, const char *content_type, const char *file)
{
    struct request_draft *draft = set_form(x, BODY_FILE, "sb_body_file");

    x->request.body_path = exchange_file_path(x, file);
    x->request.body_kind = HTTP_BODY_FILE;
    draft->file = sb_strdup(x, file);
    sb_header(x, "Content-Type", content_type);
}

void sb_form(struct sb_exchange *x, const char *name, const char *value)
{
    struct request_draft *draft = set_form(x, BODY_FORM, "sb_form");

    if (!value)
        return;
    refuse_secret(x, name, "a form");
    if (instance_finds_secret(x->in.instance, value))
        exchange_defect(x, "a secret was put into a form");
    if (name)
        url_add_pair(&draft->form, name, value);
}

static struct http_part *new_part(struct sb_exchange *x, const char *name, const char *what)
{
    (void)set_form(x, BODY_PARTS, what);
    if (x->request.part_count == HTTP_PARTS_MAX || !name) {
        exchange_defect(x, "%s: no name, or more than %d parts", what, HTTP_PARTS_MAX);
        return &x->request.parts[0];
    }
    const char *copy = sb_strdup(x, name);
    x->request.body_kind = HTTP_BODY_MULTIPART;
    struct http_part *part = &x->request.parts[x->request.part_count++];
    *part = (struct http_part){ .name = copy };
    return part;
}

void sb_multipart(struct sb_exchange *x, const char *name, const char *value)
{
    if (!value)
        return;
    if (instance_finds_secret(x->in.instance, value))
        exchange_defect(x, "a secret was put into a form");
    struct http_part *part = new_part(x, name, "sb_multipart");
    part->size = strlen(value);
    part->bytes = sb_strdup(x, value);
}

void sb_multipart_file(struct sb_exchange *x, const char *name, const char *filename,
                       const char *content_type, const char *file)
{
    const char *path = exchange_file_path(x, file);
    struct http_part *part = new_part(x, name, "sb_multipart_file");

    part->path = path;
    part->filename = sb_strdup(x, filename ? filename : "file");
    part->content_type = content_type ? sb_strdup(x, content_type) : NULL;
    struct request_draft *draft = draft_of(x, "sb_multipart_file");
    draft->part_files[part - x->request.parts] = sb_strdup(x, file);
}

bool sb_multipart_base64(struct sb_exchange *x, const char *name, const char *filename,
                         const char *content_type, const char *base64)
{
    size_t size = base64 ? strlen(base64) : 0;

    if (!base64 || base64_size(base64, size) < 0)
        return false;
    unsigned char *bytes = exchange_alloc(x, size / 4 * 3 + 1);
    struct http_part *part = new_part(x, name, "sb_multipart_base64");
    part->bytes = (const char *)bytes;
    part->size = (size_t)base64_read(base64, size, bytes);
    part->filename = sb_strdup(x, filename ? filename : "file");
    part->content_type = content_type ? sb_strdup(x, content_type) : NULL;
    return true;
}

/* ---- files, limits, signature -------------------------------------------------------------------------- */

static bool is_file_name(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > FILE_NAME_MAX || name[0] == '.')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
            return false;
    return true;
}

/* What the names of a record's files begin with. A thousand records share a folder, "12k/12345-recording.mp3": making
 * and syncing one for each would cost more than the file. */
static const char *file_prefix(struct sb_exchange *x)
{
    long long id = x->in.record_id;

    return sb_printf(x, "%lldk/%lld-", id / FOLDER_RECORDS, id);
}

static bool is_file_below(const char *file, const char *prefix)
{
    size_t size = strlen(prefix);

    return strncmp(file, prefix, size) == 0 && is_file_name(file + size);
}

const char *exchange_file_path(struct sb_exchange *x, const char *file)
{
    /* Journals of before name files in a folder of the record. */
    const char *old_prefix = sb_printf(x, "%lld/", (long long)x->in.record_id);

    /* A step sees the files of its own record and nothing else of the disk. */
    if (!x->in.instance->files_dir || x->in.record_id == 0 || !file ||
        (!is_file_below(file, file_prefix(x)) && !is_file_below(file, old_prefix))) {
        exchange_defect(x, "'%s' is not a file of this record", file ? file : "");
        return NULL;
    }
    return sb_printf(x, "%s/%s", x->in.instance->files_dir, file);
}

void sb_save_body(struct sb_exchange *x, const char *name, uint64_t size_max)
{
    struct request_draft *draft = draft_of(x, "sb_save_body");

    if (!name || size_max == 0) {
        exchange_defect(x, "sb_save_body needs a name and a size");
        return;
    }
    draft->save_file = sb_printf(x, "%s%s", file_prefix(x), name);
    x->request.save_path = exchange_file_path(x, draft->save_file);
    x->request.save_size_max = size_max;
}

int64_t sb_file_size(const struct sb_exchange *x, const char *file)
{
    struct sb_exchange *writable =
        (struct sb_exchange *)(uintptr_t)x; /* memory for the path; nothing else changes */
    struct stat info;
    const char *path = exchange_file_path(writable, file);

    if (!path)
        return -1;
    if (x->in.instance->file_size)
        return x->in.instance->file_size(x->in.instance->file_ctx, path);
    if (stat(path, &info) == 0)
        return S_ISREG(info.st_mode) ? info.st_size : -1;
    /* A disk that does not answer is no missing file: what a step does without the file would be for ever. */
    if (errno != ENOENT && errno != ENOTDIR)
        exchange_give_up(writable, "cannot look at '%s': %s", file, strerror(errno));
    return -1;
}

void sb_timeout_ms(struct sb_exchange *x, int64_t timeout_ms)
{
    struct request_draft *draft = draft_of(x, "sb_timeout_ms");

    if (timeout_ms <= 0)
        exchange_defect(x, "a time limit must be longer than 0 ms");
    draft->timeout_ms = timeout_ms < EXCHANGE_TIMEOUT_MS_MAX ? timeout_ms : EXCHANGE_TIMEOUT_MS_MAX;
}

void sb_sign_body(struct sb_exchange *x, const char *header, const char *secret_option)
{
    struct request_draft *draft = draft_of(x, "sb_sign_body");

    if (!header || !is_token(header) || is_reserved(header) || !secret_option) {
        exchange_defect(x, "sb_sign_body needs a header and a secret option");
        return;
    }
    draft->sign_header = sb_strdup(x, header);
    draft->sign_option = sb_strdup(x, secret_option);
}

void sb_sign_timed(struct sb_exchange *x, const char *time_header, const char *header,
                   const char *secret_option)
{
    sb_sign_body(x, header, secret_option);
    if (!time_header)
        exchange_defect(x, "sb_sign_timed needs a header for the time");
    draft_of(x, "sb_sign_timed")->sign_time = sb_printf(x, "%lld", (long long)(x->in.now_ms / 1000));
    sb_header(x, time_header, draft_of(x, "sb_sign_timed")->sign_time);
}
