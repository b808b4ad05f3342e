/* Shared objects looked at from outside: kind, machine, and whether all of it is there. */
#include "plugin/loader_elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/scope.h"

enum { HEADERS_MAX = 256 };

#if __ELF_NATIVE_CLASS == 64
enum { CLASS_HERE = ELFCLASS64, BITS_HERE = 64 };
#else
enum { CLASS_HERE = ELFCLASS32, BITS_HERE = 32 };
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { DATA_HERE = ELFDATA2LSB };
#else
enum { DATA_HERE = ELFDATA2MSB };
#endif

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;

static bool read_at(int fd, void *out, size_t size, uint64_t offset)
{
    return pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* The machine that this program itself was built for; the kernel has checked it. */
static int machine_here(uint16_t *ret_machine)
{
    AUTO_FD self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    elf_header header;

    if (self < 0 || !read_at(self, &header, sizeof(header), 0))
        return -1;
    *ret_machine = header.e_machine;
    return 0;
}

static int check_header(const elf_header *header, struct sb_error *err)
{
    uint16_t machine = header->e_machine;

    if (header->e_ident[EI_CLASS] != CLASS_HERE)
        return sb_fail(err, SB_ECONFIG, "it is for another machine: not %d-bit", BITS_HERE);
    if (header->e_ident[EI_DATA] != DATA_HERE)
        return sb_fail(err, SB_ECONFIG, "it is for another machine: the other byte order");
    if (machine_here(&machine) == 0 && machine != header->e_machine)
        return sb_fail(err, SB_ECONFIG, "it is for another machine: ELF machine %u, not %u",
                       header->e_machine, machine);
    if (header->e_type != ET_DYN)
        return sb_fail(err, SB_ECONFIG, "it is not a shared object");
    if (header->e_phentsize != sizeof(elf_segment) || header->e_phnum == 0 || header->e_phnum > HEADERS_MAX)
        return sb_fail(err, SB_ECONFIG, "its program headers are damaged");
    return 0;
}

static int cut_short(struct sb_error *err, uint64_t has, uint64_t needs)
{
    return sb_fail(err, SB_ECONFIG, "it is cut short: %llu of at least %llu bytes", (unsigned long long)has,
                   (unsigned long long)needs);
}

/* Where the part of `size` bytes at `offset` ends; the largest number when that cannot be. */
static uint64_t end_of(uint64_t offset, uint64_t size)
{
    return offset > UINT64_MAX - size ? UINT64_MAX : offset + size;
}

static int check_extents(int fd, const elf_header *header, uint64_t size, struct sb_error *err)
{
    uint64_t end = end_of(header->e_phoff, (uint64_t)header->e_phnum * header->e_phentsize);

    if (end > size)
        return cut_short(err, size, end);
    for (uint16_t i = 0; i < header->e_phnum; i++) {
        elf_segment segment;
        if (!read_at(fd, &segment, sizeof(segment), header->e_phoff + (uint64_t)i * sizeof(segment)))
            return sb_fail(err, SB_ECONFIG, "it cannot be read");
        end = end_of(segment.p_offset, segment.p_filesz);
        if (segment.p_type == PT_LOAD && end > size)
            return cut_short(err, size, end);
    }
    /* The section headers come last. The linker does without them, but a copy that lacks them was interrupted. */
    end = end_of(header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize);
    return header->e_shoff > 0 && end > size ? cut_short(err, size, end) : 0;
}

int loader_check_elf(const char *path, struct sb_error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    elf_header header;
    struct stat info;

    if (fd < 0 || fstat(fd, &info) < 0)
        return sb_fail(err, SB_ECONFIG, "it cannot be opened: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return sb_fail(err, SB_ECONFIG, "it is not a file");
    if (info.st_size == 0)
        return sb_fail(err, SB_ECONFIG, "it is empty");
    memset(&header, 0, sizeof(header));
    ssize_t got = pread(fd, &header, sizeof(header), 0);
    if (got < SELFMAG || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return sb_fail(err, SB_ECONFIG, "it is not a shared object (no ELF file)");
    if (got < (ssize_t)sizeof(header))
        return cut_short(err, (uint64_t)info.st_size, sizeof(header));
    int rc = check_header(&header, err);
    return rc < 0 ? rc : check_extents(fd, &header, (uint64_t)info.st_size, err);
}
