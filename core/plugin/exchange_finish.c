/* From a draft to a request that may be sent: the address and its host are checked, credentials are added as
 * placeholders, the body is written out and signed. And the same request as a document for the journal. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "io/url.h"
#include "plugin/exchange_inner.h"
#include "plugin/instance_secret.h"

enum { BODY_SHOWN_MAX = 64 * 1024 };

/* ---- the address --------------------------------------------------------------------------------------- */

static void fail_address(struct sb_exchange *x, const struct sb_error *err)
{
    if (err->status == SB_ENOMEM)
        exchange_run_out(x);
    exchange_defect(x, "%s", err->text);
}

static void write_url(struct sb_exchange *x, struct request_draft *draft, struct url_place *ret_place)
{
    struct sb_error err = SB_ERROR_INIT;
    struct buf url;

    if (draft->path.ran_out || draft->query.ran_out)
        exchange_run_out(x);
    if (draft->path.failed || draft->query.failed)
        exchange_defect(x, "the address is too long");
    buf_init(&url, URL_SIZE_MAX);
    if (url_build(draft->base, draft->path.data, draft->query.data, &url, &err) < 0) {
        buf_done(&url);
        fail_address(x, &err);
    }
    x->request.url = exchange_keep_buf(x, &url);
    if (url_place(x->request.url, ret_place, &err) < 0)
        fail_address(x, &err);
    if (ret_place->has_secret || instance_finds_secret(x->in.instance, x->request.url))
        exchange_defect(x, "a secret was put into the address");
    if (ret_place->has_user)
        exchange_defect(x, "a user name or password was put into the address");
    if (!ret_place->is_https && !ret_place->is_loopback)
        exchange_defect(x, "'%s' must be reached by https", ret_place->host);
    if (!instance_host_is_allowed(x->in.instance, ret_place->host))
        exchange_defect(x, "'%s' is not a host of this instance's options", ret_place->host);
}

/* ---- credentials --------------------------------------------------------------------------------------- */

static bool has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* The declared credentials as the value of a header, with a placeholder; NULL when there are none to send. */
static const char *credentials_of(struct sb_exchange *x, const struct sb_auth *auth)
{
    const char *prefix = auth->prefix ? auth->prefix : "";

    switch (auth->kind) {
    case SB_AUTH_NONE:
        break;
    case SB_AUTH_BASIC:
        return sb_printf(x, "Basic %c@basic%c", INSTANCE_SECRET_BEGIN, INSTANCE_SECRET_END);
    case SB_AUTH_HEADER:
        if (sb_option_is_set(x, auth->secret))
            return sb_printf(x, "%s%s", prefix, sb_option_str(x, auth->secret));
        break;
    case SB_AUTH_OAUTH2:
        return sb_printf(x, "%s%c@token%c", prefix, INSTANCE_SECRET_BEGIN, INSTANCE_SECRET_END);
    }
    return NULL;
}

static void add_credentials(struct sb_exchange *x, struct request_draft *draft, const char *host)
{
    const struct sb_auth *auth = x->in.instance->plugin->auth;

    if (!auth || draft->is_anonymous || !instance_host_has_credentials(x->in.instance, host))
        return;
    const char *header = auth->kind == SB_AUTH_BASIC || !auth->header ? "Authorization" : auth->header;
    const char *value = credentials_of(x, auth);
    if (!value || has_header(&x->request, header))
        return;
    sb_header(x, header, value);
    draft->uses_credentials = true;
    draft->uses_token = auth->kind == SB_AUTH_OAUTH2;
}

/* Secrets that the plugin put into headers itself may go to the same hosts only. */
static void check_headers(struct sb_exchange *x, const char *host)
{
    bool may_have = instance_host_has_credentials(x->in.instance, host);

    for (size_t i = 0; i < x->request.header_count; i++) {
        const struct http_header *header = &x->request.headers[i];
        if (strchr(header->value, INSTANCE_SECRET_BEGIN) && !may_have)
            exchange_defect(x, "the header '%s' has a secret, which '%s' may not see", header->name, host);
    }
}

/* ---- the body ------------------------------------------------------------------------------------------ */

