/* Runs a fuzzer over the files of a folder, once each: for builds without libFuzzer. */
#include <dirent.h>

#include "fuzz/fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static void replay(const char *folder, const char *name)
{
    static uint8_t data[INPUT_MAX];
    char path[1024];

    FUZZ_CHECK(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
    FILE *file = fopen(path, "r");
    FUZZ_CHECK(file);
    size_t size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    FUZZ_CHECK(argc == 2);
    DIR *folder = opendir(argv[1]);
    FUZZ_CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') {
            replay(argv[1], entry->d_name);
            count++;
        }
    (void)closedir(folder);
    FUZZ_CHECK(count > 0);
    (void)printf("%u inputs\n", count);
    return 0;
}
