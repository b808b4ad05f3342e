/* A growing piece of text that cannot pass its ceiling. */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 128 };

/* What `data` points to while nothing is owned. Never written: every writer reserves first. */
static char *empty_text(void)
{
    static const char empty[1] = "";

    return (char *)(uintptr_t)empty;
}

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .data = empty_text(), .max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4 };
}

void buf_done(struct buf *buf)
{
    if (!buf)
        return;
    if (buf->cap > 0)
        free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->cap > 0)
        buf->data[0] = '\0';
}

/* Makes room for `size` more bytes and the NUL. */
static bool buf_reserve(struct buf *buf, size_t size)
{
    assert(buf->len <= buf->max);
    if (buf->failed)
        return false;
    if (size > buf->max - buf->len) {
        buf->failed = true;
        return false;
    }

    size_t need = buf->len + size + 1;
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : FIRST_CAP;
    while (cap < need)
        cap *= 2;
    if (cap > buf->max + 1)
        cap = buf->max + 1;
    char *data = realloc(buf->cap ? buf->data : NULL, cap);
    if (!data) {
        buf->failed = true;
        buf->ran_out = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

void buf_add(struct buf *buf, const char *data, size_t size)
{
    if (!buf_reserve(buf, size))
        return;
    if (size > 0)
        memcpy(buf->data + buf->len, data, size);
    buf->len += size;
    buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, fmt, args);
    if (size < 0)
        buf->failed = true;
    else if (buf_reserve(buf, (size_t)size)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)size + 1, fmt, again); /* measured above */
        buf->len += (size_t)size;
    }
    va_end(again);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(buf, fmt, args);
    va_end(args);
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
    /* An empty buffer owns nothing yet, but its taker frees what it gets. */
    if (!buf_reserve(buf, 0)) {
        buf_done(buf);
        return NULL;
    }

    char *text = buf->data;
    text[buf->len] = '\0';
    if (ret_len)
        *ret_len = buf->len;
    buf_init(buf, buf->max);
    return text;
}
