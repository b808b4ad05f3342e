/* What the exchange does with secrets on a plugin's behalf: it signs and compares, and shows nothing. */
#ifndef PLUGIN_INSTANCE_SECRET_H
#define PLUGIN_INSTANCE_SECRET_H

#include "base/digest.h"
#include "plugin/instance.h"

/* HMAC-SHA-256 of `data` with the secret option's value. False when it is no secret or has no value. */
bool instance_hmac_hex(const struct sb_instance *instance, const char *option, const void *data, size_t size,
                       char ret_hex[DIGEST_HEX_SIZE]);
/* Whether `text` (NULL allowed) is the secret option's value, in time that depends on the lengths only. False
 * when the option is no secret or has no value: an unset secret opens no door. */
bool instance_secret_is(const struct sb_instance *instance, const char *option, const char *text);

#endif
