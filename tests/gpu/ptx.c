/* SPDX-License-Identifier: Apache-2.0 */
/* ptx.h says what for. */
#include "ptx.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 16 /* bytes behind `in` that a copy of 16 bytes may reach over */

wf_image *ptx_load(const char *text)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    wf_image  *code = NULL;
    rig_ok(wf_image_load(rig_gpu, text, strlen(text) + 1, &code, &err), &err);
    return code;
}

static void no_cpu_body(const weft_range *range, void *const *args)
{
    (void)range, (void)args;
}

void ptx_call(wf_image *code, const char *function, uint32_t threads, const void *in,
              uint64_t in_bytes, void *out, uint64_t out_bytes)
{
    static const uint32_t sizes[] = {sizeof(void *), sizeof(void *)};
    const wf_kernel_decl  decl = {function, function, no_cpu_body, sizes, 2, 0};
    const wf_launch       l = {1, 1, {1, 1, 1}, {threads, 1, 1}, 0, 0};
    weft_error            err = {.hdr = WEFT_HDR(weft_error)};
    wf_kernel            *k = NULL;
    void                 *x, *y, *args[] = {&y, &x};
    rig_ok(wf_kernel_create(rig_gpu, code, &decl, &k, &err), &err);
    rig_ok(wf_device_alloc(rig_gpu, in_bytes + ROOM, &x, &err), &err);
    rig_ok(wf_device_alloc(rig_gpu, out_bytes, &y, &err), &err);
    rig_ok(wf_queue_upload(rig_gpu_queue, x, in, in_bytes, &err), &err);
    rig_ok(wf_queue_zero(rig_gpu_queue, y, out_bytes, &err), &err);
    rig_ok(wf_queue_launch(rig_gpu_queue, k, &l, args, &err), &err);
    rig_ok(wf_queue_download(rig_gpu_queue, out, y, out_bytes, &err), &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
    wf_device_free(rig_gpu, x);
    wf_device_free(rig_gpu, y);
    wf_kernel_destroy(&k);
}

int ptx_capability(void)
{
    const char *digits = strpbrk(rig_gpu->isa, "0123456789");
    assert_non_null(digits);
    return atoi(digits);
}
