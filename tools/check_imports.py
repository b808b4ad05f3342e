#!/usr/bin/env python3
"""Checks that plugins are pure: what they import, what they export, and that they keep no state.

usage: check_imports.py FILE-OR-FOLDER...

A plugin may use strings, maths, conversions, the public sb_ functions and jansson without its file functions. It may not
reach the disk, the network, the clock, chance, threads or the environment: the core does that. It exports its descriptor
and nothing else, and has no variable that could change. Exit codes: 0 clean, 1 not, 2 usage, 77 nothing to check (a
sanitizer's build imports what the sanitizer needs).
"""
import os
import re
import subprocess
import sys

HEADERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "include", "switchboard")
DESCRIPTOR = "switchboard_plugin"
SKIPPED = 77

STRINGS = """
    memcpy memmove memset memcmp memchr memrchr memmem mempcpy rawmemchr
    strlen strnlen strcmp strncmp strcasecmp strncasecmp strchr strrchr strchrnul strstr strcasestr strspn strcspn
    strpbrk stpcpy stpncpy strsep strtok_r
    __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc isalnum isalpha isblank iscntrl isdigit isgraph islower isprint
    ispunct isspace isupper isxdigit tolower toupper
"""
CONVERSIONS = """
    strtol strtoll strtoul strtoull strtod strtof strtold strtoimax strtoumax
    __isoc23_strtol __isoc23_strtoll __isoc23_strtoul __isoc23_strtoull
    snprintf vsnprintf sscanf __isoc99_sscanf __isoc23_sscanf
    qsort bsearch abs labs llabs div ldiv lldiv
"""
MATHS = """
    acos asin atan atan2 cbrt ceil copysign cos cosh erf exp exp2 expm1 fabs fdim floor fma fmax fmin fmod frexp hypot ldexp
    llrint llround log log10 log1p log2 logb lrint lround modf nearbyint pow remainder rint round scalbn sin sinh sqrt tan
    tanh trunc
"""
START = """
    __cxa_finalize __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __stack_chk_fail __assert_fail
"""
# FORTIFY's checked forms of what is allowed above.
CHECKED = {"__%s_chk" % name for name in (STRINGS + CONVERSIONS).split()}
ALLOWED = set((STRINGS + CONVERSIONS + MATHS + START).split()) | CHECKED | {"%sf" % name for name in MATHS.split()}

# jansson's doors to files, descriptors and callbacks, and what changes it for the whole process.
JANSSON_REFUSED = re.compile(
    r"json_(load_file|loadf|loadfd|load_callback|dump_file|dumpf|dumpfd|dump_callback|set_alloc_funcs2?|get_alloc_funcs2?"
    r"|object_seed)$")

# The library that a plugin of CPU work is built around.
DECLARED = {
    "pocketsphinx": {
        "libraries": re.compile(r"lib(pocketsphinx|sphinxbase)\.so"),
        "symbols": re.compile(r"(ps|cmd_ln|logmath|err|ngram|jsgf|fsg_model)_\w+$"),
    },
}
LIBRARIES = re.compile(r"(libc|libm|libjansson|libgcc_s|ld-linux[\w-]*)\.so")

# What the compiler and the linker put into every object.
LINKER_STATE = re.compile(r"(completed\.\d+|__dso_handle|__TMC_END__|_edata|_end|__bss_start|__frame_dummy_init_array_entry"
                          r"|__do_global_dtors_aux_fini_array_entry)$")


def public_functions():
    """The names that the public headers declare."""
    names = set()
    for header in os.listdir(HEADERS):
        with open(os.path.join(HEADERS, header), encoding="utf-8") as file:
            names.update(re.findall(r"\b(sb_\w+)\s*\(", file.read()))
    return names


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(path, *flags):
    """Names of dynamic symbols, without their versions."""
    lines = run("nm", "-D", *flags, path).splitlines()
    return [line.split()[-1].split("@")[0] for line in lines if line.strip()]


def variables(path):
    """Objects in sections that can be written while the program runs."""
    found = []
    for line in run("objdump", "-t", path).splitlines():
        # address, flags, section, size, name
        match = re.match(r"[0-9a-f]+ .{7} (\.(?:data|bss|tdata|tbss)(?:\.(?!rel\.ro)\S*)?)\s+([0-9a-f]+)\s+(?:\.\w+ )?(\S+)$",
                         line)
        if match and int(match.group(2), 16) > 0 and not LINKER_STATE.match(match.group(3)):
            found.append(match.group(3))
    return found


def needed(path):
    return re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", path))


def is_allowed(name, public, declared):
    if name in ALLOWED or name in public:
        return True
    if name.startswith("json_"):
        return not JANSSON_REFUSED.match(name)
    return bool(declared and declared["symbols"].match(name))


def check(path, public):
    """The complaints about one plugin; None when it cannot be judged."""
    declared = DECLARED.get(os.path.basename(path).removesuffix(".so"))
    imports = symbols(path, "--undefined-only")
    if any(re.match(r"__(asan|tsan|ubsan|msan|sanitizer|gcov|llvm)_", name) for name in imports):
        return None
    complaints = ["imports '%s'" % name for name in imports if not is_allowed(name, public, declared)]
    for library in needed(path):
        if not LIBRARIES.match(library) and not (declared and declared["libraries"].match(library)):
            complaints.append("needs the library '%s'" % library)
    exports = symbols(path, "--defined-only")
    complaints += ["exports '%s'" % name for name in exports if name != DESCRIPTOR]
    if DESCRIPTOR not in exports:
        complaints.append("exports no '%s'" % DESCRIPTOR)
    complaints += ["has the variable '%s'" % name for name in variables(path)]
    return complaints


def find_plugins(arguments):
    for argument in arguments:
        if os.path.isdir(argument):
            names = sorted(name for name in os.listdir(argument) if name.endswith(".so"))
            yield from (os.path.join(argument, name) for name in names)
        else:
            yield argument


def main(arguments):
    if not arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    public = public_functions()
    checked = complaints = 0
    plugins = list(find_plugins(arguments))
    for path in plugins:
        found = check(path, public)
        if found is None:
            continue
        checked += 1
        complaints += len(found)
        for complaint in found:
            print("%s: %s" % (path, complaint))
    if not plugins:
        print("no plugins in %s" % ", ".join(arguments), file=sys.stderr)
        return 1
    if checked == 0:
        return SKIPPED
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
