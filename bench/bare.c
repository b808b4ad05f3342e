/* The floor under Switchboard: a bare program that does the same exchanges with the same services, call by call, with
 * libcurl and SQLite and nothing else: no plugins, no retries, no limits, no records that a person can read.
 *
 *     bench_bare CALLS CONCURRENCY FOLDER
 *
 * Reads the addresses and credentials of the local services from the environment. For each call of the list: recording to
 * a synced file, transcription, classification, four searches for the contact, contact, ticket, note. As the engine does,
 * it commits one row after each exchange and one before each creation, in groups, synchronous = FULL. Prints its CPU time
 * and wall time in ms. Ends with exit code 1 on anything unexpected. */
#include "bare.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

struct bare bare;

_Noreturn void bare_die(const char *what)
{
    (void)fprintf(stderr, "bench_bare: %s\n", what);
    exit(1);
}

static const char *need(const char *name)
{
    const char *value = getenv(name);
    if (!value)
        bare_die(name);
    return value;
}

static void read_environment(void)
{
    bare.exotel = need("EXOTEL_API_URL");
    bare.sid = need("EXOTEL_SID");
    bare.key = need("EXOTEL_API_KEY");
    bare.token = need("EXOTEL_API_TOKEN");
    bare.deepgram = need("DEEPGRAM_API_URL");
    bare.deepgram_key = need("DEEPGRAM_API_KEY");
    bare.openai = need("OPENAI_API_URL");
    bare.openai_key = need("OPENAI_API_KEY");
    bare.desk = need("ZOHO_DESK_API_DOMAIN");
    bare.org = need("ZOHO_DESK_ORG_ID");
    bare.department = need("ZOHO_DESK_DEPARTMENT_ID");
    bare.accounts = need("ZOHO_ACCOUNTS_URL");
    bare.client = need("ZOHO_DESK_CLIENT_ID");
    bare.secret = need("ZOHO_DESK_CLIENT_SECRET");
    bare.refresh = need("ZOHO_DESK_REFRESH_TOKEN");
    for (size_t i = 0; i < SYSTEM_SIZE; i++) /* as long as real instructions */
        bare.system[i] = "Classify the conversation. "[i % 27];
}

/* ---- journal ------------------------------------------------------------------------------------------- */

static void run_sql(const char *sql)
{
    if (sqlite3_exec(bare.db, sql, NULL, NULL, NULL) != SQLITE_OK)
        bare_die(sqlite3_errmsg(bare.db));
}

