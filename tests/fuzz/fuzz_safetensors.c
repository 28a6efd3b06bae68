/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a safetensors file. What opens must keep its promises: names sorted and found again,
 * bytes within the file and readable. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/io/safetensors.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

static void tensor_check(const wf_st_file *f, uint64_t i)
{
    const wf_st_tensor *t = &f->tensors[i];
    unsigned char       byte;
    CHECK(i == 0 || strcmp(f->tensors[i - 1].name, t->name) < 0);
    CHECK(wf_st_find(f, t->name) == t);
    CHECK(t->rank >= 0 && t->rank <= WF_ST_MAX_RANK);
    CHECK(t->bytes <= f->file.bytes && t->begin <= f->file.bytes - t->bytes);
    CHECK((wf_st_numel(t) == 0) == (t->bytes == 0));
    if (t->bytes != 0) {
        CHECK(wf_st_read(f, t, 0, &byte, 1, NULL) == WEFT_OK);
        CHECK(wf_st_read(f, t, t->bytes - 1, &byte, 1, NULL) == WEFT_OK);
    }
    CHECK(wf_st_read(f, t, t->bytes, &byte, 1, NULL) != WEFT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char       path[64];
    wf_st_file f;
    weft_error err = WF_ERROR_INIT;
    if (fd < 0)
        fd = memfd_create("input", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
    CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (wf_st_open(path, &f, &err) != WEFT_OK) {
        CHECK(err.message[0] != '\0' && strstr(err.message, path) != NULL);
        return 0;
    }
    for (uint64_t i = 0; i < f.n_tensors; i++)
        tensor_check(&f, i);
    wf_st_close(&f);
    return 0;
}
