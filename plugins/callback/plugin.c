/* callback: a sink that tells the AI agent, and so the user, about the ticket that the sinks before it made, and that one
 * is late when it is. This file is its tables: options and steps. */
#include "callback.h"

static const struct sb_option options[] = {
    { .name = "url",
      .type = SB_OPT_URL,
      .help = "who is told when the conversation names nobody itself; its host may then be told, too" },
    { .name = "hosts",
      .type = SB_OPT_LIST,
      .help = "hosts that a conversation's callback_url may name: \"agent.example.com\", "
              "\"agent.example.com:8443\", "
              "\"*.example.com\"" },
    { .name = "secret",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "key of the signature X-Switchboard-Signature: HMAC-SHA-256 of "
              "\"<X-Switchboard-Timestamp>.<body>\"" },
    { .name = "allow_private",
      .type = SB_OPT_BOOL,
      .default_text = "false",
      .help = "true: loopback (there also without TLS), private and link-local addresses may be told, too" },
    { .name = "created_message",
      .type = SB_OPT_STRING,
      .default_text = "Your request is ticket {number}. A member of our team will get back to you.",
      .help = "what the user may be told when the mapping gave the ticket no user_message" },
    { .name = "delayed_message",
      .type = SB_OPT_STRING,
      .default_text =
          "We have your request and are still passing it on. A member of our team will get back to you.",
      .help = "what the user may be told when the ticket is late" },
    { .name = "messages",
      .type = SB_OPT_SCRIPT,
      .help = "Lua script with the functions message(record, options) and delayed_message(record, options), "
              "or one of "
              "them, which give these texts in the user's language; options.ticket is the ticket" },
    { .name = "delayed_after",
      .type = SB_OPT_DURATION,
      .default_text = "10m",
      .min = 0,
      .max = INT64_C(30) * 24 * 3600 * 1000,
      .help = "after how long without a ticket ticket.delayed is told; 0: never" },
    { .name = "retries",
      .type = SB_OPT_INT,
      .default_text = "100",
      .min = 0,
      .max = 100,
      .help = "how often a receiver that answers but fails is tried again, some hours in all; one that is "
              "down costs no "
              "attempt" },
    { .name = NULL },
};

static const char *const reaches[] = { "url", "hosts", NULL };

static const struct sb_step steps[] = {
    { .name = "tell", .effect = SB_IDEMPOTENT, .build = callback_tell_build, .fold = callback_tell_fold },
    { .name = NULL },
};

static int open_instance(struct sb_instance *instance, struct sb_error *err)
{
    (void)err;
    if (!sb_instance_is_set(instance, "url") && json_array_size(sb_instance_list(instance, "hosts")) == 0)
        sb_instance_notice(instance, "nobody can be told: neither 'hosts' nor 'url' is set");
    return 0;
}

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_SINK,
    .name = "callback",
    .summary = "tells the AI agent about the ticket",
    .version = "1.0.0",
    .flags = SB_TELLS | SB_TELLS_DELAY,
    .options = options,
    .reaches = reaches,
    .steps = steps,
    .open = open_instance,
};
