/* What the files of the offline recogniser share. */
#ifndef POCKETSPHINX_RECOGNISER_H
#define POCKETSPHINX_RECOGNISER_H

#include "switchboard/switchboard.h"

enum { PS_RATE = 16000, PS_PIECES_MAX = 20000 };

/* A stretch of sound between two silences, in samples. */
struct ps_piece {
    size_t start, count;
};

/* cut.c: the pieces of a channel that hold sound, each with a little silence around it. Gives how many. */
size_t ps_cut(const int16_t *samples, size_t count, struct ps_piece *pieces, size_t pieces_max);

/* What was heard in one piece. */
struct ps_heard {
    const char *text;  /* "" nothing */
    double confidence; /* mean posterior of the words, 0..1; -1 unknown */
};

/* hear.c: a decoder for one job. NULL when its model files cannot be read; `ret_why` says so then. */
struct ps_hearing;
struct ps_hearing *ps_open(struct sb_exchange *x, const char **ret_why);
void ps_close(struct ps_hearing *hearing); /* NULL allowed */
/* Decodes one whole piece. The text lives in the exchange. False: the decoder failed. */
bool ps_hear(struct sb_exchange *x, struct ps_hearing *hearing, const int16_t *samples,
             const struct ps_piece *piece, struct ps_heard *ret_heard);

#endif
