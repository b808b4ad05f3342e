/* A configuration as the program reads it, in an environment of the test's own, and single values of it. */
#ifndef TESTS_UNIT_CONF_LOAD_H
#define TESTS_UNIT_CONF_LOAD_H

#include "base/buf.h"
#include "check.h"
#include "conf_fixture.h"

static inline struct conf *load(const char *path, const char *const *environment)
{
    const struct conf_source source = { .lookup = fixture_lookup, .ctx = (void *)(uintptr_t)environment };
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = NULL;

    if (conf_load(path, &source, &conf, &err) < 0)
        CHECK_STR(path, "", err.text);
    fixture_check(conf);
    return conf;
}

/* The diagnostics as text; free it. */
static inline char *told(struct conf *conf)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    conf_write_diagnostics(conf, &out);
    return buf_take(&out, NULL);
}

static inline const struct conf_value *value_of(const struct conf *conf, const char *block,
                                                const char *option)
{
    const struct conf_block *found = conf_find_block(conf, block);
    assert_non_null(found);
    const struct conf_value *value = conf_find_value(found, option);
    assert_non_null(value);
    return value;
}

#endif