static void set_bytes(struct sb_exchange *x, const char *text, size_t size, const char *content_type)
{
    x->request.body_kind = HTTP_BODY_BYTES;
    x->request.body = text;
    x->request.body_size = size;
    if (!has_header(&x->request, "Content-Type"))
        sb_header(x, "Content-Type", content_type);
}

static void write_body(struct sb_exchange *x, struct request_draft *draft)
{
    if (draft->body_form == BODY_JSON) {
        draft->body_text = json_text(draft->body_json);
        if (!draft->body_text) {
            if (json_dumpb(draft->body_json, NULL, 0, JSON_ENCODE_ANY) > 0)
                exchange_run_out(x); /* it can be written where there is memory */
            exchange_defect(x, "the body cannot be written as JSON");
            return;
        }
        set_bytes(x, draft->body_text, strlen(draft->body_text), "application/json");
    } else if (draft->body_form == BODY_FORM) {
        if (draft->form.ran_out)
            exchange_run_out(x);
        if (draft->form.failed)
            exchange_defect(x, "the form is too long");
        set_bytes(x, draft->form.data, draft->form.len, "application/x-www-form-urlencoded");
    }
    if (x->request.body_kind != HTTP_BODY_BYTES)
        return;
    if (x->request.body_size > EXCHANGE_BODY_MAX)
        exchange_defect(x, "the body is larger than %d bytes", EXCHANGE_BODY_MAX);
    bool has_mark = memchr(x->request.body, INSTANCE_SECRET_BEGIN, x->request.body_size) != NULL;
    if (has_mark || instance_finds_secret(x->in.instance, x->request.body))
        exchange_defect(x, "a secret, or a control character of theirs, was put into the body");
}

/* What is signed: the body, or "<seconds>.<body>". */
static const char *signed_text(struct sb_exchange *x, const struct request_draft *draft, size_t *ret_size)
{
    const struct http_request *request = &x->request;

    *ret_size = request->body_size;
    if (!draft->sign_time)
        return request->body;
    size_t time_size = strlen(draft->sign_time);
    char *text = exchange_alloc(x, time_size + 1 + request->body_size);
    memcpy(text, draft->sign_time, time_size);
    text[time_size] = '.';
    memcpy(text + time_size + 1, request->body, request->body_size);
    *ret_size = time_size + 1 + request->body_size;
    return text;
}

static void sign_body(struct sb_exchange *x, const struct request_draft *draft)
{
    char hex[DIGEST_HEX_SIZE];
    size_t size = 0;

    if (!draft->sign_header)
        return;
    if (x->request.body_kind != HTTP_BODY_BYTES)
        exchange_defect(x, "only a body of text, JSON or a form can be signed");
    const char *text = signed_text(x, draft, &size);
    if (!instance_hmac_hex(x->in.instance, draft->sign_option, text, size, hex))
        exchange_defect(x, "sb_sign_body: '%s' is not a secret option with a value", draft->sign_option);
    sb_header(x, draft->sign_header, sb_printf(x, "sha256=%s", hex));
}

