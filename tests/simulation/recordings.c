/* The host of Exotel's recordings: Basic credentials, and a file that comes some time after the call, or never. */
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
    } else if (request->now_ms < call->recording_ms) {
        answer_not_yet(call, reply);
    } else if (call->recording == TRUTH_RECORDING_EMPTY) {
        answer_text(reply, 200, "");
    } else {
        reply->status = 200;
        reply->body = recording_bytes(call, &reply->body_size);
        reply->content_type = "audio/mpeg";
    }
}
