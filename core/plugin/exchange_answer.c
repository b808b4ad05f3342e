/* The answer as a step reads it, and lenient readers for documents that came from elsewhere. */
#include <string.h>

#include "base/json.h"
#include "plugin/exchange_inner.h"

int sb_http_status(const struct sb_exchange *x)
{
    return x->response ? x->response->status : 0;
}

const char *sb_http_fault(const struct sb_exchange *x, bool *ret_is_lasting)
{
    bool has_none = x->response && x->response->status == 0;

    if (ret_is_lasting)
        *ret_is_lasting = has_none && (x->response->is_too_large || x->response->is_forbidden);
    return has_none ? x->response->fault : NULL;
}

const char *sb_http_header(const struct sb_exchange *x, const char *name)
{
    return x->response && name ? http_response_header(x->response, name) : NULL;
}

const json_t *sb_http_json(const struct sb_exchange *x)
{
    struct sb_exchange *writable = (struct sb_exchange *)(uintptr_t)x; /* parsed on first use */

    if (x->response && !x->response_json_tried) {
        writable->response_json_tried = true;
        writable->response_json = json_parse(x->response->body, x->response->body_size, NULL);
    }
    return x->response_json;
}

const char *sb_http_text(const struct sb_exchange *x, size_t *ret_size)
{
    bool has_body = x->response && x->response->body;

    if (ret_size)
        *ret_size = has_body ? x->response->body_size : 0;
    return has_body ? x->response->body : "";
}

/* ---- what was saved ------------------------------------------------------------------------------------ */

static bool has_saved(const struct sb_exchange *x)
{
    return x->response && x->response->is_saved;
}

const char *sb_saved_file(const struct sb_exchange *x)
{
    return has_saved(x) ? x->saved_file : NULL;
}

uint64_t sb_saved_size(const struct sb_exchange *x)
{
    return has_saved(x) ? x->response->saved_size : 0;
}

const char *sb_saved_sha256(const struct sb_exchange *x)
{
    return has_saved(x) ? x->response->saved_sha256 : NULL;
}

const unsigned char *sb_saved_head(const struct sb_exchange *x, size_t *ret_size)
{
    if (ret_size)
        *ret_size = has_saved(x) ? x->response->saved_head_size : 0;
    return has_saved(x) ? x->response->saved_head : NULL;
}

/* ---- documents ----------------------------------------------------------------------------------------- */

const char *sb_json_str(const json_t *object, const char *name)
{
    return json_str(object, name);
}

int64_t sb_json_int(const json_t *object, const char *name, int64_t otherwise)
{
    return json_int(object, name, otherwise);
}

double sb_json_number(const json_t *object, const char *name, double otherwise)
{
    return json_num(object, name, otherwise);
}

const json_t *sb_json_at(const json_t *value, const char *path)
{
    return path ? json_at(value, path) : NULL;
}

const char *sb_json_kind(const json_t *value)
{
    return json_kind(value);
}
