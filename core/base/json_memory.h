/* Memory for JSON documents: thousands of small blocks that come and go together. */
#ifndef BASE_JSON_MEMORY_H
#define BASE_JSON_MEMORY_H

/* Gives jansson an allocator that keeps freed small blocks ready, a bounded number for each thread. Before the first
 * document of the process. Does nothing under a sanitizer, which wants to see every block. The blocks are malloc's own:
 * free() stays right for texts that jansson gives away. */
void json_memory_init(void);

#endif
