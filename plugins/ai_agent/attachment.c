/* The first step of a record: the user's number as the numbering plan writes it, and the attachments that are given by
 * address, fetched one a round. None of them holds up the ticket for long, and none is fatal: what could not be had is
 * noted with its reason. */
#include "ai_agent.h"

#include <string.h>
#include <strings.h>

enum { RETRY_MS = 2000, RETRY_MAX_MS = 60 * 1000, REQUEST_MS = 30 * 1000 };

/* The next item to fetch; -1: there is none left. */
static int next_item(const struct sb_exchange *x)
{
    const json_t *items = sb_get(x, "attachments.items");
    size_t index;
    json_t *item;

    json_array_foreach (items, index, item) {
        if (sb_json_str(item, "url") && !sb_json_str(item, "file") && !sb_json_str(item, "why"))
            return (int)index;
    }
    return -1;
}

static const char *member(struct sb_exchange *x, int index, const char *name)
{
    return sb_printf(x, "attachments.items.%d.%s", index, name);
}

/* Goes on with the next one. */
static enum sb_verdict give_up(struct sb_exchange *x, int index, const char *why)
{
    sb_note(x, "attachment %d: %s", index + 1, why);
    sb_set_str(x, member(x, index, "why"), why);
    return sb_again(x, 0);
}

/* Here, and not where the escalation is taken: no agent waits for it. */
static bool adds_number(struct sb_exchange *x)
{
    const char *phone = sb_get_str(x, "user.phone");
    const char *e164 = phone && !sb_get(x, "user.phone_e164") ? sb_phone_e164(x, phone, NULL, NULL) : NULL;

    if (e164)
        sb_set_str(x, "user.phone_e164", e164);
    return e164 != NULL;
}

enum sb_verdict agent_build_fetch(struct sb_exchange *x)
{
    int index = next_item(x);

    if (sb_round(x) == 0 && adds_number(x))
        return index < 0 ? SB_SKIP : sb_again(x, 0); /* a build that changes the record sends nothing */
    if (index < 0)
        return SB_SKIP;
    if (sb_step_age_ms(x) > sb_option_int(x, "attachment_wait"))
        return give_up(x, index, "it could not be fetched in time");
    if (!sb_request_url(x, "GET", sb_get_str(x, member(x, index, "url"))))
        return give_up(x, index, "its host is not among attachment_hosts");
    if (!sb_option_bool(x, "allow_private"))
        sb_public_only(x); /* an allowed name may lead home */
    sb_timeout_ms(x, REQUEST_MS);
    sb_save_body(x, sb_printf(x, "attachment-%d", index + 1), (uint64_t)sb_option_int(x, "attachment_max"));
    return SB_OK;
}

/* Whether the same request may do better in a moment. */
static bool is_passing(const struct sb_exchange *x)
{
    int status = sb_http_status(x);
    bool is_lasting = false;

    if (sb_http_fault(x, &is_lasting))
        return !is_lasting;
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* How long to wait before the next try: the longer, the longer it has been tried for; the last one at the very end. 0: it is
 * too late for another. */
static int64_t pause_ms(const struct sb_exchange *x)
{
    int64_t age_ms = sb_step_age_ms(x), left_ms = sb_option_int(x, "attachment_wait") - age_ms;
    int64_t ms = age_ms / 2 < RETRY_MS ? RETRY_MS : age_ms / 2;

    if (left_ms < RETRY_MS)
        return 0;
    if (ms > RETRY_MAX_MS)
        ms = RETRY_MAX_MS;
    return ms < left_ms ? ms : left_ms;
}

static const char *why_not(struct sb_exchange *x)
{
    const char *fault = sb_http_fault(x, NULL);

    return fault ? sb_printf(x, "it could not be fetched: %s", fault)
                 : sb_printf(x, "the server answered %d", sb_http_status(x));
}

/* ---- a page instead of the file ---- */

/* What a file of these kinds is never sent as. */
static const char *const no_pages[] = { "png", "jpg",  "jpeg", "gif",  "webp", "heic", "bmp", "tif", "tiff",
                                        "svg", "pdf",  "txt",  "log",  "csv",  "json", "xml", "doc", "docx",
                                        "xls", "xlsx", "ppt",  "pptx", "odt",  "ods",  "zip", "gz",  "eml",
                                        "mp3", "m4a",  "wav",  "ogg",  "mp4",  "webm", "mov", "avi" };

static bool is_page(const char *type)
{
    return strcasecmp(type, "text/html") == 0 || strcasecmp(type, "application/xhtml+xml") == 0;
}

/* By what comes behind the last dot of a name or an address. */
static bool is_named_otherwise(struct sb_exchange *x, const char *text)
{
    const char *path = text ? sb_strndup(x, text, strcspn(text, "?#")) : "", *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof(no_pages) / sizeof(no_pages[0]); i++)
        if (strcasecmp(dot + 1, no_pages[i]) == 0)
            return true;
    return false;
}

/* Some hosts say with 200 and a page for people that there is no such file, or that one has to log in. */
static bool is_page_instead(struct sb_exchange *x, int index, const char *type)
{
    const char *expected = sb_get_str(x, member(x, index, "content_type"));

    if (!type || !is_page(type))
        return false;
    if (expected && strcasecmp(expected, "application/octet-stream") != 0)
        return !is_page(expected);
    return is_named_otherwise(x, sb_get_str(x, member(x, index, "name"))) ||
           is_named_otherwise(x, sb_get_str(x, member(x, index, "url")));
}

enum sb_verdict agent_fold_fetch(struct sb_exchange *x)
{
    int index = next_item(x);
    const char *file = sb_saved_file(x), *header = sb_http_header(x, "Content-Type");
    const char *type = header ? sb_strndup(x, header, strcspn(header, "; \t")) : NULL;

    if (index < 0)
        return SB_SKIP;
    /* Not as a fault of this source: others' files are at other hosts. */
    int64_t delay_ms = is_passing(x) ? pause_ms(x) : 0;
    if (delay_ms > 0)
        return sb_again(x, delay_ms);
    if (sb_http_status(x) != 200 || !file)
        return give_up(x, index, why_not(x));
    if (is_page_instead(x, index, type))
        return give_up(x, index, "the server answered with a web page instead of the file");
    sb_set_str(x, member(x, index, "file"), file);
    sb_set_int(x, member(x, index, "size"), (int64_t)sb_saved_size(x));
    if (type && !sb_get_str(x, member(x, index, "content_type")))
        sb_set_str(x, member(x, index, "content_type"), type);
    return sb_again(x, 0);
}
