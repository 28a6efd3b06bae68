/* SPDX-License-Identifier: Apache-2.0 */
/* The released vocabulary of Llama 3, where it is to be had: $WEFT_LLAMA3_TOKENIZER, or
 * ../shared/data/llama3/tokenizer.model beside the source tree. It is not ours to ship; its vectors
 * are. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[1024];

static txt_tokenizer *released(fake_host *h)
{
    static char dir[1024];
    fake_host_init(h, NULL, 0);
    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash == NULL || strcmp(slash, "/tokenizer.model") != 0)
        fail_msg("WEFT_LLAMA3_TOKENIZER should name a file tokenizer.model by its path");
    *slash = '\0';
    return tokenizer_open(h, fake_package_open(h, dir));
}

static void test_vectors(void **state)
{
    (void)state;
    fake_host      h;
    txt_tokenizer *t = released(&h);
    vectors_check(t, "vectors.json");
    chats_check(t, "chat.json");
    assert_int_equal(t->bos, 128000);
    assert_int_equal(t->vocab.n_ids, 128256);
    assert_int_equal(t->vocab.longest, 128);
    txt_tokenizer_destroy(t);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

/* The figure for one letter, in counted work: 1 MiB costs at most 20 times 64 KiB. */
static void test_one_letter(void **state)
{
    (void)state;
    enum { SMALL = 1 << 16, LARGE = 1 << 20 };
    static char    text[LARGE];
    fake_host      h;
    txt_tokenizer *t = released(&h);
    txt_scratch    small, large;
    txt_sink       out = {NULL, 0, 0};
    txt_scratch_init(&small, &h.host);
    txt_scratch_init(&large, &h.host);
    memset(text, 'a', sizeof text);
    assert_int_equal(txt_encode_into(t, text, SMALL, 0, &small, &out, NULL), WEFT_OK);
    assert_int_equal(txt_encode_into(t, text, LARGE, 0, &large, &out, NULL), WEFT_OK);
    assert_true(large.work <= 20 * small.work);
    txt_scratch_free(&small);
    txt_scratch_free(&large);
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_one_letter),
    };
    const char *given = getenv("WEFT_LLAMA3_TOKENIZER");
    if (given != NULL)
        snprintf(path, sizeof path, "%s", given);
    else
        snprintf(path, sizeof path, "%s/../shared/data/llama3/tokenizer.model", WEFT_SOURCE_DIR);
    if (access(path, R_OK) != 0) {
        printf("skipped: Llama 3's tokenizer.model is not here (WEFT_LLAMA3_TOKENIZER names it)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