static void open_journal(void)
{
    char path[URL_SIZE];

    (void)snprintf(path, sizeof(path), "%s/bare.db", bare.folder);
    if (sqlite3_open(path, &bare.db) != SQLITE_OK)
        bare_die("cannot open the journal");
    run_sql("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10000;"
            "CREATE TABLE step (id INTEGER PRIMARY KEY, call TEXT, step INTEGER, doc BLOB)");
    if (sqlite3_prepare_v2(bare.db, "INSERT INTO step (call, step, doc) VALUES (?, ?, ?)", -1, &bare.insert,
                           NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(bare.db, "BEGIN", -1, &bare.begin, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(bare.db, "COMMIT", -1, &bare.commit, NULL) != SQLITE_OK)
        bare_die("cannot prepare");
}

static void step_sql(sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        bare_die(sqlite3_errmsg(bare.db));
    (void)sqlite3_reset(stmt);
}

static void write_row(const struct call *call)
{
    static const char row[ROW_SIZE];

    (void)sqlite3_bind_text(bare.insert, 1, call->sid, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(bare.insert, 2, (int)call->step);
    (void)sqlite3_bind_blob(bare.insert, 3, row, ROW_SIZE, SQLITE_STATIC);
    step_sql(bare.insert);
}

static void send_step(struct call *call);
static void start_more(void);

static bool is_creation(enum step step)
{
    return step == STEP_CONTACT || step == STEP_TICKET || step == STEP_NOTE;
}

/* Everybody who reached a commit point in this turn, in one transaction; then they go on. */
static void commit_group(void)
{
    struct call *group = bare.waiting;

    if (!group)
        return;
    bare.waiting = NULL;
    step_sql(bare.begin);
    for (struct call *call = group; call; call = call->next)
        write_row(call);
    step_sql(bare.commit);
    for (struct call *call = group, *next; call; call = next) {
        next = call->next;
        if (call->step == STEP_COUNT) {
            call->multi->running--;
            bare.done++;
        } else if (is_creation(call->step) && !call->intent_done) {
            call->intent_done = true;
            call->next = bare.waiting;
            bare.waiting = call;
        } else {
            send_step(call);
        }
    }
    start_more();
}

/* ---- requests ------------------------------------------------------------------------------------------ */

static size_t on_answer(char *data, size_t one, size_t size, void *ctx)
{
    struct call *call = ctx;

    (void)one;
    if (call->answer_size + size + 1 > call->answer_room) {
        call->answer_room = (call->answer_size + size + 1) * 2;
        call->answer = realloc(call->answer, call->answer_room);
        if (!call->answer)
            bare_die("out of memory");
    }
    memcpy(call->answer + call->answer_size, data, size);
    call->answer_size += size;
    return size;
}

static void send_step(struct call *call)
{
    char url[URL_SIZE];

    curl_easy_reset(call->easy);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    call->intent_done = false;
    bare_build(call, url);
    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    if (curl_multi_add_handle(call->multi->curl, call->easy) != CURLM_OK)
        bare_die("cannot send");
}

static void finish_step(struct call *call, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_multi_remove_handle(call->multi->curl, call->easy);
    if (code != CURLE_OK || (status != 200 && status != 204)) {
        (void)fprintf(stderr, "bench_bare: step %d of %s: %s, status %ld: %.*s\n", (int)call->step, call->sid,
                      curl_easy_strerror(code), status, (int)call->answer_size,
                      call->answer ? call->answer : "");
        exit(1);
    }
    bare_take_answer(call);
    if (call->out)
        (void)fclose(call->out);
    if (call->in)
        (void)fclose(call->in);
    call->out = call->in = NULL;
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    free(call->body);
    call->body = NULL;
    call->answer_size = 0;
    call->step++;
    call->next = bare.waiting;
    bare.waiting = call;
    if (call->step == STEP_COUNT) {
        free(call->answer);
        free(call->transcript);
        free(call->concern);
        curl_easy_cleanup(call->easy);
    }
}

static void collect(struct multi *multi)
{
    int left = 0;

    for (CURLMsg *message; (message = curl_multi_info_read(multi->curl, &left)) != NULL;) {
        struct call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish_step(call, message->data.result);
    }
}

/* ---- loop ---------------------------------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct multi *multi = ctx;
    uint64_t index = (uint64_t)(multi - bare.multis);
    struct epoll_event event = { .data.u64 = (index << 32) | (uint32_t)fd };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(bare.epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events =
        (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    (void)epoll_ctl(bare.epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    (void)curl_multi_assign(multi->curl, fd, multi);
    return 0;
}

static int on_timeout(CURLM *curl, long timeout_ms, void *ctx)
{
    (void)curl;
    ((struct multi *)ctx)->timeout_ms = timeout_ms;
    return 0;
}

static void open_multis(void)
{
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < MULTIS; i++) {
        struct multi *multi = &bare.multis[i];
        multi->curl = curl_multi_init();
        multi->timeout_ms = -1;
        curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
        curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout);
        curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
        curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)PER_MULTI * 5);
    }
}

static void start_more(void)
{
    size_t limit =
        bare.concurrency < (size_t)MULTIS * PER_MULTI ? bare.concurrency : (size_t)MULTIS * PER_MULTI;

    while (bare.started < bare.count && bare.started - bare.done < limit) {
        struct call *call = &bare.calls[bare.started++];
        call->multi = &bare.multis[0];
        for (size_t i = 1; i < MULTIS; i++)
            if (bare.multis[i].running < call->multi->running)
                call->multi = &bare.multis[i];
        call->multi->running++;
        call->easy = curl_easy_init();
        send_step(call);
    }
}

static int shortest_timeout(void)
{
    long shortest = bare.waiting ? 0 : 1000;

    for (size_t i = 0; i < MULTIS; i++)
        if (bare.multis[i].timeout_ms >= 0 && bare.multis[i].timeout_ms < shortest)
            shortest = bare.multis[i].timeout_ms;
    return (int)shortest;
}

static void turn(void)
{
    struct epoll_event events[EVENTS_MAX];
    int running = 0;
    int wait_ms = shortest_timeout();
    int count = epoll_wait(bare.epoll, events, EVENTS_MAX, wait_ms);

    for (int i = 0; i < count; i++) {
        struct multi *multi = &bare.multis[events[i].data.u64 >> 32];
        int mask = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
        (void)curl_multi_socket_action(multi->curl, (curl_socket_t)(uint32_t)events[i].data.u64, mask,
                                       &running);
    }
    for (size_t i = 0; i < MULTIS; i++) {
        struct multi *multi = &bare.multis[i];
        if (multi->timeout_ms >= 0 && (multi->timeout_ms <= wait_ms || count == 0)) {
            multi->timeout_ms = -1;
            (void)curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        collect(multi);
    }
    commit_group();
}

/* ---- before the calls ---------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t size;
};

static size_t on_text(char *data, size_t one, size_t size, void *ctx)
{
    struct text *text = ctx;

    (void)one;
    text->data = realloc(text->data, text->size + size + 1);
    if (!text->data)
        bare_die("out of memory");
    memcpy(text->data + text->size, data, size);
    text->size += size;
    return size;
}

static json_t *fetch(const char *url, const char *form)
{
    struct text text = { 0 };
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_text);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
    if (form) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
    } else {
        curl_easy_setopt(easy, CURLOPT_USERNAME, bare.key);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, bare.token);
    }
    if (curl_easy_perform(easy) != CURLE_OK)
        bare_die("cannot reach the services");
    json_t *doc = json_loadb(text.data, text.size, 0, NULL);
    curl_easy_cleanup(easy);
    free(text.data);
    if (!doc)
        bare_die("an answer is no JSON");
    return doc;
}

static void get_token(void)
{
    char url[URL_SIZE], form[1024];

    (void)snprintf(url, sizeof(url), "%s/oauth/v2/token", bare.accounts);
    (void)snprintf(form, sizeof(form),
                   "grant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=%s", bare.client,
                   bare.secret, bare.refresh);
    json_t *doc = fetch(url, form);
    const char *token = json_string_value(json_object_get(doc, "access_token"));
    if (!token)
        bare_die("no access token");
    (void)snprintf(bare.desk_token, sizeof(bare.desk_token), "Zoho-oauthtoken %s", token);
    json_decref(doc);
}

static void take_page(const json_t *doc)
{
    size_t index;
    json_t *row;

    json_array_foreach (json_object_get(doc, "Calls"), index, row) {
        if (bare.count == 0 || index >= 100)
            bare_die("a page of an unexpected size");
        struct call *call = &bare.calls[bare.started++];
        bare_copy_member(row, "Sid", call->sid, sizeof(call->sid));
        bare_copy_member(row, "From", call->from, sizeof(call->from));
        bare_copy_member(row, "RecordingUrl", call->recording, sizeof(call->recording));
        if (bare.started == bare.count)
            return;
    }
}

static void list_calls(void)
{
    char url[URL_SIZE * 2], since[64];
    time_t from = time(NULL) - 24 * 3600 + 330 * 60; /* the account's times are IST */
    struct tm parts;

    if (!gmtime_r(&from, &parts) || strftime(since, sizeof(since), "%Y-%m-%d%%20%H:%M:%S", &parts) == 0)
        bare_die("no time");
    (void)snprintf(
        url, sizeof(url),
        "%s/v1/Accounts/%s/Calls.json?DateCreated=gte:%s&SortBy=DateCreated:asc&PageSize=100&details=true",
        bare.exotel, bare.sid, since);
    while (bare.started < bare.count) {
        json_t *doc = fetch(url, NULL);
        take_page(doc);
        const char *next =
            json_string_value(json_object_get(json_object_get(doc, "Metadata"), "NextPageUri"));
        if (!next && bare.started < bare.count)
            bare_die("fewer calls than expected");
        if (next)
            (void)snprintf(url, sizeof(url), "%s%s", bare.exotel, next);
        json_decref(doc);
    }
    bare.started = 0;
}

static double ms_of(struct timeval time)
{
    return (double)time.tv_sec * 1000 + (double)time.tv_usec / 1000;
}

int main(int argc, char **argv)
{
    struct timespec began, ended;
    struct rusage usage;

    if (argc != 4)
        bare_die("usage: bench_bare CALLS CONCURRENCY FOLDER");
    bare.count = strtoul(argv[1], NULL, 10);
    bare.concurrency = strtoul(argv[2], NULL, 10);
    bare.folder = argv[3];
    bare.calls = calloc(bare.count ? bare.count : 1, sizeof(struct call));
    if (!bare.calls || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        bare_die("cannot start");
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    read_environment();
    open_journal();
    open_multis();
    list_calls();
    get_token();
    start_more();
    while (bare.done < bare.count)
        turn();
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("{\"cpu_ms\": %.1f, \"wall_ms\": %.1f, \"max_rss_kb\": %ld}\n",
                 ms_of(usage.ru_utime) + ms_of(usage.ru_stime),
                 (double)(ended.tv_sec - began.tv_sec) * 1000 + (double)(ended.tv_nsec - began.tv_nsec) / 1e6,
                 usage.ru_maxrss);
    return 0;
}
