/* The helper objects, loaded when they are first needed and kept: a phone number or a recording is the rule
 * or never. */
#include "plugin/helpers.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SB_LIB_FROM_BIN
#define SB_LIB_FROM_BIN "../lib/switchboard"
#endif
#ifndef SB_LIB_DIR_INSTALLED
#define SB_LIB_DIR_INSTALLED "/usr/local/lib/switchboard"
#endif

/* One helper of the process. State at file scope, because a library is loaded once a process whatever asks
 * for it; set once under `once`, read-only afterwards. */
struct helper {
    const char *file, *symbol;
    pthread_once_t once;
    void *function;
    char why[SB_ERROR_TEXT_MAX]; /* "" when it is there */
};

static struct helper phone = { .file = "sb_phone.so",
                               .symbol = "sb_phone_format",
                               .once = PTHREAD_ONCE_INIT };
static struct helper audio = { .file = "sb_audio.so", .symbol = "sb_audio_load", .once = PTHREAD_ONCE_INIT };

_Static_assert(sizeof(void *) == sizeof(helper_phone_fn), "dlsym gives functions as data pointers");

/* Where this program is: its helpers are in a folder seen from there, in a build and in an installed tree. */
static void program_dir(char ret_dir[PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", ret_dir, PATH_MAX - 1);

    ret_dir[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(ret_dir, '/');
    if (slash)
        *slash = '\0';
}

static void *try_open(struct helper *helper, const char *dir, const char *below)
{
    char path[PATH_MAX + 64];

    int size = snprintf(path, sizeof(path), "%s%s/%s", dir, below, helper->file);
    if (size < 0 || (size_t)size >= sizeof(path) || access(path, F_OK) != 0) {
        (void)snprintf(helper->why, sizeof(helper->why), "'%s' is not installed", helper->file);
        return NULL;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *text = dlerror();
        (void)snprintf(helper->why, sizeof(helper->why), "cannot load '%s': %s", helper->file,
                       text ? text : "");
    }
    return handle;
}

static void load(struct helper *helper)
{
    const char *dir = secure_getenv("SWITCHBOARD_LIB_DIR");
    char beside[PATH_MAX];
    void *handle = NULL;

    program_dir(beside);
    if (dir && *dir)
        handle = try_open(helper, dir, "");
    else if (!(handle = try_open(helper, beside, "/lib")) &&
             !(handle = try_open(helper, beside, "/" SB_LIB_FROM_BIN)))
        handle = try_open(helper, SB_LIB_DIR_INSTALLED, "");
    if (!handle)
        return;
    helper->function = dlsym(handle, helper->symbol);
    helper->why[0] = '\0';
    if (!helper->function)
        (void)snprintf(helper->why, sizeof(helper->why), "'%s' has no '%s'", helper->file, helper->symbol);
}

static void load_phone(void)
{
    load(&phone);
}

static void load_audio(void)
{
    load(&audio);
}

int helper_phone(const char *text, const char *region, char ret_e164[24], bool *ret_is_valid,
                 struct sb_error *err)
{
    helper_phone_fn function = NULL;
    int is_valid = 0;

    (void)pthread_once(&phone.once, load_phone);
    if (!phone.function)
        return sb_fail(err, SB_ECONFIG, "%s", phone.why);
    memcpy(&function, &phone.function, sizeof(function));
    int rc = function(text, region, ret_e164, &is_valid);
    if (rc == -2)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    if (rc < 0)
        return sb_fail(err, SB_EINPUT, "not a telephone number");
    *ret_is_valid = is_valid != 0;
    return 0;
}

int helper_audio(const char *path, uint32_t rate, struct helper_audio *ret_audio, struct sb_error *err)
{
    helper_audio_fn function = NULL;
    char why[200] = "";

    (void)pthread_once(&audio.once, load_audio);
    if (!audio.function)
        return sb_fail(err, SB_ECONFIG, "%s", audio.why);
    memcpy(&function, &audio.function, sizeof(function));
    const char *name = strrchr(path, '/');
    if (function(path, rate, ret_audio, why) < 0)
        return sb_fail(err, SB_EINPUT, "cannot decode '%s': %s", name ? name + 1 : path, why);
    return 0;
}
