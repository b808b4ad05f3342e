/* JSON documents as text: byte for byte what jansson writes with JSON_COMPACT | JSON_ENCODE_ANY, in a small part of the
 * time. Jansson decodes every character and prints the address of every object and list for its watch over cycles; most of
 * what a new conversation cost was that. It still writes numbers, and whatever nests deeper than documents do. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum json_order {
    JSON_ORDER_KEPT,  /* members as they were put in */
    JSON_ORDER_SORTED /* members by the bytes of their names, as JSON_SORT_KEYS does */
};

typedef void (*json_piece_fn)(void *ctx, const char *text, size_t size);

/* Gives the text of `value` (borrowed) to `fn` in pieces, which it borrows. Any thread, as long as nobody changes the
 * document. False when out of memory, or for what JSON cannot say: a text that is not UTF-8, a document that contains
 * itself; some pieces may have been given then. */
bool json_write(const json_t *value, enum json_order order, json_piece_fn fn, void *ctx);

#endif
