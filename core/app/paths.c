/* Folders that belong to the program, seen from where it is: those of the build when it was not installed. */
#include "app/paths.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/scope.h"

static bool is_dir(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *program_dir(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (size <= 0)
        return NULL;
    path[size] = '\0';
    return file_dir(path);
}

/* The first of the folders that is there, seen from the program's own; else `configured`. Ends with NULL. */
static char *first_of(const char *const *names, const char *configured)
{
    AUTO_STR dir = program_dir();

    for (; dir && *names; names++) {
        AUTO_STR path = file_join(dir, *names);
        if (is_dir(path))
            return realpath(path, NULL);
    }
    return strdup(configured);
}

char *paths_plugins(void)
{
    static const char *const names[] = { "plugins", SB_LIB_FROM_BIN "/plugins", NULL };

    return first_of(names, SB_PLUGIN_DIR);
}

char *paths_share(void)
{
    static const char *const names[] = { SB_SHARE_FROM_BIN, NULL };

    return first_of(names, SB_SHARE_DIR);
}
