/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the properties of the first GPU as cuDNN tells them, in JSON: what tests/cuda/test_plans.c
 * makes plans for. Exit code 1, with a sentence, where there is no GPU or no cuDNN. */
#include <stdio.h>
#include <stdlib.h>

#include "cuda/dnn.h"

enum { DEVICEPROP = 38, DEVICEPROP_ID = 2700, DEVICEPROP_JSON = 2702, INT32 = 23, CHAR = 24 };

static int fail(const char *why)
{
    fprintf(stderr, "no properties: %s\n", why);
    return 1;
}

int main(void)
{
    wf_cudnn      api;
    char          why[WF_CUDNN_WHY];
    const int32_t device = 0;
    void         *d = NULL;
    int64_t       n = 0;
    if (!wf_cudnn_open(&api, why))
        return fail(why);
    if (api.BackendCreateDescriptor(DEVICEPROP, &d) != 0 ||
        api.BackendSetAttribute(d, DEVICEPROP_ID, INT32, 1, &device) != 0 ||
        api.BackendFinalize(d) != 0 ||
        api.BackendGetAttribute(d, DEVICEPROP_JSON, CHAR, 0, &n, NULL) != 0 || n <= 0)
        return fail("cuDNN does not tell them");
    char *text = calloc((size_t)n + 1, 1);
    if (text == NULL || api.BackendGetAttribute(d, DEVICEPROP_JSON, CHAR, n, &n, text) != 0)
        return fail("cuDNN does not tell them");
    puts(text);
    free(text);
    (void)api.BackendDestroyDescriptor(d);
    return 0;
}
