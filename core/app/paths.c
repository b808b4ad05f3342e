/* Folders that belong to the program: those of the build when it was not installed. */
#include "app/paths.h"

#include <limits.h>
#include <stdbool.h>
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

/* `name` beside the program, else `installed`. */
static char *beside_or(const char *name, const char *installed)
{
    AUTO_STR dir = program_dir();
    AUTO_STR beside = dir ? file_join(dir, name) : NULL;

    return is_dir(beside) ? TAKE(beside) : strdup(installed);
}

char *paths_plugins(void)
{
    return beside_or("plugins", SB_PLUGIN_DIR);
}

char *paths_share(void)
{
    return strdup(SB_SHARE_DIR);
}
