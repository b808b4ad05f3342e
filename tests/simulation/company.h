/* The world's people and services for one seed: the support team's callers, and the services that it pays for. Each service
 * is a state machine of its own file; what they hold is the truth. */
#ifndef TESTS_SIMULATION_COMPANY_H
#define TESTS_SIMULATION_COMPANY_H

#include "simulation/truth.h"
#include "simulation/world.h"

enum { COMPANY_SERVICES_MAX = 9, ACCESS_TOKENS_MAX = 10, REFRESHES_MAX = 64, UNDER_WAY_MAX = 256 };

struct truth_escalation;

/* Requests that a service is still working on: when each will be answered. */
struct under_way {
    int64_t until_ms[UNDER_WAY_MAX];
    size_t count;
};
/* How many are under way at `now_ms`, this one, which ends at `until_ms`, included. */
size_t under_way_add(struct under_way *under_way, int64_t now_ms, int64_t until_ms);

struct access_token {
    char text[48];
    int64_t ends_ms;
};

struct company {
    const struct scenario *scenario;
    struct world *world; /* NULL in tests of single services: then no fault happens */
    struct truth truth;
    struct chance chance; /* how long services think, and what they choose by themselves */

    /* Exotel */
    int64_t minute_ms[200]; /* a ring: when each of the last requests that count for the limit came */
    size_t minute_at;
    uint32_t calls_while_paging;

    /* Zoho accounts */
    struct access_token tokens[ACCESS_TOKENS_MAX];
    size_t token_count;
    uint64_t token_serial;
    int64_t refreshed_ms[REFRESHES_MAX];
    size_t refresh_count; /* since the beginning: the ring's place */
    struct under_way refreshes;
    uint64_t refresh_starts; /* how often the engine had started when they were counted */

    /* Zoho Desk */
    bool hides_tickets; /* now and then for longer than `settle`: more than is promised to cope with */
    struct under_way desk;
    int64_t credit_day;
    uint32_t credits_used;
    char credits_left[16], retry_after[16];

    char date[40];
    struct sim_service services[COMPANY_SERVICES_MAX];
    size_t service_count;
};

/* `world` may be NULL: a company for tests, whose faults and traffic a test makes itself. */
struct company *company_new(const struct scenario *scenario);
void company_free(struct company *company);
bool company_fault(struct company *company, enum sim_fault fault);
/* A number for a fault that happens. */
int64_t company_fault_between(struct company *company, enum sim_fault fault, int64_t least, int64_t most);

/* Plans all calls of the seed. */
void traffic_plan(struct company *company);
/* One more call, which is over and is listed from now on. NULL when there were enough of them. */
struct truth_call *traffic_add_sudden(struct company *company, int64_t created_ms, int64_t now_ms);
/* Whether every call has ended. */
bool traffic_is_over(const struct company *company, int64_t now_ms);
/* Plans what agents hand over (escalation_traffic.c). */
void escalations_plan(struct company *company);
/* Who is which contact, by the mapping file: what it says at the beginning, and how it changes (mapping_traffic.c). */
void mapping_plan(struct company *company);
void mapping_was_read(void *company, size_t version);
/* An agent is answered 2xx: what it is told is compared with what it was told before. */
void escalation_hear(struct company *company, struct truth_escalation *escalation, int status,
                     const char *text);
/* Whether no agent posts any more. */
bool escalations_are_over(const struct company *company);
/* How many of the conversations are planned as escalations; some of them come in twos. */
uint32_t escalation_count_of(const struct scenario *scenario);
/* Fills in the lines of a call: the same for the same seed and call. */
void speech_write(struct truth_call *call, struct chance *chance, size_t line_count);
/* The bytes of the recording: sound that only this world understands. Malloc'ed. */
char *recording_bytes(const struct truth_call *call, size_t *ret_size);
/* The call of a whole recording, or NULL when it is cut, garbled or none. */
struct truth_call *recording_call(const struct truth *truth, const char *bytes, size_t size);

/* ---- services: handlers for struct sim_service ------------------------------------------------------------ */

void exotel_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void recordings_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void storage_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void deepgram_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void openai_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void accounts_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void files_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void receiver_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);
void desk_handle(void *company, const struct sim_request *request, struct sim_reply *ret_reply);

/* What a person sees who looks into the helpdesk: see struct sim_hooks (helpdesk_look.c). */
size_t helpdesk_look(void *company, const json_t *kept, char ret_id[SIM_ID_SIZE]);
bool helpdesk_look_beside(void *company, const json_t *kept, char ret_id[SIM_ID_SIZE]);

/* The call as Exotel's API tells it at `now_ms`. New reference. */
json_t *exotel_call_json(const struct truth_call *call, int64_t now_ms, bool has_details);
/* Whether its recording lies where the older ones do. */
bool recording_is_stored(const struct truth_call *call);
/* Whether `Authorization` is Basic with Exotel's key and token. */
bool exotel_is_authorized(const struct sim_request *request);
/* Whether the token is alive at `now_ms`. */
bool accounts_token_is_valid(const struct company *company, const char *token, int64_t now_ms);

/* Looks at every request that arrives at a service: no secret, recording or transcript where it does not belong. */
void watch_request(struct company *company, const struct sim_request *request);
/* Looks for secrets in what the engine has on its disk: journal, recordings, whatever is there. Access tokens are kept there
 * on purpose. `file_with` gives the name of a file with a text, or NULL. */
void watch_files(struct company *company,
                 const char *(*file_with)(const struct world *world, const char *text),
                 const struct world *world);

#endif
