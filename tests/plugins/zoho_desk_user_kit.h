/* What the tests of escalations share: a record of one, and what an instance is asked along its way. */
#ifndef ZOHO_DESK_USER_KIT_H
#define ZOHO_DESK_USER_KIT_H

#include "plugins/zoho_desk_kit.h"

#define KIT_ESCALATION                                                                                       \
    "\"source\": {\"plugin\": \"ai_agent\", \"account\": \"helper\", \"external_id\": \"esc-1\", "           \
    "\"at_ms\": 1773132900000}, "                                                                            \
    "\"escalation\": {\"id\": \"esc-1\", \"agent\": \"helper\", \"reason_code\": \"billing_dispute\", "      \
    "\"reason\": \"The user disputes a charge.\", \"summary\": \"Charged twice for one invoice.\", "         \
    "\"steps_tried\": [{\"what\": \"Looked at the invoice\", \"result\": \"two charges\"}], "                \
    "\"category\": \"Billing\", \"language\": \"en\", \"channel\": \"whatsapp\", "                           \
    "\"metadata\": {\"order\": {\"id\": 17}}, \"received_at\": \"2026-03-10T09:00:00Z\", "                   \
    "\"digest\": \"00\"}, "                                                                                  \
    "\"conversation\": {\"messages\": [{\"role\": \"user\", \"content\": \"I was <b>charged</b> twice\", "   \
    "\"at\": \"2026-03-10T08:58:00Z\", \"attachments\": [0]}, {\"role\": \"agent\", \"content\": "           \
    "\"Let me see.\", \"at\": \"2026-03-10T08:58:30Z\"}]}, "                                                 \
    "\"attachments\": {\"items\": [{\"name\": \"bill.png\", \"content_type\": \"image/png\", "               \
    "\"base64\": \"AAECgP8=\"}]}"

/* `more` are further members of the user. */
#define KIT_USER(more) "\"user\": {\"id\": \"u-1\"" more "}"
#define KIT_FULL_USER                                                                                        \
    KIT_USER(", \"crm_contact_id\": \"7000001\", \"name\": \"Asha Rao\", \"email\": \"asha@example.com\", "  \
             "\"phone\": \"0555 010 0001\", \"phone_e164\": \"+915550100001\", \"locale\": \"hi-IN\"")
#define KIT_ESCALATED "{" KIT_ESCALATION ", " KIT_FULL_USER "}"

#define KIT_PERSON(id, email, phone, field, crm)                                                             \
    "{\"id\": \"" id "\", \"lastName\": \"Rao\", \"email\": " email ", \"phone\": " phone                    \
    ", \"mobile\": null, \"cf\": {\"cf_crm_id\": " field "}, \"zohoCRMContact\": " crm                       \
    ", \"createdTime\": \"2026-03-01T09:00:00.000Z\"}"
#define KIT_FIELD       "\"crm_id_field\": \"cf_crm_id\""
#define KIT_LIST(items) "{\"data\": [" items "], \"count\": 1}"

/* Ids, records with more sections, and contacts of the tests about contacts. */
#define A "5000001000000301001"
#define B "5000001000000301002"
#define C "5000001000000301003"

#define RECORD(user, more)              "{" KIT_ESCALATION ", " user more "}"
#define FULL                            RECORD(KIT_FULL_USER, "")
#define P(id, email, phone, field, crm) KIT_PERSON(id, email, phone, field, crm)
#define MINE                            "\"asha@example.com\""

#endif
