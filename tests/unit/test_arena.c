/* Zeroed, aligned, bounded. */
#include <stdalign.h>

#include "base/arena.h"
#include "check.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    assert_non_null(arena);

    for (size_t size = 0; size < 3000; size = size * 2 + 1) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_non_null(memory);
        CHECK_INT("aligned", 0, (uintptr_t)memory % alignof(max_align_t));
        for (size_t i = 0; i < size; i++)
            CHECK_INT("zero", 0, memory[i]);
        memset(memory, 0xAA, size); /* must not show in the next piece */
    }
    arena_free(arena);
    arena_free(NULL);
}

static void limit_is_kept(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    size_t count = 0;

    while (arena_alloc(arena, 64))
        count++;
    CHECK_INT("all of it, and no more", 64, count);
    CHECK_INT("used", 4096, arena_used(arena));
    assert_null(arena_alloc(arena, 1));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX - 8));
    arena_free(arena);
}

static void one_piece_may_be_larger_than_a_block(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    char *large = arena_alloc(arena, 300000);

    assert_non_null(large);
    memset(large, 'x', 300000);
    assert_non_null(arena_alloc(arena, 10));
    arena_free(arena);
}

static void text_is_copied(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);

    CHECK_STR("strdup", "abc", arena_strdup(arena, "abc"));
    CHECK_STR("strdup of nothing", NULL, arena_strdup(arena, NULL));
    CHECK_STR("strndup cuts", "ab", arena_strndup(arena, "abc", 2));
    CHECK_STR("strndup stops at the end", "abc", arena_strndup(arena, "abc", 20));
    CHECK_STR("printf", "7/x", arena_printf(arena, "%d/%s", 7, "x"));
    CHECK_STR("empty", "", arena_printf(arena, "%s", ""));
    assert_null(arena_printf(arena, "%5000d", 1));
    const char *after = arena_alloc(arena, 64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(0, after[i]); /* nothing is left of the text that did not fit */
    const char *long_text = arena_printf(arena, "%02000d", 7); /* fits no block that is there */
    assert_int_equal(2000, strlen(long_text));
    arena_free(arena);
}

static void wiping_overwrites_all_of_it(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    char *small = arena_strdup(arena, "secret");
    char *large = arena_alloc(arena, 100000);

    memset(large, 's', 100000);
    arena_wipe(arena);
    for (size_t i = 0; i < 100000; i++)
        CHECK_INT("large", 0, large[i]);
    CHECK_STR("small", "", small);
    arena_wipe(NULL);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),         cmocka_unit_test(limit_is_kept),
        cmocka_unit_test(one_piece_may_be_larger_than_a_block), cmocka_unit_test(text_is_copied),
        cmocka_unit_test(wiping_overwrites_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
