/* Plugins found by name and loaded through libltdl.
 *
 * libltdl binds lazily, says "file not found" for whatever cannot be loaded, and leaves dlerror() empty. So each file is
 * first looked at, then opened by dlopen() with every symbol bound, which gives the true reason and keeps the object as
 * it is; libltdl then takes the object that is there already. */
#include "plugin/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <ltdl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/scope.h"
#include "plugin/loader_elf.h"

enum { DIRS_MAX = 16, PLUGINS_MAX = 256, NAME_SIZE_MAX = 40, PATH_SIZE_MAX = 4096 };

static const char suffix[] = ".so";
static const char symbol[] = "switchboard_plugin";

/* One plugin that was loaded. */
struct entry {
    struct sb_plugin plugin; /* a copy: what an older minor version does not have is zero */
    char *path;              /* owned; NULL for a linked one */
    void *bound;             /* dlopen's, which keeps every symbol bound */
    lt_dlhandle handle;
};

struct loader {
    char *dirs[DIRS_MAX]; /* owned */
    size_t dir_count;
    struct entry *entries[PLUGINS_MAX]; /* owned */
    size_t entry_count;
    struct log *log;
    bool is_ltdl_up;
};

_Static_assert(offsetof(struct sb_plugin, abi) == 0, "abi is read before any other field is trusted");
_Static_assert(offsetof(struct sb_plugin, size) == sizeof(uint32_t), "and size next");

/* The first version had everything up to and with `steps`; a descriptor without them cannot do anything. */
static const size_t DESCRIPTOR_SIZE_MIN = offsetof(struct sb_plugin, steps) + sizeof(void *);

/* ---- life ---------------------------------------------------------------------------------------------- */

static void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    if (entry->handle)
        (void)lt_dlclose(entry->handle); /* nothing can be done about a plugin that will not go */
    if (entry->bound)
        (void)dlclose(entry->bound);
    free(entry->path);
    free(entry);
}

struct loader *loader_new(const char *const *dirs, struct log *log, struct sb_error *err)
{
    struct loader *loader = calloc(1, sizeof(*loader));

    if (!loader) {
        (void)sb_fail(err, SB_ENOMEM, "cannot load plugins: out of memory");
        return NULL;
    }
    loader->log = log;
    if (lt_dlinit() != 0) {
        (void)sb_fail(err, SB_EINTERNAL, "cannot load plugins: %s", lt_dlerror());
        loader_free(loader);
        return NULL;
    }
    loader->is_ltdl_up = true;
    for (; dirs && *dirs; dirs++) {
        if (loader->dir_count == DIRS_MAX) {
            (void)sb_fail(err, SB_ECONFIG, "more than %d folders of plugins", DIRS_MAX);
            loader_free(loader);
            return NULL;
        }
        loader->dirs[loader->dir_count] = strdup(*dirs);
        if (!loader->dirs[loader->dir_count++]) {
            (void)sb_fail(err, SB_ENOMEM, "cannot load plugins: out of memory");
            loader_free(loader);
            return NULL;
        }
    }
    return loader;
}

void loader_free(struct loader *loader)
{
    if (!loader)
        return;
    for (size_t i = 0; i < loader->entry_count; i++)
        entry_free(loader->entries[i]);
    for (size_t i = 0; i < loader->dir_count; i++)
        free(loader->dirs[i]);
    if (loader->is_ltdl_up)
        (void)lt_dlexit(); /* the process ends, or another loader goes on */
    free(loader);
}

/* ---- finding ------------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= NAME_SIZE_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static bool make_path(const char *dir, const char *name, char ret_path[PATH_SIZE_MAX])
{
    int size = snprintf(ret_path, PATH_SIZE_MAX, "%s/%s%s", dir, name, suffix);

    return size > 0 && size < PATH_SIZE_MAX;
}

static int not_found(struct loader *loader, const char *name, struct sb_error *err)
{
    AUTO_BUF text;
    AUTO_JSON names = loader_names(loader);
    const char *known[PLUGINS_MAX + 1] = { NULL };

    buf_init(&text, SB_ERROR_TEXT_MAX);
    for (size_t i = 0; i < loader->dir_count; i++)
        buf_printf(&text, "%s'%s'", i ? ", " : "", loader->dirs[i]);
    for (size_t i = 0; i < json_array_size(names) && i < PLUGINS_MAX; i++)
        known[i] = json_string_value(json_object_get(json_array_get(names, i), "name"));
    const char *nearest = parse_nearest(name, known);
    return sb_fail(err, SB_ECONFIG, "no plugin '%s' in %s%s%s%s", name,
                   loader->dir_count ? text.data : "no folder", nearest ? "; did you mean '" : "",
                   nearest ? nearest : "", nearest ? "'?" : "");
}

/* The file of the plugin in `ret_path`. The same file by two ways is one; two files of one name are a mistake that would
 * make the order of folders decide what runs. */
