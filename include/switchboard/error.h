/* Why an operation failed: a status for the program, one sentence for the person who has to mend it.
 *
 * Ownership words used in every header of Switchboard:
 *   borrows   uses the argument until it returns, keeps nothing
 *   takes     owns the argument from now on, even when it fails
 *   gives     the caller owns what it gets and must release it
 */
#ifndef SWITCHBOARD_ERROR_H
#define SWITCHBOARD_ERROR_H

#if defined(__GNUC__)
#define SB_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#define SB_MUST_CHECK               __attribute__((warn_unused_result))
#define SB_API                      __attribute__((visibility("default")))
#else
#define SB_PRINTF(fmt_index, first)
#define SB_MUST_CHECK
#define SB_API
#endif

/* What a caller can do about a failure. 0 is success; every failure is negative. */
enum sb_status {
    SB_ENOMEM = -1,   /* an allocation failed; nothing was changed */
    SB_ECONFIG = -2,  /* the configuration is wrong; a human must edit it */
    SB_EINPUT = -3,   /* the data is wrong; trying again cannot help */
    SB_EREMOTE = -4,  /* the other side failed; trying again may help */
    SB_EBUSY = -5,    /* a limit is reached, or somebody else holds it; try again later */
    SB_EINTERNAL = -6 /* a bug in the engine or in a plugin */
};

enum { SB_ERROR_TEXT_MAX = 512 };

/* Lives on the caller's stack, owns nothing. Start with SB_ERROR_INIT. */
struct sb_error {
    int status;                   /* 0, or an enum sb_status */
    char text[SB_ERROR_TEXT_MAX]; /* no trailing newline; ends in "..." when it was cut */
};

#define SB_ERROR_INIT                                                                                        \
    {                                                                                                        \
        .status = 0                                                                                          \
    }

/* Records a failure and returns `status`, so that a caller can write `return sb_fail(err, SB_EINPUT, "...")`.
 * The first failure wins: a later call on the same `err` changes nothing. `err` may be NULL. Any thread. */
SB_API int sb_fail(struct sb_error *err, enum sb_status status, const char *fmt, ...) SB_PRINTF(3, 4);

/* Puts "file:line: " in front of the recorded text, once, as the error leaves the layer that knows the position.
 * No-op when nothing has failed, or when the text has a position already. */
SB_API void sb_error_at(struct sb_error *err, const char *file, unsigned line);

#endif
