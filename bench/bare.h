/* What the bare program's files share: one call on its way, and what is known of all of them. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <curl/curl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { ROW_SIZE = 1500, URL_SIZE = 512, EVENTS_MAX = 256, MULTIS = 8, PER_MULTI = 128, SYSTEM_SIZE = 2000 };

enum step {
    STEP_RECORDING,
    STEP_LISTEN,
    STEP_CLASSIFY,
    STEP_FIND_1,
    STEP_FIND_2,
    STEP_FIND_3,
    STEP_FIND_4,
    STEP_CONTACT,
    STEP_TICKET,
    STEP_NOTE,
    STEP_COUNT
};

struct multi;

struct call {
    char sid[64], from[32], recording[URL_SIZE], file[URL_SIZE];
    char contact[32], ticket[32];
    char *transcript, *concern; /* owned */
    enum step step;
    bool intent_done;
    CURL *easy;
    struct curl_slist *headers;
    struct multi *multi;
    FILE *out, *in;
    char *body; /* sent; owned */
    char *answer;
    size_t answer_size, answer_room;
    struct call *next; /* in the list of those that wait for the commit */
};

struct multi {
    CURLM *curl;
    long timeout_ms;
    size_t running;
};

struct bare {
    const char *exotel, *sid, *key, *token, *deepgram, *deepgram_key, *openai, *openai_key, *desk, *org,
        *department, *accounts, *client, *secret, *refresh, *folder;
    char desk_token[256];
    char system[SYSTEM_SIZE + 1];
    struct call *calls;
    size_t count, started, done, concurrency;
    struct multi multis[MULTIS];
    int epoll;
    sqlite3 *db;
    sqlite3_stmt *insert, *begin, *commit;
    struct call *waiting; /* for the commit */
};

/* One run of one program: it has nothing else to keep apart. */
extern struct bare bare;

/* Says what is wrong, and ends the program. */
_Noreturn void bare_die(const char *what);

/* Fills `easy`, headers and body of `call` for its step; writes the address to `url`, which has room for URL_SIZE. */
void bare_build(struct call *call, char *url);

/* Keeps what the call's later steps need of the answer to its step. */
void bare_take_answer(struct call *call);

/* Copies a text that must be there. */
void bare_copy_member(const json_t *doc, const char *name, char *to, size_t size);

#endif