static int find_file(struct loader *loader, const char *name, char ret_path[PATH_SIZE_MAX],
                     struct sb_error *err)
{
    struct stat first = { .st_ino = 0 }, info;
    char path[PATH_SIZE_MAX];
    bool is_found = false;

    for (size_t i = 0; i < loader->dir_count; i++) {
        if (!make_path(loader->dirs[i], name, path) || stat(path, &info) < 0)
            continue;
        if (is_found && (info.st_dev != first.st_dev || info.st_ino != first.st_ino))
            return sb_fail(err, SB_ECONFIG, "two plugins are called '%s': '%s' and '%s'; remove one", name,
                           ret_path, path);
        if (!is_found)
            memcpy(ret_path, path, sizeof(path));
        first = info;
        is_found = true;
    }
    return is_found ? 0 : not_found(loader, name, err);
}

/* ---- loading ------------------------------------------------------------------------------------------- */

/* The linker's words without the path, which the caller says anyway. */
static const char *without_path(const char *text, const char *path)
{
    size_t size = strlen(path);

    if (!text)
        return "for a reason that the system does not tell";
    return strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0 ? text + size + 2 : text;
}

static int open_file(struct entry *entry, struct sb_error *err)
{
    lt_dladvise advise;

    int rc = loader_check_elf(entry->path, err);
    if (rc < 0)
        return rc;
    entry->bound = dlopen(entry->path, RTLD_NOW | RTLD_LOCAL);
    if (!entry->bound)
        return sb_fail(err, SB_ECONFIG, "%s", without_path(dlerror(), entry->path));
    if (lt_dladvise_init(&advise) != 0)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    (void)lt_dladvise_local(&advise); /* the default of dlopen, too */
    entry->handle = lt_dlopenadvise(entry->path, advise);
    (void)lt_dladvise_destroy(&advise);
    return entry->handle ? 0 : sb_fail(err, SB_ECONFIG, "%s", lt_dlerror());
}

/* How large the exported object is, as the linker knows it; 0 when it does not. */
static size_t exported_size(const void *address)
{
    Dl_info info;
    const ElfW(Sym) *entry = NULL;

    if (!dladdr1(address, &info, (void **)(uintptr_t)&entry, RTLD_DL_SYMENT) || !entry)
        return 0;
    return entry->st_size;
}

static int check_version(const struct sb_plugin *found, size_t exported, struct sb_error *err)
{
    if (exported < 2 * sizeof(uint32_t))
        return sb_fail(err, SB_EINTERNAL, "its '%s' is not a descriptor", symbol);
    unsigned major = found->abi >> 16, minor = found->abi & 0xffff;
    unsigned our_major = SB_ABI >> 16, our_minor = SB_ABI & 0xffff;
    if (major != our_major)
        return sb_fail(err, SB_ECONFIG,
                       "it was built for plugin interface %u.%u; this program has %u.%u: rebuild it", major,
                       minor, our_major, our_minor);
    if (minor > our_minor)
        return sb_fail(
            err, SB_ECONFIG,
            "it was built for plugin interface %u.%u; this program has %u.%u: a newer program is needed",
            major, minor, our_major, our_minor);
    if (found->size < DESCRIPTOR_SIZE_MIN || found->size > exported)
        return sb_fail(err, SB_EINTERNAL, "its descriptor says that it has %u bytes and has %zu", found->size,
                       exported);
    return 0;
}

static int read_descriptor(struct entry *entry, const char *name, struct sb_error *err)
{
    const struct sb_plugin *found = lt_dlsym(entry->handle, symbol);

    if (!found)
        return sb_fail(err, SB_ECONFIG, "it is no plugin: it exports no '%s'", symbol);
    int rc = check_version(found, exported_size(found), err);
    if (rc < 0)
        return rc;
    size_t size = found->size < sizeof(entry->plugin) ? found->size : sizeof(entry->plugin);
    memcpy(&entry->plugin, found, size);
    rc = loader_check(&entry->plugin, err);
    if (rc < 0)
        return rc;
    if (strcmp(entry->plugin.name, name) != 0)
        return sb_fail(err, SB_ECONFIG, "it calls itself '%s': its file must be '%s%s'", entry->plugin.name,
                       entry->plugin.name, suffix);
    return 0;
}

