/* The hosts of Exotel's recordings: Basic credentials, and a file that comes some time after the call, or never. Older ones
 * lie on a storage of somebody else, who is to see no credentials: some of those can be had there by anybody, the others at
 * Exotel's own host only. */
#include <stdlib.h>
#include <string.h>

#include "simulation/company.h"
#include "simulation/memory.h"

static struct truth_call *named_call(const struct company *company, const char *path)
{
    static const char folder[] = "/exotelrecordings/" SIM_ACCOUNT "/";
    char sid[TRUTH_SID_SIZE] = "";

    if (strncmp(path, folder, sizeof(folder) - 1) != 0)
        return NULL;
    path += sizeof(folder) - 1;
    size_t size = strcspn(path, ".");
    if (size >= sizeof(sid) || strcmp(path + size, ".mp3") != 0)
        return NULL;
    memcpy(sid, path, size);
    return truth_call_by_sid(&company->truth, sid);
}

static void answer_text(struct sim_reply *reply, int status, const char *text)
{
    reply->status = status;
    reply->body = sim_copy(text);
    reply->body_size = strlen(text);
    reply->content_type = "text/html";
}

/* What comes too early is answered in the ways that were seen. */
static void answer_not_yet(const struct truth_call *call, struct sim_reply *reply)
{
    switch (call->code[2] % 3) {
    case 0:
        answer_text(reply, 404, "<html>no such key</html>");
        break;
    case 1:
        answer_text(reply, 403, "<html>forbidden</html>");
        break;
    default:
        answer_text(reply, 200, "");
        break;
    }
}

bool recording_is_stored(const struct truth_call *call)
{
    return call->code[3] % 8 == 0;
}

static void answer_file(const struct truth_call *call, int64_t now_ms, struct sim_reply *reply)
{
    if (now_ms < call->recording_ms) {
        answer_not_yet(call, reply);
    } else if (call->recording == TRUTH_RECORDING_EMPTY) {
        answer_text(reply, 200, "");
    } else {
        reply->status = 200;
        reply->body = recording_bytes(call, &reply->body_size);
        reply->content_type = "audio/mpeg";
    }
}

/* A storage takes no credentials that it does not know, and says of what it keeps from others that it is not there. */
void storage_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;

    watch_request(company, request);
    const struct truth_call *call = named_call(company, request->path);
    reply->think_ms = chance_between(&company->chance, 100, 1500);
    if (sim_request_header(request, "Authorization"))
        answer_text(reply, 400, "<Error><Code>InvalidArgument</Code></Error>");
    else if (!call || !recording_is_stored(call) || call->code[4] % 2 == 0)
        answer_text(reply, 403, "<Error><Code>AccessDenied</Code></Error>");
    else
        answer_file(call, request->now_ms, reply);
}

void recordings_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;

    watch_request(company, request);
    const struct truth_call *call = named_call(company, request->path);
    reply->think_ms = chance_between(&company->chance, 100, 1500);
    if (!exotel_is_authorized(request)) {
        answer_text(reply, 401, "<html>unauthorized</html>");
        sim_reply_header(reply, "WWW-Authenticate", "Basic realm=\"Restricted\"");
    } else if (!call) {
        answer_text(reply, 404, "<html>no such key</html>");
    } else {
        answer_file(call, request->now_ms, reply);
    }
}
