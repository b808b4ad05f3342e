/* Finds the route that fits a path, and what stands for its names. */
#include "sim.h"

#include <string.h>

struct span {
    const char *at;
    size_t size;
};

static struct span segment_at(const char *at)
{
    return (struct span){ at, strcspn(at, "/") };
}

static void note_param(struct sim_exchange *ex, struct span name, struct span value)
{
    if (ex->param_count == SIM_PARAMS_MAX)
        return;
    ex->params[ex->param_count++] = (struct sim_field){
        .name = sim_text(&ex->req, "%.*s", (int)name.size, name.at),
        .value = sim_text(&ex->req, "%.*s", (int)value.size, value.at),
        .size = value.size,
    };
}

/* Matches one segment "text{name}text". */
static bool fit_segment(struct sim_exchange *ex, struct span pattern, struct span text)
{
    const char *open = memchr(pattern.at, '{', pattern.size);
    if (!open)
        return pattern.size == text.size && memcmp(pattern.at, text.at, text.size) == 0;
    size_t before = (size_t)(open - pattern.at);
    size_t name_size = strcspn(open + 1, "}");
    size_t after = pattern.size - before - name_size - 2;
    if (text.size < before + after + 1 || memcmp(pattern.at, text.at, before) != 0)
        return false;
    if (memcmp(open + name_size + 2, text.at + text.size - after, after) != 0)
        return false;
    note_param(ex, (struct span){ open + 1, name_size },
               (struct span){ text.at + before, text.size - before - after });
    return true;
}

static bool is_rest(struct span pattern)
{
    return pattern.size > 5 && pattern.at[0] == '{' && memcmp(pattern.at + pattern.size - 4, "...}", 4) == 0;
}

static bool fit_path(struct sim_exchange *ex, const char *pattern, const char *path)
{
    ex->param_count = 0;
    for (;;) {
        if (*pattern != *path)
            return false;
        if (*pattern == '\0')
            return true;
        struct span wanted = segment_at(pattern + 1), given = segment_at(path + 1);
        if (is_rest(wanted)) {
            note_param(ex, (struct span){ wanted.at + 1, wanted.size - 5 },
                       (struct span){ path + 1, strlen(path + 1) });
            return true;
        }
        if (!fit_segment(ex, wanted, given))
            return false;
        pattern = wanted.at + wanted.size;
        path = given.at + given.size;
    }
}

const struct sim_route *sim_route(struct sim_request *req, const struct sim_route *routes,
                                  bool *ret_path_known)
{
    struct sim_exchange *ex = (struct sim_exchange *)req;
    bool is_known = false;
    const struct sim_route *found = NULL;
    for (const struct sim_route *route = routes; !found && route->method; route++) {
        bool is_method = strcmp(route->method, "*") == 0 || strcmp(route->method, req->method) == 0;
        if (!is_method && is_known)
            continue;
        if (!fit_path(ex, route->path, req->path))
            continue;
        is_known = true;
        if (is_method)
            found = route;
    }
    if (ret_path_known)
        *ret_path_known = is_known;
    if (found)
        req->route = found->path;
    else
        ex->param_count = 0;
    return found;
}
