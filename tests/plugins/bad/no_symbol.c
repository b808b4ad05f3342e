/* A library, and no plugin. */
extern __attribute__((visibility("default"))) int answer(void);

int answer(void)
{
    return 42;
}