/* The folder of the file that will be saved, made and synced when it is not there: once in a thousand records. */
static bool make_folder(struct sb_exchange *x)
{
    struct sb_error err = SB_ERROR_INIT;
    const char *end = x->request.save_path ? strrchr(x->request.save_path, '/') : NULL;

    if (!end)
        return true;
    const char *folder = sb_strndup(x, x->request.save_path, (size_t)(end - x->request.save_path));
    if (access(folder, F_OK) == 0)
        return true;
    if (file_make_dir(folder, 0700, &err) == 0 && file_sync_dir(x->in.instance->files_dir, &err) == 0)
        return true;
    exchange_say(x, "%s", err.text);
    return false;
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

enum sb_verdict exchange_finish_request(struct sb_exchange *x)
{
    struct request_draft *draft = &((struct exchange_private *)x->private_)->draft;
    const struct sb_step *step = x->in.step;
    struct http_request *request = &x->request;
    struct url_place place;

    write_url(x, draft, &place);
    check_headers(x, place.host);
    add_credentials(x, draft, place.host);
    write_body(x, draft);
    sign_body(x, draft);
    if (!make_folder(x))
        return SB_RETRY;

    int64_t timeout_ms = draft->timeout_ms;
    if (timeout_ms == 0)
        timeout_ms = instance_number(x->in.instance, "timeout", EXCHANGE_TIMEOUT_MS_DEFAULT);
    if (timeout_ms <= 0 || timeout_ms > EXCHANGE_TIMEOUT_MS_MAX)
        timeout_ms = EXCHANGE_TIMEOUT_MS_MAX;
    request->method = draft->method;
    request->timeout_ms = (uint32_t)timeout_ms;
    request->response_size_max = EXCHANGE_RESPONSE_SIZE_MAX;
    request->never_resend = step->effect == SB_CREATE;
    if (step->effect == SB_READ && strcmp(request->method, "GET") == 0)
        request->redirect_hosts = x->in.instance->allowed_hosts;
    x->has_request = true;
    return SB_OK;
}

bool exchange_uses_token(const struct sb_exchange *x)
{
    const struct exchange_private *own = x->private_;

    return own->draft.uses_token;
}

/* ---- for the journal ----------------------------------------------------------------------------------- */

static json_t *shown_text(const char *text, size_t size)
{
    AUTO_BUF masked;
    AUTO_BUF mended;

    buf_init(&masked, 4 * (size_t)BODY_SHOWN_MAX);
    buf_init(&mended, 4 * (size_t)BODY_SHOWN_MAX);
    instance_mask(text, &masked);
    utf8_mend(&mended, masked.data, masked.len);
    if (masked.failed || mended.failed)
        return json_pack("{s:I}", "bytes", (json_int_t)size);
    return json_string(mended.data);
}

static json_t *shown_bytes(const char *text, size_t size)
{
    if (size > BODY_SHOWN_MAX || !utf8_is_valid(text, size) || strlen(text) != size)
        return json_pack("{s:I}", "bytes", (json_int_t)size);
    return shown_text(text, size);
}

static json_t *shown_parts(const struct http_request *request, const struct request_draft *draft)
{
    json_t *parts = json_array();

    for (size_t i = 0; i < request->part_count; i++) {
        const struct http_part *part = &request->parts[i];
        json_t *shown = json_pack("{s:s}", "name", part->name);
        if (part->path)
            (void)json_object_set_new(shown, "file", json_string(draft->part_files[i]));
        else
            (void)json_object_set_new(shown, "value", shown_bytes(part->bytes, part->size));
        (void)json_array_append_new(parts, shown);
    }
    return parts;
}

static json_t *shown_body(const struct http_request *request, const struct request_draft *draft)
{
    switch (draft->body_form) {
    case BODY_NONE:
        break;
    case BODY_JSON:
        if (request->body_size > BODY_SHOWN_MAX)
            return json_pack("{s:I}", "bytes", (json_int_t)request->body_size);
        return json_incref(draft->body_json);
    case BODY_TEXT:
    case BODY_FORM:
        return shown_bytes(request->body, request->body_size);
    case BODY_FILE:
        return json_pack("{s:s}", "file", draft->file);
    case BODY_PARTS:
        return json_pack("{s:o}", "parts", shown_parts(request, draft));
    }
    return NULL;
}

json_t *exchange_request_json(const struct sb_exchange *x)
{
    const struct request_draft *draft = &((const struct exchange_private *)x->private_)->draft;
    const struct http_request *request = &x->request;
    json_t *headers = json_object();

    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        bool is_signature = draft->sign_header && strcasecmp(draft->sign_header, header->name) == 0;
        json_t *value =
            is_signature ? json_string("sha256=[hmac]") : shown_text(header->value, strlen(header->value));
        (void)json_object_set_new(headers, header->name, value); /* a failure shows in the pack below */
    }
    json_t *body = shown_body(request, draft);
    json_t *shown = json_pack("{s:s, s:s, s:o, s:o*}", "method", request->method, "url", request->url,
                              "headers", headers, "body", body);
    if (shown && request->save_path)
        (void)json_object_set_new(shown, "save", json_string(draft->save_file));
    return shown;
}
