/* What the tests of the Zoho Desk sink share: an instance, a record of a plain call, and answers of the service. */
#ifndef ZOHO_DESK_KIT_H
#define ZOHO_DESK_KIT_H

#include <stdio.h>
#include <string.h>

#include "plugins/harness.h"

extern const struct sb_plugin zoho_desk_plugin;

#define KIT_REQUIRED                                                                                         \
    "\"org_id\": \"600000001\", \"department_id\": \"5000001000000006001\", \"client_id\": "                 \
    "\"demo-client\", "                                                                                      \
    "\"client_secret\": \"demo-secret\", \"refresh_token\": \"demo-refresh\""

#define KIT_CALL                                                                                             \
    "\"source\": {\"plugin\": \"exotel\", \"account\": \"acmedemo1\", "                                      \
    "\"external_id\": \"examplecall000000000000000000001\", \"at_ms\": 1773132900000}, "                     \
    "\"call\": {\"sid\": \"examplecall000000000000000000001\", \"direction\": \"inbound\", "                 \
    "\"customer\": \"05550100001\", \"customer_e164\": \"+915550100001\", \"agent_number\": "                \
    "\"05550100101\", "                                                                                      \
    "\"agent_name\": \"Asha\", \"agent_department\": \"Support\", \"agent_known\": true, "                   \
    "\"our_number\": \"05550100900\", \"started_at\": \"2026-03-10T09:00:00Z\", \"duration_s\": 125, "       \
    "\"talk_s\": 110, \"status\": \"answered\", \"utc_offset_minutes\": 330}, "                              \
    "\"recording\": {\"url\": \"https://recordings.example.com/1.mp3\", \"state\": \"saved\"}, "             \
    "\"analysis\": {\"mood\": \"Negative\", \"concern\": \"Billing inquiry\", \"category\": \"Billing\", "   \
    "\"priority\": null, \"by\": \"keyword\"}"

#define KIT_TRANSCRIPT                                                                                       \
    "\"transcript\": {\"text\": \"hello i was charged twice\", \"language\": \"en-IN\", \"segments\": ["     \
    "{\"start_ms\": 0, \"end_ms\": 900, \"speaker\": \"agent\", \"text\": \"hello\"}, "                      \
    "{\"start_ms\": 61500, \"end_ms\": 63000, \"speaker\": \"customer\", \"text\": \"i was charged "         \
    "twice\"}]}"

/* A record before any step, and one whose fields are mapped and whose contact is known. */
#define KIT_NEW "{" KIT_CALL ", " KIT_TRANSCRIPT "}"
#define KIT_MAPPED_TICKET                                                                                    \
    "\"ticket\": {\"subject\": \"Call from 05550100001 - Billing inquiry [SB-0123456789ABC]\", "             \
    "\"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", "          \
    "\"status\": "                                                                                           \
    "\"Open\", \"reference\": \"0123456789ABC\", \"org_id\": \"600000001\"}"
#define KIT_CONTACT "\"contact\": {\"id\": \"5000001000000301001\", \"created\": false}"
#define KIT_READY   "{" KIT_CALL ", " KIT_TRANSCRIPT ", " KIT_MAPPED_TICKET ", " KIT_CONTACT "}"

#define KIT_CONTACT_JSON(id, phone, mobile, created)                                                         \
    "{\"id\": \"" id "\", \"lastName\": \"Caller\", \"phone\": " phone ", \"mobile\": " mobile               \
    ", \"createdTime\": \"" created "\", \"webUrl\": \"https://desk.zoho.com/support/acmedesk/c/" id "\"}"
#define KIT_TICKET_JSON(id, number, subject, created)                                                        \
    "{\"id\": \"" id "\", \"ticketNumber\": \"" number "\", \"subject\": \"" subject                         \
    "\", \"createdTime\": \"" created "\", \"webUrl\": \"https://desk.zoho.com/support/acmedesk/t/" id "\"}"

static inline struct harness *kit_new(const char *more, const char *record)
{
    char options[2000];
    (void)snprintf(options, sizeof(options), "{" KIT_REQUIRED "%s%s}", more ? ", " : "", more ? more : "");
    struct harness *h = harness_new(&zoho_desk_plugin, options);
    harness_set_record(h, record);
    return h;
}

/* Whether one of the notes holds `text`. */
static inline bool kit_has_note(const struct harness_result *r, const char *text)
{
    for (size_t i = 0; i < json_array_size(r->notes); i++)
        if (strstr(json_string_value(json_array_get(r->notes, i)), text))
            return true;
    return false;
}

#define KIT_ROW(row) print_message("row: %s\n", row)

#endif
