/* Requests of the login: one at a time, waited for by turning the loop. */
#include "app/login.h"
#include "io/loop.h"

struct waiting {
    struct loop *loop;
    struct http_response *response;
};

static void on_done(void *ctx, struct http_response *response)
{
    struct waiting *waiting = ctx;

    waiting->response = response;
    loop_stop(waiting->loop);
}

int login_send(struct login *login, const struct http_request *request, struct http_response **ret_response,
               struct sb_error *err)
{
    struct waiting waiting = { .loop = login->loop };

    if (http_client_send(login->client, request, NULL, NULL, on_done, &waiting) == 0)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    while (!waiting.response) {
        int rc = loop_run(login->loop, err);
        if (rc < 0)
            return rc;
    }
    if (waiting.response->status == 0) {
        int rc = sb_fail(err, SB_EREMOTE, "cannot reach '%s': %s", request->url, waiting.response->fault);
        http_response_free(waiting.response);
        return rc;
    }
    *ret_response = waiting.response;
    return 0;
}

static void on_pause_over(void *ctx)
{
    loop_stop(ctx);
}

int login_pause(struct login *login, uint64_t ms, struct sb_error *err)
{
    struct loop_timer *timer = loop_timer_new(login->loop, on_pause_over, login->loop);

    if (!timer)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    loop_timer_arm(timer, ms);
    int rc = loop_run(login->loop, err);
    loop_timer_free(timer);
    return rc;
}
