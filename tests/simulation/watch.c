/* What may be where: every request that arrives anywhere is searched for secrets, sound and words that do not belong
 * there, and the engine's disk for secrets. */
#include <string.h>
#include <strings.h>

#include "simulation/company.h"

struct secret {
    const char *text, *host; /* where it may be */
    bool in_body;            /* in the body there; else in the header Authorization only */
};

#define ACCESS_TOKEN "1000.simaccess"
#define BEGINNING    "sim-" /* of most secrets: one search for all that are not there */

/* The credentials of Exotel travel in base 64: as such they are compared at both hosts. */
static const struct secret secrets[] = {
    { SIM_EXOTEL_KEY, "", false },
    { SIM_EXOTEL_TOKEN, "", false },
    { "c2ltLWV4b3RlbC1rZXk6c2ltLWV4b3RlbC10b2tlbg", SIM_HOST_EXOTEL, false },
    { "c2ltLWV4b3RlbC1rZXk6c2ltLWV4b3RlbC10b2tlbg", SIM_HOST_RECORDINGS, false },
    { SIM_DEEPGRAM_KEY, SIM_HOST_DEEPGRAM, false },
    { SIM_OPENAI_KEY, SIM_HOST_OPENAI, false },
    { SIM_CLIENT_SECRET, SIM_HOST_ACCOUNTS, true },
    { SIM_REFRESH_TOKEN, SIM_HOST_ACCOUNTS, true },
    { ACCESS_TOKEN, SIM_HOST_DESK, false },
    { SIM_WEB_TOKEN, "", false },
    { SIM_APP_TOKEN, "", false },
    { SIM_SIGNING_KEY, "", false },
    { SIM_CALLBACK_SECRET, "", false },
};

static bool holds(const char *bytes, size_t size, const char *text)
{
    return size > 0 && memmem(bytes, size, text, strlen(text)) != NULL;
}

/* Whether the same text may be at this host, by another line of the table. */
static bool may_be_here(const char *text, const char *host, bool in_body)
{
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (strcmp(secrets[i].text, text) == 0 && strcmp(secrets[i].host, host) == 0 &&
            secrets[i].in_body == in_body)
            return true;
    return false;
}

static void watch_secret(struct truth *truth, const struct sim_request *request, const char *secret)
{
    if (strstr(request->path, secret) || strstr(request->query, secret))
        truth_breach(truth, "no-secret-leaks", "a secret is in the address of %s %s at %s", request->method,
                     request->path, request->host);
    for (size_t i = 0; i < request->header_count; i++) {
        bool is_authorization = strcasecmp(request->headers[i].name, "Authorization") == 0;
        if (strstr(request->headers[i].value, secret) &&
            !(is_authorization && may_be_here(secret, request->host, false)))
            truth_breach(truth, "no-secret-leaks", "a secret is in the header '%s' of %s %s at %s",
                         request->headers[i].name, request->method, request->path, request->host);
    }
    if (holds(request->body, request->body_size, secret) && !may_be_here(secret, request->host, true))
        truth_breach(truth, "no-secret-leaks", "a secret is in the body of %s %s at %s", request->method,
                     request->path, request->host);
}

static void watch_content(struct truth *truth, const struct sim_request *request)
{
    bool may_hear = strcmp(request->host, SIM_HOST_DEEPGRAM) == 0;
    bool may_read = strcmp(request->host, SIM_HOST_OPENAI) == 0 || strcmp(request->host, SIM_HOST_DESK) == 0;

    if (!may_hear && holds(request->body, request->body_size, "SIMSOUND"))
        truth_breach(truth, "recordings-stay-home", "%s got a recording", request->host);
    for (size_t i = 0; !may_read && !may_hear && i < truth->call_count; i++) {
        char said[TRUTH_CODE_SIZE + 2];
        /* The code alone is part of the call's id, which belongs in addresses; behind a blank it was said. */
        said[0] = ' ';
        memcpy(said + 1, truth->calls[i]->code, TRUTH_CODE_SIZE);
        if (holds(request->body, request->body_size, said))
            truth_breach(truth, "transcripts-stay-home", "%s got words of call %s", request->host,
                         truth->calls[i]->sid);
    }
}

void watch_request(struct company *company, const struct sim_request *request)
{
    const char *last = "";

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (strcmp(secrets[i].text, last) != 0)
            watch_secret(&company->truth, request, secrets[i].text);
        last = secrets[i].text;
    }
    watch_content(&company->truth, request);
}

void watch_files(struct company *company,
                 const char *(*file_with)(const struct world *world, const char *text),
                 const struct world *world)
{
    bool may_be_there = file_with(world, BEGINNING) != NULL;
    const char *last = "";

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        const char *secret = secrets[i].text;
        if (strcmp(secret, last) == 0 || strcmp(secret, ACCESS_TOKEN) == 0 ||
            (!may_be_there && strncmp(secret, BEGINNING, strlen(BEGINNING)) == 0))
            continue;
        last = secret;
        const char *file = file_with(world, secret);
        if (file)
            truth_breach(&company->truth, "no-secret-leaks", "a secret is in the file %s", file);
    }
}