static int load(struct entry *entry, const char *name, struct sb_error *err)
{
    struct sb_error why = SB_ERROR_INIT;

    int rc = open_file(entry, &why);
    if (rc == 0)
        rc = read_descriptor(entry, name, &why);
    if (rc < 0)
        return sb_fail(err, (enum sb_status)rc, "cannot load plugin '%s' from '%s': %s", name, entry->path,
                       why.text);
    return 0;
}

static int load_new(struct loader *loader, const char *name, const struct sb_plugin **ret_plugin,
                    struct sb_error *err)
{
    char path[PATH_SIZE_MAX] = "";

    int rc = find_file(loader, name, path, err);
    if (rc < 0)
        return rc;
    if (loader->entry_count == PLUGINS_MAX)
        return sb_fail(err, SB_ECONFIG, "more than %d plugins", PLUGINS_MAX);
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return sb_fail(err, SB_ENOMEM, "cannot load plugin '%s': out of memory", name);
    entry->path = strdup(path);
    rc = entry->path ? load(entry, name, err)
                     : sb_fail(err, SB_ENOMEM, "cannot load plugin '%s': out of memory", name);
    if (rc < 0) {
        entry_free(entry);
        return rc;
    }
    loader->entries[loader->entry_count++] = entry;
    *ret_plugin = &entry->plugin;
    LOG_DEBUG(loader->log, "loaded plugin", LOG_STR("plugin", name),
              LOG_STR("version", entry->plugin.version), LOG_STR("file", entry->path));
    return 0;
}

int loader_get(struct loader *loader, const char *name, const struct sb_plugin **ret_plugin,
               struct sb_error *err)
{
    if (!is_name(name))
        return sb_fail(err, SB_ECONFIG, "'%.60s' is not a plugin's name: a-z, 0-9 and _, at most %d", name,
                       NAME_SIZE_MAX);
    for (size_t i = 0; i < loader->entry_count; i++) {
        if (strcmp(loader->entries[i]->plugin.name, name) != 0)
            continue;
        *ret_plugin = &loader->entries[i]->plugin;
        return 0;
    }
    return load_new(loader, name, ret_plugin, err);
}

int loader_add(struct loader *loader, const struct sb_plugin *plugin, struct sb_error *err)
{
    int rc = loader_check(plugin, err);

    if (rc < 0)
        return rc;
    struct entry *entry = loader->entry_count < PLUGINS_MAX ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry)
        return sb_fail(err, SB_ENOMEM, "cannot add plugin '%s': out of memory", plugin->name);
    entry->plugin = *plugin;
    loader->entries[loader->entry_count++] = entry;
    return 0;
}

/* ---- listing ------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "name")),
                  json_string_value(json_object_get(*(json_t *const *)b, "name")));
}

/* Adds what looks like a plugin in `dir`, unless a folder before it has one of that name. */
static void list_dir(const char *dir, json_t *seen, json_t *names)
{
    DIR *stream = opendir(dir);
    char path[PATH_SIZE_MAX];

    for (const struct dirent *file; stream && (file = readdir(stream)) != NULL;) {
        size_t size = strlen(file->d_name);
        char name[NAME_SIZE_MAX + 1];
        if (size < sizeof(suffix) || size - (sizeof(suffix) - 1) > NAME_SIZE_MAX ||
            strcmp(file->d_name + size - (sizeof(suffix) - 1), suffix) != 0)
            continue;
        memcpy(name, file->d_name, size - (sizeof(suffix) - 1));
        name[size - (sizeof(suffix) - 1)] = '\0';
        if (!is_name(name) || !make_path(dir, name, path) || json_object_get(seen, name) ||
            json_array_size(names) == PLUGINS_MAX)
            continue;
        (void)json_object_set_new(seen, name, json_true());
        (void)json_array_append_new(names, json_pack("{s:s, s:s}", "name", name, "path", path));
    }
    if (stream)
        (void)closedir(stream); /* was only read */
}

json_t *loader_names(struct loader *loader)
{
    AUTO_JSON seen = json_object();
    AUTO_JSON found = json_array();
    json_t *items[PLUGINS_MAX];
    json_t *sorted = json_array();

    for (size_t i = 0; i < loader->dir_count; i++)
        list_dir(loader->dirs[i], seen, found);
    size_t count = json_array_size(found);
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(found, i);
    if (count > 0)
        qsort(items, count, sizeof(items[0]), compare_names);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(sorted, items[i]);
    return sorted;
}
