/* Functions that nobody calls here, as compile errors. Forced into every C file by tools/cmake/Compile.cmake;
 * the headers come first, because a poisoned name may not even be declared afterwards.
 *
 *   strcpy strcat strncpy sprintf strtok   build text with base/buf.h, which cannot overrun
 *   atoi                                   base/parse.h looks at the whole text and its range
 *   gmtime localtime                       base/timefmt.h needs no shared buffer and no zone of the machine
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf /* a macro of the fortified headers under clang */
#pragma GCC poison strcpy strcat strncpy sprintf strtok atoi gmtime localtime

#endif
