/* jansson over the lists of freed blocks: documents stay whole, also when threads make and free them together. */
#include <pthread.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/json_memory.h"
#include "unit/check.h"

enum { THREADS = 4, ROUNDS = 300, MEMBERS = 40 };

static json_t *make_document(int seed)
{
    json_t *document = json_object();
    char name[32];

    for (int i = 0; i < MEMBERS; i++) {
        (void)snprintf(name, sizeof(name), "member %d of %d", i, seed);
        json_t *value = json_pack("{s:i, s:s, s:[f, b, n]}", "number", i * seed, "text", name, "list",
                                  (double)i / 8, i % 2);
        assert_non_null(value);
        assert_int_equal(json_object_set_new(document, name, value), 0);
    }
    return document;
}

/* Makes, copies, writes and reads again, with many alive at once, so that blocks change hands. */
static void *churn(void *ctx)
{
    int seed = *(int *)ctx;
    json_t *kept[8] = { NULL };

    for (int round = 0; round < ROUNDS; round++) {
        json_t *document = make_document(seed + round);
        char *text = json_dumps(document, JSON_COMPACT);
        json_t *again = text ? json_loads(text, 0, NULL) : NULL;
        if (!again || !json_equal(document, again))
            return ctx;
        free(text); /* a text that jansson gives away is freed by whoever has it */
        json_decref(document);
        json_decref(kept[round % 8]);
        kept[round % 8] = again;
    }
    for (size_t i = 0; i < ROWS(kept); i++)
        json_decref(kept[i]);
    return NULL;
}

static void documents_stay_whole_in_every_thread(void **state)
{
    pthread_t threads[THREADS];
    int seeds[THREADS];

    (void)state;
    json_memory_init();
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = 1 + i * 1000;
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static void *free_document(void *ctx)
{
    json_decref(ctx);
    return NULL;
}

static void a_document_may_be_freed_by_another_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        json_t *document = make_document(i), *other = make_document(i);
        assert_int_equal(pthread_create(&thread, NULL, free_document, document), 0);
        assert_int_equal(pthread_join(thread, NULL), 0); /* its list goes with it */
        document = make_document(i);
        assert_true(json_equal(document, other));
        json_decref(document);
        json_decref(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_stay_whole_in_every_thread),
        cmocka_unit_test(a_document_may_be_freed_by_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
