/* Memory of the simulator, which has no way to go on without: a failure ends the program with a message. */
#ifndef TESTS_SIMULATION_MEMORY_H
#define TESTS_SIMULATION_MEMORY_H

#include <stddef.h>

void *sim_new(size_t size); /* zeroed */
void *sim_grow(void *block, size_t count, size_t size);
char *sim_copy(const char *text);                     /* NULL gives NULL */
void *sim_copy_bytes(const void *bytes, size_t size); /* with a NUL behind them */
/* What must not happen: ends the program with the text. */
_Noreturn void sim_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
