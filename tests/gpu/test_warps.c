/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of whole warps and blocks on a GPU: what the interpreter is held against
 * (tests/cuda/warps.h) is true of it. */
#include "ptx.h"

#include <string.h>

#include "tests/cuda/text_head.h"

static void run_right(const char *body, uint32_t threads, uint64_t seed)
{
    const bool fp8 = strstr(body, "e4m3") != NULL;
    char       text[8192];
    (void)seed; /* the GPU's own order */
    if (fp8 && ptx_capability() < 89)
        skip();
    for (int k = 0; k < WORDS; k++)
        in[k] = rig_random();
    text_module(body, fp8 ? "sm_89" : "sm_80", text, sizeof text);
    wf_image *code = ptx_load(text);
    ptx_call(code, "t", threads, in, WORDS * sizeof *in + TAIL, out, sizeof out);
    wf_image_unload(rig_gpu, code);
}

#include "tests/cuda/warps.h"

static const struct CMUnitTest tests[] = {WARP_TESTS};

int main(void)
{
    return RIG_MAIN(tests, false);
}
