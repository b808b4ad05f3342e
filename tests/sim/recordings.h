/* What the recordings host offers the other services of this program. */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include "exotel.h"
#include "recordings_mp3.h"

/* Frames are the same for every recording of a shape, so one stream per shape serves them all, cut to length.
 */
struct stream {
    struct mp3_shape shape;
    uint8_t *bytes; /* owned */
    size_t size;
};

struct recordings {
    struct stream streams[4];
    uint64_t served, bytes_served, unauthorized, not_ready, expired, both_auths;
};

/* The query that lets anybody fetch the recording of `call` for `minutes` from `now_ms` on. Gives memory for
 * free(). */
char *recordings_sign(const struct exo_call *call, int64_t now_ms, int64_t minutes);

/* The call whose recording these bytes are, by the closing tag of a generated one or the hash of a file; NULL
 * when it is none of ours. */
struct exo_call *recordings_recognise(struct sim *sim, const void *bytes, size_t size, const char *sha256);

/* The text of the 403 for a presigned request, or NULL when its address is good. */
const char *recordings_check_signature(const struct sim_request *req, const struct exo_call *call);

/* Reads the file of `call` once and keeps it; NULL when it has none or it cannot be read. Borrowed. */
struct sim_blob *recordings_read_file(struct exo_call *call);

/* Makes the generated recording of `call`. Gives memory for free(). */
uint8_t *recordings_make(struct recordings *recordings, const struct exo_call *call, size_t *ret_size);

#endif
